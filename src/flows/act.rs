//! One act: somebody does something, at one instant, for a cause; it is written down and told to the CRMs.
//!
//! Invariant: the audit entry and the outbox rows are written in the transaction of the change.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::{AccountId, AuditId, TargetId};
use crate::store::audit::{self, Entry};
use crate::store::{Conn, StoreError, outbox};

/// An account as whoever acts saw it last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Which.
    pub account: AccountId,
    /// Its version then.
    pub version: i64,
    /// When.
    pub at: Timestamp,
}

/// Who does something, when and why.
#[derive(Debug, Clone)]
pub struct Act {
    /// Who.
    pub actor: Actor,
    /// Why: a stable word, or a person's own sentence.
    pub cause: String,
    /// The request it came by.
    pub request_id: Option<String>,
    /// When: one instant for everything that belongs to the act.
    pub now: Timestamp,
    /// Every CRM.
    pub(super) targets: Arc<[TargetId]>,
    /// The CRMs that are told; the others ask for themselves.
    pub(super) told: Arc<[TargetId]>,
    /// By what the acting person decided; nothing: by how things stand.
    pub(super) seen: Option<Seen>,
}

impl Act {
    /// The same act, under the id of the request it came by.
    #[must_use]
    pub fn by_request(mut self, id: Option<String>) -> Self {
        self.request_id = id;
        self
    }

    /// The same act, for a narrower cause.
    #[must_use]
    pub fn because(&self, cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), ..self.clone() }
    }

    /// The same act, decided by an account as it was then: where it has changed since, nothing is done.
    #[must_use]
    pub fn upon(&self, seen: Seen) -> Self {
        Self { seen: Some(seen), ..self.clone() }
    }

    /// Writes an audit entry. Gives its id, which may be shown as a reference number.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the database cannot be reached.
    pub async fn record(
        &self,
        c: &mut Conn,
        action: &'static str,
        subject: Subject,
        before: Option<Value>,
        after: Option<Value>,
    ) -> Result<AuditId, StoreError> {
        let entry = Entry {
            at: self.now,
            actor: self.actor.clone(),
            cause: self.cause.clone(),
            action,
            subject,
            before,
            after,
            request_id: self.request_id.clone(),
        };
        audit::append(c, &entry).await
    }

    /// Gives the account its next version and queues it for every target that is told, with the commit. Access taken away goes
    /// first (`urgent`).
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the database cannot be reached.
    pub async fn announce(&self, c: &mut Conn, id: AccountId, urgent: bool) -> Result<(), StoreError> {
        outbox::announce(c, id, &self.told, urgent, self.now).await
    }
}
