//! Table `link`: what lets an account or a role see an item.
//!
//! Invariant: a link says how it came to be and is never changed, only ended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::grant::{ItemRef, Link, LinkOrigin};
use crate::domain::ids::{AccountId, ComponentId, GrantId, RoleId};

use super::conn::Conn;
use super::error::StoreError;
use super::item::{holder, holder_columns, item_list};
use super::value::{instant, instant_opt, micros, micros_opt};

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        component: String,
        item: String,
        account_id: Option<Uuid>,
        role: Option<String>,
        origin: String,
        by_actor: String,
        why: Option<String>,
        since: i64,
        ends_at: Option<i64>,
        until: Option<i64>,
    }
}

impl TryFrom<Row> for Link {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: GrantId::new(row.id),
            item: ItemRef {
                component: ComponentId::parse(&row.component)
                    .map_err(|e| StoreError::corrupt("link", row.id, e))?,
                item: row.item,
            },
            holder: holder(row.account_id, row.role.as_deref(), "link", row.id)?,
            origin: LinkOrigin::from_name(&row.origin)
                .ok_or_else(|| StoreError::corrupt("link", row.id, "unknown origin"))?,
            by: row.by_actor,
            why: row.why,
            since: instant(row.since, "link", row.id)?,
            ends_at: instant_opt(row.ends_at, "link", row.id)?,
            until: instant_opt(row.until, "link", row.id)?,
        })
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT id, component, item, account_id, role, origin, by_actor, why, since, ends_at, until FROM link ",
            $tail
        )
    };
}

fn read(rows: Vec<Row>) -> Result<Vec<Link>, StoreError> {
    rows.into_iter().map(Link::try_from).collect()
}

/// Writes a new link. Gives `false` when the holder has one of the same origin already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn give(c: &mut Conn, link: &Link) -> Result<bool, StoreError> {
    let (account, role) = holder_columns(&link.holder);
    let given = q!(execute; c,
        "INSERT INTO link (id, component, item, account_id, role, origin, by_actor, why, since, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        link.id.uuid(), link.item.component.as_str(), &link.item.item, account, role, link.origin.name(), &link.by,
        &link.why, micros(link.since), micros_opt(link.ends_at))?;
    Ok(given == 1)
}

/// Ends a link. Gives `false` when it had ended already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end(c: &mut Conn, id: GrantId, now: Timestamp) -> Result<bool, StoreError> {
    let ended =
        q!(execute; c, "UPDATE link SET until = $2 WHERE id = $1 AND until IS NULL", id.uuid(), micros(now))?;
    Ok(ended == 1)
}

/// The links to an item that stand now, or stood at a past instant.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_item(c: &mut Conn, item: &ItemRef, at: Option<Timestamp>) -> Result<Vec<Link>, StoreError> {
    let (component, id) = (item.component.as_str(), &item.item);
    let rows = match at {
        None => q!(fetch_all as Row; c,
            columns!("WHERE component = $1 AND item = $2 AND until IS NULL ORDER BY since, id"), component, id)?,
        Some(at) => q!(fetch_all as Row; c,
            columns!("WHERE component = $1 AND item = $2 AND since <= $3 AND (until IS NULL OR until > $3) ORDER BY since, id"),
            component, id, micros(at))?,
    };
    read(rows)
}

/// The links to each of many items that stand now; items without any are left out.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_items(
    c: &mut Conn,
    items: &BTreeSet<ItemRef>,
) -> Result<BTreeMap<ItemRef, Vec<Link>>, StoreError> {
    let rows = q!(fetch_all as Row; c,
        sqlite columns!("WHERE (component, item) IN (SELECT e.value ->> 0, e.value ->> 1 FROM json_each($1) e)
                  AND until IS NULL ORDER BY since, id"),
        postgres columns!("WHERE (component, item) IN (SELECT e.value ->> 0, e.value ->> 1 FROM jsonb_array_elements($1) e(value))
                  AND until IS NULL ORDER BY since, id"),
        item_list(items))?;
    let mut found: BTreeMap<ItemRef, Vec<Link>> = BTreeMap::new();
    for link in read(rows)? {
        found.entry(link.item.clone()).or_default().push(link);
    }
    Ok(found)
}

/// The links that an account itself has now, whatever the item. Sorted by item.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_account(c: &mut Conn, account: AccountId) -> Result<Vec<Link>, StoreError> {
    let rows = q!(fetch_all as Row; c, columns!("WHERE account_id = $1 AND until IS NULL"), account.uuid())?;
    sorted(rows)
}

/// The links that an account itself had at a past instant. Sorted by item.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_account_at(c: &mut Conn, account: AccountId, at: Timestamp) -> Result<Vec<Link>, StoreError> {
    let rows = q!(fetch_all as Row; c,
        columns!("WHERE account_id = $1 AND since <= $2 AND (until IS NULL OR until > $2)"),
        account.uuid(), micros(at))?;
    sorted(rows)
}

/// The links of a role now, or at a past instant. Sorted by item.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_role(c: &mut Conn, role: &RoleId, at: Option<Timestamp>) -> Result<Vec<Link>, StoreError> {
    sorted(match at {
        None => q!(fetch_all as Row; c, columns!("WHERE role = $1 AND until IS NULL"), role.as_str())?,
        Some(at) => q!(fetch_all as Row; c,
            columns!("WHERE role = $1 AND since <= $2 AND (until IS NULL OR until > $2)"),
            role.as_str(), micros(at))?,
    })
}

/// Links whose own end has come and that nobody has ended yet.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn overdue(c: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<Link>, StoreError> {
    read(q!(fetch_all as Row; c,
        columns!("WHERE until IS NULL AND ends_at <= $1 ORDER BY ends_at, id LIMIT $2"), micros(now), limit)?)
}

fn sorted(rows: Vec<Row>) -> Result<Vec<Link>, StoreError> {
    let mut links = read(rows)?;
    links.sort_by(|a, b| (&a.item, a.id).cmp(&(&b.item, b.id)));
    Ok(links)
}
