//! One matter of the queue: its sides, and what can be decided about it.
//!
//! Invariant: every decision has a reason; what was written without one is shown again, with what is missing.

use askama::Template;
use axum::response::Response;

use super::super::parts::Choice;
use super::super::{ConsolePerson, Desk, Note};

/// Where what waits is listed.
pub(super) const HOME: &str = "/queue";

/// One side of a matter: label and value, line by line.
#[derive(Debug, Clone)]
pub(super) struct Side {
    /// Whose side.
    pub(super) title: String,
    /// What it says.
    pub(super) facts: Vec<(&'static str, String)>,
}

/// The page of a matter.
#[derive(Template)]
#[template(path = "admin/queue/matter.html")]
pub(super) struct Matter {
    pub(super) frame: Desk,
    pub(super) title: String,
    pub(super) lead: String,
    pub(super) sides: Vec<Side>,
    pub(super) choices: Vec<Choice>,
}

/// After a decision: back to what waits.
pub(super) fn done(console: &ConsolePerson, sv: &str, en: &str) -> Response {
    let frame = &console.frame;
    let kept = frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
    console.go(HOME, &Note::done(frame.t(sv, en), kept))
}
