//! Tables `outbox` and `delivered`: which accounts each target has yet to be told about, and what it was told last.
//!
//! Invariant: one waiting row per target and account; a newer version replaces the waiting one. What failed for good
//! stays as a dead letter until somebody acts.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, TargetId};

use super::conn::Conn;
use super::departure;
use super::error::StoreError;
use super::ledger;
use super::value::{instant, instant_opt, micros};

/// A row that waits, or one that failed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Who is to be told.
    pub target: TargetId,
    /// About whom.
    pub account: AccountId,
    /// The version that was queued.
    pub version: i64,
    /// Since when the target has not been told.
    pub queued_at: Timestamp,
    /// When the next attempt is due.
    pub due_at: Timestamp,
    /// How many attempts have failed.
    pub attempts: i64,
    /// What the last one said.
    pub last_error: Option<String>,
}

/// What becomes of a row that waits already: the newer version takes its place in the queue. What was a dead letter
/// begins anew.
macro_rules! replace {
    () => {
        "ON CONFLICT (target, account_id) DO UPDATE SET version = excluded.version,
            queued_at = CASE WHEN outbox.state = 'dead' THEN excluded.queued_at ELSE outbox.queued_at END,
            urgent = (outbox.urgent OR excluded.urgent),
            due_at = CASE WHEN outbox.state = 'dead' OR (excluded.urgent AND excluded.due_at < outbox.due_at)
                     THEN excluded.due_at ELSE outbox.due_at END,
            attempts = CASE WHEN outbox.state = 'dead' THEN 0 ELSE outbox.attempts END, state = 'waiting'
          WHERE excluded.version >= outbox.version"
    };
}
pub(super) use replace;

/// Gives the account its next version, and queues it for these targets, when the transaction ends. Access that was
/// taken away goes first (`urgent`). However often a change says it, the version grows by one.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn announce(
    c: &mut Conn,
    account: AccountId,
    targets: &[TargetId],
    urgent: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    ledger::announce(c, account, targets, urgent, now).await
}

/// Queues the present state of an account for a target. Access that was taken away goes first (`urgent`), and at
/// once, however long a failed attempt before it was to wait. A newer version keeps the older one's place.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn queue(
    c: &mut Conn,
    target: &TargetId,
    account: AccountId,
    version: i64,
    urgent: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    q!(execute; c,
        concat!("INSERT INTO outbox (target, account_id, version, urgent, queued_at, due_at, attempts, fence, state)
         VALUES ($1, $2, $3, $4, $5, $5, 0, 0, 'waiting') ", replace!()),
        target.as_str(), account.uuid(), version, urgent, micros(now))?;
    Ok(())
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        target: String,
        account_id: Uuid,
        version: i64,
        queued_at: i64,
        due_at: i64,
        attempts: i64,
        last_error: Option<String>,
    }
}

impl TryFrom<Row> for Waiting {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            target: TargetId::parse(&row.target)
                .map_err(|e| StoreError::corrupt("outbox", row.account_id, e))?,
            account: AccountId::new(row.account_id),
            version: row.version,
            queued_at: instant(row.queued_at, "outbox", row.account_id)?,
            due_at: instant(row.due_at, "outbox", row.account_id)?,
            attempts: row.attempts,
            last_error: row.last_error,
        })
    }
}

/// The rows of a target that are due, urgent ones first, then the longest queued.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn due(
    c: &mut Conn,
    target: &TargetId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Waiting>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT target, account_id, version, queued_at, due_at, attempts, last_error FROM outbox
          WHERE target = $1 AND state = 'waiting' AND due_at <= $2 ORDER BY urgent DESC, queued_at, account_id LIMIT $3",
        target.as_str(), micros(now), limit)?
    .into_iter()
    .map(Waiting::try_from)
    .collect()
}

/// Notes that a target took a version. A newer one that was queued meanwhile goes on waiting, due at once.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn done(
    c: &mut Conn,
    target: &TargetId,
    account: AccountId,
    version: i64,
    answer: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    q!(execute; c, "DELETE FROM outbox WHERE target = $1 AND account_id = $2 AND version <= $3",
        target.as_str(), account.uuid(), version)?;
    q!(execute; c, "UPDATE outbox SET attempts = 0, due_at = $3, last_error = NULL WHERE target = $1 AND account_id = $2",
        target.as_str(), account.uuid(), micros(now))?;
    q!(execute; c,
        "INSERT INTO delivered (target, account_id, version, at, answer) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (target, account_id) DO UPDATE SET version = excluded.version, at = excluded.at,
            answer = excluded.answer WHERE excluded.version >= delivered.version",
        target.as_str(), account.uuid(), version, micros(now), answer)?;
    departure::confirm(c, target, account, version, now).await
}

