//! Tables `client_grant` and `client_token`: the codes that clients were given, and the tokens that the codes gave.
//!
//! Invariant: only hashes of codes and tokens stand here. A code is redeemed at most once and a refresh token used at
//! most once; what was revoked stays revoked.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, ClientGrantId, ClientId, ClientSessionId, SessionId};

use super::client_session::ClientSession;
use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// One code and what it was given for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientGrant {
    /// Its id.
    pub id: ClientGrantId,
    /// The client's session that it belongs to.
    pub client_session: ClientSessionId,
    /// Where the code was sent; the client must name it again.
    pub redirect_uri: String,
    /// The S256 challenge of PKCE; nothing where the client sent none.
    pub challenge: Option<String>,
    /// What the client wants to see again in the ID token.
    pub nonce: Option<String>,
    /// The scopes that were granted, with blanks between.
    pub scope: String,
    /// When the person proved who they are.
    pub authenticated_at: Timestamp,
    /// How strongly, in the directory's words.
    pub acr: Option<String>,
    /// By which means, in the directory's words, with blanks between.
    pub amr: Option<String>,
    /// When the code was given.
    pub created_at: Timestamp,
    /// The code is void from then on.
    pub code_expires_at: Timestamp,
    /// When it was exchanged.
    pub redeemed_at: Option<Timestamp>,
    /// When all that it gave was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A grant with the sessions that it hangs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The grant.
    pub grant: ClientGrant,
    /// The client's session.
    pub client_session: ClientSession,
    /// When the session was last used, to the minute.
    pub last_used_at: Timestamp,
    /// The session ends then, whatever happens.
    pub expires_at: Timestamp,
    /// When the session was ended.
    pub ended_at: Option<Timestamp>,
    /// The hash of the address that the provider vouched for.
    pub vouched_email: Option<Vec<u8>>,
}

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenUse {
    /// To ask userinfo.
    Access,
    /// To get new tokens, once.
    Refresh,
}

impl TokenUse {
    const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Refresh => "refresh",
        }
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientToken {
    /// Which grant gave it.
    pub grant: ClientGrantId,
    /// The scopes that it carries, with blanks between.
    pub scope: String,
    /// It is void from then on.
    pub expires_at: Timestamp,
    /// When it was used up.
    pub used_at: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        redirect_uri: String,
        challenge: Option<String>,
        nonce: Option<String>,
        scope: String,
        authenticated_at: i64,
        acr: Option<String>,
        amr: Option<String>,
        created_at: i64,
        code_expires_at: i64,
        redeemed_at: Option<i64>,
        revoked_at: Option<i64>,
        sid: Uuid,
        client: String,
        account_id: Uuid,
        subject: String,
        opened_at: i64,
        closed_at: Option<i64>,
        session_id: Uuid,
        last_used_at: i64,
        expires_at: i64,
        ended_at: Option<i64>,
        vouched_email: Option<Vec<u8>>,
    }
}

impl TryFrom<Row> for Held {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let at = |value| instant(value, "client_grant", row.id);
        let at_opt = |value| instant_opt(value, "client_grant", row.id);
        Ok(Self {
            last_used_at: at(row.last_used_at)?,
            expires_at: at(row.expires_at)?,
            ended_at: at_opt(row.ended_at)?,
            vouched_email: row.vouched_email,
            client_session: ClientSession {
                id: ClientSessionId::new(row.sid),
                client: ClientId::parse(&row.client)
                    .map_err(|e| StoreError::corrupt("client_session", row.sid, e))?,
                session: SessionId::new(row.session_id),
                account: AccountId::new(row.account_id),
                subject: row.subject,
                created_at: at(row.opened_at)?,
                ended_at: at_opt(row.closed_at)?,
            },
            grant: ClientGrant {
                id: ClientGrantId::new(row.id),
                client_session: ClientSessionId::new(row.sid),
                redirect_uri: row.redirect_uri,
                challenge: row.challenge,
                nonce: row.nonce,
                scope: row.scope,
                authenticated_at: at(row.authenticated_at)?,
                acr: row.acr,
                amr: row.amr,
                created_at: at(row.created_at)?,
                code_expires_at: at(row.code_expires_at)?,
                redeemed_at: at_opt(row.redeemed_at)?,
                revoked_at: at_opt(row.revoked_at)?,
            },
        })
    }
}

