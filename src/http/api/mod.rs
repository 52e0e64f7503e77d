//! `/api/v1`: what a CRM tells us, and what it reads back.
//!
//! Invariant: every handler demands a CRM by its token. A list of many rows is answered row by row.

mod accounts;
mod item_events;
mod reports;
mod sign_ins;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post, put};

use super::{House, Problem};

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/api/v1/sign-ins", post(sign_ins::report))
        .route("/api/v1/item-events", post(item_events::report))
        .route("/api/v1/accounts", get(accounts::list))
        .route("/api/v1/accounts/{id}", get(accounts::show))
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
