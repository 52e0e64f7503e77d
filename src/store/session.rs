//! Table `session`: who is signed in.
//!
//! Invariant: only the hash of a session's secret stands here; an ended session is never used again.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, DirectoryId, IdentityId, SessionId};

use super::client_logout;
use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros, micros_opt};

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The row.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// The identity that signed in.
    pub identity: IdentityId,
    /// Through which directory.
    pub directory: DirectoryId,
    /// The provider's own session id (`sid`), for back-channel logout.
    pub provider_session: Option<String>,
    /// How strongly, in the provider's words (`acr`).
    pub acr: Option<String>,
    /// By which means, in the provider's words (`amr`), separated by blanks.
    pub amr: Option<String>,
    /// When the person really proved who they are.
    pub authenticated_at: Option<Timestamp>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Timestamp,
    /// It ends then, whatever happens.
    pub expires_at: Timestamp,
    /// When it was ended.
    pub ended_at: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        account_id: Uuid,
        identity_id: Uuid,
        directory: String,
        provider_session: Option<String>,
        acr: Option<String>,
        amr: Option<String>,
        authenticated_at: Option<i64>,
        created_at: i64,
        last_used_at: i64,
        expires_at: i64,
        ended_at: Option<i64>,
    }
}

impl TryFrom<Row> for Session {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: SessionId::new(row.id),
            account: AccountId::new(row.account_id),
            identity: IdentityId::new(row.identity_id),
            directory: DirectoryId::parse(&row.directory)
                .map_err(|e| StoreError::corrupt("session", row.id, e))?,
            provider_session: row.provider_session,
            acr: row.acr,
            amr: row.amr,
            authenticated_at: instant_opt(row.authenticated_at, "session", row.id)?,
            created_at: instant(row.created_at, "session", row.id)?,
            last_used_at: instant(row.last_used_at, "session", row.id)?,
            expires_at: instant(row.expires_at, "session", row.id)?,
            ended_at: instant_opt(row.ended_at, "session", row.id)?,
        })
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT id, account_id, identity_id, directory, provider_session, acr, amr, authenticated_at, created_at, ",
            "last_used_at, expires_at, ended_at FROM session ",
            $tail
        )
    };
}

/// Writes a new session under the hash of its secret.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn begin(c: &mut Conn, session: &Session, hash: &[u8]) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO session (id, hash, account_id, identity_id, directory, provider_session, acr, amr,
                              authenticated_at, created_at, last_used_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        session.id.uuid(), hash, session.account.uuid(), session.identity.uuid(), session.directory.as_str(),
        &session.provider_session, &session.acr, &session.amr, micros_opt(session.authenticated_at),
        micros(session.created_at), micros(session.last_used_at), micros(session.expires_at))?;
    Ok(())
}

/// What a session remembers beside who it is: what the account may do in Portvakt itself, and the provider's ID token
/// under a key that only the browser holds.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn remember(
    c: &mut Conn,
    id: SessionId,
    privilege: Option<&str>,
    sealed_id_token: Option<&[u8]>,
) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE session SET privilege = $2, id_token = $3 WHERE id = $1",
        id.uuid(), privilege, sealed_id_token)?;
    Ok(())
}

/// The provider's ID token of a session, sealed as it was given to [`remember`].
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn sealed_id_token(c: &mut Conn, id: SessionId) -> Result<Option<Vec<u8>>, StoreError> {
    let row =
        q!(fetch_optional as (Option<Vec<u8>>,); c, "SELECT id_token FROM session WHERE id = $1", id.uuid())?;
    Ok(row.and_then(|(token,)| token))
}

/// The session under this hash, ended or not.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn by_hash(c: &mut Conn, hash: &[u8]) -> Result<Option<Session>, StoreError> {
    q!(fetch_optional as Row; c, columns!("WHERE hash = $1"), hash)?.map(Session::try_from).transpose()
}

/// Whether a session has not been ended.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn is_open(c: &mut Conn, id: SessionId) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (i64,); c,
        "SELECT created_at FROM session WHERE id = $1 AND ended_at IS NULL", id.uuid())?;
    Ok(row.is_some())
}

/// Notes that a session was used.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn used(c: &mut Conn, id: SessionId, now: Timestamp) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE session SET last_used_at = $2 WHERE id = $1 AND last_used_at < $2", id.uuid(), micros(now))?;
    Ok(())
}

/// Ends one session, and queues it for the clients that it has let its person into. Gives `false` when it had ended
/// already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end(c: &mut Conn, id: SessionId, why: &str, now: Timestamp) -> Result<bool, StoreError> {
    let ended = q!(execute; c,
        "UPDATE session SET ended_at = $2, ended_why = $3 WHERE id = $1 AND ended_at IS NULL",
        id.uuid(), micros(now), why)?;
    if ended == 1 {
        client_logout::of_session(c, id, now).await?;
    }
    Ok(ended == 1)
}

/// Ends one session of an account, and queues it for its clients. Gives `false` when it had ended already, or is no
/// session of the account.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end_of(
    c: &mut Conn,
    account: AccountId,
    id: SessionId,
    why: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ended = q!(execute; c,
        "UPDATE session SET ended_at = $3, ended_why = $4 WHERE id = $1 AND account_id = $2 AND ended_at IS NULL",
        id.uuid(), account.uuid(), micros(now), why)?;
    if ended == 1 {
        client_logout::of_session(c, id, now).await?;
    }
    Ok(ended == 1)
}

/// Ends every session of an account, and queues them for the clients. Gives how many there were.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end_all(c: &mut Conn, account: AccountId, why: &str, now: Timestamp) -> Result<u64, StoreError> {
    let ended = q!(execute; c,
        "UPDATE session SET ended_at = $2, ended_why = $3 WHERE account_id = $1 AND ended_at IS NULL",
        account.uuid(), micros(now), why)?;
    client_logout::of_account(c, account, now).await?;
    Ok(ended)
}

/// The sessions of an account that have not ended, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn open_of(c: &mut Conn, account: AccountId) -> Result<Vec<Session>, StoreError> {
    q!(fetch_all as Row; c, columns!("WHERE account_id = $1 AND ended_at IS NULL ORDER BY created_at DESC, id DESC"),
        account.uuid())?
    .into_iter()
    .map(Session::try_from)
    .collect()
}

/// Forgets sessions that ended or ran out before an instant. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM session WHERE expires_at < $1 OR ended_at < $1", micros(before))
}
