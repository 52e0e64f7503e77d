//! The token endpoint of a directory: OAuth 2.0 client credentials (RFC 6749 §4.4).
//!
//! Invariant: a client shows itself in one way only, and credentials never stand in an address; no answer is stored,
//! and an unknown client is answered like a wrong secret.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::flows::directories::{Event, RETRY_AFTER_SECONDS, Verb};
use crate::flows::tokens::client::{self, Granted};
use crate::flows::{Ports, Refusal};
use crate::http::problem::Problem;

/// Largest body, in bytes.
pub(super) const LONGEST_BODY: usize = 8 * 1024;

/// What every access token is good for; there is nothing to choose.
const SCOPE: &str = "scim";

/// An error as RFC 6749 §5.2 shows it.
#[derive(Debug)]
struct OAuthError {
    status: StatusCode,
    code: &'static str,
    description: String,
    retry_after: Option<i64>,
}

impl OAuthError {
    fn new(code: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, description: description.into(), retry_after: None }
    }

    fn invalid_request(description: impl Into<String>) -> Self {
        Self::new("invalid_request", description)
    }

    fn invalid_client() -> Self {
        let description = "the client is unknown, or its secret is wrong, expired or revoked; the operator makes one with: portvakt directory client create";
        Self { status: StatusCode::UNAUTHORIZED, ..Self::new("invalid_client", description) }
    }

    fn later(status: StatusCode, description: impl Into<String>, seconds: i64) -> Self {
        Self { status, retry_after: Some(seconds), ..Self::new("temporarily_unavailable", description) }
    }
}

impl From<Refusal> for OAuthError {
    fn from(refusal: Refusal) -> Self {
        let problem = Problem::from(refusal);
        let is_passing = problem.status == StatusCode::SERVICE_UNAVAILABLE;
        let code = if is_passing { "temporarily_unavailable" } else { "server_error" };
        let retry_after = is_passing.then_some(5);
        Self { status: problem.status, code, description: problem.detail, retry_after }
    }
}

impl IntoResponse for OAuthError {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.code, "error_description": plain(&self.description) });
        let mut response = answer(self.status, &body);
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"scim\""));
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// `error_description` takes printable ASCII without quote and backslash (RFC 6749 §5.2).
fn plain(text: &str) -> String {
    let allowed = |c: char| c == ' ' || (c.is_ascii_graphic() && c != '"' && c != '\\');
    text.chars().map(|c| if allowed(c) { c } else { '\'' }).collect()
}

