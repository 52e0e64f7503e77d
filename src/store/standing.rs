//! Table `account_status`: the history of each account's status.
//!
//! Invariant: one open interval per account, equal to the status in `account`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::account::{Standing, Status, StatusReason};
use crate::domain::ids::AccountId;

use super::client_logout;
use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::{id_list, instant, instant_opt, micros};

/// One interval of an account's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// The status and how it came about.
    pub standing: Standing,
    /// When it ended; nothing for the present one.
    pub until: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        status: String,
        reason: String,
        by_actor: String,
        note: Option<String>,
        since: i64,
        until: Option<i64>,
    }
}

impl TryFrom<Row> for Past {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unknown = |value: &str| StoreError::corrupt("account_status", row.id, format!("{value:?}"));
        Ok(Self {
            standing: Standing {
                status: Status::from_name(&row.status).ok_or_else(|| unknown(&row.status))?,
                since: instant(row.since, "account_status", row.id)?,
                reason: StatusReason::from_name(&row.reason).ok_or_else(|| unknown(&row.reason))?,
                by: row.by_actor,
                note: row.note,
            },
            until: instant_opt(row.until, "account_status", row.id)?,
        })
    }
}

/// Gives the account a new status from `standing.since` on, and ends the former interval there. A status that takes
/// access ends every session of the account with it, and queues them for the clients; gives how many these were.
///
/// Becoming active is also kept as the account's last activation.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn change(c: &mut Conn, account: AccountId, standing: &Standing) -> Result<u64, StoreError> {
    let since = micros(standing.since);
    let activated = (standing.status == Status::Active).then_some(since);
    let (ended,) = q!(fetch_one as (i64,); c,
        sqlite "UPDATE account_status SET until = $2 WHERE account_id = $1 AND until IS NULL;
            INSERT INTO account_status (id, account_id, status, reason, by_actor, note, since)
            VALUES ($8, $1, $3, $4, $5, $6, $2);
            UPDATE account SET status = $3, status_since = $2, status_reason = $4, status_by = $5, status_note = $6,
                   activated_at = COALESCE($7, activated_at)
             WHERE id = $1;
            UPDATE session SET ended_at = $2, ended_why = $3 WHERE account_id = $1 AND ended_at IS NULL AND $9;
            SELECT CASE WHEN $9 THEN changes() ELSE 0 END",
        postgres "WITH closed AS (
                UPDATE account_status SET until = $2 WHERE account_id = $1 AND until IS NULL RETURNING account_id),
             opened AS (
                INSERT INTO account_status (id, account_id, status, reason, by_actor, note, since)
                SELECT CAST($8 AS UUID), CAST($1 AS UUID), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT),
                       CAST($6 AS TEXT), CAST($2 AS BIGINT) FROM (SELECT COUNT(*) FROM closed) former),
             stands AS (
                UPDATE account SET status = $3, status_since = $2, status_reason = $4, status_by = $5,
                       status_note = $6, activated_at = COALESCE($7, activated_at)
                 WHERE id = $1),
             ended AS (
                UPDATE session SET ended_at = $2, ended_why = $3
                 WHERE account_id = $1 AND ended_at IS NULL AND $9 RETURNING id)
             SELECT COUNT(*) FROM ended",
        account.uuid(), since, standing.status.name(), standing.reason.name(), &standing.by, &standing.note,
        activated, Uuid::now_v7(), !standing.status.is_usable())?;
    if ended > 0 {
        client_logout::of_account(c, account, standing.since).await?;
    }
    Ok(u64::try_from(ended).unwrap_or_default())
}

