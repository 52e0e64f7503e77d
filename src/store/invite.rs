//! Table `invite`: links that let somebody in without a provider.
//!
//! Invariant: only the hash of a link's secret stands here; it is used at most once, by the browser that opened it
//! first.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, InviteId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// An invitation, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invite {
    /// The row.
    pub id: InviteId,
    /// Whom it lets in.
    pub account: AccountId,
    /// Since when.
    pub created_at: Timestamp,
    /// Who made it.
    pub created_by: String,
    /// It is void from then on.
    pub expires_at: Timestamp,
    /// The hash of the secret of the browser that opened it.
    pub browser: Option<Vec<u8>>,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        account_id: Uuid,
        created_at: i64,
        created_by: String,
        expires_at: i64,
        browser_hash: Option<Vec<u8>>,
        opened_at: Option<i64>,
        used_at: Option<i64>,
    }
}

impl TryFrom<Row> for Invite {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = row.id;
        Ok(Self {
            id: InviteId::new(id),
            account: AccountId::new(row.account_id),
            created_at: instant(row.created_at, "invite", id)?,
            created_by: row.created_by,
            expires_at: instant(row.expires_at, "invite", id)?,
            browser: row.browser_hash,
            opened_at: instant_opt(row.opened_at, "invite", id)?,
            used_at: instant_opt(row.used_at, "invite", id)?,
        })
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT id, account_id, created_at, created_by, expires_at, browser_hash, opened_at, used_at FROM invite ",
            $tail
        )
    };
}

/// Writes a new invitation under the hash of its secret; the account's former ones that are unused are void.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn insert(c: &mut Conn, invite: &Invite, hash: &[u8]) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE invite SET expires_at = $2 WHERE account_id = $1 AND used_at IS NULL AND expires_at > $2",
        invite.account.uuid(), micros(invite.created_at))?;
    q!(execute; c,
        "INSERT INTO invite (id, hash, account_id, created_at, created_by, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        invite.id.uuid(), hash, invite.account.uuid(), micros(invite.created_at), &invite.created_by,
        micros(invite.expires_at))?;
    Ok(())
}

/// The invitation under this hash, void or not; locked until the end of a write transaction.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn lock(c: &mut Conn, hash: &[u8]) -> Result<Option<Invite>, StoreError> {
    q!(fetch_optional as Row; c,
        sqlite columns!("WHERE hash = $1"), postgres columns!("WHERE hash = $1 FOR UPDATE"), hash)?
    .map(Invite::try_from)
    .transpose()
}

/// The invitation under this hash, void or not.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn find(c: &mut Conn, hash: &[u8]) -> Result<Option<Invite>, StoreError> {
    q!(fetch_optional as Row; c, columns!("WHERE hash = $1"), hash)?.map(Invite::try_from).transpose()
}

/// Binds an invitation to the browser that opened it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn open(c: &mut Conn, id: InviteId, browser: &[u8], now: Timestamp) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE invite SET browser_hash = $2, opened_at = $3 WHERE id = $1 AND browser_hash IS NULL",
        id.uuid(), browser, micros(now))?;
    Ok(())
}

/// Uses an invitation up. Gives `false` when it was used before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn used(c: &mut Conn, id: InviteId, now: Timestamp) -> Result<bool, StoreError> {
    let used = q!(execute; c, "UPDATE invite SET used_at = $2 WHERE id = $1 AND used_at IS NULL",
        id.uuid(), micros(now))?;
    Ok(used == 1)
}

/// The newest invitations, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn newest(c: &mut Conn, limit: i64) -> Result<Vec<Invite>, StoreError> {
    q!(fetch_all as Row; c, columns!("ORDER BY created_at DESC, id DESC LIMIT $1"), limit)?
        .into_iter()
        .map(Invite::try_from)
        .collect()
}

/// How many invitations could be used now.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count_open(c: &mut Conn, now: Timestamp) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM invite WHERE used_at IS NULL AND expires_at > $1", micros(now))?;
    Ok(count)
}
