//! Who stands at the door, by the session cookie.
//!
//! Invariant: asked anew at every request.

use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;

use super::super::pages::trouble;
use super::super::{House, RequestId};
use super::cookies::{self, Kind};
use super::verify::encoded;
use super::{refused, step_up};
use crate::flows::Refusal;
use crate::flows::session::{self, Demand, Presence, SignedInPerson, StepUp};

/// Who stands at the door.
pub(crate) async fn look(house: &House, headers: &HeaderMap, id: &RequestId) -> Result<Presence, Refusal> {
    match cookies::read(house, headers, Kind::Session) {
        Some(secret) => session::look(&house.ports, &secret, Some(id.0.clone())).await,
        None => Ok(Presence::Nobody),
    }
}

/// The secret of the browser's session, whether it still is one or not.
pub(crate) fn secret(house: &House, headers: &HeaderMap) -> Option<SecretString> {
    cookies::read(house, headers, Kind::Session)
}

/// `Set-Cookie` that takes the session's secret back from the browser.
pub(crate) fn dismiss(house: &House) -> Option<HeaderValue> {
    cookies::take(house, Kind::Session)
}

/// The person at the door of the page at `path`, perhaps with a query, whose sign-in is as fresh as the settings demand of
/// that page.
///
/// # Errors
///
/// The answer for everybody else: the way to sign in and back, or the page that says why not.
pub(crate) async fn person(
    house: &House,
    headers: &HeaderMap,
    id: &RequestId,
    path: &str,
) -> Result<Box<SignedInPerson>, Response> {
    let person = match look(house, headers, id).await {
        Ok(Presence::SignedIn(person)) => person,
        Ok(Presence::ShutOut(out)) => return Err(refused::shut_out(house, headers, id, &out).await),
        Ok(Presence::Nobody) => return Err(to_sign_in(house, path)),
        Err(refusal) => return Err(trouble(house, headers, id, refusal)),
    };
    let settings = &house.ports.settings;
    let page = path.split('?').next().unwrap_or_default();
    if let Some(demand) = Demand::of_page(&settings.step_up, page)
        && let Err(StepUp { demand }) = session::require_fresh(&person, &demand)
    {
        let back = format!("{}{path}", settings.server.public_url.path());
        return Err(step_up::away(house, &person.session.directory, &demand, Some(&back)));
    }
    Ok(person)
}

fn to_sign_in(house: &House, path: &str) -> Response {
    let base = house.ports.settings.server.public_url.path();
    let mut address = format!("{base}/sso/login");
    if path != "/" {
        let back = encoded(&format!("{base}{path}"), |byte| byte.is_ascii_alphanumeric() || byte == b'/');
        address.push_str("?return_to=");
        address.push_str(&back);
    }
    Redirect::to(&address).into_response()
}
