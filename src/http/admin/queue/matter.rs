//! One matter of the queue: its sides, and what can be decided about it.
//!
//! Invariant: every decision has a reason; what was written without one is shown again, with what is missing.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;

use super::super::parts::{Decide, Input};
use super::super::{ConsolePerson, Desk, Fields, Note};

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

/// Something that can be decided.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    /// What.
    pub(super) title: String,
    /// What follows from it.
    pub(super) text: String,
    /// The form.
    pub(super) form: Decide,
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

/// What the choices of a matter have in common.
pub(super) struct Choices<'a> {
    frame: &'a Desk,
    address: String,
    /// What was sent and not taken.
    failed: Option<&'a Fields>,
}

impl<'a> Choices<'a> {
    /// Choices that are sent to `path`.
    pub(super) fn new(frame: &'a Desk, path: &str, failed: Option<&'a Fields>) -> Self {
        Self { frame, address: frame.at(path), failed }
    }

    /// A choice with a reason and whatever else it asks for.
    pub(super) fn choice(
        &self,
        act: &'static str,
        (title, text): (impl Into<String>, impl Into<String>),
        button: impl Into<String>,
        more: Vec<Input>,
    ) -> Choice {
        let frame = self.frame;
        let failed = self.failed.filter(|fields| fields.one("act") == Some(act));
        let missing = |name: &str| {
            let is_missing = failed.is_some_and(|fields| fields.one(name).is_none());
            is_missing.then(|| frame.t("Fyll i det här.", "Fill this in.").to_owned())
        };
        let mut inputs: Vec<Input> = more
            .into_iter()
            .map(|input| {
                let (name, id) = (input.name, format!("{act}-{}", input.name));
                let unread = input.kind == "date"
                    && failed
                        .and_then(|fields| fields.one(name))
                        .is_some_and(|day| day.parse::<Date>().is_err());
                let error = if unread {
                    Some(
                        frame
                            .t("Skriv dagen så här: 2025-10-07.", "Write the day like this: 2025-10-07.")
                            .to_owned(),
                    )
                } else if input.is_optional {
                    None
                } else {
                    missing(name)
                };
                input.under(id).holding(failed.and_then(|fields| fields.one(name)), error)
            })
            .collect();
        let reason = Decide::reason(frame).under(format!("{act}-reason"));
        inputs.push(reason.holding(failed.and_then(|fields| fields.one("reason")), missing("reason")));
        let form = Decide {
            frame: frame.clone(),
            address: self.address.clone(),
            hidden: vec![("act".to_owned(), act.to_owned())],
            inputs,
            button: button.into(),
            takes: false,
            cancel: frame.at(HOME),
        };
        Choice { title: title.into(), text: text.into(), form }
    }
}

impl Choice {
    /// One that takes something away.
    pub(super) fn taking(mut self) -> Self {
        self.form.takes = true;
        self
    }

    /// One that carries something more along.
    pub(super) fn carrying(mut self, name: &str, value: &str) -> Self {
        self.form.hidden.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// After a decision: back to what waits.
pub(super) fn done(console: &ConsolePerson, sv: &str, en: &str) -> Response {
    let frame = &console.frame;
    let kept = frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
    console.go(HOME, &Note::done(frame.t(sv, en), kept))
}

/// The status of a page that is shown, or shown again.
pub(super) fn status(failed: Option<&Fields>) -> StatusCode {
    if failed.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
}
