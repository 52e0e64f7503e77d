//! Table `token`: the bearer tokens of directories and CRMs, and the secrets of OAuth clients.
//!
//! Invariant: only the hash of a secret stands here; each is bound to one directory or target and has an end. What a
//! caller shows is judged by one read.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::TokenId;
use crate::domain::scope::Scopes;

use super::conn::Conn;
use super::db::Db;
use super::epoch::Epoch;
use super::error::StoreError;
use super::value::{Many, instant, instant_opt, micros};

/// What a token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// SCIM of one directory.
    Directory,
    /// The APIs, for one target.
    Target,
    /// The metrics page.
    Metrics,
    /// Nothing by itself: a directory's OAuth client gets access tokens for it.
    Client,
}

impl TokenKind {
    const ALL: [Self; 4] = [Self::Directory, Self::Target, Self::Metrics, Self::Client];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Target => "target",
            Self::Metrics => "metrics",
            Self::Client => "client",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The row.
    pub id: TokenId,
    /// What it opens.
    pub kind: TokenKind,
    /// The directory or target it is bound to.
    pub owner: String,
    /// What its maker calls it.
    pub name: String,
    /// The OAuth client whose secret it is.
    pub client: Option<String>,
    /// What it opens of the APIs, for a target.
    pub scopes: Scopes,
    /// Since when.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// It ends then.
    pub expires_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to five minutes.
    pub last_used_at: Option<Timestamp>,
}

impl Token {
    /// Whether it opens anything at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// A token as a caller shows it, with all that decides whether it opens anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The token. Where it was issued for a client's secret, that secret's revocation and last use are its own.
    pub token: Token,
    /// The row on which its use is noted: itself, or the secret it was issued for.
    pub noted_on: TokenId,
    /// Since when the directory it opens is paused.
    pub paused_since: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    pub(super) struct Row {
        pub(super) id: Uuid,
        kind: String,
        owner: String,
        name: String,
        client_id: Option<String>,
        scopes: String,
        created_at: i64,
        created_by: String,
        expires_at: i64,
        revoked_at: Option<i64>,
        last_used_at: Option<i64>,
    }
}

impl TryFrom<Row> for Token {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: TokenId::new(row.id),
            kind: TokenKind::from_name(&row.kind)
                .ok_or_else(|| StoreError::corrupt("token", row.id, "its kind is none that we know"))?,
            owner: row.owner,
            name: row.name,
            client: row.client_id,
            scopes: Scopes::parse(row.scopes.split_whitespace())
                .map_err(|e| StoreError::corrupt("token", row.id, e))?,
            created_at: instant(row.created_at, "token", row.id)?,
            created_by: row.created_by,
            expires_at: instant(row.expires_at, "token", row.id)?,
            revoked_at: instant_opt(row.revoked_at, "token", row.id)?,
            last_used_at: instant_opt(row.last_used_at, "token", row.id)?,
        })
    }
}

row! {
    #[derive(sqlx::FromRow)]
    struct PresentedRow {
        #[sqlx(flatten)]
        token: Row,
        hash: Vec<u8>,
        noted_on: Uuid,
        paused_since: Option<i64>,
    }
}

/// Writes a new token under the hash of its secret. Gives `false`, and writes nothing, where there is one of its id.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn insert(c: &mut Conn, token: &Token, hash: &[u8]) -> Result<bool, StoreError> {
    let written = q!(execute; c,
        "INSERT INTO token (id, hash, kind, owner, name, client_id, scopes, created_at, created_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO NOTHING",
        token.id.uuid(), hash, token.kind.name(), &token.owner, &token.name, &token.client,
        token.scopes.to_string(), micros(token.created_at), &token.created_by, micros(token.expires_at))?;
    Ok(written == 1)
}

/// The token under this hash, valid or not. One read, by unique keys alone, together with what others ask; and none
/// for one that was shown before in this `epoch`, where the caller knows it.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn by_hash(
    db: &Db,
    epoch: Option<Epoch>,
    kind: TokenKind,
    hash: Vec<u8>,
) -> Result<Option<Presented>, StoreError> {
    let Some(epoch) = epoch else { return db.together().token(kind, hash).await };
    let key = (kind, hash);
    if let Some(known) = db.tokens().get(epoch, &key) {
        return Ok(Some(known));
    }
    let found = db.together().token(kind, key.1.clone()).await?;
    if let Some(found) = &found
        && db.epoch().await? == epoch
    {
        db.tokens().put(epoch, key, found.clone());
    }
    Ok(found)
}

