//! Looks across what a directory has sent, for whoever checks its set-up: ids, names and what is still awaited.
//!
//! Invariant: reads only, and never a whole document.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{DirectoryId, GroupId, IdentityId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::instant;

/// A group that waits for members whom nobody knows yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Awaiting {
    /// The group.
    pub group: GroupId,
    /// Its name.
    pub name: String,
    /// How many members it waits for.
    pub members: i64,
    /// Since when, at the longest.
    pub since: Timestamp,
}

/// A living group, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupLine {
    /// The id that we issued.
    pub id: GroupId,
    /// The directory's own id for it.
    pub external_id: Option<String>,
    /// Its name.
    pub name: String,
    /// Its folded name.
    pub name_key: String,
}

/// The living groups of a directory that wait for members, the longest wait first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn awaiting(c: &mut Conn, directory: &DirectoryId) -> Result<Vec<Awaiting>, StoreError> {
    let rows = q!(fetch_all as (Uuid, String, i64, i64); c,
        "SELECT g.id, CAST(COALESCE(g.document ->> 'displayName', '') AS TEXT), w.members, w.since
           FROM (SELECT group_id, COUNT(*) AS members, MIN(since) AS since FROM membership_pending GROUP BY group_id) w
           JOIN directory_group g ON g.id = w.group_id
          WHERE g.directory = $1 AND g.deleted_at IS NULL ORDER BY w.since, g.id",
        directory.as_str())?;
    rows.into_iter()
        .map(|(id, name, members, since)| {
            let since = instant(since, "membership_pending", id)?;
            Ok(Awaiting { group: GroupId::new(id), name, members, since })
        })
        .collect()
}

/// How many members the living groups of each directory wait for, in the order of the names.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn awaited(c: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    let mut rows = q!(fetch_all as (String, i64); c,
        "SELECT g.directory, COUNT(*) FROM membership_pending p JOIN directory_group g ON g.id = p.group_id
          WHERE g.deleted_at IS NULL GROUP BY g.directory")?;
    rows.sort();
    Ok(rows)
}

/// The living groups of a directory, in the order of their ids.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn groups(c: &mut Conn, directory: &DirectoryId) -> Result<Vec<GroupLine>, StoreError> {
    let rows = q!(fetch_all as (Uuid, Option<String>, String, String); c,
        "SELECT g.id, g.external_id, CAST(COALESCE(g.document ->> 'displayName', '') AS TEXT), g.display_name_key
           FROM directory_group g WHERE g.directory = $1 AND g.deleted_at IS NULL ORDER BY g.id",
        directory.as_str())?;
    let line =
        |(id, external_id, name, name_key)| GroupLine { id: GroupId::new(id), external_id, name, name_key };
    Ok(rows.into_iter().map(line).collect())
}

/// The external ids of a page of a directory's living people, in the order of our ids, after the id `after`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn external_ids(
    c: &mut Conn,
    directory: &DirectoryId,
    after: Option<IdentityId>,
    limit: i64,
) -> Result<Vec<(IdentityId, Option<String>)>, StoreError> {
    let after = after.map_or(Uuid::nil(), IdentityId::uuid);
    let rows = q!(fetch_all as (Uuid, Option<String>); c,
        "SELECT i.id, i.external_id FROM identity i
          WHERE i.directory = $1 AND i.id > $2 AND i.deleted_at IS NULL ORDER BY i.id LIMIT $3",
        directory.as_str(), after, limit)?;
    Ok(rows.into_iter().map(|(id, external_id)| (IdentityId::new(id), external_id)).collect())
}
