//! Table `claimed_group`: groups that a token named.
//!
//! Invariant: they count only in a directory that tells of no groups itself; the past stays as intervals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{DirectoryId, IdentityId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{id_list, micros};

/// The groups that the last token which spoke of groups named.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn of(c: &mut Conn, identity: IdentityId) -> Result<Vec<String>, StoreError> {
    let rows = q!(fetch_all as (String,); c,
        "SELECT value FROM claimed_group WHERE identity_id = $1 AND until IS NULL", identity.uuid())?;
    Ok(sorted(rows))
}

/// The same of each of these identities, where their directory tells of no groups itself.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn that_count(
    c: &mut Conn,
    identities: &[IdentityId],
) -> Result<BTreeMap<IdentityId, Vec<String>>, StoreError> {
    let mut all: BTreeMap<IdentityId, Vec<String>> = BTreeMap::new();
    if identities.is_empty() {
        return Ok(all);
    }
    let rows = q!(fetch_all as (Uuid, String); c,
        sqlite "SELECT n.identity_id, n.value FROM claimed_group n
                 WHERE n.identity_id IN (SELECT unhex(e.value) FROM json_each($1) e) AND n.until IS NULL
                   AND NOT EXISTS (SELECT 1 FROM identity i JOIN directory_group g ON g.directory = i.directory
                                    WHERE i.id = n.identity_id AND g.deleted_at IS NULL)",
        postgres "SELECT n.identity_id, n.value FROM claimed_group n
                 WHERE n.identity_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))
                   AND n.until IS NULL
                   AND NOT EXISTS (SELECT 1 FROM identity i JOIN directory_group g ON g.directory = i.directory
                                    WHERE i.id = n.identity_id AND g.deleted_at IS NULL)",
        id_list(identities.iter().map(|id| id.uuid())))?;
    for (identity, value) in rows {
        all.entry(IdentityId::new(identity)).or_default().push(value);
    }
    for values in all.values_mut() {
        values.sort();
    }
    Ok(all)
}

/// Whether the directory tells of groups itself, over SCIM.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn are_told_otherwise(c: &mut Conn, directory: &DirectoryId) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (Uuid,); c,
        "SELECT id FROM directory_group WHERE directory = $1 AND deleted_at IS NULL LIMIT 1", directory.as_str())?;
    Ok(row.is_some())
}

/// From `now` on the token names exactly `values`. Gives whether that is new.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn set(
    c: &mut Conn,
    identity: IdentityId,
    values: &[String],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let held = of(c, identity).await?;
    let mut is_new = false;
    for gone in held.iter().filter(|value| !values.contains(value)) {
        end(c, identity, gone, now).await?;
        is_new = true;
    }
    for value in values.iter().filter(|value| !held.contains(value)) {
        // Ended and named again at one instant: the interval goes on.
        let again = q!(execute; c,
            "UPDATE claimed_group SET until = NULL WHERE identity_id = $1 AND value = $2 AND since = $3",
            identity.uuid(), value, micros(now))?;
        if again == 0 {
            q!(execute; c,
                "INSERT INTO claimed_group (identity_id, value, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                identity.uuid(), value, micros(now))?;
        }
        is_new = true;
    }
    Ok(is_new)
}

async fn end(c: &mut Conn, identity: IdentityId, value: &str, now: Timestamp) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE claimed_group SET until = $3 WHERE identity_id = $1 AND value = $2 AND until IS NULL",
        identity.uuid(), value, micros(now))?;
    Ok(())
}

fn sorted(rows: Vec<(String,)>) -> Vec<String> {
    let mut values: Vec<String> = rows.into_iter().map(|(value,)| value).collect();
    values.sort();
    values
}
