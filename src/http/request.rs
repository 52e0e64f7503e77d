//! Gives each request an id and tells, once it is answered, what became of it.
//!
//! Invariant: a caller's own `X-Request-ID` is kept where it is short and plain; otherwise we issue one. Paths with
//! ids in them are told as route patterns.

use std::time::Instant;

use axum::extract::{FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as it stands in the log, the audit and the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self(String::new())))
    }
}

/// Names the request.
pub(super) async fn name(mut request: Request, next: Next) -> Response {
    let given =
        request.headers().get(&HEADER).and_then(|value| value.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(|| Uuid::now_v7().to_string(), str::to_owned);
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(HEADER, value.clone());
        request.extensions_mut().insert(RequestId(id));
        request.extensions_mut().insert(tower_http::request_id::RequestId::new(value));
    }
    next.run(request).await
}

fn is_plain(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
}

/// Counts and logs the request once it is answered.
pub(super) async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str).to_owned();
    let id = request.extensions().get::<RequestId>().map(|id| id.0.clone()).unwrap_or_default();
    let span = tracing::info_span!("request", request.id = %id);
    let response = next.run(request).instrument(span).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    let labels = [("method", method.to_string()), ("route", path.clone()), ("status", status.to_string())];
    metrics::counter!("portvakt_http_requests_total", &labels).increment(1);
    metrics::histogram!("portvakt_http_request_duration_seconds", "route" => path.clone()).record(took);
    // JSON has no whole numbers of 128 bits; they would be written as text.
    let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if status >= 500 {
        tracing::warn!(request.id = %id, %method, route = path, status, took_ms, "{method} {path} answered {status}");
    } else {
        tracing::debug!(request.id = %id, %method, route = path, status, took_ms, "{method} {path} answered {status}");
    }
    response
}
