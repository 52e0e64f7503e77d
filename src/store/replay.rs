//! Table `target_replay`: a target is told of many accounts again, or of those that there were before it.
//!
//! Invariant: a page is queued in the transaction that moves the mark, so that a replay goes on where it stood;
//! what it queues waits behind every change.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, TargetId};

use super::conn::Conn;
use super::error::StoreError;
use super::outbox::replace;
use super::value::{id_list, instant, instant_opt, micros, micros_opt};

/// Why a target is told of many accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayKind {
    /// It is new: of every account whose present version it does not have.
    Backfill,
    /// Somebody asked: of every account, or of those that it was told of since an instant.
    Asked,
}

impl ReplayKind {
    /// The name in the table.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Backfill => "backfill",
            Self::Asked => "replay",
        }
    }
}

/// A replay, over or under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its id.
    pub id: Uuid,
    /// Why.
    pub kind: ReplayKind,
    /// Only accounts that the target was told of since then, or never.
    pub since: Option<Timestamp>,
    /// Who asked for it.
    pub by: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// The last account that was looked at.
    pub after: Option<AccountId>,
    /// How many accounts were queued so far.
    pub queued: i64,
    /// When the last was queued; nothing: it goes on.
    pub ended_at: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        kind: String,
        since: Option<i64>,
        by_actor: String,
        begun_at: i64,
        after_account: Option<Uuid>,
        queued: i64,
        ended_at: Option<i64>,
    }
}

impl TryFrom<Row> for Replay {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let kind = [ReplayKind::Backfill, ReplayKind::Asked].into_iter().find(|kind| kind.name() == row.kind);
        let unknown = || StoreError::corrupt("target_replay", row.id, format!("kind {:?}", row.kind));
        Ok(Self {
            kind: kind.ok_or_else(unknown)?,
            since: instant_opt(row.since, "target_replay", row.id)?,
            begun_at: instant(row.begun_at, "target_replay", row.id)?,
            ended_at: instant_opt(row.ended_at, "target_replay", row.id)?,
            id: row.id,
            by: row.by_actor,
            after: row.after_account.map(AccountId::new),
            queued: row.queued,
        })
    }
}

/// Begins a replay.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn begin(
    c: &mut Conn,
    target: &TargetId,
    kind: ReplayKind,
    since: Option<Timestamp>,
    by: &str,
    now: Timestamp,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    q!(execute; c,
        "INSERT INTO target_replay (id, target, kind, since, by_actor, begun_at, queued)
         VALUES ($1, $2, $3, $4, $5, $6, 0)",
        id, target.as_str(), kind.name(), micros_opt(since), by, micros(now))?;
    Ok(id)
}

/// The replays of a target, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_target(c: &mut Conn, target: &TargetId, limit: i64) -> Result<Vec<Replay>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT id, kind, since, by_actor, begun_at, after_account, queued, ended_at FROM target_replay
          WHERE target = $1 ORDER BY begun_at DESC, id DESC LIMIT $2",
        target.as_str(), limit)?
    .into_iter()
    .map(Replay::try_from)
    .collect()
}

/// The replay of a target that goes on, the oldest first begun.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn under_way(c: &mut Conn, target: &TargetId) -> Result<Option<Replay>, StoreError> {
    q!(fetch_optional as Row; c,
        "SELECT id, kind, since, by_actor, begun_at, after_account, queued, ended_at FROM target_replay
          WHERE target = $1 AND ended_at IS NULL ORDER BY begun_at, id LIMIT 1",
        target.as_str())?
    .map(Replay::try_from)
    .transpose()
}

/// A page of the accounts that a replay means, in the order of their ids. Who was removed before the target heard of
/// them is not told.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn page(
    c: &mut Conn,
    target: &TargetId,
    replay: &Replay,
    limit: i64,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = q!(fetch_all as (Uuid,); c,
        "SELECT a.id FROM account a LEFT JOIN delivered d ON d.target = $1 AND d.account_id = a.id
          WHERE a.id > $2 AND (d.account_id IS NOT NULL OR a.status <> 'removed')
            AND (d.account_id IS NULL OR ($3 AND d.version < a.version) OR (NOT $3 AND d.at >= $4))
          ORDER BY a.id LIMIT $5",
        target.as_str(), replay.after.map_or(Uuid::nil(), AccountId::uuid),
        replay.kind == ReplayKind::Backfill, replay.since.map_or(i64::MIN, micros), limit)?;
    Ok(rows.into_iter().map(|(id,)| AccountId::new(id)).collect())
}

/// Queues the present state of these accounts behind every change, those who have no access before the others. Written
/// in the order of their ids, as every writer of many rows does, so that no two wait for each other.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn queue(
    c: &mut Conn,
    target: &TargetId,
    accounts: &[AccountId],
    now: Timestamp,
) -> Result<(), StoreError> {
    let ids = id_list(accounts.iter().map(|id| id.uuid()));
    q!(execute; c,
        sqlite concat!(
            "INSERT INTO outbox (target, account_id, version, urgent, queued_at, due_at, attempts, fence, state, background)
             SELECT $1, a.id, a.version, a.status IN ('deactivated', 'removed'), $3, $3, 0, 0, 'waiting', TRUE
               FROM account a WHERE a.id IN (SELECT unhex(e.value) FROM json_each($2) e) ORDER BY a.id ", replace!()),
        postgres concat!(
            "INSERT INTO outbox (target, account_id, version, urgent, queued_at, due_at, attempts, fence, state, background)
             SELECT $1, a.id, a.version, a.status IN ('deactivated', 'removed'), $3, $3, 0, 0, 'waiting', TRUE
               FROM account a
              WHERE a.id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($2) e(value))
              ORDER BY a.id ", replace!()),
        target.as_str(), ids, micros(now))?;
    Ok(())
}

/// Notes how far a replay has come; `ended_at` where it has come to its end.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn advance(
    c: &mut Conn,
    replay: &Replay,
    after: Option<AccountId>,
    queued: i64,
    ended_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE target_replay SET after_account = $2, queued = queued + $3, ended_at = $4 WHERE id = $1",
        replay.id, after.map(AccountId::uuid), queued, micros_opt(ended_at))?;
    Ok(())
}
