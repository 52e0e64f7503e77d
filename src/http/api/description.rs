//! `/api/openapi.json`: the APIs, described for programs.
//!
//! Invariant: what is served is the document that the tests hold against the router and the handlers.

use axum::http::{HeaderName, header};

/// The document, as `OpenAPI` 3.1.
const DOCUMENT: &str = include_str!("../../../docs/openapi.json");

/// `GET /api/openapi.json`: for anybody, since it tells nothing of anybody.
pub(super) async fn describe() -> ([(HeaderName, &'static str); 2], &'static str) {
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.oai.openapi+json;version=3.1"),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    (headers, DOCUMENT)
}
