//! Table `identity`: what one directory says about one person.
//!
//! Invariant: user name and external id are unique among the living of a directory; the deleted stay as tombstones.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, DirectoryId, GroupId, IdentityId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{Many, instant, instant_opt, micros};

/// One person, as one directory tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Identity {
    /// The SCIM id that we issued.
    pub id: IdentityId,
    /// Who tells it.
    pub directory: DirectoryId,
    /// The account it belongs to.
    pub account: AccountId,
    /// Whether the directory says active.
    pub active: bool,
    /// The directory's own immutable id.
    pub external_id: Option<String>,
    /// The whole document, unknown extensions included.
    pub document: Value,
    /// Grows with every change.
    pub version: i64,
    /// When the directory first told us.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// The columns that are taken from the document, so that it can be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityKeys {
    /// Folded user name.
    pub user_name: String,
    /// As the directory wrote it; compared exactly.
    pub external_id: Option<String>,
    /// Folded.
    pub display_name: Option<String>,
    /// The primary address, folded.
    pub email: Option<String>,
    /// Whether the directory says active.
    pub active: bool,
}

/// By what a directory's identities are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdentityKey {
    /// Folded user name.
    UserName(String),
    /// Exact external id.
    ExternalId(String),
    /// Folded display name.
    DisplayName(String),
    /// Folded primary address.
    Email(String),
    /// Our id.
    Id(IdentityId),
    /// Present members of a group.
    MemberOf(GroupId),
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        directory: String,
        account_id: Uuid,
        active: bool,
        external_id: Option<String>,
        document: Json<Value>,
        version: i64,
        created_at: i64,
        modified_at: i64,
        deleted_at: Option<i64>,
    }
}

impl TryFrom<Row> for Identity {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: IdentityId::new(row.id),
            directory: DirectoryId::parse(&row.directory)
                .map_err(|e| StoreError::corrupt("identity", row.id, e))?,
            account: AccountId::new(row.account_id),
            active: row.active,
            external_id: row.external_id,
            document: row.document.0,
            version: row.version,
            created_at: instant(row.created_at, "identity", row.id)?,
            modified_at: instant(row.modified_at, "identity", row.id)?,
            deleted_at: instant_opt(row.deleted_at, "identity", row.id)?,
        })
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT i.id, i.directory, i.account_id, i.active, i.external_id, i.document, i.version, i.created_at, ",
            "i.modified_at, i.deleted_at FROM identity i ",
            $tail
        )
    };
}

fn read(rows: Vec<Row>) -> Result<Vec<Identity>, StoreError> {
    rows.into_iter().map(Identity::try_from).collect()
}

/// Writes a new identity.
///
/// # Errors
///
/// [`StoreError::Taken`] when the directory has a living identity of that user name or external id.
pub async fn insert(c: &mut Conn, identity: &Identity, keys: &IdentityKeys) -> Result<(), StoreError> {
    let written = q!(execute; c,
        "INSERT INTO identity (id, directory, account_id, user_name_key, external_id, display_name_key, email_key,
                               active, document, version, created_at, modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING",
        identity.id.uuid(), identity.directory.as_str(), identity.account.uuid(), &keys.user_name,
        &keys.external_id, &keys.display_name, &keys.email, keys.active, Json(&identity.document),
        identity.version, micros(identity.created_at), micros(identity.modified_at))?;
    if written == 1 { Ok(()) } else { Err(StoreError::Taken { what: "userName or externalId" }) }
}

