//! Tables `delivered` and `outbox` for pages of accounts: what each target was told last, and what waits.
//!
//! Invariant: reads only.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, TargetId};

use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::instant;

/// How far a target has come with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Progress {
    /// It will not take what it should know: somebody must act.
    Dead,
    /// It has yet to be told.
    Waiting,
    /// It took this.
    Taken,
}

/// What a target knows of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Knows {
    /// Of whom.
    pub account: AccountId,
    /// Which target.
    pub target: TargetId,
    /// How far it has come.
    pub progress: Progress,
    /// Which version it took, or is to take.
    pub version: i64,
    /// Since when.
    pub since: Timestamp,
}

/// What a target knows of these accounts: what it took, and what it has yet to take. Sorted by account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of(c: &mut Conn, span: &Span, target: &TargetId) -> Result<Vec<Knows>, StoreError> {
    let taken = spanned!((Uuid, i64, i64); c, span,
        "SELECT account_id, version, at FROM delivered WHERE ", " AND target = $3", target.as_str())?;
    let waits = spanned!((Uuid, i64, i64, String); c, span,
        "SELECT account_id, version, queued_at, state FROM outbox WHERE ", " AND target = $3", target.as_str())?;
    let taken = taken.into_iter().map(|(id, version, at)| (id, Progress::Taken, version, at));
    let waits = waits.into_iter().map(|(id, version, at, state)| {
        let progress = if state == "dead" { Progress::Dead } else { Progress::Waiting };
        (id, progress, version, at)
    });
    let mut knows = taken
        .chain(waits)
        .map(|(id, progress, version, at)| {
            let since = instant(at, "delivered", id)?;
            Ok(Knows { account: AccountId::new(id), target: target.clone(), progress, version, since })
        })
        .collect::<Result<Vec<_>, StoreError>>()?;
    knows.sort_by_key(|one| (one.account, one.progress));
    Ok(knows)
}
