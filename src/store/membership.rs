//! Tables `membership` and `membership_pending`: who is and was in which group.
//!
//! Invariant: an identity is in a group at most once at a time; leaving ends the interval and keeps it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, DirectoryId, GroupId, IdentityId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{id_list, micros};

/// A present member of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The identity.
    pub identity: IdentityId,
    /// Its account.
    pub account: AccountId,
    /// The name that people read.
    pub display: String,
}

/// A group that an identity is, or was, a member of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberOf {
    /// The group.
    pub group: GroupId,
    /// The directory's own id of it.
    pub external_id: Option<String>,
    /// Folded name.
    pub name_key: String,
    /// The folded names that are pinned to it.
    pub pins: Vec<String>,
}

/// Adds members; those who are in already stay as they are. Gives the accounts of those who really joined.
///
/// Only living identities of the group's own directory are taken; see [`known`].
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn join(
    c: &mut Conn,
    group: GroupId,
    identities: &[IdentityId],
    now: Timestamp,
) -> Result<Vec<AccountId>, StoreError> {
    let ids = id_list(identities.iter().map(|id| id.uuid()));
    // Who left at this very instant has their interval opened again: two may not begin at one. For the others it is
    // left to the index and not to NOT EXISTS, which PostgreSQL may answer by reading the whole group per member.
    let rows = q!(fetch_all as (Uuid,); c,
        sqlite "UPDATE membership SET until = NULL WHERE group_id = $1 AND since = $3 AND until IS NOT NULL
                   AND identity_id IN (SELECT unhex(e.value) FROM json_each($2) e)
                   AND EXISTS (SELECT 1 FROM identity i WHERE i.id = identity_id AND i.deleted_at IS NULL)
                RETURNING (SELECT i.account_id FROM identity i WHERE i.id = identity_id);
                INSERT INTO membership (group_id, identity_id, since)
                SELECT $1, i.id, $3 FROM identity i
                 WHERE i.id IN (SELECT unhex(e.value) FROM json_each($2) e) AND i.deleted_at IS NULL
                   AND i.directory = (SELECT g.directory FROM directory_group g WHERE g.id = $1)
                ON CONFLICT DO NOTHING RETURNING (SELECT i.account_id FROM identity i WHERE i.id = identity_id)",
        postgres "WITH again AS (
                UPDATE membership SET until = NULL WHERE group_id = $1 AND since = $3 AND until IS NOT NULL
                   AND identity_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($2) e(value))
                   AND EXISTS (SELECT 1 FROM identity i WHERE i.id = identity_id AND i.deleted_at IS NULL)
                RETURNING identity_id),
             joined AS (
                INSERT INTO membership (group_id, identity_id, since)
                SELECT CAST($1 AS UUID), i.id, CAST($3 AS BIGINT) FROM identity i
                 WHERE i.id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($2) e(value))
                   AND i.deleted_at IS NULL
                   AND i.directory = (SELECT g.directory FROM directory_group g WHERE g.id = $1)
                ON CONFLICT DO NOTHING RETURNING identity_id)
             SELECT i.account_id FROM identity i
              WHERE i.id IN (SELECT identity_id FROM again UNION ALL SELECT identity_id FROM joined)",
        group.uuid(), &ids, micros(now))?;
    Ok(accounts(rows))
}

/// Ends memberships. Gives the accounts of those who really left.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn leave(
    c: &mut Conn,
    group: GroupId,
    identities: &[IdentityId],
    now: Timestamp,
) -> Result<Vec<AccountId>, StoreError> {
    let ids = id_list(identities.iter().map(|id| id.uuid()));
    let left = q!(fetch_all as (Uuid,); c,
        sqlite "UPDATE membership SET until = $3 WHERE group_id = $1 AND until IS NULL
                   AND identity_id IN (SELECT unhex(e.value) FROM json_each($2) e)
                RETURNING (SELECT i.account_id FROM identity i WHERE i.id = identity_id)",
        postgres "UPDATE membership SET until = $3 WHERE group_id = $1 AND until IS NULL
                   AND identity_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($2) e(value))
                RETURNING (SELECT i.account_id FROM identity i WHERE i.id = identity_id)",
        group.uuid(), &ids, micros(now))?;
    Ok(accounts(left))
}

