//! Why a flow did not do what was asked.
//!
//! Invariant: a refusal names what, where and how to mend it; the doors turn it into a status code and a language.

use jiff::Timestamp;

use crate::config::Mistake;
use crate::domain::policy::Console;
use crate::scim::ScimError;
use crate::store::StoreError;

/// Why a flow did not do what was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("there is no {what} {id:?}{instead}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// What was asked for.
        id: String,
        /// What there is, as it follows in the sentence; empty where that is not said.
        instead: String,
    },
    /// A value that must be unique belongs to another.
    #[error("{0} is taken already")]
    Taken(&'static str),
    /// More than one thing answers to the name.
    #[error("{id:?} names more than one {what}; use the account id")]
    Ambiguous {
        /// The kind of thing.
        what: &'static str,
        /// What was asked for.
        id: String,
    },
    /// The request is wrong.
    #[error("{field}: {problem}")]
    Invalid {
        /// Where.
        field: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The account is protected: no path touches it.
    #[error(
        "the account {user_name} is protected; its protection is set in the settings file, and lifted only there"
    )]
    Protected {
        /// Which.
        user_name: String,
    },
    /// The acting person may not do that.
    #[error("{0}")]
    NotAllowed(String),
    /// The acting person may look, and needs another role at the console to do that.
    #[error("this takes a role whose console is {needed}")]
    NeedsRight {
        /// The least that would do.
        needed: Console,
    },
    /// Somebody else changed it since it was shown to the acting person.
    #[error("{} account(s) changed since they were shown; look at them again", .0.len())]
    Stale(Vec<Newer>),
    /// The caller knows a newer state than the one that could be read.
    #[error("{0}")]
    TooOld(String),
    /// An operator has paused the directory: it is to try again later.
    #[error(
        "the directory {directory} is paused since {since}; nothing was read or changed, try again later"
    )]
    Paused {
        /// Which.
        directory: String,
        /// Since when.
        since: jiff::Timestamp,
    },
    /// The SCIM request is wrong, in SCIM's own words.
    #[error("{}", .0.detail)]
    Scim(ScimError),
    /// The policy has mistakes.
    #[error("the policy has {} mistake(s): {}", .0.len(), .0.first().map(ToString::to_string).unwrap_or_default())]
    Policy(Vec<Mistake>),
    /// No policy has been applied yet.
    #[error("no policy has been applied yet; apply one with: portvakt policy apply policy.toml")]
    NoPolicy,
    /// What was asked does not fit the state of things.
    #[error("{0}")]
    Conflict(String),
    /// A party outside (provider, CRM, mail) cannot be reached or said no.
    #[error("{0}")]
    Outside(String),
    /// The database could not do it.
    #[error(transparent)]
    Store(StoreError),
}

/// An account that somebody changed meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newer {
    /// The person's name.
    pub name: String,
    /// What was done since, the newest first: when, by whom, and what, as the audit has it.
    pub changes: Vec<(Timestamp, String, String)>,
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken { what } => Self::Taken(what),
            other => Self::Store(other),
        }
    }
}

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        Self::Scim(error)
    }
}

impl Refusal {
    /// Shorthand for a thing that is not there.
    pub(crate) fn not_found(what: &'static str, id: impl std::fmt::Display) -> Self {
        Self::NotFound { what, id: id.to_string(), instead: String::new() }
    }

    /// The same, where it is short to say what there is.
    pub(crate) fn not_found_among(what: &'static str, id: impl std::fmt::Display, known: &[&str]) -> Self {
        Self::NotFound { what, id: id.to_string(), instead: format!("; there are: {}", known.join(", ")) }
    }

    /// Shorthand for a request that is wrong at one field.
    pub(crate) fn invalid(field: impl Into<String>, problem: impl std::fmt::Display) -> Self {
        Self::Invalid { field: field.into(), problem: problem.to_string() }
    }
}
