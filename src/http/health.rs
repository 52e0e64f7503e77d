//! `/healthz`, `/readyz`, `/metrics`: for whoever watches over the daemon.
//!
//! Invariant: live means that the process answers; ready means that the database does too and no end was asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use subtle::ConstantTimeEq;

use super::House;
use super::problem::Problem;
use crate::flows::{Ports, watch};

/// Whether the daemon takes new work.
#[derive(Debug, Default)]
pub struct Readiness {
    is_ending: AtomicBool,
}

impl Readiness {
    /// From now on the daemon is not ready: it ends.
    pub fn end(&self) {
        self.is_ending.store(true, Ordering::Relaxed);
    }

    /// Whether it was told to end.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }
}

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
}

/// The counters on a port of their own, where no token is asked for.
pub fn metrics_only(handle: PrometheusHandle, ports: Arc<Ports>) -> Router {
    let page = move || {
        let (handle, ports) = (handle.clone(), Arc::clone(&ports));
        async move {
            watch::measure(&ports).await;
            text(handle.render())
        }
    };
    Router::new().route("/metrics", get(page))
}

/// `GET /healthz`: the process answers. What somebody should see to soon is told beside it, and never makes the daemon
/// unfit: a token that is about to end is no reason to start it anew.
async fn healthz(State(house): State<House>) -> String {
    match house.ports.activity.ending() {
        0 => "ok\n".to_owned(),
        count => {
            format!("ok\nwarning: {count} token(s) or client secret(s) end within 30 days: portvakt doctor\n")
        }
    }
}

/// `GET /readyz`: the database answers, a policy is in force, and no end was asked for.
async fn readyz(State(house): State<House>) -> Response {
    if house.readiness.is_ending() {
        return Problem::new(StatusCode::SERVICE_UNAVAILABLE, "ending", "The daemon is ending.")
            .into_response();
    }
    match watch::ready(&house.ports).await {
        Ok(()) => "ready\n".into_response(),
        Err(refusal) => {
            let mut problem = Problem::from(refusal);
            problem.status = StatusCode::SERVICE_UNAVAILABLE;
            problem.into_response()
        }
    }
}

/// `GET /metrics`: Prometheus text, for the token in the settings (`server.metrics_token`).
async fn metrics(State(house): State<House>, headers: HeaderMap) -> Response {
    let server = &house.ports.settings.server;
    if server.metrics_listen.is_some() {
        return Problem::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "The counters are on server.metrics_listen.",
        )
        .into_response();
    }
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    let is_known = match (&server.metrics_token, given) {
        (Some(token), Some(given)) => bool::from(token.expose().as_bytes().ct_eq(given.as_bytes())),
        _ => false,
    };
    if !is_known {
        let detail = "Send server.metrics_token as `Authorization: Bearer …`, or set server.metrics_listen.";
        return Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail).into_response();
    }
    watch::measure(&house.ports).await;
    text(house.metrics.render())
}

fn text(body: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], body).into_response()
}
