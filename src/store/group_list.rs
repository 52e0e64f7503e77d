//! Groups of all directories as a list: which there are, how many are in each, and who.
//!
//! Invariant: reads only; living groups and people only, and a page of members costs one statement.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, DirectoryId, GroupId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{id_list, instant};

/// A living group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The id that we issued.
    pub id: GroupId,
    /// Who tells it.
    pub directory: DirectoryId,
    /// The directory's own id for it.
    pub external_id: Option<String>,
    /// Its name.
    pub name: String,
    /// When the directory last changed it, or its members.
    pub modified_at: Timestamp,
}

/// Where a list of members goes on: sort key and account.
pub type Place = (Vec<u8>, AccountId);

fn directory(id: impl ToString, text: &str) -> Result<DirectoryId, StoreError> {
    DirectoryId::parse(text).map_err(|error| StoreError::corrupt("directory_group", id, error))
}

/// Every living group, or the one with this id.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn groups(c: &mut Conn, only: Option<GroupId>) -> Result<Vec<Listed>, StoreError> {
    let rows = match only {
        None => q!(fetch_all as (Uuid, String, Option<String>, String, i64); c,
            "SELECT g.id, g.directory, g.external_id, CAST(COALESCE(g.document ->> 'displayName', '') AS TEXT),
                    g.modified_at
               FROM directory_group g WHERE g.deleted_at IS NULL")?,
        Some(id) => q!(fetch_all as (Uuid, String, Option<String>, String, i64); c,
            "SELECT g.id, g.directory, g.external_id, CAST(COALESCE(g.document ->> 'displayName', '') AS TEXT),
                    g.modified_at
               FROM directory_group g WHERE g.id = $1 AND g.deleted_at IS NULL", id.uuid())?,
    };
    rows.into_iter()
        .map(|(id, told_by, external_id, name, modified_at)| {
            let (directory, modified_at) =
                (directory(id, &told_by)?, instant(modified_at, "directory_group", id)?);
            Ok(Listed { id: GroupId::new(id), directory, external_id, name, modified_at })
        })
        .collect()
}

/// The folded names that are pinned to each group.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn pins(c: &mut Conn) -> Result<BTreeMap<GroupId, Vec<String>>, StoreError> {
    let rows = q!(fetch_all as (Uuid, String); c,
        "SELECT group_id, name_key FROM group_name_pin ORDER BY pinned_at")?;
    let mut pins: BTreeMap<GroupId, Vec<String>> = BTreeMap::new();
    for (id, name) in rows {
        pins.entry(GroupId::new(id)).or_default().push(name);
    }
    Ok(pins)
}

/// How many are in each of these groups; a group without anybody is left out.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn counts(c: &mut Conn, groups: &[GroupId]) -> Result<BTreeMap<GroupId, i64>, StoreError> {
    let ids = id_list(groups.iter().map(|id| id.uuid()));
    let rows = q!(fetch_all as (Uuid, i64); c,
        sqlite "SELECT m.group_id, COUNT(*) FROM membership m
                 WHERE m.group_id IN (SELECT unhex(e.value) FROM json_each($1) e) AND m.until IS NULL
                 GROUP BY m.group_id",
        postgres "SELECT m.group_id, COUNT(*) FROM membership m
                 WHERE m.group_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))
                   AND m.until IS NULL GROUP BY m.group_id",
        ids)?;
    Ok(rows.into_iter().map(|(id, count)| (GroupId::new(id), count)).collect())
}

/// How many members a group waits for, whom nobody knows yet.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn awaited(c: &mut Conn, group: GroupId) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM membership_pending WHERE group_id = $1", group.uuid())?;
    Ok(count)
}

/// The groups that only tokens name, where they count: in a directory that tells of no groups itself. With how many
/// people's tokens name each.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn claimed(c: &mut Conn) -> Result<Vec<(DirectoryId, String, i64)>, StoreError> {
    let rows = q!(fetch_all as (String, String, i64); c,
        "SELECT i.directory, n.value, COUNT(*) FROM claimed_group n JOIN identity i ON i.id = n.identity_id
          WHERE n.until IS NULL AND i.deleted_at IS NULL
            AND NOT EXISTS (SELECT 1 FROM directory_group g WHERE g.directory = i.directory AND g.deleted_at IS NULL)
          GROUP BY i.directory, n.value")?;
    rows.into_iter().map(|(told_by, value, count)| Ok((directory(&value, &told_by)?, value, count))).collect()
}

/// The members of a group after `after` by name, or those before it, the nearest first.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn members(
    c: &mut Conn,
    group: GroupId,
    (from, is_back): (Option<&Place>, bool),
    limit: i64,
) -> Result<Vec<Place>, StoreError> {
    let (key, id) = from.map_or((Vec::new(), Uuid::nil()), |(key, id)| (key.clone(), id.uuid()));
    let rows = if is_back {
        q!(fetch_all as (Vec<u8>, Uuid); c,
            "SELECT a.name_key, a.id FROM membership m JOIN identity i ON i.id = m.identity_id
               JOIN account a ON a.id = i.account_id
              WHERE m.group_id = $1 AND m.until IS NULL AND i.deleted_at IS NULL AND (a.name_key, a.id) < ($2, $3)
              ORDER BY a.name_key DESC, a.id DESC LIMIT $4",
            group.uuid(), key, id, limit)?
    } else {
        q!(fetch_all as (Vec<u8>, Uuid); c,
            "SELECT a.name_key, a.id FROM membership m JOIN identity i ON i.id = m.identity_id
               JOIN account a ON a.id = i.account_id
              WHERE m.group_id = $1 AND m.until IS NULL AND i.deleted_at IS NULL AND (a.name_key, a.id) > ($2, $3)
              ORDER BY a.name_key, a.id LIMIT $4",
            group.uuid(), key, id, limit)?
    };
    Ok(rows.into_iter().map(|(key, id)| (key, AccountId::new(id))).collect())
}
