//! Tables `held_right` and `right_taken`: rights that a directory takes and that wait for a release, and who lost some lately.
//!
//! Invariant: an account waits at most once; since when it waits does not move while it does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::AccountId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{id_list, instant, micros};

/// Notes that what a directory would take from the account waits, and why. One that waits already stays as it is.
/// Gives whether it is new.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn hold(c: &mut Conn, id: AccountId, why: &str, now: Timestamp) -> Result<bool, StoreError> {
    let held = q!(execute; c,
        "INSERT INTO held_right (account_id, since, why) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        id.uuid(), micros(now), why)?;
    Ok(held == 1)
}

/// The account waits no more. Gives `false` when it did not.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn let_go(c: &mut Conn, id: AccountId) -> Result<bool, StoreError> {
    let gone = q!(execute; c, "DELETE FROM held_right WHERE account_id = $1", id.uuid())?;
    Ok(gone == 1)
}

/// Those of these accounts that wait, since when and why.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn among(
    c: &mut Conn,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, (Timestamp, String)>, StoreError> {
    q!(fetch_all as (Uuid, i64, String); c,
        sqlite "SELECT account_id, since, why FROM held_right
                 WHERE account_id IN (SELECT unhex(e.value) FROM json_each($1) e)",
        postgres "SELECT account_id, since, why FROM held_right
                 WHERE account_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))",
        id_list(accounts.iter().map(|id| id.uuid())))?
    .into_iter()
    .map(|(id, since, why)| Ok((AccountId::new(id), (instant(since, "held_right", id)?, why))))
    .collect()
}

/// Everybody who waits, since when and why.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn all(c: &mut Conn) -> Result<BTreeMap<AccountId, (Timestamp, String)>, StoreError> {
    q!(fetch_all as (Uuid, i64, String); c, "SELECT account_id, since, why FROM held_right")?
        .into_iter()
        .map(|(id, since, why)| Ok((AccountId::new(id), (instant(since, "held_right", id)?, why))))
        .collect()
}

/// Notes that a directory's change took rights from the account.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note_taken(c: &mut Conn, ids: &BTreeSet<AccountId>, now: Timestamp) -> Result<(), StoreError> {
    for id in ids {
        q!(execute; c,
            "INSERT INTO right_taken (account_id, at) VALUES ($1, $2)
             ON CONFLICT (account_id) DO UPDATE SET at = excluded.at",
            id.uuid(), micros(now))?;
    }
    Ok(())
}

/// How many accounts a directory took rights from after `since`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn taken_since(c: &mut Conn, since: Timestamp) -> Result<i64, StoreError> {
    let (count,) =
        q!(fetch_one as (i64,); c, "SELECT COUNT(*) FROM right_taken WHERE at > $1", micros(since))?;
    Ok(count)
}

/// Forgets who lost rights before `old`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, old: Timestamp) -> Result<(), StoreError> {
    q!(execute; c, "DELETE FROM right_taken WHERE at <= $1", micros(old))?;
    Ok(())
}
