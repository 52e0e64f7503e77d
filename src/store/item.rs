//! Tables `item` and `assignment`: the CRM's items, as far as access depends on them, and who is responsible.
//!
//! Invariant: an item has at most one present assignment; the former ones stay as intervals.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::grant::{Holder, ItemRef};
use crate::domain::ids::{AccountId, ComponentId, RoleId};
use crate::domain::item_clock::Clocks;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros, micros_opt};

/// How often an assignment is tried when others assign the same item at the same moment.
const ASSIGN_ATTEMPTS: usize = 5;

/// What is known of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which one.
    pub item: ItemRef,
    /// Who created it, where the CRM said so.
    pub creator: Option<AccountId>,
    /// The project it belongs to.
    pub project: Option<String>,
    /// When it came to be.
    pub created_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// What instants, by the CRM's clock, that which is known is known for.
    pub clocks: Clocks,
}

/// Puts a holder together from its two columns.
pub(super) fn holder(
    account: Option<Uuid>,
    role: Option<&str>,
    table: &'static str,
    id: impl ToString,
) -> Result<Holder, StoreError> {
    match (account, role) {
        (Some(account), None) => Ok(Holder::Account(AccountId::new(account))),
        (None, Some(role)) => {
            RoleId::parse(role).map(Holder::Role).map_err(|e| StoreError::corrupt(table, id, e))
        }
        _ => Err(StoreError::corrupt(table, id, "it names neither an account nor a role, or both")),
    }
}

/// A holder as its two columns: account, role.
pub(super) fn holder_columns(holder: &Holder) -> (Option<Uuid>, Option<&str>) {
    match holder {
        Holder::Account(id) => (Some(id.uuid()), None),
        Holder::Role(role) => (None, Some(role.as_str())),
    }
}

/// Notes an item; one that is known already keeps its creator and project, and is no longer deleted.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note(c: &mut Conn, item: &Item) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO item (component, item, creator, project, created_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (component, item) DO UPDATE SET creator = COALESCE(item.creator, excluded.creator),
            project = COALESCE(item.project, excluded.project), deleted_at = NULL",
        item.item.component.as_str(), &item.item.item, item.creator.map(AccountId::uuid), &item.project,
        micros(item.created_at))?;
    Ok(())
}

/// Writes for what instants that which is known of an item is known.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn set_clocks(c: &mut Conn, item: &ItemRef, clocks: &Clocks) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE item SET life_at = $3, assigned_at = $4, participants_at = $5 WHERE component = $1 AND item = $2",
        item.component.as_str(), &item.item, micros_opt(clocks.life), micros_opt(clocks.assigned),
        micros_opt(clocks.participants))?;
    Ok(())
}

/// Marks an item as deleted.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn delete(c: &mut Conn, item: &ItemRef, now: Timestamp) -> Result<bool, StoreError> {
    let deleted = q!(execute; c,
        "UPDATE item SET deleted_at = $3 WHERE component = $1 AND item = $2 AND deleted_at IS NULL",
        item.component.as_str(), &item.item, micros(now))?;
    Ok(deleted == 1)
}

row! {
    #[derive(sqlx::FromRow)]
    struct ItemRow {
        creator: Option<Uuid>,
        project: Option<String>,
        created_at: i64,
        deleted_at: Option<i64>,
        life_at: Option<i64>,
        assigned_at: Option<i64>,
        participants_at: Option<i64>,
    }
}

/// What is known of an item.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, item: &ItemRef) -> Result<Option<Item>, StoreError> {
    let row = q!(fetch_optional as ItemRow; c,
        "SELECT creator, project, created_at, deleted_at, life_at, assigned_at, participants_at FROM item
          WHERE component = $1 AND item = $2",
        item.component.as_str(), &item.item)?;
    row.map(|row| {
        let clock = |at| instant_opt(at, "item", &item.item);
        Ok(Item {
            item: item.clone(),
            creator: row.creator.map(AccountId::new),
            project: row.project,
            created_at: instant(row.created_at, "item", &item.item)?,
            deleted_at: clock(row.deleted_at)?,
            clocks: Clocks {
                life: clock(row.life_at)?,
                assigned: clock(row.assigned_at)?,
                participants: clock(row.participants_at)?,
            },
        })
    })
    .transpose()
}

/// Makes `to` responsible for an item, or nobody. Gives whether that changed anything.
///
/// Two that do so at the same moment on PostgreSQL: the later one stands.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn assign(
    c: &mut Conn,
    item: &ItemRef,
    to: Option<&Holder>,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    for _ in 0..ASSIGN_ATTEMPTS {
        if assignee(c, item, None).await?.as_ref() == to {
            return Ok(false);
        }
        q!(execute; c, "UPDATE assignment SET until = $3 WHERE component = $1 AND item = $2 AND until IS NULL",
            item.component.as_str(), &item.item, micros(now))?;
        let Some(to) = to else { return Ok(true) };
        let (account, role) = holder_columns(to);
        let written = q!(execute; c,
            "INSERT INTO assignment (id, component, item, account_id, role, by_actor, since)
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
            Uuid::now_v7(), item.component.as_str(), &item.item, account, role, by, micros(now))?;
        if written == 1 {
            return Ok(true);
        }
    }
    Err(StoreError::Taken { what: "the assignment of the item" })
}

/// Who is responsible for an item now, or was at a past instant.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn assignee(
    c: &mut Conn,
    item: &ItemRef,
    at: Option<Timestamp>,
) -> Result<Option<Holder>, StoreError> {
    let row = match at {
        None => q!(fetch_optional as (Option<Uuid>, Option<String>); c,
            "SELECT account_id, role FROM assignment WHERE component = $1 AND item = $2 AND until IS NULL",
            item.component.as_str(), &item.item)?,
        Some(at) => q!(fetch_optional as (Option<Uuid>, Option<String>); c,
            "SELECT account_id, role FROM assignment WHERE component = $1 AND item = $2 AND since <= $3
                AND (until IS NULL OR until > $3) ORDER BY since DESC LIMIT 1",
            item.component.as_str(), &item.item, micros(at))?,
    };
    row.map(|(account, role)| holder(account, role.as_deref(), "assignment", &item.item)).transpose()
}

/// Who is responsible for each of many items now; items without anybody are left out.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn assignees(
    c: &mut Conn,
    items: &BTreeSet<ItemRef>,
) -> Result<BTreeMap<ItemRef, Holder>, StoreError> {
    let rows = q!(fetch_all as (String, String, Option<Uuid>, Option<String>); c,
        sqlite "SELECT component, item, account_id, role FROM assignment
                 WHERE (component, item) IN (SELECT e.value ->> 0, e.value ->> 1 FROM json_each($1) e)
                   AND until IS NULL",
        postgres "SELECT component, item, account_id, role FROM assignment
                 WHERE (component, item) IN (SELECT e.value ->> 0, e.value ->> 1 FROM jsonb_array_elements($1) e(value))
                   AND until IS NULL",
        item_list(items))?;
    rows.into_iter()
        .map(|(component, item, account, role)| {
            let to = holder(account, role.as_deref(), "assignment", &item)?;
            let component =
                ComponentId::parse(&component).map_err(|e| StoreError::corrupt("assignment", &item, e))?;
            Ok((ItemRef { component, item }, to))
        })
        .collect()
}

/// Many items as one bound value: a list of pairs.
pub(super) fn item_list(items: &BTreeSet<ItemRef>) -> Json<Vec<(String, String)>> {
    Json(items.iter().map(|item| (item.component.to_string(), item.item.clone())).collect())
}
