//! The SCIM error: a status, perhaps a `scimType`, and a sentence that helps.
//!
//! Invariant: a detail never carries more than a short, escaped piece of what
//! the client sent, so that it is safe in a log line.

use std::fmt;

use serde_json::{Value, json};

/// URN of the error message (RFC 7644 §3.12).
pub const ERROR_URN: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// What kind of mistake a 4xx answer speaks of (RFC 7644 table 9, RFC 9865 §2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScimType {
    /// The filter is malformed, or its attribute and operator do not go together.
    InvalidFilter,
    /// The answer would hold more than the server is willing to compute.
    TooMany,
    /// A value that must be unique is taken.
    Uniqueness,
    /// A read-only, immutable or required attribute would be changed against its nature.
    Mutability,
    /// The body is not what the request demands.
    InvalidSyntax,
    /// A PATCH path is malformed or names nothing.
    InvalidPath,
    /// A PATCH path yields nothing that could be operated on.
    NoTarget,
    /// A value is missing or of the wrong type.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The request carries something that must not stand in a URL.
    Sensitive,
    /// The paging cursor is not one of ours (RFC 9865).
    InvalidCursor,
    /// The paging cursor is too old (RFC 9865).
    ExpiredCursor,
    /// The page size does not go with the cursor (RFC 9865).
    InvalidCount,
}

impl ScimType {
    /// The name as it stands in the answer.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidFilter => "invalidFilter",
            Self::TooMany => "tooMany",
            Self::Uniqueness => "uniqueness",
            Self::Mutability => "mutability",
            Self::InvalidSyntax => "invalidSyntax",
            Self::InvalidPath => "invalidPath",
            Self::NoTarget => "noTarget",
            Self::InvalidValue => "invalidValue",
            Self::InvalidVers => "invalidVers",
            Self::Sensitive => "sensitive",
            Self::InvalidCursor => "invalidCursor",
            Self::ExpiredCursor => "expiredCursor",
            Self::InvalidCount => "invalidCount",
        }
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Uniqueness => 409,
            Self::Sensitive => 403,
            Self::InvalidFilter
            | Self::TooMany
            | Self::Mutability
            | Self::InvalidSyntax
            | Self::InvalidPath
            | Self::NoTarget
            | Self::InvalidValue
            | Self::InvalidVers
            | Self::InvalidCursor
            | Self::ExpiredCursor
            | Self::InvalidCount => 400,
        }
    }
}

impl fmt::Display for ScimType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A refusal as a SCIM client reads it (RFC 7644 §3.12).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ScimError {
    /// HTTP status code.
    pub status: u16,
    /// The kind of mistake, where table 9 has one.
    pub scim_type: Option<ScimType>,
    /// What was wrong, where, and how to mend it.
    pub detail: String,
}

impl ScimError {
    /// An error of a kind from table 9, with the status that belongs to it.
    #[must_use]
    pub fn of(kind: ScimType, detail: impl Into<String>) -> Self {
        Self { status: kind.status(), scim_type: Some(kind), detail: detail.into() }
    }

    /// An error that only its status describes: 401, 404, 405, 412, 413, 415, 5xx.
    #[must_use]
    pub fn status(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    /// 400 `invalidFilter`.
    #[must_use]
    pub fn invalid_filter(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidFilter, detail)
    }

    /// 400 `invalidValue`.
    #[must_use]
    pub fn invalid_value(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidValue, detail)
    }

    /// 400 `invalidSyntax`.
    #[must_use]
    pub fn invalid_syntax(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidSyntax, detail)
    }

    /// 400 `invalidPath`.
    #[must_use]
    pub fn invalid_path(detail: impl Into<String>) -> Self {
        Self::of(ScimType::InvalidPath, detail)
    }

    /// 400 `noTarget`.
    #[must_use]
    pub fn no_target(detail: impl Into<String>) -> Self {
        Self::of(ScimType::NoTarget, detail)
    }

    /// 400 `mutability`.
    #[must_use]
    pub fn mutability(detail: impl Into<String>) -> Self {
        Self::of(ScimType::Mutability, detail)
    }

    /// 409 `uniqueness`.
    #[must_use]
    pub fn uniqueness(detail: impl Into<String>) -> Self {
        Self::of(ScimType::Uniqueness, detail)
    }

    /// 404 for a resource that this directory does not have.
    #[must_use]
    pub fn not_found(what: &str, id: &str) -> Self {
        Self::status(404, format!("{what} {} does not exist here", shown(id)))
    }

    /// The error body; `status` is a string there (RFC 7644 §3.12).
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = json!({ "schemas": [ERROR_URN], "status": self.status.to_string() });
        if let Some(map) = body.as_object_mut() {
            if let Some(kind) = self.scim_type {
                map.insert("scimType".into(), kind.name().into());
            }
            map.insert("detail".into(), self.detail.clone().into());
        }
        body
    }
}

/// `text` in quotes, escaped, and cut after 60 characters: safe in an answer and in a log.
#[must_use]
pub(crate) fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_a_string_and_the_type_is_left_out_where_there_is_none() {
        let body = ScimError::uniqueness("userName is taken").to_json();
        assert_eq!(body["status"], "409");
        assert_eq!(body["scimType"], "uniqueness");
        let body = ScimError::not_found("User", "x").to_json();
        assert_eq!(body["status"], "404");
        assert!(body.get("scimType").is_none());
    }

    #[test]
    fn shown_text_cannot_break_a_log_line() {
        assert_eq!(shown("a\nb"), "\"a\\nb\"");
        assert!(shown(&"x".repeat(500)).chars().count() < 70);
    }
}
