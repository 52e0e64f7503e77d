//! What a trial of a target found.
//!
//! Invariant: a trial changes nothing in the CRM that cannot be undone.

use serde::Serialize;

/// One thing that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was tried, and how it went.
    pub what: String,
    /// Whether it is as it should be.
    pub is_good: bool,
    /// What the CRM said, or what to do.
    pub said: String,
}

impl Finding {
    pub(crate) fn good(what: impl Into<String>, said: impl Into<String>) -> Self {
        Self { what: what.into(), is_good: true, said: said.into() }
    }

    pub(crate) fn bad(what: impl Into<String>, said: impl Into<String>) -> Self {
        Self { what: what.into(), is_good: false, said: said.into() }
    }
}
