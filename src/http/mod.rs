//! The door that machines and browsers come through.
//!
//! Invariant: a handler reads, calls one flow and writes. Who calls is an extractor's value that the flow demands.

mod admin;
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
mod tally;
mod written;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use metrics_exporter_prometheus::PrometheusHandle;

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
    let attend = request::Attend::new(&house.ports);
    Router::new()
        .merge(health::routes())
        .merge(scim::routes())
        .merge(authzen::routes())
        .merge(api::routes())
        .merge(sso::routes())
        .merge(provider::routes())
        .merge(pages::routes())
        .merge(admin::routes())
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method)
        .with_state(house)
        .layer(attend)
}

/// For people a page, for programs a problem.
async fn nowhere(State(house): State<House>, headers: HeaderMap) -> Response {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if !accepted.is_some_and(|accepted| accepted.contains("text/html")) {
        return Problem::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this address.")
            .into_response();
    }
    let frame = pages::Frame::new(&house, pages::language(&house, &headers, None));
    let home = frame.at("/");
    pages::Notice::new(frame, "warn", "Här finns ingen sida", "There is no page here")
        .say("Kontrollera adressen, eller börja från början.", "Check the address, or begin at the start.")
        .lead(home, "Till början", "To the start")
        .answer(StatusCode::NOT_FOUND)
}

async fn wrong_method() -> Response {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "This address does not take that method.",
    )
    .into_response()
}
