//! Who did something, and what an audit entry says.
//!
//! Invariant: nothing changes without a named actor and a cause.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ids::{AccountId, DirectoryId, TargetId};

/// Who asks for a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// An identity provider, by its SCIM token.
    Directory(DirectoryId),
    /// A CRM, by its API token.
    Target(TargetId),
    /// A person, by their session.
    Account(AccountId),
    /// Whoever holds the shell, by the name the system knows them under.
    Operator(String),
    /// The daemon itself, by the name of the job.
    Job(String),
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(id) => write!(f, "directory:{id}"),
            Self::Target(id) => write!(f, "target:{id}"),
            Self::Account(id) => write!(f, "account:{id}"),
            Self::Operator(name) => write!(f, "operator:{name}"),
            Self::Job(name) => write!(f, "job:{name}"),
        }
    }
}

impl Actor {
    /// Reads the form that [`Display`](fmt::Display) writes; nothing when it is another text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        match kind {
            "directory" => DirectoryId::parse(id).ok().map(Self::Directory),
            "target" => TargetId::parse(id).ok().map(Self::Target),
            "account" => AccountId::parse(id).ok().map(Self::Account),
            "operator" => Some(Self::Operator(id.to_owned())),
            "job" => Some(Self::Job(id.to_owned())),
            _ => None,
        }
    }
}

/// What an audit entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The kind of thing: `account`, `identity`, `group`, `policy`, `plan`, `token`, `session`, `item`, `target`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
}

impl Subject {
    /// A subject of `kind` with `id`.
    pub fn new(kind: &'static str, id: impl fmt::Display) -> Self {
        Self { kind, id: id.to_string() }
    }
}
