//! What a directory asked for, and how it was answered.
//!
//! Invariant: names are stable, because counts are kept under them.

use jiff::Timestamp;

use super::reference::Reference;
use crate::scim::{ResourceKind, ScimError};
use crate::store::activity::LastError;

/// What a directory asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// Read.
    Get,
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Delete.
    Delete,
    /// Search by `POST …/.search`.
    Search,
    /// Many operations in one request; each of them counts for itself besides.
    Bulk,
    /// An access token.
    Token,
    /// Anything else.
    Other,
}

impl Verb {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Search => "SEARCH",
            Self::Bulk => "BULK",
            Self::Token => "TOKEN",
            Self::Other => "OTHER",
        }
    }

    pub(super) const fn is_change(self) -> bool {
        match self {
            Self::Post | Self::Put | Self::Patch | Self::Delete => true,
            Self::Get | Self::Search | Self::Bulk | Self::Token | Self::Other => false,
        }
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// As was asked.
    Ok,
    /// The request was wrong.
    Refused,
    /// Something failed here.
    Failed,
    /// The directory is paused.
    Paused,
}

impl Outcome {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Paused => "paused",
        }
    }
}

/// Why a token or secret opened nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// It has ended.
    Expired,
    /// Somebody revoked it.
    Revoked,
    /// A client that we know sent a secret that is not its own.
    WrongSecret,
}

impl Denied {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::WrongSecret => "wrong_secret",
        }
    }
}

/// A request, or one operation of a bulk request, that was answered.
#[derive(Debug, Clone)]
pub struct Event<'a> {
    /// When.
    pub at: Timestamp,
    /// What was asked for.
    pub verb: Verb,
    /// What it was about.
    pub resource: Option<ResourceKind>,
    /// Whom it was about, under every name that is known; the best one first.
    pub references: &'a [Reference],
    /// The status of the answer.
    pub status: u16,
    /// What the answer said, where it was an error.
    pub error: Option<&'a ScimError>,
    /// Whether it was turned away because the directory is paused.
    pub is_paused: bool,
}

impl Event<'_> {
    /// How it ended.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self.status {
            _ if self.is_paused => Outcome::Paused,
            ..=399 => Outcome::Ok,
            400..=499 => Outcome::Refused,
            500.. => Outcome::Failed,
        }
    }

    /// The kind of mistake, where SCIM has one.
    pub(super) fn scim_type(&self) -> Option<String> {
        self.error.and_then(|error| error.scim_type).map(|kind| kind.name().to_owned())
    }

    /// The request as the last one that went wrong.
    pub(super) fn as_error(&self) -> LastError {
        LastError {
            at: self.at,
            status: i64::from(self.status),
            scim_type: self.scim_type(),
            method: self.verb.name().to_owned(),
            resource: self.resource.map(|kind| kind.name().to_owned()),
        }
    }

    /// What is gone already need not be deleted; every other change that was refused is still to be made.
    pub(super) const fn leaves_something_undone(&self) -> bool {
        let is_gone_already = matches!(self.verb, Verb::Delete) && self.status == 404;
        // A paused directory's body is not read: whom it was about is known only where the path says it.
        let is_nameless = self.is_paused && self.references.is_empty();
        !is_gone_already && !is_nameless
    }
}
