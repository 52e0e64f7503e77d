//! The door that machines and browsers come through.
//!
//! Invariant: a handler reads, calls one flow and writes. Who calls is an extractor's value that the flow demands.

mod api;
mod authzen;
pub mod body;
pub mod caller;
pub mod health;
mod pages;
pub mod problem;
mod provider;
mod request;
mod scim;
pub mod serve;
mod sso;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, FromRef};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Router};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::request_id::PropagateRequestIdLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use crate::flows::Ports;

pub use problem::Problem;
pub use request::RequestId;

/// What handlers reach for.
#[derive(Debug, Clone)]
pub struct House {
    /// Everything a flow needs.
    pub ports: Arc<Ports>,
    /// The counters.
    pub metrics: PrometheusHandle,
    /// Whether the daemon takes new work; turns false when it is told to end.
    pub readiness: Arc<health::Readiness>,
}

impl FromRef<House> for Arc<Ports> {
    fn from_ref(house: &House) -> Self {
        Arc::clone(&house.ports)
    }
}

/// Every route, with the layers that all of them share.
pub fn router(house: House) -> Router {
    let server = &house.ports.settings.server;
    let limit = server.request_limit_bytes;
    let answer_within = Duration::try_from(server.answer_within).unwrap_or(Duration::from_mins(1));
    let rules = body::Rules {
        bytes: limit,
        within: Duration::try_from(server.body_within).unwrap_or(Duration::from_secs(30)),
    };
    let id = HeaderName::from_static("x-request-id");
    Router::new()
        .merge(health::routes())
        .merge(scim::routes())
        .merge(authzen::routes())
        .merge(api::routes())
        .merge(sso::routes())
        .merge(provider::routes())
        .merge(pages::routes())
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .with_state(house)
        .layer(DefaultBodyLimit::max(limit))
        .layer(Extension(rules))
        .layer(axum::middleware::from_fn(move |request, next| {
            body::refuse_what_is_too_large(limit, request, next)
        }))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, answer_within))
        .layer(CatchPanicLayer::custom(|_| Problem::internal().into_response()))
        .layer(axum::middleware::from_fn(scim::speak))
        .layer(axum::middleware::from_fn(request::observe))
        .layer(PropagateRequestIdLayer::new(id))
        .layer(axum::middleware::from_fn(request::name))
        .layer(no_sniffing())
        .layer(no_store())
}

fn no_sniffing() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    )
}

fn no_store() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
}

async fn nowhere() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.").into_response()
}

async fn wrong_method() -> Response {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take that method.",
    )
    .into_response()
}