/// Ends all present memberships of a group. Gives the accounts of those who left.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn leave_all(c: &mut Conn, group: GroupId, now: Timestamp) -> Result<Vec<AccountId>, StoreError> {
    let left = q!(fetch_all as (Uuid,); c,
        "UPDATE membership SET until = $2 WHERE group_id = $1 AND until IS NULL
         RETURNING (SELECT i.account_id FROM identity i WHERE i.id = identity_id)",
        group.uuid(), micros(now))?;
    Ok(accounts(left))
}

/// Ends all present memberships of an identity.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn leave_everything(c: &mut Conn, identity: IdentityId, now: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "UPDATE membership SET until = $2 WHERE identity_id = $1 AND until IS NULL",
        identity.uuid(), micros(now))
}

fn accounts(rows: Vec<(Uuid,)>) -> Vec<AccountId> {
    let once: BTreeSet<Uuid> = rows.into_iter().map(|(id,)| id).collect();
    once.into_iter().map(AccountId::new).collect()
}

/// Which of these values name living identities of the directory, by our id or by the directory's own: the value and
/// the identity.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn known(
    c: &mut Conn,
    directory: &DirectoryId,
    values: &BTreeSet<String>,
) -> Result<BTreeMap<String, IdentityId>, StoreError> {
    let named = values.iter().filter_map(|value| IdentityId::parse(value).ok().map(|id| (value, id)));
    let named: Vec<(&String, IdentityId)> = named.collect();
    let rows = q!(fetch_all as (Uuid,); c,
        sqlite "SELECT i.id FROM identity i WHERE i.id IN (SELECT unhex(e.value) FROM json_each($2) e)
                   AND i.directory = $1 AND i.deleted_at IS NULL",
        postgres "SELECT i.id FROM identity i
                 WHERE i.id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($2) e(value))
                   AND i.directory = $1 AND i.deleted_at IS NULL",
        directory.as_str(), id_list(named.iter().map(|(_, id)| id.uuid())))?;
    let living: BTreeSet<Uuid> = rows.into_iter().map(|(id,)| id).collect();
    let named = named.into_iter().filter(|(_, id)| living.contains(&id.uuid()));
    let mut known: BTreeMap<String, IdentityId> = named.map(|(value, id)| (value.clone(), id)).collect();
    let others: Vec<&String> = values.iter().filter(|value| !known.contains_key(*value)).collect();
    if others.is_empty() {
        return Ok(known);
    }
    let rows = q!(fetch_all as (String, Uuid); c,
        sqlite "SELECT i.external_id, i.id FROM identity i
                 WHERE i.directory = $1 AND i.external_id IN (SELECT e.value FROM json_each($2) e)
                   AND i.deleted_at IS NULL",
        postgres "SELECT i.external_id, i.id FROM identity i
                 WHERE i.directory = $1
                   AND i.external_id IN (SELECT e.value FROM jsonb_array_elements_text($2) e(value))
                   AND i.deleted_at IS NULL",
        directory.as_str(), Json(others))?;
    known.extend(rows.into_iter().map(|(value, id)| (value, IdentityId::new(id))));
    Ok(known)
}

/// The present members of a group without their names, in the order of their ids.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn member_ids(c: &mut Conn, group: GroupId) -> Result<Vec<(IdentityId, AccountId)>, StoreError> {
    let rows = q!(fetch_all as (Uuid, Uuid); c,
        "SELECT i.id, i.account_id FROM membership m JOIN identity i ON i.id = m.identity_id
          WHERE m.group_id = $1 AND m.until IS NULL AND i.deleted_at IS NULL ORDER BY i.id",
        group.uuid())?;
    Ok(rows.into_iter().map(|(id, account)| (IdentityId::new(id), AccountId::new(account))).collect())
}