/// Notes a failed attempt and when to try again. A version that was replaced meanwhile is left alone: the newer one
/// waits as it was queued, since nobody has tried it yet. Gives whether the row was still the same.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn again(c: &mut Conn, row: &Waiting, error: &str, due_at: Timestamp) -> Result<bool, StoreError> {
    let same = q!(execute; c,
        "UPDATE outbox SET attempts = $4, last_error = $5, due_at = $6
          WHERE target = $1 AND account_id = $2 AND version = $3 AND state = 'waiting'",
        row.target.as_str(), row.account.uuid(), row.version, row.attempts + 1, error, micros(due_at))?;
    Ok(same == 1)
}

/// When the next row of a target falls due; nothing: none waits.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn next_due(c: &mut Conn, target: &TargetId) -> Result<Option<Timestamp>, StoreError> {
    let (at,) = q!(fetch_one as (Option<i64>,); c,
        "SELECT MIN(due_at) FROM outbox WHERE target = $1 AND state = 'waiting'", target.as_str())?;
    instant_opt(at, "outbox", target)
}

/// Notes that a target will never take this version: a dead letter. One that was replaced meanwhile goes on waiting.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn give_up(c: &mut Conn, row: &Waiting, error: &str) -> Result<bool, StoreError> {
    let dead = q!(execute; c,
        "UPDATE outbox SET state = 'dead', attempts = $4, last_error = $5
          WHERE target = $1 AND account_id = $2 AND version = $3",
        row.target.as_str(), row.account.uuid(), row.version, row.attempts + 1, error)?;
    Ok(dead == 1)
}

/// The dead letters, of one target or of all, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn dead(c: &mut Conn, target: Option<&TargetId>) -> Result<Vec<Waiting>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT target, account_id, version, queued_at, due_at, attempts, last_error FROM outbox
          WHERE state = 'dead' AND (target = $1 OR $2) ORDER BY queued_at, account_id",
        target.map_or("", TargetId::as_str), target.is_none())?
    .into_iter()
    .map(Waiting::try_from)
    .collect()
}

/// Puts dead letters of a target back to wait: all, or one account's. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn revive(
    c: &mut Conn,
    target: &TargetId,
    account: Option<AccountId>,
    now: Timestamp,
) -> Result<u64, StoreError> {
    q!(execute; c,
        "UPDATE outbox SET state = 'waiting', attempts = 0, due_at = $4
          WHERE target = $1 AND state = 'dead' AND (account_id = $2 OR $3)",
        target.as_str(), account.map_or(Uuid::nil(), AccountId::uuid), account.is_none(), micros(now))
}

/// How many rows of each target wait, and how many are dead letters: target, waiting, dead.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn backlog(c: &mut Conn) -> Result<Vec<(String, i64, i64)>, StoreError> {
    let mut rows = q!(fetch_all as (String, i64, i64); c,
        "SELECT target, COUNT(CASE WHEN state = 'waiting' THEN 1 END), COUNT(CASE WHEN state = 'dead' THEN 1 END)
           FROM outbox GROUP BY target")?;
    rows.sort();
    Ok(rows)
}

/// The version that a target was last told of, when, and what it answered.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn delivered(
    c: &mut Conn,
    target: &TargetId,
    account: AccountId,
) -> Result<Option<(i64, Timestamp, String)>, StoreError> {
    let row = q!(fetch_optional as (i64, i64, String); c,
        "SELECT version, at, answer FROM delivered WHERE target = $1 AND account_id = $2",
        target.as_str(), account.uuid())?;
    row.map(|(version, at, answer)| Ok((version, instant(at, "delivered", account)?, answer))).transpose()
}

/// When each target last took something: target and instant, in the order of the names.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn last_deliveries(c: &mut Conn) -> Result<Vec<(String, Timestamp)>, StoreError> {
    let mut rows =
        q!(fetch_all as (String, i64); c, "SELECT target, MAX(at) FROM delivered GROUP BY target")?;
    rows.sort();
    rows.into_iter()
        .map(|(target, at)| {
            let at = instant(at, "delivered", &target)?;
            Ok((target, at))
        })
        .collect()
}
