//! `POST /oauth2/token`: a client exchanges a code or a refresh token.
//!
//! Invariant: one way of proving oneself per request (RFC 6749 §2.3).

use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::{House, RequestId};
use super::{Pairs, answer, cors};
use crate::flows::provider::{self, Authenticated, Credentials, OAuthError, Parameters, TokenAnswer};

/// `POST /oauth2/token`.
pub(super) async fn token(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    form: Result<Form<Pairs>, FormRejection>,
) -> Response {
    let response = match form {
        Ok(Form(pairs)) => exchange(&house, &headers, &Parameters::new(pairs), id.0).await,
        Err(_) => wrong("send a form: application/x-www-form-urlencoded"),
    };
    cors::open(&house, &headers, response)
}

fn wrong(description: &str) -> Response {
    let error = OAuthError { code: "invalid_request", description: description.to_owned() };
    answer::error(StatusCode::BAD_REQUEST, &error)
}

async fn exchange(house: &House, headers: &HeaderMap, form: &Parameters, request_id: String) -> Response {
    let shown = match credentials(headers, form) {
        Ok(Some(shown)) => shown,
        Ok(None) => return answer::invalid_client(),
        Err(error) => return answer::error(StatusCode::BAD_REQUEST, &error),
    };
    let client = match provider::authenticate(&house.ports, &shown, Some(request_id.clone())).await {
        Ok(Authenticated::Client(client)) => client,
        Ok(Authenticated::Nobody) => return answer::invalid_client(),
        Ok(Authenticated::TooMany(seconds)) => return answer::too_many(seconds),
        Err(refusal) => return answer::failed(refusal),
    };
    match provider::exchange(&house.ports, &client, form, Some(request_id)).await {
        Ok(TokenAnswer::Tokens(tokens)) => answer::json(StatusCode::OK, &tokens),
        Ok(TokenAnswer::Error(error)) => answer::error(StatusCode::BAD_REQUEST, &error),
        Err(refusal) => answer::failed(refusal),
    }
}

/// What the client shows, in the header or in the form; nothing where it shows nothing, or nothing that can be read.
fn credentials(headers: &HeaderMap, form: &Parameters) -> Result<Option<Credentials>, OAuthError> {
    let (id, secret) = (form.one("client_id")?, form.one("client_secret")?);
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(id.map(|id| Credentials { id: id.to_owned(), secret: secret.map(Into::into) }));
    };
    let Some(shown) = value.to_str().ok().and_then(basic) else { return Ok(None) };
    let is_other = id.is_some_and(|id| id != shown.id);
    if secret.is_some() || is_other {
        let fault = "the client proves itself in the header or in the form, not in both";
        return Err(OAuthError { code: "invalid_request", description: fault.to_owned() });
    }
    Ok(Some(shown))
}

/// `Basic`: both parts are encoded as in a form (RFC 6749 §2.3.1).
fn basic(value: &str) -> Option<Credentials> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let secret = decoded(secret)?;
    Some(Credentials { id: decoded(id)?, secret: (!secret.is_empty()).then(|| secret.into()) })
}

fn decoded(text: &str) -> Option<String> {
    let pairs: Pairs = serde_urlencoded::from_str(&format!("x={}", text.replace('&', "%26"))).ok()?;
    pairs.into_iter().next().map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn read(text: &str) -> Option<(String, Option<String>)> {
        let shown = basic(&format!("Basic {}", STANDARD.encode(text)))?;
        Some((shown.id, shown.secret.map(|secret| secret.expose_secret().to_owned())))
    }

    #[test]
    fn the_parts_of_basic_are_decoded_as_in_a_form() {
        let some = |id: &str, secret: &str| Some((id.to_owned(), Some(secret.to_owned())));
        assert_eq!(read("crm:s3cret"), some("crm", "s3cret"));
        assert_eq!(read("crm:a%2Bb%3A%25+c"), some("crm", "a+b:% c"));
        assert_eq!(read("crm:a&b=c"), some("crm", "a&b=c"));
        assert_eq!(read("crm:"), Some(("crm".to_owned(), None)));
        assert_eq!(read("crm"), None);
        assert!(basic("Bearer x").is_none() && basic("Basic ???").is_none() && basic("Basic").is_none());
    }
}