/// The present members of a group, in the order of their ids.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn members(c: &mut Conn, group: GroupId) -> Result<Vec<Member>, StoreError> {
    let rows = q!(fetch_all as (Uuid, Uuid, String); c,
        "SELECT i.id, i.account_id,
                CAST(COALESCE(i.document ->> 'displayName', i.document ->> 'userName', '') AS TEXT)
           FROM membership m JOIN identity i ON i.id = m.identity_id
          WHERE m.group_id = $1 AND m.until IS NULL AND i.deleted_at IS NULL ORDER BY i.id",
        group.uuid())?;
    let member = |(id, account, display)| Member {
        identity: IdentityId::new(id),
        account: AccountId::new(account),
        display,
    };
    Ok(rows.into_iter().map(member).collect())
}

/// The groups that an identity is a present member of; `at` asks for a past instant instead.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn groups_of(
    c: &mut Conn,
    identity: IdentityId,
    at: Option<Timestamp>,
) -> Result<Vec<MemberOf>, StoreError> {
    let rows = match at {
        None => q!(fetch_all as (Uuid, Option<String>, String); c,
            "SELECT g.id, g.external_id, g.display_name_key FROM membership m JOIN directory_group g ON g.id = m.group_id
              WHERE m.identity_id = $1 AND m.until IS NULL AND g.deleted_at IS NULL ORDER BY g.id",
            identity.uuid())?,
        Some(at) => q!(fetch_all as (Uuid, Option<String>, String); c,
            "SELECT DISTINCT g.id, g.external_id, g.display_name_key FROM membership m JOIN directory_group g ON g.id = m.group_id
              WHERE m.identity_id = $1 AND m.since <= $2 AND (m.until IS NULL OR m.until > $2) ORDER BY g.id",
            identity.uuid(), micros(at))?,
    };
    let pins = q!(fetch_all as (Uuid, String); c,
        "SELECT p.group_id, p.name_key FROM group_name_pin p
          WHERE p.group_id IN (SELECT m.group_id FROM membership m WHERE m.identity_id = $1) ORDER BY p.pinned_at",
        identity.uuid())?;
    Ok(rows
        .into_iter()
        .map(|(id, external_id, name_key)| MemberOf {
            group: GroupId::new(id),
            external_id,
            name_key,
            pins: pins.iter().filter(|(group, _)| *group == id).map(|(_, name)| name.clone()).collect(),
        })
        .collect())
}

/// The groups that each of these identities is a present member of, in the order of the groups' ids.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn groups_of_all(
    c: &mut Conn,
    identities: &[IdentityId],
) -> Result<BTreeMap<IdentityId, Vec<MemberOf>>, StoreError> {
    let rows = q!(fetch_all as (Uuid, Uuid, Option<String>, String, Option<String>); c,
        sqlite "SELECT m.identity_id, g.id, g.external_id, g.display_name_key, p.name_key
                  FROM membership m JOIN directory_group g ON g.id = m.group_id
                  LEFT JOIN group_name_pin p ON p.group_id = g.id
                 WHERE m.identity_id IN (SELECT unhex(e.value) FROM json_each($1) e)
                   AND m.until IS NULL AND g.deleted_at IS NULL ORDER BY m.identity_id, g.id, p.pinned_at",
        postgres "SELECT m.identity_id, g.id, g.external_id, g.display_name_key, p.name_key
                  FROM membership m JOIN directory_group g ON g.id = m.group_id
                  LEFT JOIN group_name_pin p ON p.group_id = g.id
                 WHERE m.identity_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))
                   AND m.until IS NULL AND g.deleted_at IS NULL ORDER BY m.identity_id, g.id, p.pinned_at",
        id_list(identities.iter().map(|id| id.uuid())))?;
    let mut all: BTreeMap<IdentityId, Vec<MemberOf>> = BTreeMap::new();
    for (identity, group, external_id, name_key, pin) in rows {
        let groups = all.entry(IdentityId::new(identity)).or_default();
        match groups.last_mut().filter(|known| known.group.uuid() == group) {
            Some(known) => known.pins.extend(pin),
            None => groups.push(MemberOf {
                group: GroupId::new(group),
                external_id,
                name_key,
                pins: pin.into_iter().collect(),
            }),
        }
    }
    Ok(all)
}

