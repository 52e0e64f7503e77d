//! Tables `client_session` and `client_subject`: which clients a session has let its person into, and under which name
//! each of them knows the person.
//!
//! Invariant: one open row per session and client. It ends through [`client_logout`](super::client_logout) alone, so
//! that the client is told.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, ClientId, ClientSessionId, SessionId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// A session as one client knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSession {
    /// The client's `sid`.
    pub id: ClientSessionId,
    /// Which client.
    pub client: ClientId,
    /// The session.
    pub session: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// The client's `sub` for the person.
    pub subject: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        client: String,
        session_id: Uuid,
        account_id: Uuid,
        subject: String,
        created_at: i64,
        ended_at: Option<i64>,
    }
}

impl TryFrom<Row> for ClientSession {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: ClientSessionId::new(row.id),
            client: ClientId::parse(&row.client)
                .map_err(|e| StoreError::corrupt("client_session", row.id, e))?,
            session: SessionId::new(row.session_id),
            account: AccountId::new(row.account_id),
            subject: row.subject,
            created_at: instant(row.created_at, "client_session", row.id)?,
            ended_at: instant_opt(row.ended_at, "client_session", row.id)?,
        })
    }
}

/// Opens a client's session, or gives the one that is open: the client then keeps its `sid`.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn open(c: &mut Conn, new: &ClientSession) -> Result<ClientSession, StoreError> {
    q!(execute; c,
        "INSERT INTO client_session (id, client, session_id, account_id, subject, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        new.id.uuid(), new.client.as_str(), new.session.uuid(), new.account.uuid(), &new.subject,
        micros(new.created_at))?;
    q!(fetch_one as Row; c,
        "SELECT id, client, session_id, account_id, subject, created_at, ended_at FROM client_session
          WHERE session_id = $1 AND client = $2 AND ended_at IS NULL",
        new.session.uuid(), new.client.as_str())?
    .try_into()
}

/// The client's session with this `sid`, ended or not.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, id: ClientSessionId) -> Result<Option<ClientSession>, StoreError> {
    q!(fetch_optional as Row; c,
        "SELECT id, client, session_id, account_id, subject, created_at, ended_at FROM client_session WHERE id = $1",
        id.uuid())?
    .map(ClientSession::try_from)
    .transpose()
}

/// Hands the clients of a session over to the one that follows it in the same browser, for the same person: they are
/// not told that anything has ended, and keep their `sid`. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn hand_over(c: &mut Conn, from: SessionId, to: SessionId) -> Result<u64, StoreError> {
    q!(execute; c, "UPDATE client_session SET session_id = $2 WHERE session_id = $1 AND ended_at IS NULL",
        from.uuid(), to.uuid())
}

/// The name under which the clients of a sector know a person: `proposed`, where they do not have one yet.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached, or the name is another person's.
pub async fn subject(
    c: &mut Conn,
    sector: &str,
    account: AccountId,
    proposed: &str,
) -> Result<String, StoreError> {
    q!(execute; c,
        "INSERT INTO client_subject (sector, account_id, subject) VALUES ($1, $2, $3)
         ON CONFLICT (sector, account_id) DO NOTHING",
        sector, account.uuid(), proposed)?;
    let (subject,) = q!(fetch_one as (String,); c,
        "SELECT subject FROM client_subject WHERE sector = $1 AND account_id = $2", sector, account.uuid())?;
    Ok(subject)
}

/// Notes the hash of the address that the provider vouched for at the sign-in.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn vouch(c: &mut Conn, session: SessionId, email_hash: &[u8]) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE session SET vouched_email = $2 WHERE id = $1", session.uuid(), email_hash)?;
    Ok(())
}
