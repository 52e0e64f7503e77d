//! What can be decided on a page: several choices, each with its own form, reason and button.
//!
//! Invariant: every choice has a reason; what was written without one is shown again, with what is missing.

use axum::http::StatusCode;
use jiff::civil::Date;

use super::super::{Desk, Fields};
use super::{Decide, Input};

/// Something that can be decided.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// What.
    pub(crate) title: String,
    /// What follows from it.
    pub(crate) text: String,
    /// The form.
    pub(crate) form: Decide,
}

/// What the choices of a page have in common.
pub(crate) struct Choices<'a> {
    frame: &'a Desk,
    address: String,
    /// Where somebody goes who thinks better of it.
    back: String,
    /// What was sent and not taken.
    failed: Option<&'a Fields>,
}

impl<'a> Choices<'a> {
    /// Choices that are sent to `path`, on a page that leads back to `back`.
    pub(crate) fn new(frame: &'a Desk, path: &str, back: &str, failed: Option<&'a Fields>) -> Self {
        Self { frame, address: frame.at(path), back: frame.at(back), failed }
    }

    /// A choice with a reason and whatever else it asks for.
    pub(crate) fn choice(
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
            cancel: self.back.clone(),
        };
        Choice { title: title.into(), text: text.into(), form }
    }
}

impl Choice {
    /// One that takes something away.
    pub(crate) fn taking(mut self) -> Self {
        self.form.takes = true;
        self
    }

    /// One that carries something more along.
    pub(crate) fn carrying(mut self, name: &str, value: &str) -> Self {
        self.form.hidden.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// The status of a page that is shown, or shown again.
pub(crate) fn status(failed: Option<&Fields>) -> StatusCode {
    if failed.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }
}
