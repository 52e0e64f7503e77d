//! Table `login_answered`: sign-ins whose answer has come from the provider, as long as it could come again.
//!
//! Invariant: an answer is taken at most once. A sign-in that nobody comes back from leaves nothing here.

use jiff::Timestamp;

use super::conn::Conn;
use super::error::StoreError;
use super::value::micros;

/// Takes the answer to the sign-in with this state, which is void from `expires_at` on. Gives `false` when it was taken
/// before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn take(c: &mut Conn, state_hash: &[u8], expires_at: Timestamp) -> Result<bool, StoreError> {
    let taken = q!(execute; c,
        "INSERT INTO login_answered (state_hash, expires_at) VALUES ($1, $2) ON CONFLICT (state_hash) DO NOTHING",
        state_hash, micros(expires_at))?;
    Ok(taken == 1)
}

/// Whether the answer to the sign-in with this state was taken.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn is_taken(c: &mut Conn, state_hash: &[u8]) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (i64,); c,
        "SELECT expires_at FROM login_answered WHERE state_hash = $1", state_hash)?;
    Ok(row.is_some())
}

/// Forgets answers that are void by themselves now. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM login_answered WHERE expires_at < $1", micros(now))
}
