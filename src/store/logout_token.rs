//! Table `logout_token`, and the sessions that a provider's logout token names.
//!
//! Invariant: a token is taken at most once, and ends sessions of its own directory only.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, DirectoryId, SessionId};

use super::client_logout;
use super::conn::Conn;
use super::error::StoreError;
use super::value::micros;

/// Remembers a token by the hash of its `jti` until `expires_at`. Gives `false` when it was taken before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn take(
    c: &mut Conn,
    directory: &DirectoryId,
    jti_hash: &[u8],
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let taken = q!(execute; c,
        "INSERT INTO logout_token (directory, jti_hash, expires_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        directory.as_str(), jti_hash, micros(expires_at))?;
    Ok(taken == 1)
}

/// Forgets tokens that have expired. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM logout_token WHERE expires_at < $1", micros(now))
}

/// Notes under which `sub` the provider will speak of the person of a session.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note_subject(c: &mut Conn, session: SessionId, subject: &str) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE session SET provider_subject = $2 WHERE id = $1", session.uuid(), subject)?;
    Ok(())
}

/// Ends the sessions that a logout token names: the one of the provider's session `sid`, or else every one of `sub`.
/// Queues them for the clients.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end_sessions(
    c: &mut Conn,
    directory: &DirectoryId,
    sid: Option<&str>,
    sub: Option<&str>,
    now: Timestamp,
) -> Result<Vec<(SessionId, AccountId)>, StoreError> {
    let ended = q!(fetch_all as (Uuid, Uuid); c,
        "UPDATE session SET ended_at = $4, ended_why = 'provider logout'
          WHERE directory = $1 AND ended_at IS NULL
            AND ((provider_session = $2 AND (provider_subject = $3 OR $3 IS NULL))
                 OR ($2 IS NULL AND provider_subject = $3))
         RETURNING id, account_id",
        directory.as_str(), sid, sub, micros(now))?;
    for (session, _) in &ended {
        client_logout::of_session(c, SessionId::new(*session), now).await?;
    }
    Ok(ended.into_iter().map(|(id, account)| (SessionId::new(id), AccountId::new(account))).collect())
}
