//! Which people and groups of a directory an index finds.
//!
//! Invariant: an index leaves nobody out who has what is sought; that somebody is found does not yet say that they
//! have it. Only ids are given, so that even everybody fits into memory.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::DirectoryId;

use super::address::beginning;
use super::conn::Conn;
use super::error::StoreError;
use super::value::{Many, micros, unpack};

/// What is sought. Texts are folded where case does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// One of these ids; they need not exist.
    Ids(Vec<Uuid>),
    /// People with one of these user names, folded.
    UserNames(Vec<String>),
    /// One of these external ids.
    ExternalIds(Vec<String>),
    /// One of these display names, folded.
    DisplayNames(Vec<String>),
    /// People with one of these addresses, folded.
    Addresses(Vec<String>),
    /// People who are active, or who are not.
    Active(bool),
    /// Changed between these, both included.
    Modified(Option<Timestamp>, Option<Timestamp>),
    /// Groups that one of these is a member of.
    HasMember(Vec<Uuid>),
}

/// The people who may have what is sought, in the order of their ids.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn people(c: &mut Conn, directory: &DirectoryId, sought: Sought) -> Result<Vec<Uuid>, StoreError> {
    let d = directory.as_str();
    let packed = match sought {
        Sought::Ids(ids) => return Ok(in_order(ids)),
        Sought::HasMember(_) => return Ok(Vec::new()),
        Sought::UserNames(names) => q!(fetch_one as (Option<String>,); c,
            sqlite "SELECT group_concat(hex(i.id), '') FROM identity i WHERE i.directory = $1 AND i.deleted_at IS NULL
                       AND i.user_name_key IN (SELECT e.value FROM json_each($2) e)",
            postgres "SELECT string_agg(encode(uuid_send(i.id), 'hex'), '') FROM identity i
                     WHERE i.directory = $1 AND i.deleted_at IS NULL AND i.user_name_key = ANY($2)", d, Many(names)),
        Sought::ExternalIds(ids) => q!(fetch_one as (Option<String>,); c,
            sqlite "SELECT group_concat(hex(i.id), '') FROM identity i WHERE i.directory = $1 AND i.deleted_at IS NULL
                       AND i.external_id IN (SELECT e.value FROM json_each($2) e)",
            postgres "SELECT string_agg(encode(uuid_send(i.id), 'hex'), '') FROM identity i
                     WHERE i.directory = $1 AND i.deleted_at IS NULL AND i.external_id = ANY($2)", d, Many(ids)),
        Sought::DisplayNames(names) => q!(fetch_one as (Option<String>,); c,
            sqlite "SELECT group_concat(hex(i.id), '') FROM identity i WHERE i.directory = $1 AND i.deleted_at IS NULL
                       AND i.display_name_key IN (SELECT e.value FROM json_each($2) e)",
            postgres "SELECT string_agg(encode(uuid_send(i.id), 'hex'), '') FROM identity i
                     WHERE i.directory = $1 AND i.deleted_at IS NULL AND i.display_name_key = ANY($2)", d, Many(names)),
        Sought::Addresses(addresses) => return people_at(c, d, addresses).await,
        Sought::Active(active) => q!(fetch_one as (Option<String>,); c,
            sqlite "SELECT group_concat(hex(i.id), '') FROM identity i
                     WHERE i.directory = $1 AND i.active = $2 AND i.deleted_at IS NULL",
            postgres "SELECT string_agg(encode(uuid_send(i.id), 'hex'), '') FROM identity i
                     WHERE i.directory = $1 AND i.active = $2 AND i.deleted_at IS NULL", d, active),
        Sought::Modified(from, until) => q!(fetch_one as (Option<String>,); c,
            sqlite "SELECT group_concat(hex(i.id), '') FROM identity i
                     WHERE i.directory = $1 AND i.modified_at >= $2 AND i.modified_at <= $3 AND i.deleted_at IS NULL",
            postgres "SELECT string_agg(encode(uuid_send(i.id), 'hex'), '') FROM identity i
                     WHERE i.directory = $1 AND i.modified_at >= $2 AND i.modified_at <= $3 AND i.deleted_at IS NULL",
            d, earliest(from), latest(until)),
    };
    Ok(in_order(unpack(&packed?.0.unwrap_or_default()).collect()))
}

/// The primary address stands beside the person, further ones in a table of their own.
async fn people_at(c: &mut Conn, directory: &str, addresses: Vec<String>) -> Result<Vec<Uuid>, StoreError> {
    let beginnings: Vec<String> = addresses.iter().map(|key| beginning(key)).collect();
    let (packed,) = q!(fetch_one as (Option<String>,); c,
        sqlite "SELECT group_concat(hex(f.id), '') FROM (
                  SELECT i.id FROM identity i WHERE i.directory = $1 AND i.deleted_at IS NULL
                     AND i.email_key IN (SELECT e.value FROM json_each($2) e)
                  UNION SELECT a.identity_id FROM identity_address a WHERE a.directory = $1
                     AND a.address_key IN (SELECT e.value FROM json_each($3) e)) f",
        postgres "SELECT string_agg(encode(uuid_send(f.id), 'hex'), '') FROM (
                  SELECT i.id FROM identity i WHERE i.directory = $1 AND i.deleted_at IS NULL AND i.email_key = ANY($2)
                  UNION SELECT a.identity_id FROM identity_address a WHERE a.directory = $1
                     AND a.address_key = ANY($3)) f",
        directory, Many(addresses), Many(beginnings))?;
    Ok(in_order(unpack(&packed.unwrap_or_default()).collect()))
}

/// The groups that may have what is sought, in the order of their ids.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn groups(c: &mut Conn, directory: &DirectoryId, sought: Sought) -> Result<Vec<Uuid>, StoreError> {
    let d = directory.as_str();
    let packed = match sought {
        Sought::Ids(ids) => return Ok(in_order(ids)),
        Sought::UserNames(_) | Sought::Addresses(_) | Sought::Active(_) => return Ok(Vec::new()),
        Sought::ExternalIds(ids) => q!(fetch_one as (Option<String>,); c,
            sqlite "SELECT group_concat(hex(g.id), '') FROM directory_group g WHERE g.directory = $1
                       AND g.deleted_at IS NULL AND g.external_id IN (SELECT e.value FROM json_each($2) e)",
            postgres "SELECT string_agg(encode(uuid_send(g.id), 'hex'), '') FROM directory_group g
                     WHERE g.directory = $1 AND g.deleted_at IS NULL AND g.external_id = ANY($2)", d, Many(ids)),
        Sought::DisplayNames(names) => q!(fetch_one as (Option<String>,); c,
            sqlite "SELECT group_concat(hex(g.id), '') FROM directory_group g WHERE g.directory = $1
                       AND g.deleted_at IS NULL AND g.display_name_key IN (SELECT e.value FROM json_each($2) e)",
            postgres "SELECT string_agg(encode(uuid_send(g.id), 'hex'), '') FROM directory_group g
                     WHERE g.directory = $1 AND g.deleted_at IS NULL AND g.display_name_key = ANY($2)", d, Many(names)),
        Sought::Modified(from, until) => q!(fetch_one as (Option<String>,); c,
            sqlite "SELECT group_concat(hex(g.id), '') FROM directory_group g
                     WHERE g.directory = $1 AND g.modified_at >= $2 AND g.modified_at <= $3 AND g.deleted_at IS NULL",
            postgres "SELECT string_agg(encode(uuid_send(g.id), 'hex'), '') FROM directory_group g
                     WHERE g.directory = $1 AND g.modified_at >= $2 AND g.modified_at <= $3 AND g.deleted_at IS NULL",
            d, earliest(from), latest(until)),
        Sought::HasMember(ids) => q!(fetch_one as (Option<String>,); c,
            sqlite "SELECT group_concat(hex(m.group_id), '') FROM membership m WHERE m.until IS NULL
                       AND m.identity_id IN (SELECT unhex(e.value) FROM json_each($1) e)",
            postgres "SELECT string_agg(encode(uuid_send(m.group_id), 'hex'), '') FROM membership m
                     WHERE m.until IS NULL AND m.identity_id = ANY($1)", Many(ids)),
    };
    Ok(in_order(unpack(&packed?.0.unwrap_or_default()).collect()))
}

/// What stands in a column has whole microseconds; the instant that is sought may lie between two.
fn earliest(from: Option<Timestamp>) -> i64 {
    from.map_or(i64::MIN, |at| micros(at).saturating_sub(1))
}

fn latest(until: Option<Timestamp>) -> i64 {
    until.map_or(i64::MAX, |at| micros(at).saturating_add(1))
}

fn in_order(mut ids: Vec<Uuid>) -> Vec<Uuid> {
    ids.sort_unstable();
    ids.dedup();
    ids
}
