//! Who sees what, page by page: items by their holders and holders by their roles. Reads `link`, `assignment`, `item`
//! and `entitlement`.
//!
//! Invariant: a page is read from an index, in the engine's own order of ids, and costs what is on it and not what is
//! in the tables. The order differs between the engines; it never changes between two pages.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::grant::{Holder, ItemRef};
use crate::domain::ids::{AccountId, ComponentId, RoleId};

use super::conn::Conn;
use super::error::StoreError;
use super::item::holder;
use super::value::{Many, micros};

/// The items of a component that are linked or assigned to the account or to one of the roles now, after the id
/// `after`, at most `limit` of them.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn theirs(
    c: &mut Conn,
    (account, roles): (AccountId, &[RoleId]),
    component: &ComponentId,
    after: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let roles = Many(roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>());
    let rows = q!(fetch_all as (String,); c,
        sqlite "SELECT item FROM (
              SELECT * FROM (SELECT item FROM link WHERE account_id = $1 AND component = $2 AND item > $3
                AND until IS NULL AND (ends_at IS NULL OR ends_at > $4) ORDER BY item LIMIT $5)
              UNION SELECT * FROM (SELECT item FROM assignment WHERE account_id = $1 AND component = $2 AND item > $3
                AND until IS NULL ORDER BY item LIMIT $5)
              UNION SELECT * FROM (SELECT l.item FROM link l WHERE l.role IN (SELECT e.value FROM json_each($6) e)
                AND l.component = $2 AND l.item > $3 AND l.until IS NULL
                AND (l.ends_at IS NULL OR l.ends_at > $4) ORDER BY l.item)
              UNION SELECT * FROM (SELECT s.item FROM assignment s WHERE s.role IN (SELECT e.value FROM json_each($6) e)
                AND s.component = $2 AND s.item > $3 AND s.until IS NULL ORDER BY s.item)) seen
             ORDER BY item LIMIT $5",
        postgres "SELECT item FROM (
              (SELECT item FROM link WHERE account_id = $1 AND component = $2 AND item > $3
                AND until IS NULL AND (ends_at IS NULL OR ends_at > $4) ORDER BY item LIMIT $5)
              UNION (SELECT item FROM assignment WHERE account_id = $1 AND component = $2 AND item > $3
                AND until IS NULL ORDER BY item LIMIT $5)
              UNION (SELECT l.item FROM link l WHERE l.role = ANY($6)
                AND l.component = $2 AND l.item > $3 AND l.until IS NULL
                AND (l.ends_at IS NULL OR l.ends_at > $4))
              UNION (SELECT s.item FROM assignment s WHERE s.role = ANY($6)
                AND s.component = $2 AND s.item > $3 AND s.until IS NULL)) seen
             ORDER BY item LIMIT $5",
        account.uuid(), component.as_str(), after, micros(now), limit, roles)?;
    Ok(rows.into_iter().map(|(item,)| item).collect())
}

/// The items of a component that are known and not deleted, after the id `after`, at most `limit` of them.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn living(
    c: &mut Conn,
    component: &ComponentId,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    let rows = q!(fetch_all as (String,); c,
        "SELECT item FROM item WHERE component = $1 AND item > $2 AND deleted_at IS NULL ORDER BY item LIMIT $3",
        component.as_str(), after, limit)?;
    Ok(rows.into_iter().map(|(item,)| item).collect())
}

/// The accounts that were given one of these roles and from whom nobody has taken it, whatever their status, after the
/// id `after`, at most `limit` of them.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn holders(
    c: &mut Conn,
    roles: &[RoleId],
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<AccountId>, StoreError> {
    let roles = Many(roles.iter().map(|role| role.as_str().to_owned()).collect::<Vec<_>>());
    let after = after.map_or(Uuid::nil(), AccountId::uuid);
    let rows = q!(fetch_all as (Uuid,); c,
        sqlite "SELECT DISTINCT account_id FROM entitlement
                 WHERE kind = 'role' AND value IN (SELECT e.value FROM json_each($1) e) AND until IS NULL
                   AND account_id > $2 ORDER BY account_id LIMIT $3",
        postgres "SELECT DISTINCT account_id FROM entitlement
                 WHERE kind = 'role' AND value = ANY($1) AND until IS NULL
                   AND account_id > $2 ORDER BY account_id LIMIT $3",
        roles, after, limit)?;
    Ok(rows.into_iter().map(|(id,)| AccountId::new(id)).collect())
}

/// An assignment, present or past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assigned {
    /// What somebody is responsible for.
    pub item: ItemRef,
    /// Who.
    pub holder: Holder,
    /// By whom it was said.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
}

type AssignedRow = (String, String, Option<Uuid>, Option<String>, String, i64);

fn assigned(row: AssignedRow) -> Result<Assigned, StoreError> {
    let (component, item, account, role, by, since) = row;
    let component =
        ComponentId::parse(&component).map_err(|e| StoreError::corrupt("assignment", &item, e))?;
    Ok(Assigned {
        holder: holder(account, role.as_deref(), "assignment", &item)?,
        since: super::value::instant(since, "assignment", &item)?,
        item: ItemRef { component, item },
        by,
    })
}

/// What a holder is responsible for now, or was at a past instant. Sorted by item.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn assigned_to(
    c: &mut Conn,
    to: &Holder,
    at: Option<Timestamp>,
) -> Result<Vec<Assigned>, StoreError> {
    let rows = match (to, at) {
        (Holder::Account(id), None) => q!(fetch_all as AssignedRow; c,
            "SELECT component, item, account_id, role, by_actor, since FROM assignment
              WHERE account_id = $1 AND until IS NULL", id.uuid())?,
        (Holder::Account(id), Some(at)) => q!(fetch_all as AssignedRow; c,
            "SELECT component, item, account_id, role, by_actor, since FROM assignment
              WHERE account_id = $1 AND since <= $2 AND (until IS NULL OR until > $2)", id.uuid(), micros(at))?,
        (Holder::Role(role), None) => q!(fetch_all as AssignedRow; c,
            "SELECT component, item, account_id, role, by_actor, since FROM assignment
              WHERE role = $1 AND until IS NULL", role.as_str())?,
        (Holder::Role(role), Some(at)) => q!(fetch_all as AssignedRow; c,
            "SELECT component, item, account_id, role, by_actor, since FROM assignment
              WHERE role = $1 AND since <= $2 AND (until IS NULL OR until > $2)", role.as_str(), micros(at))?,
    };
    let mut found = rows.into_iter().map(assigned).collect::<Result<Vec<_>, _>>()?;
    found.sort_by(|a, b| a.item.cmp(&b.item));
    Ok(found)
}
