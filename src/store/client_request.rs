//! Table `client_request`: authorization requests of clients that wait for a sign-in at the directory.
//!
//! Invariant: a request is found by a secret of which only the hash stands here, and is taken at most once.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{ClientId, SessionId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, micros};

/// A request that waits.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientRequest {
    /// Whose.
    pub client: ClientId,
    /// What was asked, as the flow wrote it.
    pub request: Value,
    /// The session that the browser had when it came; another one then is a new sign-in.
    pub former_session: Option<SessionId>,
    /// When it came.
    pub created_at: Timestamp,
    /// It is void from then on.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for ClientRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientRequest").field("client", &self.client).finish_non_exhaustive()
    }
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        client: String,
        request: Json<Value>,
        former_session: Option<Uuid>,
        created_at: i64,
        expires_at: i64,
    }
}

impl TryFrom<Row> for ClientRequest {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            client: ClientId::parse(&row.client)
                .map_err(|e| StoreError::corrupt("client_request", &row.client, e))?,
            request: row.request.0,
            former_session: row.former_session.map(SessionId::new),
            created_at: instant(row.created_at, "client_request", &row.client)?,
            expires_at: instant(row.expires_at, "client_request", &row.client)?,
        })
    }
}

/// Remembers a request under the hash of its secret.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn begin(c: &mut Conn, request: &ClientRequest, id_hash: &[u8]) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO client_request (id_hash, client, request, former_session, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        id_hash, request.client.as_str(), Json(&request.request), request.former_session.map(SessionId::uuid),
        micros(request.created_at), micros(request.expires_at))?;
    Ok(())
}

/// The request with this secret, not used up by looking.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn find(c: &mut Conn, id_hash: &[u8]) -> Result<Option<ClientRequest>, StoreError> {
    q!(fetch_optional as Row; c,
        "SELECT client, request, former_session, created_at, expires_at FROM client_request WHERE id_hash = $1",
        id_hash)?
    .map(ClientRequest::try_from)
    .transpose()
}

/// Takes the request with this secret, which thereby is used up. Gives `false` when it was before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn take(c: &mut Conn, id_hash: &[u8]) -> Result<bool, StoreError> {
    Ok(q!(execute; c, "DELETE FROM client_request WHERE id_hash = $1", id_hash)? == 1)
}

/// Forgets requests that are void. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, now: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM client_request WHERE expires_at < $1", micros(now))
}
