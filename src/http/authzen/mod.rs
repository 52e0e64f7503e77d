//! `OpenID AuthZEN` 1.0: may this account do that?
//!
//! Invariant: a no is an answer (200 with `decision: false`); an error is never a yes. Only what exists is announced.

mod evaluation;
mod evaluations;
mod question;
mod search;

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;

use super::House;
use crate::flows::Ports;

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/.well-known/authzen-configuration", get(metadata))
        .route("/access/v1/evaluation", post(evaluation::evaluation))
        .route("/access/v1/evaluations", post(evaluations::evaluations))
        .route("/access/v1/search/subject", post(search::subject))
        .route("/access/v1/search/resource", post(search::resource))
        .route("/access/v1/search/action", post(search::action))
}

/// `GET /.well-known/authzen-configuration`: what there is, and where (`OpenID AuthZEN` 1.0 §9).
async fn metadata(State(ports): State<Arc<Ports>>) -> Response {
    let public = &ports.settings.server.public_url;
    Json(json!({
        "policy_decision_point": public.as_str(),
        "access_evaluation_endpoint": public.join("/access/v1/evaluation"),
        "access_evaluations_endpoint": public.join("/access/v1/evaluations"),
        "search_subject_endpoint": public.join("/access/v1/search/subject"),
        "search_resource_endpoint": public.join("/access/v1/search/resource"),
        "search_action_endpoint": public.join("/access/v1/search/action"),
    }))
    .into_response()
}
