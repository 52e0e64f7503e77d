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
    /// Whether it failed for good: a dead letter.
    pub is_dead: bool,
    /// Whether nothing changed: the target is told again, or for the first time.
    pub is_background: bool,
}

/// How much waits for a target.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Backlog {
    /// Rows that wait, those of a replay among them.
    pub waiting: i64,
    /// Those of a replay.
    pub background: i64,
    /// Dead letters.
    pub dead: i64,
    /// Since when the longest waiting change waits.
    pub oldest: Option<Timestamp>,
}

/// What becomes of a row that waits already: the newer version takes its place in the queue. What was a dead letter
/// begins anew.
macro_rules! replace {
    () => {
        "ON CONFLICT (target, account_id) DO UPDATE SET version = excluded.version,
            queued_at = CASE WHEN outbox.state = 'dead' THEN excluded.queued_at ELSE outbox.queued_at END,
            urgent = (outbox.urgent OR excluded.urgent), background = (outbox.background AND excluded.background),
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
        state: String,
        background: bool,
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT target, account_id, version, queued_at, due_at, attempts, last_error, state, background FROM outbox ",
            $tail
        )
    };
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
            is_dead: row.state == "dead",
            is_background: row.background,
        })
    }
}

/// The rows of a target that are due: what changed before what is only told again, in both urgent ones first, then the
/// longest queued.
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
        columns!("WHERE target = $1 AND state = 'waiting' AND due_at <= $2
                  ORDER BY background, urgent DESC, queued_at, account_id LIMIT $3"),
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
/// waits as it was queued, since nobody has tried it yet. What was tried may be newer than the row: an account gets
/// versions without a row for every target. Gives whether the row was still the same.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn again(
    c: &mut Conn,
    row: &Waiting,
    error: &str,
    now: Timestamp,
    due_at: Timestamp,
) -> Result<bool, StoreError> {
    let same = q!(execute; c,
        "UPDATE outbox SET attempts = $4, last_error = $5, due_at = $6, tried_at = $7
          WHERE target = $1 AND account_id = $2 AND version <= $3 AND state = 'waiting'",
        row.target.as_str(), row.account.uuid(), row.version, row.attempts + 1, error, micros(due_at), micros(now))?;
    Ok(same == 1)
}

/// Notes what a trial said; it counts as no attempt, so that an account is no worse off for having been picked.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn tried(c: &mut Conn, row: &Waiting, error: &str, now: Timestamp) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE outbox SET last_error = $4, tried_at = $5
          WHERE target = $1 AND account_id = $2 AND version <= $3 AND state = 'waiting'",
        row.target.as_str(), row.account.uuid(), row.version, error, micros(now))?;
    Ok(())
}

/// How many rows of replays wait for a target; it stops counting at `most`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn background_up_to(c: &mut Conn, target: &TargetId, most: i64) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM
            (SELECT 1 FROM outbox WHERE target = $1 AND state = 'waiting' AND background LIMIT $2) AS queued",
        target.as_str(), most)?;
    Ok(count)
}

/// One waiting row to try a target with, due or not: another one for each `turn`.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn trial(c: &mut Conn, target: &TargetId, turn: i64) -> Result<Option<Waiting>, StoreError> {
    let waiting = backlog(c, target).await?.waiting;
    if waiting == 0 {
        return Ok(None);
    }
    q!(fetch_optional as Row; c,
        columns!("WHERE target = $1 AND state = 'waiting'
                  ORDER BY background, urgent DESC, queued_at, account_id LIMIT 1 OFFSET $2"),
        target.as_str(), turn.rem_euclid(waiting))?
    .map(Waiting::try_from)
    .transpose()
}

/// Makes everything that waits for a target due now. Gives how many rows had to wait. PostgreSQL holds the rows in the
/// order in which every writer of many takes them, so that no two wait for each other.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn hasten(c: &mut Conn, target: &TargetId, now: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c,
        sqlite "UPDATE outbox SET due_at = $2 WHERE target = $1 AND state = 'waiting' AND due_at > $2",
        postgres "WITH held AS MATERIALIZED (
            SELECT account_id FROM outbox WHERE target = $1 AND state = 'waiting' ORDER BY account_id FOR UPDATE)
         UPDATE outbox SET due_at = $2 FROM held
          WHERE outbox.target = $1 AND outbox.account_id = held.account_id AND outbox.state = 'waiting'
            AND outbox.due_at > $2",
        target.as_str(), micros(now))
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
          WHERE target = $1 AND account_id = $2 AND version <= $3",
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
        columns!("WHERE state = 'dead' AND (target = $1 OR $2) ORDER BY queued_at, account_id"),
        target.map_or("", TargetId::as_str), target.is_none())?
    .into_iter()
    .map(Waiting::try_from)
    .collect()
}

/// Puts an account's dead letter back to wait. Gives whether there was one.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn revive(
    c: &mut Conn,
    target: &TargetId,
    account: AccountId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let revived = q!(execute; c,
        "UPDATE outbox SET state = 'waiting', attempts = 0, due_at = $3
          WHERE target = $1 AND account_id = $2 AND state = 'dead'",
        target.as_str(), account.uuid(), micros(now))?;
    Ok(revived == 1)
}

/// Puts an account's dead letter away for good. Gives whether it was still there.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn drop_letter(c: &mut Conn, letter: &Waiting) -> Result<bool, StoreError> {
    let gone = q!(execute; c,
        "DELETE FROM outbox WHERE target = $1 AND account_id = $2 AND version = $3 AND state = 'dead'",
        letter.target.as_str(), letter.account.uuid(), letter.version)?;
    Ok(gone == 1)
}

/// How much waits for a target.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn backlog(c: &mut Conn, target: &TargetId) -> Result<Backlog, StoreError> {
    let (waiting, background, dead, oldest) = q!(fetch_one as (i64, i64, i64, Option<i64>); c,
        "SELECT COUNT(CASE WHEN state = 'waiting' THEN 1 END),
                COUNT(CASE WHEN state = 'waiting' AND background THEN 1 END),
                COUNT(CASE WHEN state = 'dead' THEN 1 END),
                MIN(CASE WHEN state = 'waiting' AND NOT background THEN queued_at END)
           FROM outbox WHERE target = $1",
        target.as_str())?;
    Ok(Backlog { waiting, background, dead, oldest: instant_opt(oldest, "outbox", target)? })
}

/// What waits of an account, or failed for good, in the order of the targets.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_account(c: &mut Conn, account: AccountId) -> Result<Vec<Waiting>, StoreError> {
    let mut rows = q!(fetch_all as Row; c, columns!("WHERE account_id = $1"), account.uuid())?;
    rows.sort_by(|a, b| a.target.cmp(&b.target));
    rows.into_iter().map(Waiting::try_from).collect()
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

/// What stands in the way of rows of a target, and of how many, the most first: at most ten.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn errors(c: &mut Conn, target: &TargetId) -> Result<Vec<(String, i64)>, StoreError> {
    let mut rows = q!(fetch_all as (String, i64); c,
        "SELECT last_error, COUNT(*) FROM outbox WHERE target = $1 AND last_error IS NOT NULL
          GROUP BY last_error ORDER BY COUNT(*) DESC LIMIT 10",
        target.as_str())?;
    rows.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(rows)
}
