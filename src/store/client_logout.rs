//! Table `client_logout`: clients' sessions that have ended, and of which the client has yet to be told.
//!
//! Invariant: a row is written in the transaction that ends the session, and stays until the client has been told or
//! will never be.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, ClientId, ClientSessionId, SessionId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// A client that has yet to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The client's `sid`.
    pub sid: ClientSessionId,
    /// Which client.
    pub client: ClientId,
    /// Whose session it was.
    pub account: AccountId,
    /// The client's `sub` for the person.
    pub subject: String,
    /// When the session ended.
    pub queued_at: Timestamp,
    /// When the next attempt is due.
    pub due_at: Timestamp,
    /// How many attempts have failed.
    pub attempts: i64,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        sid: Uuid,
        client: String,
        account_id: Uuid,
        subject: String,
        queued_at: i64,
        due_at: i64,
        attempts: i64,
    }
}

impl TryFrom<Row> for Waiting {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            sid: ClientSessionId::new(row.sid),
            client: ClientId::parse(&row.client)
                .map_err(|e| StoreError::corrupt("client_logout", row.sid, e))?,
            account: AccountId::new(row.account_id),
            subject: row.subject,
            queued_at: instant(row.queued_at, "client_logout", row.sid)?,
            due_at: instant(row.due_at, "client_logout", row.sid)?,
            attempts: row.attempts,
        })
    }
}

/// What ending a client's session gives back: `sid`, client, account, `sub`.
type Ended = (Uuid, String, Uuid, String);

async fn queue(c: &mut Conn, ended: Vec<Ended>, now: Timestamp) -> Result<usize, StoreError> {
    for (sid, client, account, subject) in &ended {
        q!(execute; c,
            "INSERT INTO client_logout (sid, client, account_id, subject, queued_at, due_at, attempts)
             VALUES ($1, $2, $3, $4, $5, $5, 0) ON CONFLICT DO NOTHING",
            sid, client, account, subject, micros(now))?;
    }
    Ok(ended.len())
}

/// Ends the clients' part of a session. Gives how many clients are to be told.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn of_session(c: &mut Conn, session: SessionId, now: Timestamp) -> Result<usize, StoreError> {
    let ended = q!(fetch_all as Ended; c,
        "UPDATE client_session SET ended_at = $2 WHERE session_id = $1 AND ended_at IS NULL
         RETURNING id, client, account_id, subject",
        session.uuid(), micros(now))?;
    queue(c, ended, now).await
}

/// Ends the clients' part of every session of an account. Gives how many are to be told.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn of_account(c: &mut Conn, account: AccountId, now: Timestamp) -> Result<usize, StoreError> {
    let ended = q!(fetch_all as Ended; c,
        "UPDATE client_session SET ended_at = $2 WHERE account_id = $1 AND ended_at IS NULL
         RETURNING id, client, account_id, subject",
        account.uuid(), micros(now))?;
    queue(c, ended, now).await
}

/// Ends one client's part of a session, which lives on. Gives `false` when it had ended already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn of_client(c: &mut Conn, sid: ClientSessionId, now: Timestamp) -> Result<bool, StoreError> {
    let ended = q!(fetch_all as Ended; c,
        "UPDATE client_session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL
         RETURNING id, client, account_id, subject",
        sid.uuid(), micros(now))?;
    Ok(queue(c, ended, now).await? == 1)
}

/// Ends the clients' part of every session that has ended, or has run out, without them. Gives how many are to be told.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn of_ended(c: &mut Conn, now: Timestamp) -> Result<usize, StoreError> {
    let ended = q!(fetch_all as Ended; c,
        "UPDATE client_session SET ended_at = $1 WHERE ended_at IS NULL AND session_id IN
            (SELECT s.id FROM session s WHERE s.ended_at IS NOT NULL OR s.expires_at <= $1)
         RETURNING id, client, account_id, subject",
        micros(now))?;
    queue(c, ended, now).await
}

/// Whether a client's session is open though its session has ended or run out. Reads only.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn has_ended(c: &mut Conn, now: Timestamp) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (Uuid,); c,
        "SELECT x.id FROM client_session x JOIN session s ON s.id = x.session_id
          WHERE x.ended_at IS NULL AND (s.ended_at IS NOT NULL OR s.expires_at <= $1) LIMIT 1",
        micros(now))?;
    Ok(row.is_some())
}

/// The rows of a client that are due, the longest queued first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn due(
    c: &mut Conn,
    client: &ClientId,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Waiting>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT sid, client, account_id, subject, queued_at, due_at, attempts FROM client_logout
          WHERE client = $1 AND due_at <= $2 ORDER BY queued_at, sid LIMIT $3",
        client.as_str(), micros(now), limit)?
    .into_iter()
    .map(Waiting::try_from)
    .collect()
}

/// When the next row of a client falls due; nothing: none waits.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn next_due(c: &mut Conn, client: &ClientId) -> Result<Option<Timestamp>, StoreError> {
    let (at,) = q!(fetch_one as (Option<i64>,); c,
        "SELECT MIN(due_at) FROM client_logout WHERE client = $1", client.as_str())?;
    instant_opt(at, "client_logout", client)
}

/// Notes that a client has been told, or never will be. Gives `false` when that was noted before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn done(c: &mut Conn, sid: ClientSessionId) -> Result<bool, StoreError> {
    Ok(q!(execute; c, "DELETE FROM client_logout WHERE sid = $1", sid.uuid())? == 1)
}

/// Notes a failed attempt and when to try again.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn again(c: &mut Conn, row: &Waiting, error: &str, due_at: Timestamp) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE client_logout SET attempts = $2, last_error = $3, due_at = $4 WHERE sid = $1",
        row.sid.uuid(), row.attempts + 1, error, micros(due_at))?;
    Ok(())
}

/// Forgets rows from before `old`: their client stands in the settings no more, or it would have been told or given up.
/// Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, old: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM client_logout WHERE queued_at < $1", micros(old))
}

/// How many rows of each client wait.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn backlog(c: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    let mut rows =
        q!(fetch_all as (String, i64); c, "SELECT client, COUNT(*) FROM client_logout GROUP BY client")?;
    rows.sort();
    Ok(rows)
}
