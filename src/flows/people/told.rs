//! What each CRM was told of an account, and what it has yet to be told: the proof of delivery.
//!
//! Invariant: read from what was written when the CRM answered; nothing is asked anew.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::super::Refusal;
use crate::domain::ids::{AccountId, TargetId};
use crate::store::outbox::{self, Waiting};
use crate::store::{Conn, delivered};

/// What one CRM was told of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Told {
    /// The CRM.
    pub target: TargetId,
    /// The version that it took last; nothing: none.
    pub version: Option<i64>,
    /// When.
    pub at: Option<Timestamp>,
    /// What it answered, shortened.
    pub answer: Option<String>,
    /// What it has yet to be told, or will not take, in words; nothing: it has everything.
    pub pending: Option<String>,
}

pub(super) async fn all(c: &mut Conn, account: AccountId) -> Result<Vec<Told>, Refusal> {
    let mut told: BTreeMap<TargetId, Told> = BTreeMap::new();
    for proof in delivered::proofs(c, account).await? {
        let (version, at, answer) = (Some(proof.version), Some(proof.at), Some(proof.answer));
        told.insert(proof.target.clone(), Told { target: proof.target, version, at, answer, pending: None });
    }
    for row in outbox::of_account(c, account).await? {
        let none =
            || Told { target: row.target.clone(), version: None, at: None, answer: None, pending: None };
        told.entry(row.target.clone()).or_insert_with(none).pending = Some(pending(&row));
    }
    Ok(told.into_values().collect())
}

fn pending(row: &Waiting) -> String {
    let Waiting { version, queued_at, due_at, attempts, last_error, is_dead, .. } = row;
    let said = last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    if *is_dead {
        return format!("version {version}, a dead letter after {attempts} attempts{said}");
    }
    format!("version {version} since {queued_at}, due at {due_at}, {attempts} attempts failed{said}")
}