macro_rules! held {
    ($tail:literal) => {
        concat!(
            "SELECT g.id, g.redirect_uri, g.challenge, g.nonce, g.scope, g.authenticated_at, g.acr, g.amr, ",
            "g.created_at, g.code_expires_at, g.redeemed_at, g.revoked_at, x.id AS sid, x.client, x.account_id, ",
            "x.subject, x.created_at AS opened_at, x.ended_at AS closed_at, s.id AS session_id, s.last_used_at, ",
            "s.expires_at, s.ended_at, s.vouched_email ",
            "FROM client_grant g JOIN client_session x ON x.id = g.client_session_id ",
            "JOIN session s ON s.id = x.session_id ",
            $tail
        )
    };
}

/// Writes a new grant under the hash of its code.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn insert(c: &mut Conn, grant: &ClientGrant, code_hash: &[u8]) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO client_grant (id, client_session_id, code_hash, redirect_uri, challenge, nonce, scope,
                                   authenticated_at, acr, amr, created_at, code_expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        grant.id.uuid(), grant.client_session.uuid(), code_hash, &grant.redirect_uri, &grant.challenge, &grant.nonce,
        &grant.scope, micros(grant.authenticated_at), &grant.acr, &grant.amr, micros(grant.created_at),
        micros(grant.code_expires_at))?;
    Ok(())
}

/// The grant under the hash of its code, redeemed, revoked, or neither.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn by_code(c: &mut Conn, code_hash: &[u8]) -> Result<Option<Held>, StoreError> {
    q!(fetch_optional as Row; c, held!("WHERE g.code_hash = $1"), code_hash)?.map(Held::try_from).transpose()
}

/// The grant with this id.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, id: ClientGrantId) -> Result<Option<Held>, StoreError> {
    q!(fetch_optional as Row; c, held!("WHERE g.id = $1"), id.uuid())?.map(Held::try_from).transpose()
}

/// Uses a code up. Gives `false` when it was before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn redeem(c: &mut Conn, id: ClientGrantId, now: Timestamp) -> Result<bool, StoreError> {
    let redeemed = q!(execute; c,
        "UPDATE client_grant SET redeemed_at = $2 WHERE id = $1 AND redeemed_at IS NULL", id.uuid(), micros(now))?;
    Ok(redeemed == 1)
}

/// Revokes a grant and with it every token that it gave. Gives `false` when it was before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn revoke(c: &mut Conn, id: ClientGrantId, why: &str, now: Timestamp) -> Result<bool, StoreError> {
    let revoked = q!(execute; c,
        "UPDATE client_grant SET revoked_at = $2, revoked_why = $3 WHERE id = $1 AND revoked_at IS NULL",
        id.uuid(), micros(now), why)?;
    Ok(revoked == 1)
}

/// Revokes every grant of a session. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn revoke_all(
    c: &mut Conn,
    session: SessionId,
    why: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    q!(execute; c,
        "UPDATE client_grant SET revoked_at = $2, revoked_why = $3
          WHERE revoked_at IS NULL AND client_session_id IN
            (SELECT x.id FROM client_session x WHERE x.session_id = $1)",
        session.uuid(), micros(now), why)
}

/// Writes a new token under its hash.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn put_token(
    c: &mut Conn,
    token: &ClientToken,
    is_for: TokenUse,
    hash: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO client_token (hash, grant_id, kind, scope, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        hash, token.grant.uuid(), is_for.name(), &token.scope, micros(now), micros(token.expires_at))?;
    Ok(())
}

/// The token under this hash, void or not.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn token(c: &mut Conn, is_for: TokenUse, hash: &[u8]) -> Result<Option<ClientToken>, StoreError> {
    let row = q!(fetch_optional as (Uuid, String, i64, Option<i64>); c,
        "SELECT grant_id, scope, expires_at, used_at FROM client_token WHERE hash = $1 AND kind = $2",
        hash, is_for.name())?;
    row.map(|(grant, scope, expires_at, used_at)| {
        Ok(ClientToken {
            grant: ClientGrantId::new(grant),
            scope,
            expires_at: instant(expires_at, "client_token", grant)?,
            used_at: instant_opt(used_at, "client_token", grant)?,
        })
    })
    .transpose()
}

/// Uses a token up. Gives `false` when it was before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn use_up(c: &mut Conn, hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let used = q!(execute; c, "UPDATE client_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL",
        hash, micros(now))?;
    Ok(used == 1)
}

/// Forgets tokens that are void at `now`, and grants from before `old` that have none left. Gives how many tokens.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, now: Timestamp, old: Timestamp) -> Result<u64, StoreError> {
    let tokens = q!(execute; c, "DELETE FROM client_token WHERE expires_at < $1", micros(now))?;
    q!(execute; c,
        "DELETE FROM client_grant WHERE created_at < $1
            AND NOT EXISTS (SELECT 1 FROM client_token t WHERE t.grant_id = client_grant.id)", micros(old))?;
    Ok(tokens)
}
