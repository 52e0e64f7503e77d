//! Table `token`, the part of OAuth clients: their secrets, and the access tokens issued for them (RFC 6749 §4.4).
//!
//! Invariant: an access token names the secret it was issued for and ends no later; nothing is issued for a secret
//! that is revoked.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::TokenId;

use super::conn::Conn;
use super::error::StoreError;
use super::token::{Row, Token, TokenKind};
use super::value::{instant_opt, micros};

/// So many access tokens of one secret live at a time; the oldest make room.
pub const MOST_LIVING: i64 = 500;

/// A secret of a client, with its hash to compare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecret {
    /// The secret's row.
    pub token: Token,
    /// The hash of the secret.
    pub hash: Vec<u8>,
    /// Since when the directory is paused.
    pub paused_since: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct SecretRow {
        #[sqlx(flatten)]
        token: Row,
        hash: Vec<u8>,
        paused_since: Option<i64>,
    }
}

/// The secrets of a directory's client, valid or not.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn secrets(c: &mut Conn, directory: &str, client: &str) -> Result<Vec<ClientSecret>, StoreError> {
    let rows = q!(fetch_all as SecretRow; c,
        "SELECT t.id, t.kind, t.owner, t.name, t.client_id, t.scopes, t.created_at, t.created_by, t.expires_at, t.revoked_at,
                t.last_used_at, t.hash,
                (SELECT p.since FROM directory_pause p WHERE p.directory = t.owner) AS paused_since
           FROM token t WHERE t.client_id = $2 AND t.owner = $1 AND t.kind = $3 ORDER BY t.created_at DESC, t.id DESC",
        directory, client, TokenKind::Client.name())?;
    rows.into_iter()
        .map(|row| {
            let token = Token::try_from(row.token)?;
            let paused_since = instant_opt(row.paused_since, "directory_pause", directory)?;
            Ok(ClientSecret { token, hash: row.hash, paused_since })
        })
        .collect()
}

/// Writes an access token for `secret`, which opens SCIM of the secret's directory until `expires_at`. Access tokens of
/// that secret beyond [`MOST_LIVING`] go away, the oldest first.
///
/// Gives `false`, and writes nothing, where the secret has been revoked meanwhile.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn issue(
    c: &mut Conn,
    id: TokenId,
    secret: TokenId,
    hash: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<bool, StoreError> {
    let written = q!(execute; c,
        sqlite "INSERT INTO token (id, hash, kind, owner, name, secret_id, scopes, created_at, created_by, expires_at)
                SELECT $1, $2, $3, s.owner, s.name, s.id, '', $5, 'client:' || s.client_id, $6 FROM token s
                 WHERE s.id = $4 AND s.revoked_at IS NULL",
        postgres "INSERT INTO token (id, hash, kind, owner, name, secret_id, scopes, created_at, created_by, expires_at)
                SELECT CAST($1 AS UUID), CAST($2 AS BYTEA), CAST($3 AS TEXT), s.owner, s.name, s.id, '',
                       CAST($5 AS BIGINT), 'client:' || s.client_id, CAST($6 AS BIGINT) FROM token s
                 WHERE s.id = $4 AND s.revoked_at IS NULL",
        id.uuid(), hash, TokenKind::Directory.name(), secret.uuid(), micros(now), micros(expires_at))?;
    q!(execute; c,
        "DELETE FROM token WHERE secret_id = $1 AND id IN (SELECT t.id FROM token t WHERE t.secret_id = $1
            ORDER BY t.created_at DESC, t.id DESC LIMIT 1000 OFFSET $2)",
        secret.uuid(), MOST_LIVING)?;
    Ok(written == 1)
}

/// Revokes every secret of a directory's client. Gives which.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn revoke(
    c: &mut Conn,
    directory: &str,
    client: &str,
    now: Timestamp,
) -> Result<Vec<TokenId>, StoreError> {
    let rows = q!(fetch_all as (Uuid,); c,
        "UPDATE token SET revoked_at = $4 WHERE client_id = $2 AND owner = $1 AND kind = $3 AND revoked_at IS NULL
         RETURNING id",
        directory, client, TokenKind::Client.name(), micros(now))?;
    Ok(rows.into_iter().map(|(id,)| TokenId::new(id)).collect())
}

/// Forgets access tokens that ended before `old`. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, old: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM token WHERE secret_id IS NOT NULL AND expires_at < $1", micros(old))
}
