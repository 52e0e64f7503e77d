//! `GET /.well-known/openid-configuration` and `GET /oauth2/jwks`: what clients need to know.
//!
//! Invariant: nothing here is secret, and a key set may be kept only for minutes, so that a new key is seen in time.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::super::House;
use super::{answer, cors};
use crate::flows::provider;

const FOR_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// `GET /.well-known/openid-configuration`.
pub(super) async fn configuration(State(house): State<House>, headers: HeaderMap) -> Response {
    let mut response = answer::json(StatusCode::OK, &provider::discovery(&house.ports));
    response.headers_mut().insert(header::CACHE_CONTROL, FOR_MINUTES);
    cors::open(&house, &headers, response)
}

/// `GET /oauth2/jwks`.
pub(super) async fn keys(State(house): State<House>, headers: HeaderMap) -> Response {
    let response = match provider::key_set(&house.ports).await {
        Ok(keys) => {
            let mut response = answer::json(StatusCode::OK, &keys);
            response.headers_mut().insert(header::CACHE_CONTROL, FOR_MINUTES);
            response
        }
        Err(refusal) => answer::failed(refusal),
    };
    cors::open(&house, &headers, response)
}
