//! `/people/{id}`: one person, tab by tab, and what an administrator decides about them.
//!
//! Invariant: each tab is a link of its own. What changes something is shown beforehand, sent with the version that was
//! shown, and decided by a flow.

mod choice;
mod compare;
mod deed;
mod deed_words;
mod deliveries;
mod limits;
mod links;
mod overview;
mod preview;
mod rights;
mod sign_ins;
mod who;
mod why;
mod words;

use axum::Router;
use axum::routing::{get, post};

use super::super::House;

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/people/{id}", get(overview::show))
        .route("/people/{id}/rights", get(rights::show).post(preview::change))
        .route("/people/{id}/rights/preview", get(preview::show))
        .route("/people/{id}/questions", post(rights::answer))
        .route("/people/{id}/limits", get(limits::show))
        .route("/people/{id}/links", post(links::add))
        .route("/people/{id}/links/end", get(links::preview).post(links::end))
        .route("/people/{id}/why", get(why::show))
        .route("/people/{id}/sign-ins", get(sign_ins::show).post(sign_ins::end))
        .route("/people/{id}/compare", get(compare::show))
        .route("/people/{id}/deliveries", get(deliveries::show).post(deliveries::resend))
        .route("/people/{id}/change/{deed}", get(deed::preview).post(deed::carry_out))
}
