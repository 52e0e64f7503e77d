//! Tables `directory_group` and `group_name_pin`: what a directory says about its groups.
//!
//! Invariant: members are rows of `membership`, never part of the document; a pin, once set, keeps its group.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{DirectoryId, GroupId, IdentityId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, micros};

/// One group, as one directory tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The SCIM id that we issued.
    pub id: GroupId,
    /// Who tells it.
    pub directory: DirectoryId,
    /// The directory's own immutable id.
    pub external_id: Option<String>,
    /// The whole document without its members.
    pub document: Value,
    /// Grows with every change.
    pub version: i64,
    /// When the directory first told us.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
}

/// By what a directory's groups are looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GroupKey {
    /// Folded display name.
    DisplayName(String),
    /// Exact external id.
    ExternalId(String),
    /// Our id.
    Id(GroupId),
    /// Groups that the identity is a present member of.
    HasMember(IdentityId),
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        directory: String,
        external_id: Option<String>,
        document: Json<Value>,
        version: i64,
        created_at: i64,
        modified_at: i64,
    }
}

impl TryFrom<Row> for Group {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: GroupId::new(row.id),
            directory: DirectoryId::parse(&row.directory)
                .map_err(|e| StoreError::corrupt("directory_group", row.id, e))?,
            external_id: row.external_id,
            document: row.document.0,
            version: row.version,
            created_at: instant(row.created_at, "directory_group", row.id)?,
            modified_at: instant(row.modified_at, "directory_group", row.id)?,
        })
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT g.id, g.directory, g.external_id, g.document, g.version, g.created_at, g.modified_at ",
            "FROM directory_group g ",
            $tail
        )
    };
}

fn read(rows: Vec<Row>) -> Result<Vec<Group>, StoreError> {
    rows.into_iter().map(Group::try_from).collect()
}

/// Writes a new group.
///
/// # Errors
///
/// [`StoreError::Taken`] when the directory has a living group of that external id.
pub async fn insert(c: &mut Conn, group: &Group, name_key: &str) -> Result<(), StoreError> {
    let written = q!(execute; c,
        "INSERT INTO directory_group (id, directory, external_id, display_name_key, document, version, created_at,
                                      modified_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        group.id.uuid(), group.directory.as_str(), &group.external_id, name_key, Json(&group.document),
        group.version, micros(group.created_at), micros(group.modified_at))?;
    if written == 1 { Ok(()) } else { Err(StoreError::Taken { what: "externalId" }) }
}

/// Writes the new document of a living group and adds one to its version. Gives the new version.
///
/// # Errors
///
/// [`StoreError::Taken`] when another living group of the directory has that external id.
pub async fn update(c: &mut Conn, group: &Group, name_key: &str, now: Timestamp) -> Result<i64, StoreError> {
    let taken = q!(fetch_optional as (Uuid,); c,
        "SELECT id FROM directory_group WHERE directory = $1 AND deleted_at IS NULL AND id <> $2 AND external_id = $3",
        group.directory.as_str(), group.id.uuid(), &group.external_id)?;
    if taken.is_some() {
        return Err(StoreError::Taken { what: "externalId" });
    }
    let (version,) = q!(fetch_one as (i64,); c,
        "UPDATE directory_group SET external_id = $2, display_name_key = $3, document = $4, version = version + 1,
                modified_at = $5
          WHERE id = $1 RETURNING version",
        group.id.uuid(), &group.external_id, name_key, Json(&group.document), micros(now))
    .map_err(|error| error.or_taken("externalId"))?;
    Ok(version)
}

/// Adds one to a group's version because its members changed. Gives the new version.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn touch(c: &mut Conn, id: GroupId, now: Timestamp) -> Result<i64, StoreError> {
    let (version,) = q!(fetch_one as (i64,); c,
        "UPDATE directory_group SET version = version + 1, modified_at = $2 WHERE id = $1 RETURNING version",
        id.uuid(), micros(now))?;
    Ok(version)
}

/// Marks a group as deleted; it stays as a tombstone.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn bury(c: &mut Conn, id: GroupId, now: Timestamp) -> Result<bool, StoreError> {
    let buried = q!(execute; c,
        "UPDATE directory_group SET deleted_at = $2, version = version + 1 WHERE id = $1 AND deleted_at IS NULL",
        id.uuid(), micros(now))?;
    Ok(buried == 1)
}

