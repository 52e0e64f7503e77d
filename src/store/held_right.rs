//! Tables `held_right` and `right_taken`: rights that a directory takes and that wait for a release, and who lost some lately.
//!
//! Invariant: an account waits at most once, for all that was held; since when it waits does not move while it does.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::grant::GrantKind;
use crate::domain::ids::AccountId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{id_list, instant, micros};

/// What waits of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub why: String,
    /// The roles and sectors that would have ended.
    pub kinds: BTreeSet<GrantKind>,
}

type Row = (Uuid, i64, String, String);

fn read((id, since, why, kinds): Row) -> Result<(AccountId, Held), StoreError> {
    let kind = |line: &str| line.split_once(':').and_then(|(name, value)| GrantKind::from_parts(name, value));
    let kinds = kinds.lines().map(|line| {
        kind(line).ok_or_else(|| StoreError::corrupt("held_right", id, format!("unknown kind {line:?}")))
    });
    let held =
        Held { since: instant(since, "held_right", id)?, why, kinds: kinds.collect::<Result<_, _>>()? };
    Ok((AccountId::new(id), held))
}

fn lines(kinds: &BTreeSet<GrantKind>) -> String {
    kinds.iter().map(|kind| format!("{}:{}\n", kind.name(), kind.value())).collect::<Vec<_>>().concat()
}

/// Notes that these roles and sectors, which a directory would take from the account, wait, and why. Gives whether it
/// did not wait yet; what waits already keeps its time.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn hold(
    c: &mut Conn,
    id: AccountId,
    why: &str,
    kinds: &BTreeSet<GrantKind>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let former = among(c, &[id]).await?.remove(&id);
    let is_new = former.is_none();
    let all: BTreeSet<GrantKind> =
        former.into_iter().flat_map(|held| held.kinds).chain(kinds.iter().cloned()).collect();
    q!(execute; c,
        "INSERT INTO held_right (account_id, since, why, kinds) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id) DO UPDATE SET kinds = excluded.kinds,
            why = CASE WHEN held_right.why = 'too_many' THEN held_right.why ELSE excluded.why END",
        id.uuid(), micros(now), why, lines(&all))?;
    Ok(is_new)
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
pub async fn among(c: &mut Conn, accounts: &[AccountId]) -> Result<BTreeMap<AccountId, Held>, StoreError> {
    q!(fetch_all as Row; c,
        sqlite "SELECT account_id, since, why, kinds FROM held_right
                 WHERE account_id IN (SELECT unhex(e.value) FROM json_each($1) e)",
        postgres "SELECT account_id, since, why, kinds FROM held_right
                 WHERE account_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))",
        id_list(accounts.iter().map(|id| id.uuid())))?
    .into_iter()
    .map(read)
    .collect()
}

/// Everybody who waits, since when and why.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn all(c: &mut Conn) -> Result<BTreeMap<AccountId, Held>, StoreError> {
    q!(fetch_all as Row; c, "SELECT account_id, since, why, kinds FROM held_right")?
        .into_iter()
        .map(read)
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
