//! Answers of the token endpoint and of userinfo.
//!
//! Invariant: nothing of what was shown (secret, code, token) comes back in an error, and nothing is cached.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::Problem;
use crate::flows::Refusal;
use crate::flows::provider::OAuthError;

/// JSON with a status.
pub(super) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An error of the token endpoint (RFC 6749 §5.2).
pub(super) fn error(status: StatusCode, error: &OAuthError) -> Response {
    json(status, &json!({ "error": error.code, "error_description": error.description }))
}

/// The client did not prove itself.
pub(super) fn invalid_client() -> Response {
    let told = json!({ "error": "invalid_client", "error_description": "the client is unknown, or did not prove itself" });
    let mut response = json(StatusCode::UNAUTHORIZED, &told);
    let challenge = HeaderValue::from_static("Basic realm=\"portvakt\"");
    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    response
}

/// The client did not prove itself, many times over.
pub(super) fn too_many(seconds: i64) -> Response {
    let told = json!({ "error": "invalid_client", "error_description": "too many wrong secrets; wait" });
    let mut response = json(StatusCode::TOO_MANY_REQUESTS, &told);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// Something failed inside; the log says what.
pub(super) fn failed(refusal: Refusal) -> Response {
    let problem = Problem::from(refusal);
    let (status, code) = match problem.status {
        StatusCode::SERVICE_UNAVAILABLE => (problem.status, "temporarily_unavailable"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
    };
    let told =
        json!({ "error": code, "error_description": "it did not work just now; nothing was handed out" });
    let mut response = json(status, &told);
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}

/// The access token opens nothing (RFC 6750 §3.1).
pub(super) fn invalid_token(was_shown: bool) -> Response {
    // Who shows no token is told no more than that one is needed.
    let (challenge, code) = if was_shown {
        ("Bearer error=\"invalid_token\"", "invalid_token")
    } else {
        ("Bearer", "unauthenticated")
    };
    let told = json!({ "error": code, "error_description": "the access token is missing, unknown, expired or revoked" });
    let mut response = json(StatusCode::UNAUTHORIZED, &told);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