/// The living group with this id, in this directory; locked until the end of a write transaction.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn lock(c: &mut Conn, directory: &DirectoryId, id: GroupId) -> Result<Option<Group>, StoreError> {
    q!(fetch_optional as Row; c,
        sqlite columns!("WHERE g.id = $1 AND g.directory = $2 AND g.deleted_at IS NULL"),
        postgres columns!("WHERE g.id = $1 AND g.directory = $2 AND g.deleted_at IS NULL FOR NO KEY UPDATE"),
        id.uuid(), directory.as_str())?
    .map(Group::try_from)
    .transpose()
}

/// The living group with this id, in this directory.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, directory: &DirectoryId, id: GroupId) -> Result<Option<Group>, StoreError> {
    q!(fetch_optional as Row; c,
        columns!("WHERE g.id = $1 AND g.directory = $2 AND g.deleted_at IS NULL"), id.uuid(), directory.as_str())?
    .map(Group::try_from)
    .transpose()
}

/// The living groups of a directory that have a key, in the order of their ids.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn find(c: &mut Conn, directory: &DirectoryId, key: &GroupKey) -> Result<Vec<Group>, StoreError> {
    let d = directory.as_str();
    let rows = match key {
        GroupKey::DisplayName(name) => q!(fetch_all as Row; c,
            columns!("WHERE g.directory = $1 AND g.display_name_key = $2 AND g.deleted_at IS NULL"), d, name),
        GroupKey::ExternalId(id) => q!(fetch_all as Row; c,
            columns!("WHERE g.directory = $1 AND g.external_id = $2 AND g.deleted_at IS NULL"), d, id),
        GroupKey::Id(id) => q!(fetch_all as Row; c,
            columns!("WHERE g.directory = $1 AND g.id = $2 AND g.deleted_at IS NULL"), d, id.uuid()),
        GroupKey::HasMember(identity) => q!(fetch_all as Row; c,
            columns!("JOIN membership m ON m.group_id = g.id AND m.until IS NULL AND m.identity_id = $2
                       WHERE g.directory = $1 AND g.deleted_at IS NULL ORDER BY g.id"), d, identity.uuid()),
    };
    // Sorted here: asked for an order, SQLite may read everybody in it rather than take the index of the key.
    let mut found = read(rows?)?;
    found.sort_by_key(|one| one.id);
    Ok(found)
}

/// A page of a directory's living groups, in the order of their ids, after the id `after`.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn page(
    c: &mut Conn,
    directory: &DirectoryId,
    after: Option<GroupId>,
    limit: i64,
) -> Result<Vec<Group>, StoreError> {
    let after = after.map_or(Uuid::nil(), GroupId::uuid);
    read(q!(fetch_all as Row; c,
        columns!("WHERE g.directory = $1 AND g.id > $2 AND g.deleted_at IS NULL ORDER BY g.id LIMIT $3"),
        directory.as_str(), after, limit)?)
}

/// How many living groups a directory has.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count(c: &mut Conn, directory: &DirectoryId) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM directory_group WHERE directory = $1 AND deleted_at IS NULL", directory.as_str())?;
    Ok(count)
}

/// Pins a folded name to a group, where the directory has not pinned it yet. Gives whether it did.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn pin_name(
    c: &mut Conn,
    directory: &DirectoryId,
    name_key: &str,
    group: GroupId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let pinned = q!(execute; c,
        "INSERT INTO group_name_pin (directory, name_key, group_id, pinned_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        directory.as_str(), name_key, group.uuid(), micros(now))?;
    Ok(pinned == 1)
}

/// The group that a folded name is pinned to in a directory.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn pinned(
    c: &mut Conn,
    directory: &DirectoryId,
    name_key: &str,
) -> Result<Option<GroupId>, StoreError> {
    let row = q!(fetch_optional as (Uuid,); c,
        "SELECT group_id FROM group_name_pin WHERE directory = $1 AND name_key = $2", directory.as_str(), name_key)?;
    Ok(row.map(|(id,)| GroupId::new(id)))
}