/// Gives accounts new statuses that take access, all since the same instant, as [`change`] does for one. Gives how many
/// sessions of each ended; who had none is left out.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn close_all(
    c: &mut Conn,
    closed: &[(AccountId, Standing)],
    since: Timestamp,
) -> Result<BTreeMap<AccountId, i64>, StoreError> {
    if closed.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids = id_list(closed.iter().map(|(id, _)| id.uuid()));
    let sessions = q!(fetch_all as (Uuid, i64); c,
        sqlite "SELECT account_id, COUNT(*) FROM session
                 WHERE account_id IN (SELECT unhex(e.value) FROM json_each($1) e) AND ended_at IS NULL GROUP BY account_id",
        postgres "SELECT account_id, COUNT(*) FROM session
                 WHERE account_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))
                   AND ended_at IS NULL GROUP BY account_id",
        &ids)?;
    let row = |(id, new): &(AccountId, Standing)| {
        json!([
            id.uuid().simple().to_string(),
            Uuid::now_v7().simple().to_string(),
            new.status.name(),
            new.reason.name(),
            new.by,
            new.note
        ])
    };
    let rows: Vec<Value> = closed.iter().map(row).collect();
    q!(execute; c,
        sqlite "UPDATE account_status SET until = $2
                 WHERE account_id IN (SELECT unhex(e.value ->> 0) FROM json_each($1) e) AND until IS NULL;
            INSERT INTO account_status (id, account_id, status, reason, by_actor, note, since)
                SELECT unhex(e.value ->> 1), unhex(e.value ->> 0), e.value ->> 2, e.value ->> 3, e.value ->> 4,
                       e.value ->> 5, $2 FROM json_each($1) e;
            UPDATE account SET status = e.value ->> 2, status_since = $2, status_reason = e.value ->> 3,
                   status_by = e.value ->> 4, status_note = e.value ->> 5
              FROM json_each($1) e WHERE account.id = unhex(e.value ->> 0)",
        postgres "WITH closed AS (
                UPDATE account_status SET until = $2
                 WHERE account_id IN (SELECT CAST(e.value ->> 0 AS UUID) FROM jsonb_array_elements($1) e(value))
                   AND until IS NULL RETURNING account_id),
             opened AS (
                INSERT INTO account_status (id, account_id, status, reason, by_actor, note, since)
                SELECT CAST(e.value ->> 1 AS UUID), CAST(e.value ->> 0 AS UUID), e.value ->> 2, e.value ->> 3,
                       e.value ->> 4, e.value ->> 5, $2
                  FROM jsonb_array_elements($1) e(value), (SELECT COUNT(*) FROM closed) former)
             UPDATE account SET status = e.value ->> 2, status_since = $2, status_reason = e.value ->> 3,
                    status_by = e.value ->> 4, status_note = e.value ->> 5
               FROM jsonb_array_elements($1) e(value) WHERE account.id = CAST(e.value ->> 0 AS UUID)",
        Json(rows), micros(since))?;
    if sessions.is_empty() {
        return Ok(BTreeMap::new());
    }
    // None can have begun since they were counted: a sign-in waits for the account's lock.
    let why = closed.iter().map(|(id, new)| json!([id.uuid().simple().to_string(), new.status.name()]));
    q!(execute; c,
        sqlite "UPDATE session SET ended_at = $2, ended_why = e.value ->> 1 FROM json_each($1) e
                 WHERE session.account_id = unhex(e.value ->> 0) AND session.ended_at IS NULL",
        postgres "UPDATE session SET ended_at = $2, ended_why = e.value ->> 1 FROM jsonb_array_elements($1) e(value)
                 WHERE session.account_id = CAST(e.value ->> 0 AS UUID) AND session.ended_at IS NULL",
        Json(why.collect::<Vec<_>>()), micros(since))?;
    let mut ended = BTreeMap::new();
    for (id, count) in sessions {
        let id = AccountId::new(id);
        client_logout::of_account(c, id, since).await?;
        ended.insert(id, count);
    }
    Ok(ended)
}

/// The whole history of an account, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn history(c: &mut Conn, account: AccountId) -> Result<Vec<Past>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT id, status, reason, by_actor, note, since, until FROM account_status WHERE account_id = $1
          ORDER BY since, id",
        account.uuid())?
    .into_iter()
    .map(Past::try_from)
    .collect()
}

/// The status that an account had at a past instant; nothing before it came to be.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn at(c: &mut Conn, account: AccountId, at: Timestamp) -> Result<Option<Past>, StoreError> {
    q!(fetch_optional as Row; c,
        "SELECT id, status, reason, by_actor, note, since, until FROM account_status
          WHERE account_id = $1 AND since <= $2 AND (until IS NULL OR until > $2) ORDER BY since DESC LIMIT 1",
        account.uuid(), micros(at))?
    .map(Past::try_from)
    .transpose()
}

/// How many accounts lost access (frozen, deactivated or removed) since an instant and have it no longer.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn taken_since(c: &mut Conn, since: Timestamp) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(DISTINCT s.account_id) FROM account_status s
          WHERE s.since > $1 AND s.until IS NULL AND s.status IN ('frozen', 'deactivated', 'removed')
            AND EXISTS (SELECT 1 FROM account_status b WHERE b.account_id = s.account_id AND b.until > $1
                           AND b.status = 'active')",
        micros(since))?;
    Ok(count)
}

/// The status that each of these accounts had at a past instant; those that came to be later are left out.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn at_of(c: &mut Conn, span: &Span, at: Timestamp) -> Result<Vec<(AccountId, Past)>, StoreError> {
    spanned!((Uuid, Uuid, String, String, String, Option<String>, i64, Option<i64>); c, span,
        "SELECT account_id, id, status, reason, by_actor, note, since, until FROM account_status WHERE ",
        " AND since <= $3 AND (until IS NULL OR until > $3) ORDER BY account_id, since, id",
        micros(at))?
    .into_iter()
    .map(|(account, id, status, reason, by_actor, note, since, until)| {
        let past = Past::try_from(Row { id, status, reason, by_actor, note, since, until })?;
        Ok((AccountId::new(account), past))
    })
    .collect()
}
