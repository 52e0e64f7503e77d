//! Sends somebody to sign in anew, more lately or more strongly than they did.
//!
//! Invariant: what is demanded goes with them to the provider, and the token that comes back is held against it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::SignedDuration;

use super::super::{House, Problem};
use super::verify::encoded;
use crate::domain::ids::DirectoryId;
use crate::flows::session::Demand;

/// More levels, or longer ones, are not taken from a request.
const MOST_LEVELS: usize = 8;
const LONGEST_LEVEL: usize = 200;

/// Levels of assurance as a query writes them, with blanks between.
pub(super) fn levels(text: &str) -> Vec<String> {
    text.split_ascii_whitespace()
        .filter(|level| level.len() <= LONGEST_LEVEL && level.bytes().all(|byte| byte.is_ascii_graphic()))
        .take(MOST_LEVELS)
        .map(str::to_owned)
        .collect()
}

/// What a query demands.
pub(super) fn demand(max_age: Option<u32>, acr: Option<&str>) -> Demand {
    Demand {
        max_age: max_age.map(|seconds| SignedDuration::from_secs(seconds.into())),
        acr_values: acr.map(levels).unwrap_or_default(),
    }
}

/// The same as part of a query.
pub(super) fn query(demand: &Demand) -> String {
    let max_age = demand.max_age_seconds().map(|age| format!("&max_age={age}")).unwrap_or_default();
    if demand.acr_values.is_empty() {
        return max_age;
    }
    let levels = demand.acr_values.join(" ");
    format!("{max_age}&acr_values={}", encoded(&levels, |byte| byte.is_ascii_alphanumeric()))
}

/// To sign in anew through the same directory, where there is one, and back to `path`.
pub(crate) fn away(house: &House, directory: &DirectoryId, demand: &Demand, path: Option<&str>) -> Response {
    let back = encoded(path.unwrap_or_default(), |byte| byte.is_ascii_alphanumeric() || byte == b'/');
    let base = house.ports.settings.server.public_url.path();
    // Whoever came by invitation has no directory to go back to, and chooses one.
    let through =
        if *directory == DirectoryId::local() { String::new() } else { format!("directory={directory}&") };
    let address = format!("{base}/sso/login?{through}return_to={back}{}", query(demand));
    Redirect::to(&address).into_response()
}

/// 401 for whoever asks without a browser (RFC 9470 §3).
pub(super) fn challenge(demand: &Demand) -> Response {
    let detail = "The sign-in is too old or too weak for this. Send the browser to /sso/login?return_to=… with the \
                  max_age and acr_values of WWW-Authenticate.";
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, "step_up_required", detail).into_response();
    let age = demand.max_age_seconds().map(|age| format!(", max_age=\"{age}\"")).unwrap_or_default();
    let levels = encoded(&demand.acr_values.join(" "), |byte| {
        (byte.is_ascii_graphic() || byte == b' ') && !matches!(byte, b'"' | b'\\')
    });
    let levels = if levels.is_empty() { levels } else { format!(", acr_values=\"{levels}\"") };
    let challenge = format!("Bearer error=\"insufficient_user_authentication\"{levels}{age}");
    if let Ok(value) = HeaderValue::from_str(&challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}
