//! Table `leave_request`: people who ask for leave, and what somebody decided.
//!
//! Invariant: at most one request of an account waits; only the days stand here, never why.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::AccountId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// A request for leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveRequest {
    /// The row.
    pub id: Uuid,
    /// Who asks.
    pub account: AccountId,
    /// The first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// When they asked.
    pub asked_at: Timestamp,
    /// `waiting`, `approved`, `refused` or `replaced`.
    pub state: String,
    /// When somebody decided.
    pub decided_at: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        account_id: Uuid,
        from_at: i64,
        until_at: i64,
        asked_at: i64,
        state: String,
        decided_at: Option<i64>,
    }
}

impl TryFrom<Row> for LeaveRequest {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = row.id;
        Ok(Self {
            id,
            account: AccountId::new(row.account_id),
            from: instant(row.from_at, "leave_request", id)?,
            until: instant(row.until_at, "leave_request", id)?,
            asked_at: instant(row.asked_at, "leave_request", id)?,
            state: row.state,
            decided_at: instant_opt(row.decided_at, "leave_request", id)?,
        })
    }
}

/// Writes a request. One that waits already gives way to it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn ask(
    c: &mut Conn,
    account: AccountId,
    from: Timestamp,
    until: Timestamp,
    now: Timestamp,
) -> Result<Uuid, StoreError> {
    q!(execute; c,
        "UPDATE leave_request SET state = 'replaced', decided_at = $2 WHERE account_id = $1 AND state = 'waiting'",
        account.uuid(), micros(now))?;
    let id = Uuid::now_v7();
    q!(execute; c,
        "INSERT INTO leave_request (id, account_id, from_at, until_at, asked_at, state)
         VALUES ($1, $2, $3, $4, $5, 'waiting')",
        id, account.uuid(), micros(from), micros(until), micros(now))?;
    Ok(id)
}

/// Writes what somebody decided. Gives `false` where it no longer waits.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn decide(
    c: &mut Conn,
    id: Uuid,
    state: &str,
    by: &str,
    why: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let decided = q!(execute; c,
        "UPDATE leave_request SET state = $2, decided_by = $3, decided_why = $4, decided_at = $5
          WHERE id = $1 AND state = 'waiting'",
        id, state, by, why, micros(now))?;
    Ok(decided == 1)
}

/// The newest request of an account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn newest(c: &mut Conn, account: AccountId) -> Result<Option<LeaveRequest>, StoreError> {
    q!(fetch_optional as Row; c,
        "SELECT id, account_id, from_at, until_at, asked_at, state, decided_at FROM leave_request
          WHERE account_id = $1 ORDER BY asked_at DESC, id DESC LIMIT 1",
        account.uuid())?
    .map(LeaveRequest::try_from)
    .transpose()
}

/// The requests that wait, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn waiting(c: &mut Conn, limit: i64) -> Result<Vec<LeaveRequest>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT id, account_id, from_at, until_at, asked_at, state, decided_at FROM leave_request
          WHERE state = 'waiting' ORDER BY asked_at, id LIMIT $1",
        limit)?
    .into_iter()
    .map(LeaveRequest::try_from)
    .collect()
}
