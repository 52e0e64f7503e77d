//! The end of a decision: what else has to be said, the reason, and the one button that names the act.
//!
//! Invariant: the form carries the session's mark. What somebody wrote stands there again when it was not taken.

use askama::Template;
use askama::filters::HtmlSafe;

use super::super::Desk;

/// A field of a form.
#[derive(Debug, Clone)]
pub(crate) struct Input {
    /// Its name in the form, and its id on the page.
    pub(crate) name: &'static str,
    /// `text`, `date`, `area` …
    pub(crate) kind: &'static str,
    /// What stands above it.
    pub(crate) label: String,
    /// Help below the label, or nothing.
    pub(crate) help: String,
    /// What it holds.
    pub(crate) value: String,
    /// What is wrong with it.
    pub(crate) error: Option<String>,
    /// Whether it may stay empty.
    pub(crate) is_optional: bool,
}

impl Input {
    /// A field that must be filled in.
    pub(crate) fn new(name: &'static str, kind: &'static str, label: &str, help: &str) -> Self {
        Self {
            name,
            kind,
            label: label.to_owned(),
            help: help.to_owned(),
            value: String::new(),
            error: None,
            is_optional: false,
        }
    }

    /// With what somebody wrote, and what is wrong with it.
    #[must_use]
    pub(crate) fn holding(mut self, value: Option<&str>, error: Option<String>) -> Self {
        value.unwrap_or_default().clone_into(&mut self.value);
        self.error = error;
        self
    }

    /// One that may stay empty.
    #[must_use]
    pub(crate) const fn optional(mut self) -> Self {
        self.is_optional = true;
        self
    }

    /// The ids of its help and its mistake, for those who do not see it.
    pub(crate) fn described_by(&self) -> String {
        let help = (!self.help.is_empty()).then(|| format!("{}-h", self.name));
        let error = self.error.is_some().then(|| format!("{}-e", self.name));
        help.into_iter().chain(error).collect::<Vec<_>>().join(" ")
    }
}

/// A form with one button.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/decide.html")]
pub(crate) struct Decide {
    /// Around the page; it has the mark.
    pub(crate) frame: Desk,
    /// Where the form is sent.
    pub(crate) address: String,
    /// What it carries along unseen.
    pub(crate) hidden: Vec<(String, String)>,
    /// What has to be said.
    pub(crate) inputs: Vec<Input>,
    /// The act, on the button: "Frys 6 konton".
    pub(crate) button: String,
    /// Whether the act takes something away.
    pub(crate) takes: bool,
    /// Where somebody goes who thinks better of it.
    pub(crate) cancel: String,
}

impl HtmlSafe for Decide {}

impl Decide {
    /// The field for the reason.
    pub(crate) fn reason(desk: &Desk) -> Input {
        Input::new(
            "reason",
            "area",
            desk.t("Skäl", "Reason"),
            desk.t("Sparas i granskningsloggen.", "Kept in the audit log."),
        )
    }
}