/// Notes members that nobody knows yet, to be joined when they appear.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn await_members(
    c: &mut Conn,
    group: GroupId,
    values: &[String],
    now: Timestamp,
) -> Result<(), StoreError> {
    q!(execute; c,
        sqlite "INSERT INTO membership_pending (group_id, value, since)
                SELECT $1, e.value, $3 FROM json_each($2) e WHERE TRUE ON CONFLICT DO NOTHING",
        postgres "INSERT INTO membership_pending (group_id, value, since)
                SELECT $1, e.value, $3 FROM jsonb_array_elements_text($2) e(value) ON CONFLICT DO NOTHING",
        group.uuid(), Json(values), micros(now))?;
    Ok(())
}

/// Stops waiting for members: for these values, or for all.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget_awaited(
    c: &mut Conn,
    group: GroupId,
    values: Option<&[String]>,
) -> Result<(), StoreError> {
    match values {
        None => {
            q!(execute; c, "DELETE FROM membership_pending WHERE group_id = $1", group.uuid())?;
        }
        Some(values) => {
            q!(execute; c,
                sqlite "DELETE FROM membership_pending WHERE group_id = $1
                           AND value IN (SELECT e.value FROM json_each($2) e)",
                postgres "DELETE FROM membership_pending WHERE group_id = $1
                           AND value IN (SELECT e.value FROM jsonb_array_elements_text($2) e(value))",
                group.uuid(), Json(values))?;
        }
    }
    Ok(())
}

/// The groups of a directory that wait for one of these values (an id or an external id), in the order of their ids.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn awaiting(
    c: &mut Conn,
    directory: &DirectoryId,
    values: &[String],
) -> Result<Vec<(GroupId, String)>, StoreError> {
    // SQLite takes a CROSS JOIN in the order it is written: from the value, and not through every group.
    let rows = q!(fetch_all as (Uuid, String); c,
        sqlite "SELECT p.group_id, p.value FROM membership_pending p CROSS JOIN directory_group g
                 WHERE p.value IN (SELECT e.value FROM json_each($2) e)
                   AND g.id = p.group_id AND g.directory = $1 AND g.deleted_at IS NULL",
        postgres "SELECT p.group_id, p.value FROM membership_pending p CROSS JOIN directory_group g
                 WHERE p.value IN (SELECT e.value FROM jsonb_array_elements_text($2) e(value))
                   AND g.id = p.group_id AND g.directory = $1 AND g.deleted_at IS NULL",
        directory.as_str(), Json(values))?;
    let mut waiting: Vec<_> = rows.into_iter().map(|(id, value)| (GroupId::new(id), value)).collect();
    waiting.sort();
    Ok(waiting)
}

/// Which of these are members of the group now.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn present(
    c: &mut Conn,
    group: GroupId,
    identities: &[IdentityId],
) -> Result<Vec<IdentityId>, StoreError> {
    let ids = id_list(identities.iter().map(|id| id.uuid()));
    let rows = q!(fetch_all as (Uuid,); c,
        sqlite "SELECT identity_id FROM membership WHERE group_id = $1 AND until IS NULL
                   AND identity_id IN (SELECT unhex(e.value) FROM json_each($2) e) ORDER BY identity_id",
        postgres "SELECT identity_id FROM membership WHERE group_id = $1 AND until IS NULL
                   AND identity_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($2) e(value))
                 ORDER BY identity_id",
        group.uuid(), &ids)?;
    Ok(rows.into_iter().map(|(id,)| IdentityId::new(id)).collect())
}

/// Which of these values the group waits for.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn awaited(c: &mut Conn, group: GroupId, values: &[String]) -> Result<Vec<String>, StoreError> {
    let rows = q!(fetch_all as (String,); c,
        sqlite "SELECT value FROM membership_pending WHERE group_id = $1
                   AND value IN (SELECT e.value FROM json_each($2) e)",
        postgres "SELECT value FROM membership_pending WHERE group_id = $1
                   AND value IN (SELECT e.value FROM jsonb_array_elements_text($2) e(value))",
        group.uuid(), Json(values))?;
    Ok(rows.into_iter().map(|(value,)| value).collect())
}