/// Everything that decides whether a token opens anything, but for the hashes that were asked for. Asked inside and not
/// by joins: where SQLite last counted when there were few tokens, a join reads them all.
macro_rules! presented {
    ($which:literal) => {
        concat!(
            "SELECT t.id, t.kind, t.owner, t.name, t.client_id, t.scopes, t.created_at, t.created_by, t.expires_at, ",
            "COALESCE(t.revoked_at, (SELECT s.revoked_at FROM token s WHERE s.id = t.secret_id)) AS revoked_at, ",
            "CASE WHEN t.secret_id IS NULL THEN t.last_used_at ",
            "ELSE (SELECT s.last_used_at FROM token s WHERE s.id = t.secret_id) END AS last_used_at, ",
            "t.hash, COALESCE(t.secret_id, t.id) AS noted_on, ",
            "(SELECT p.since FROM directory_pause p WHERE p.directory = t.owner AND t.kind = 'directory') AS paused_since ",
            "FROM token t WHERE t.hash ",
            $which
        )
    };
}

/// The tokens under these hashes, valid or not, each with its hash.
pub(super) async fn by_hashes(
    c: &mut Conn,
    hashes: Vec<Vec<u8>>,
) -> Result<Vec<(Vec<u8>, Presented)>, StoreError> {
    q!(fetch_all as PresentedRow; c,
        sqlite presented!("IN (SELECT unhex(e.value) FROM json_each($1) e)"),
        postgres presented!("= ANY($1)"),
        Many(hashes))?
    .into_iter()
    .map(|row| {
        let token = Token::try_from(row.token)?;
        let shown = Presented {
            noted_on: TokenId::new(row.noted_on),
            paused_since: instant_opt(row.paused_since, "directory_pause", &token.owner)?,
            token,
        };
        Ok((row.hash, shown))
    })
    .collect()
}

/// The tokens of a directory or target that people made, the newest first; for kind `Client` the secrets. Access
/// tokens are not among them.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_owner(c: &mut Conn, kind: TokenKind, owner: &str) -> Result<Vec<Token>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT id, kind, owner, name, client_id, scopes, created_at, created_by, expires_at, revoked_at,
                last_used_at FROM token
          WHERE kind = $1 AND owner = $2 AND secret_id IS NULL ORDER BY created_at DESC, id DESC",
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

/// A token that soon ends, or has just ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The token.
    pub token: Token,
    /// How many days before its end somebody was warned last.
    pub warned_days: Option<i64>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct EndingRow {
        #[sqlx(flatten)]
        token: Row,
        warned_days: Option<i64>,
    }
}

/// What people made and nobody revoked that ends after `after` and no later than `until`, the first to end first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn ending(c: &mut Conn, after: Timestamp, until: Timestamp) -> Result<Vec<Ending>, StoreError> {
    q!(fetch_all as EndingRow; c,
        "SELECT id, kind, owner, name, client_id, scopes, created_at, created_by, expires_at, revoked_at, last_used_at,
                warned_days FROM token
          WHERE expires_at > $1 AND expires_at <= $2 AND revoked_at IS NULL AND secret_id IS NULL
          ORDER BY expires_at, id",
        micros(after), micros(until))?
    .into_iter()
    .map(|row| Ok(Ending { token: Token::try_from(row.token)?, warned_days: row.warned_days }))
    .collect()
}

/// Notes that somebody was warned so many days before a token's end. Gives `false` where that had been done, here or
/// on another node.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn warned(c: &mut Conn, id: TokenId, days_before: i64) -> Result<bool, StoreError> {
    let noted = q!(execute; c,
        "UPDATE token SET warned_days = $2 WHERE id = $1 AND (warned_days IS NULL OR warned_days > $2)",
        id.uuid(), days_before)?;
    Ok(noted == 1)
}