/// Writes the new document of a living identity and adds one to its version. Gives the new version.
///
/// # Errors
///
/// [`StoreError::Taken`] when another living identity of the directory has that user name or external id.
pub async fn update(
    c: &mut Conn,
    identity: &Identity,
    keys: &IdentityKeys,
    now: Timestamp,
) -> Result<i64, StoreError> {
    // Both engines look at the other rows before they write this one; two at once are told apart by the index.
    let version = q!(fetch_optional as (i64,); c,
        "UPDATE identity SET user_name_key = $2, external_id = $3, display_name_key = $4, email_key = $5,
                active = $6, document = $7, version = version + 1, modified_at = $8
          WHERE id = $1
            AND NOT EXISTS (SELECT 1 FROM identity o WHERE o.directory = $9 AND o.user_name_key = $2
                               AND o.deleted_at IS NULL AND o.id <> $1)
            AND NOT EXISTS (SELECT 1 FROM identity o WHERE o.directory = $9 AND o.external_id = $3
                               AND o.deleted_at IS NULL AND o.id <> $1)
         RETURNING version",
        identity.id.uuid(), &keys.user_name, &keys.external_id, &keys.display_name, &keys.email, keys.active,
        Json(&identity.document), micros(now), identity.directory.as_str())
    .map_err(|error| error.or_taken("userName or externalId"))?;
    version.map(|(version,)| version).ok_or(StoreError::Taken { what: "userName or externalId" })
}

/// Marks an identity as deleted; it stays as a tombstone with its document.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn bury(c: &mut Conn, id: IdentityId, now: Timestamp) -> Result<bool, StoreError> {
    let buried = q!(execute; c,
        "UPDATE identity SET deleted_at = $2, active = $3, version = version + 1
          WHERE id = $1 AND deleted_at IS NULL",
        id.uuid(), micros(now), false)?;
    Ok(buried == 1)
}

/// The living identity with this id, in this directory; locked until the end of a write transaction.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn lock(
    c: &mut Conn,
    directory: &DirectoryId,
    id: IdentityId,
) -> Result<Option<Identity>, StoreError> {
    q!(fetch_optional as Row; c,
        sqlite columns!("WHERE i.id = $1 AND i.directory = $2 AND i.deleted_at IS NULL"),
        postgres columns!("WHERE i.id = $1 AND i.directory = $2 AND i.deleted_at IS NULL FOR NO KEY UPDATE"),
        id.uuid(), directory.as_str())?
    .map(Identity::try_from)
    .transpose()
}

/// The living identity with this id, in this directory.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(
    c: &mut Conn,
    directory: &DirectoryId,
    id: IdentityId,
) -> Result<Option<Identity>, StoreError> {
    q!(fetch_optional as Row; c,
        columns!("WHERE i.id = $1 AND i.directory = $2 AND i.deleted_at IS NULL"), id.uuid(), directory.as_str())?
    .map(Identity::try_from)
    .transpose()
}

/// The newest tombstone with this external id, for a person who is created again.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn tombstone(
    c: &mut Conn,
    directory: &DirectoryId,
    external_id: &str,
) -> Result<Option<Identity>, StoreError> {
    q!(fetch_optional as Row; c,
        columns!("WHERE i.directory = $1 AND i.external_id = $2 AND i.deleted_at IS NOT NULL ORDER BY i.deleted_at DESC LIMIT 1"),
        directory.as_str(), external_id)?
    .map(Identity::try_from)
    .transpose()
}

/// What is there already for a person who arrives with this external id: the account of the newest tombstone, and
/// whether groups wait for them.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn arriving(
    c: &mut Conn,
    directory: &DirectoryId,
    external_id: &str,
) -> Result<(Option<AccountId>, bool), StoreError> {
    let (former, is_awaited) = q!(fetch_one as (Option<Uuid>, bool); c,
        "SELECT (SELECT i.account_id FROM identity i
                  WHERE i.directory = $1 AND i.external_id = $2 AND i.deleted_at IS NOT NULL
                  ORDER BY i.deleted_at DESC LIMIT 1),
                EXISTS (SELECT 1 FROM membership_pending p WHERE p.value = $2)",
        directory.as_str(), external_id)?;
    Ok((former.map(AccountId::new), is_awaited))
}

