//! Table `identity_address`: the further addresses of people who have more than one, folded.
//!
//! Invariant: the primary address stands in `identity.email_key` and not here; together they are all of a person's. Only
//! the beginning of a very long one is kept, because no index takes it whole: what is found by it still has to be
//! looked at.

use serde_json::Value;
use uuid::Uuid;

use crate::domain::ids::{DirectoryId, IdentityId};
use crate::domain::name::fold;

use super::conn::Conn;
use super::db::Db;
use super::error::StoreError;
use super::setting;
use super::value::Many;

/// The setting that tells whether people from before this table still wait for it.
const OWED: &str = "identity_address";

/// How many people are read at a time.
const PAGE: i64 = 500;

/// How many characters of an address are kept.
const LENGTH: usize = 256;

/// As much of a folded address as is kept.
pub(super) fn beginning(key: &str) -> String {
    key.chars().take(LENGTH).collect()
}

/// Sets the further addresses of a person, folded.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note(
    c: &mut Conn,
    directory: &DirectoryId,
    identity: IdentityId,
    further: Vec<String>,
) -> Result<(), StoreError> {
    q!(execute; c, "DELETE FROM identity_address WHERE identity_id = $1", identity.uuid())?;
    if further.is_empty() {
        return Ok(());
    }
    insert(c, directory.as_str(), identity.uuid(), &further).await
}

async fn insert(c: &mut Conn, directory: &str, identity: Uuid, keys: &[String]) -> Result<(), StoreError> {
    let keys = keys.iter().map(|key| beginning(key)).collect();
    q!(execute; c,
        sqlite "INSERT INTO identity_address (directory, address_key, identity_id)
                SELECT $1, e.value, $2 FROM json_each($3) e WHERE TRUE ON CONFLICT DO NOTHING",
        postgres "INSERT INTO identity_address (directory, address_key, identity_id)
                SELECT $1, e.value, $2 FROM UNNEST($3) e(value) ON CONFLICT DO NOTHING",
        directory, identity, Many(keys))
    .map(drop)
}

/// Brings in the addresses of people who were there before this table. Does nothing where that is done.
pub(super) async fn settle(db: &Db) -> Result<(), StoreError> {
    let mut c = db.read().await?;
    let owed = setting::get(&mut c, OWED).await?;
    drop(c);
    if owed.as_deref() != Some("owed") {
        return Ok(());
    }
    db.write(|c| Box::pin(fill(c))).await
}

async fn fill(c: &mut Conn) -> Result<(), StoreError> {
    // Whoever opens the database at the same moment waits here, and then finds nothing to do.
    let taken = q!(execute; c, "UPDATE setting SET value = 'paid' WHERE name = $1 AND value = 'owed'", OWED)?;
    let mut after = Uuid::nil();
    while taken == 1 {
        let page = q!(fetch_all as (Uuid, String, Option<String>, String); c,
            sqlite "SELECT i.id, i.directory, i.email_key, i.document -> '$.emails' FROM identity i
                     WHERE i.id > $1 AND i.deleted_at IS NULL AND json_array_length(i.document, '$.emails') > 1
                     ORDER BY i.id LIMIT $2",
            postgres "SELECT i.id, i.directory, i.email_key, CAST(i.document -> 'emails' AS TEXT) FROM identity i
                     WHERE i.id > $1 AND i.deleted_at IS NULL AND jsonb_array_length(
                        CASE jsonb_typeof(i.document -> 'emails') WHEN 'array' THEN i.document -> 'emails' END) > 1
                     ORDER BY i.id LIMIT $2",
            after, PAGE)?;
        let Some((last, ..)) = page.last() else { break };
        after = *last;
        for (id, directory, primary, emails) in page {
            let emails: Vec<Value> =
                serde_json::from_str(&emails).map_err(|e| StoreError::corrupt("identity", id, e))?;
            let values = emails.iter().filter_map(|entry| entry.get("value")?.as_str());
            let keys: Vec<String> = values.map(fold).filter(|key| primary.as_ref() != Some(key)).collect();
            insert(c, &directory, id, &keys).await?;
        }
    }
    Ok(())
}
