//! Reads that go over everybody: who is who in the directories, and which items are in sight, in sets.
//!
//! Invariant: reads only; a page costs the same number of statements however many accounts it holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, ComponentId, DirectoryId, IdentityId, RoleId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{id_list, micros};

/// What one directory says of a person who is present and active in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Present {
    /// The account.
    pub account: AccountId,
    /// The identity.
    pub identity: IdentityId,
    /// The directory.
    pub directory: DirectoryId,
    /// The SCIM user; null where it was not asked for.
    pub document: Value,
}

/// The identities of these accounts that their directories call active, with their documents or without.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn present(
    c: &mut Conn,
    accounts: &[AccountId],
    with_documents: bool,
) -> Result<Vec<Present>, StoreError> {
    let ids = id_list(accounts.iter().map(|id| id.uuid()));
    let rows = q!(fetch_all as (Uuid, Uuid, String, Option<Json<Value>>); c,
        sqlite "SELECT i.account_id, i.id, i.directory, CASE WHEN $2 THEN i.document END FROM identity i
                 WHERE i.account_id IN (SELECT unhex(e.value) FROM json_each($1) e)
                   AND i.deleted_at IS NULL AND i.active ORDER BY i.account_id, i.created_at, i.id",
        postgres "SELECT i.account_id, i.id, i.directory, CASE WHEN $2 THEN i.document END FROM identity i
                 WHERE i.account_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))
                   AND i.deleted_at IS NULL AND i.active ORDER BY i.account_id, i.created_at, i.id",
        ids, with_documents)?;
    rows.into_iter()
        .map(|(account, id, directory, document)| {
            Ok(Present {
                account: AccountId::new(account),
                identity: IdentityId::new(id),
                directory: DirectoryId::parse(&directory)
                    .map_err(|error| StoreError::corrupt("identity", id, error))?,
                document: document.map_or(Value::Null, |json| json.0),
            })
        })
        .collect()
}

/// Locks every account until the end of a write transaction, in the order of their ids. Where there is but one writer
/// everybody waits already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn hold(c: &mut Conn) -> Result<(), StoreError> {
    if c.writes_alone() {
        return Ok(());
    }
    q!(execute; c,
        sqlite "SELECT 1",
        postgres "SELECT COUNT(*) FROM (SELECT a.id FROM account a ORDER BY a.id FOR NO KEY UPDATE) held")?;
    Ok(())
}

/// How many items there are of each component.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn item_counts(c: &mut Conn) -> Result<BTreeMap<ComponentId, u64>, StoreError> {
    let rows = q!(fetch_all as (String, i64); c,
        "SELECT component, COUNT(*) FROM item WHERE deleted_at IS NULL GROUP BY component")?;
    rows.into_iter()
        .map(|(component, count)| Ok((known(&component)?, u64::try_from(count).unwrap_or_default())))
        .collect()
}

fn known(component: &str) -> Result<ComponentId, StoreError> {
    ComponentId::parse(component).map_err(|error| StoreError::corrupt("item", component, error))
}

/// An item that is linked or assigned, by its component and the CRM's id.
pub type Seen = (ComponentId, String);

/// The items that roles are linked to or responsible for now, each once per role.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn items_of_roles(c: &mut Conn, now: Timestamp) -> Result<Vec<(RoleId, Seen)>, StoreError> {
    let rows = q!(fetch_all as (String, String, String); c,
        "SELECT s.role, s.component, s.item FROM (
             SELECT l.role, l.component, l.item FROM link l
              WHERE l.role IS NOT NULL AND l.until IS NULL AND (l.ends_at IS NULL OR l.ends_at > $1)
             UNION SELECT t.role, t.component, t.item FROM assignment t WHERE t.role IS NOT NULL AND t.until IS NULL) s
           JOIN item i ON i.component = s.component AND i.item = s.item WHERE i.deleted_at IS NULL",
        micros(now))?;
    rows.into_iter()
        .map(|(role, component, item)| {
            let role = RoleId::parse(&role).map_err(|error| StoreError::corrupt("link", &item, error))?;
            Ok((role, (known(&component)?, item)))
        })
        .collect()
}

/// The items that these accounts themselves are linked to or responsible for now, each once per account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn items_of_accounts(
    c: &mut Conn,
    accounts: &[AccountId],
    now: Timestamp,
) -> Result<BTreeMap<AccountId, Vec<Seen>>, StoreError> {
    let ids = id_list(accounts.iter().map(|id| id.uuid()));
    let rows = q!(fetch_all as (Uuid, String, String); c,
        sqlite "WITH asked AS (SELECT unhex(e.value) AS id FROM json_each($1) e)
            SELECT s.account_id, s.component, s.item FROM (
             SELECT l.account_id, l.component, l.item FROM link l
              WHERE l.account_id IN (SELECT id FROM asked) AND l.until IS NULL AND (l.ends_at IS NULL OR l.ends_at > $2)
             UNION SELECT t.account_id, t.component, t.item FROM assignment t
              WHERE t.account_id IN (SELECT id FROM asked) AND t.until IS NULL) s
           JOIN item i ON i.component = s.component AND i.item = s.item WHERE i.deleted_at IS NULL",
        postgres "WITH asked AS (SELECT CAST(e.value AS UUID) AS id FROM jsonb_array_elements_text($1) e(value))
            SELECT s.account_id, s.component, s.item FROM (
             SELECT l.account_id, l.component, l.item FROM link l
              WHERE l.account_id IN (SELECT id FROM asked) AND l.until IS NULL AND (l.ends_at IS NULL OR l.ends_at > $2)
             UNION SELECT t.account_id, t.component, t.item FROM assignment t
              WHERE t.account_id IN (SELECT id FROM asked) AND t.until IS NULL) s
           JOIN item i ON i.component = s.component AND i.item = s.item WHERE i.deleted_at IS NULL",
        ids, micros(now))?;
    let mut seen: BTreeMap<AccountId, Vec<Seen>> = BTreeMap::new();
    for (account, component, item) in rows {
        seen.entry(AccountId::new(account)).or_default().push((known(&component)?, item));
    }
    Ok(seen)
}

/// Whether any token named this group, in a directory or in any.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn is_claimed(c: &mut Conn, value: &str) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (String,); c,
        "SELECT value FROM claimed_group WHERE value = $1 AND until IS NULL LIMIT 1", value)?;
    Ok(row.is_some())
}

/// Whether a directory tells of a living group with this id of its own or of ours.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn is_group(
    c: &mut Conn,
    directory: Option<&DirectoryId>,
    value: &str,
) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (String,); c,
        "SELECT directory FROM directory_group
          WHERE deleted_at IS NULL AND (external_id = $1 OR id = $2) AND ($3 = '' OR directory = $3) LIMIT 1",
        value, Uuid::try_parse(value).unwrap_or_default(), directory.map_or("", DirectoryId::as_str))?;
    Ok(row.is_some())
}