/// The living identities of a directory that have a key, in the order of their ids.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn find(
    c: &mut Conn,
    directory: &DirectoryId,
    key: &IdentityKey,
) -> Result<Vec<Identity>, StoreError> {
    let d = directory.as_str();
    let rows = match key {
        IdentityKey::UserName(name) => q!(fetch_all as Row; c,
            columns!("WHERE i.directory = $1 AND i.user_name_key = $2 AND i.deleted_at IS NULL"), d, name),
        IdentityKey::ExternalId(id) => q!(fetch_all as Row; c,
            columns!("WHERE i.directory = $1 AND i.external_id = $2 AND i.deleted_at IS NULL"), d, id),
        IdentityKey::DisplayName(name) => q!(fetch_all as Row; c,
            columns!("WHERE i.directory = $1 AND i.display_name_key = $2 AND i.deleted_at IS NULL"), d, name),
        IdentityKey::Email(email) => q!(fetch_all as Row; c,
            columns!("WHERE i.directory = $1 AND i.email_key = $2 AND i.deleted_at IS NULL"), d, email),
        IdentityKey::Id(id) => q!(fetch_all as Row; c,
            columns!("WHERE i.directory = $1 AND i.id = $2 AND i.deleted_at IS NULL"), d, id.uuid()),
        IdentityKey::MemberOf(group) => q!(fetch_all as Row; c,
            columns!("JOIN membership m ON m.identity_id = i.id AND m.until IS NULL AND m.group_id = $2
                       WHERE i.directory = $1 AND i.deleted_at IS NULL ORDER BY i.id"), d, group.uuid()),
    };
    // Sorted here: asked for an order, SQLite may read everybody in it rather than take the index of the key.
    let mut found = read(rows?)?;
    found.sort_by_key(|one| one.id);
    Ok(found)
}

/// A page of a directory's living identities, in the order of their ids, after the id `after`.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn page(
    c: &mut Conn,
    directory: &DirectoryId,
    after: Option<IdentityId>,
    limit: i64,
) -> Result<Vec<Identity>, StoreError> {
    let after = after.map_or(Uuid::nil(), IdentityId::uuid);
    read(q!(fetch_all as Row; c,
        columns!("WHERE i.directory = $1 AND i.id > $2 AND i.deleted_at IS NULL ORDER BY i.id LIMIT $3"),
        directory.as_str(), after, limit)?)
}

/// How many living identities a directory has.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count(c: &mut Conn, directory: &DirectoryId) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM identity WHERE directory = $1 AND deleted_at IS NULL", directory.as_str())?;
    Ok(count)
}

/// Every identity of an account, the deleted too, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_account(c: &mut Conn, account: AccountId) -> Result<Vec<Identity>, StoreError> {
    read(
        q!(fetch_all as Row; c, columns!("WHERE i.account_id = $1 ORDER BY i.created_at, i.id"), account.uuid())?,
    )
}

/// The ids that the directories themselves give the people of these accounts: where one has deleted the person, the last
/// it gave. Accounts without any are left out.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn external_ids(
    c: &mut Conn,
    accounts: &[AccountId],
) -> Result<HashMap<AccountId, BTreeMap<DirectoryId, String>>, StoreError> {
    let ids = Many(accounts.iter().map(|id| id.uuid()).collect());
    // The living come last, and so stand.
    let rows = q!(fetch_all as (Uuid, String, String); c,
        sqlite "SELECT i.account_id, i.directory, i.external_id FROM identity i
                 WHERE i.account_id IN (SELECT unhex(e.value) FROM json_each($1) e) AND i.external_id IS NOT NULL
                 ORDER BY i.deleted_at IS NULL, i.created_at, i.id",
        postgres "SELECT i.account_id, i.directory, i.external_id FROM identity i
                 WHERE i.account_id = ANY($1) AND i.external_id IS NOT NULL
                 ORDER BY i.deleted_at IS NULL, i.created_at, i.id",
        ids)?;
    let mut all: HashMap<AccountId, BTreeMap<DirectoryId, String>> = HashMap::with_capacity(accounts.len());
    for (account, directory, id) in rows {
        let directory =
            DirectoryId::parse(&directory).map_err(|e| StoreError::corrupt("identity", account, e))?;
        all.entry(AccountId::new(account)).or_default().insert(directory, id);
    }
    Ok(all)
}
