//! Table `item_event`: which events of a CRM were followed, by the CRM's own ids of them.
//!
//! Invariant: a row says only that the event was followed; what it did stands in the audit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;
use sqlx::types::Json;

use crate::domain::ids::TargetId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{Many, micros};

/// Which of these ids were followed, each with the digest of its event.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn known(
    c: &mut Conn,
    target: &TargetId,
    ids: Vec<String>,
) -> Result<BTreeMap<String, String>, StoreError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = q!(fetch_all as (String, String); c,
        sqlite "SELECT id, digest FROM item_event
                 WHERE target = $1 AND id IN (SELECT e.value FROM json_each($2) e)",
        postgres "SELECT id, digest FROM item_event WHERE target = $1 AND id = ANY($2)",
        target.as_str(), Many(ids))?;
    Ok(rows.into_iter().collect())
}

/// Notes that events were followed: id and digest of each.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note(
    c: &mut Conn,
    target: &TargetId,
    events: &[(String, String)],
    now: Timestamp,
) -> Result<(), StoreError> {
    if events.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = events.iter().map(|(id, digest)| json!([id, digest])).collect();
    q!(execute; c,
        sqlite "INSERT INTO item_event (target, id, digest, followed_at)
                SELECT $1, e.value ->> 0, e.value ->> 1, $3 FROM json_each($2) e WHERE TRUE ON CONFLICT DO NOTHING",
        postgres "INSERT INTO item_event (target, id, digest, followed_at)
                SELECT $1, e.value ->> 0, e.value ->> 1, $3 FROM jsonb_array_elements($2) e(value)
                ON CONFLICT DO NOTHING",
        target.as_str(), Json(rows), micros(now))?;
    Ok(())
}

/// Forgets events that were followed before `before`. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM item_event WHERE followed_at < $1", micros(before))
}
