//! Table `token`: the bearer tokens of directories and CRMs.
//!
//! Invariant: only the hash of a token stands here; each is bound to one directory or target and has an end.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::TokenId;

use super::conn::Conn;
use super::db::Db;
use super::error::StoreError;
use super::value::{Many, instant, instant_opt, micros};

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// SCIM of one directory.
    Directory,
    /// The APIs, for one target.
    Target,
    /// The metrics page.
    Metrics,
}

impl TokenKind {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Target => "target",
            Self::Metrics => "metrics",
        }
    }

    /// The kind of a stable name.
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Directory, Self::Target, Self::Metrics].into_iter().find(|kind| kind.name() == name)
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The row.
    pub id: TokenId,
    /// The directory or target it is bound to.
    pub owner: String,
    /// What its maker calls it.
    pub name: String,
    /// Since when.
    pub created_at: Timestamp,
    /// It ends then.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    owner: String,
    name: String,
    created_at: i64,
    expires_at: i64,
    revoked_at: Option<i64>,
    last_used_at: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    kind: String,
    hash: Vec<u8>,
    #[sqlx(flatten)]
    row: Row,
}

impl TryFrom<Row> for Token {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: TokenId::new(row.id),
            owner: row.owner,
            name: row.name,
            created_at: instant(row.created_at, "token", row.id)?,
            expires_at: instant(row.expires_at, "token", row.id)?,
            revoked_at: instant_opt(row.revoked_at, "token", row.id)?,
            last_used_at: instant_opt(row.last_used_at, "token", row.id)?,
        })
    }
}

/// Writes a new token under the hash of its secret.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn insert(
    c: &mut Conn,
    token: &Token,
    kind: TokenKind,
    hash: &[u8],
    by: &str,
) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO token (id, hash, kind, owner, name, scopes, created_at, created_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, '', $6, $7, $8)",
        token.id.uuid(), hash, kind.name(), &token.owner, &token.name, micros(token.created_at), by,
        micros(token.expires_at))?;
    Ok(())
}

/// The token under this hash, valid or not. Asked together with what others ask at the same time.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn by_hash(db: &Db, kind: TokenKind, hash: &[u8]) -> Result<Option<Token>, StoreError> {
    db.together().token(kind, hash.to_vec()).await
}

/// The tokens under these hashes, valid or not, each with its kind and hash.
pub(super) async fn by_hashes(
    c: &mut Conn,
    hashes: Vec<Vec<u8>>,
) -> Result<Vec<(String, Vec<u8>, Token)>, StoreError> {
    q!(fetch_all as FoundRow; c,
        sqlite "SELECT kind, hash, id, owner, name, created_at, expires_at, revoked_at, last_used_at FROM token
                 WHERE hash IN (SELECT unhex(e.value) FROM json_each($1) e)",
        postgres "SELECT kind, hash, id, owner, name, created_at, expires_at, revoked_at, last_used_at FROM token
                 WHERE hash = ANY($1)",
        Many(hashes))?
    .into_iter()
    .map(|found| Ok((found.kind, found.hash, Token::try_from(found.row)?)))
    .collect()
}

/// The tokens of a directory or target, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_owner(c: &mut Conn, kind: TokenKind, owner: &str) -> Result<Vec<Token>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT id, owner, name, created_at, expires_at, revoked_at, last_used_at FROM token
          WHERE kind = $1 AND owner = $2 ORDER BY created_at DESC, id",
        kind.name(), owner)?
    .into_iter()
    .map(Token::try_from)
    .collect()
}

/// Notes that a token was used.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn used(c: &mut Conn, id: TokenId, now: Timestamp) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE token SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)",
        id.uuid(), micros(now))?;
    Ok(())
}

/// Revokes a token. Gives `false` when it was revoked already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn revoke(c: &mut Conn, id: TokenId, now: Timestamp) -> Result<bool, StoreError> {
    let revoked = q!(execute; c, "UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        id.uuid(), micros(now))?;
    Ok(revoked == 1)
}
