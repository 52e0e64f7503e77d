//! `/api/v1`: what a CRM tells us, and what it reads back.
//!
//! Invariant: every handler but the description demands a CRM by its token, and names the scope that the token must have. A list of many rows is answered row by row.

mod accounts;
mod changes;
mod description;
mod item_events;
mod items;
mod leave;
mod questions;
mod reports;
mod rights;
mod sign_ins;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post, put};

use super::{House, Problem};

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/api/openapi.json", get(description::describe))
        .route("/api/v1/sign-ins", post(sign_ins::report))
        .route("/api/v1/item-events", post(item_events::report))
        .route("/api/v1/items/{component}/{item}/reassign-preview", post(items::reassign_preview))
        .route("/api/v1/changes", get(changes::follow))
        .route("/api/v1/snapshot", get(changes::snapshot))
        .route("/api/v1/accounts", get(accounts::list))
        .route("/api/v1/accounts/{id}", get(accounts::show))
        .route("/api/v1/accounts/{id}/grants", get(rights::show).post(rights::grant))
        .route("/api/v1/accounts/{id}/grants/end", post(rights::revoke))
        .route("/api/v1/accounts/{id}/leave", get(leave::show).post(leave::grant))
        .route("/api/v1/accounts/{id}/leave/end", post(leave::end))
        .route("/api/v1/accounts/{id}/leave/answer", post(leave::answer))
        .route("/api/v1/right-questions", get(questions::list))
        .route("/api/v1/right-questions/{id}", post(questions::answer))
        .route("/api/v1/leave-requests", get(leave::requests))
        .route("/api/v1/links", post(rights::link))
        .route("/api/v1/links/end", post(rights::unlink))
        .route("/api/v1/reports/{name}", get(reports::show))
        .route("/api/v1/accounts/{id}/crm-id", put(accounts::teach))
}

/// Refuses a batch that is longer than `most` rows, before anything of it is looked at.
fn at_most(rows: usize, most: usize) -> Result<(), Problem> {
    if rows <= most {
        return Ok(());
    }
    let detail = format!("The list has {rows} rows; send at most {most} at a time.");
    Err(Problem::new(StatusCode::BAD_REQUEST, "too_many", detail))
}
