//! Lets pages of registered origins ask from within the browser (Fetch, "CORS protocol").
//!
//! Invariant: only origins that a public client names; never with cookies.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::House;
use crate::flows::provider;

/// The answer, readable for the page that asked where its origin is registered.
pub(super) fn open(house: &House, headers: &HeaderMap, mut response: Response) -> Response {
    if let Some(origin) = allowed(house, headers) {
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    response
}

/// `OPTIONS`: the browser asks before it sends.
pub(super) async fn preflight(State(house): State<House>, headers: HeaderMap) -> Response {
    let mut response = open(&house, &headers, StatusCode::NO_CONTENT.into_response());
    if response.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        for (name, value) in [
            (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
            (header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
            (header::ACCESS_CONTROL_MAX_AGE, "600"),
        ] {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
    }
    response
}

fn allowed(house: &House, headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    provider::allows_origin(&house.ports, origin.to_str().ok()?).then(|| origin.clone())
}