fn answer(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // RFC 6749 §5.1 demands both.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// `POST /scim/v2/{directory}/token` (RFC 6749 §4.4.2).
pub(super) async fn issue(
    State(ports): State<Arc<Ports>>,
    Path(directory): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let asked = read(&headers, body);
    let given = match asked {
        Ok(credentials) => give(&ports, &directory, &credentials).await,
        Err(error) => Err(error),
    };
    given.map_or_else(OAuthError::into_response, |body| answer(StatusCode::OK, &body))
}

async fn give(ports: &Ports, directory: &str, credentials: &Credentials) -> Result<Value, OAuthError> {
    let known = ports.settings.directories.iter().find(|known| known.id.as_str() == directory);
    let Some(known) = known else { return Err(OAuthError::invalid_client()) };
    let tell = |status: u16, is_paused: bool| {
        let at = ports.clock.now();
        let event =
            Event { at, verb: Verb::Token, resource: None, references: &[], status, error: None, is_paused };
        ports.activity.tell(&known.id, &event);
    };
    match client::grant(ports, &known.id, &credentials.id, &credentials.secret).await {
        Ok(Granted::Token { access_token, expires_in }) => {
            tell(200, false);
            Ok(json!({ "access_token": access_token, "token_type": "Bearer", "expires_in": expires_in,
                "scope": SCOPE }))
        }
        Ok(Granted::Unknown) => Err(OAuthError::invalid_client()),
        Ok(Granted::Wait(seconds)) => {
            let description = "too many wrong secrets; try again later";
            Err(OAuthError::later(StatusCode::TOO_MANY_REQUESTS, description, seconds))
        }
        Err(refusal @ Refusal::Paused { .. }) => {
            tell(503, true);
            let mut error = OAuthError::from(refusal);
            error.retry_after = Some(RETRY_AFTER_SECONDS.into());
            Err(error)
        }
        Err(other) => Err(other.into()),
    }
}

/// Who a client says it is.
struct Credentials {
    id: String,
    secret: String,
}

/// Reads the form and who sends it; a request of another grant is refused.
fn read(headers: &HeaderMap, body: Result<Bytes, BytesRejection>) -> Result<Credentials, OAuthError> {
    if !is_form(headers) {
        return Err(OAuthError::invalid_request("send the body as application/x-www-form-urlencoded"));
    }
    let body = body.map_err(|rejection| {
        let status = rejection.status();
        OAuthError { status, ..OAuthError::invalid_request("the body cannot be read, or is too large") }
    })?;
    let pairs: Vec<(String, String)> = serde_urlencoded::from_bytes(&body)
        .map_err(|_| OAuthError::invalid_request("the body is not application/x-www-form-urlencoded"))?;
    let credentials = credentials(headers, &pairs)?;
    match one(&pairs, "grant_type")? {
        Some("client_credentials") => Ok(credentials),
        Some(_) => {
            Err(OAuthError::new("unsupported_grant_type", "the only grant_type is client_credentials"))
        }
        None => Err(OAuthError::invalid_request("grant_type is missing; send client_credentials")),
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

/// The one value of a parameter; an empty one counts as none, a second one is refused (RFC 6749 §3.2).
fn one<'p>(pairs: &'p [(String, String)], wanted: &str) -> Result<Option<&'p str>, OAuthError> {
    let mut values = pairs.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let first = values.next();
    if values.next().is_some() {
        return Err(OAuthError::invalid_request(format!("{wanted} is sent more than once")));
    }
    Ok(first.filter(|value| !value.is_empty()))
}

/// Either `client_secret_basic` or `client_secret_post` (RFC 6749 §2.3.1), never both (§2.3).
fn credentials(headers: &HeaderMap, pairs: &[(String, String)]) -> Result<Credentials, OAuthError> {
    let (id, secret) = (one(pairs, "client_id")?, one(pairs, "client_secret")?);
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        let (Some(id), Some(secret)) = (id, secret) else { return Err(OAuthError::invalid_client()) };
        return Ok(Credentials { id: id.to_owned(), secret: secret.to_owned() });
    };
    let basic = value.to_str().ok().and_then(basic).ok_or_else(OAuthError::invalid_client)?;
    // Some clients repeat their id in the body, which takes nothing from the proof in the header.
    if secret.is_some() || id.is_some_and(|id| id != basic.id) {
        return Err(OAuthError::invalid_request("show the client in the header or in the body, not in both"));
    }
    Ok(basic)
}

fn basic(value: &str) -> Option<Credentials> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some(Credentials { id: form_decoded(id)?, secret: form_decoded(secret)? })
}

/// Id and secret are encoded as in a form before they are put into the header (RFC 6749 §2.3.1).
fn form_decoded(text: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&format!("v={text}")).ok()?;
    pairs.into_iter().next().map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_holds_id_and_secret_each_encoded_as_in_a_form() {
        let value = |pair: &str| format!("bAsIc {}", STANDARD.encode(pair));
        let read = basic(&value("a%3Ab:s%2B+x")).unwrap();
        assert_eq!((read.id.as_str(), read.secret.as_str()), ("a:b", "s+ x"));
        for bad in ["Bearer x", "Basic", "Basic ***", &value("no colon")] {
            assert!(basic(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_description_holds_only_what_the_rfc_allows() {
        assert_eq!(plain("a \"b\" å\\\n"), "a 'b' '''");
    }
}
