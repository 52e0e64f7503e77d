//! Looks up in the audit what a reference stands for.
//!
//! Invariant: reads only; a reference leads to entries, never to a guess.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::linking::queue;
use super::{Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, AuditId};
use crate::store::audit::{self, Recorded};
use crate::store::{Conn, account, link_request};

/// How many entries about a request are shown.
const MOST: i64 = 50;

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Entry {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who did it.
    pub actor: String,
    /// Why.
    pub cause: String,
    /// What was done.
    pub action: String,
    /// The kind of thing it was done to.
    pub subject_kind: String,
    /// Its id.
    pub subject_id: String,
    /// The sign-in name, where that is an account.
    pub who: Option<String>,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
    /// The request it came by, as the log names it too.
    pub request_id: Option<String>,
}

/// The entry of this id, or the entries about the request to be linked of this reference, the oldest first.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the reference is none of ours.
pub async fn show(ports: &Ports, reference: &str) -> Result<Vec<Entry>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let nothing = || Refusal::not_found("reference", reference);
    if let Ok(id) = AuditId::parse(reference.trim()) {
        let found = audit::get(&mut c, id).await?.ok_or_else(nothing)?;
        return Ok(vec![entry(&mut c, found).await?]);
    }
    let request = link_request::get(&mut c, &queue::plain(reference)).await?.ok_or_else(nothing)?;
    let mut found = audit::about(&mut c, &Subject::new("link_request", request.id), MOST).await?;
    found.reverse();
    let mut entries = Vec::new();
    for one in found {
        entries.push(entry(&mut c, one).await?);
    }
    Ok(entries)
}

async fn entry(c: &mut Conn, found: Recorded) -> Result<Entry, Refusal> {
    let account = match (found.subject_kind.as_str(), AccountId::parse(&found.subject_id)) {
        ("account", Ok(id)) => account::get(c, id).await?,
        _ => None,
    };
    Ok(Entry {
        id: found.id,
        at: found.at,
        actor: found.actor,
        cause: found.cause,
        action: found.action,
        subject_kind: found.subject_kind,
        subject_id: found.subject_id,
        who: account.map(|account| account.user_name).filter(|name| !name.is_empty()),
        before: found.before,
        after: found.after,
        request_id: found.request_id,
    })
}
