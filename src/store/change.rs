//! The order in which CRMs read what changed: `account.position`, the setting `changes`, table `target_reading`.
//!
//! Invariant: only what is committed is given a place, by one at a time and in one order that only grows. Whoever sees
//! a place sees every lower one that is still taken: nothing that is committed late can land below what was read.
//! Places follow the clock, so that a database that was restored from a backup never gives one out twice.

use jiff::Timestamp;

use crate::domain::ids::TargetId;

use super::conn::Conn;
use super::error::StoreError;
use super::setting;
use super::value::{instant, micros};

/// The row that whoever gives out places locks, and that tells the order's name and its last place.
const SETTING: &str = "changes";

/// At most so many places are given out at once, so that nobody who writes waits long.
pub const MOST: i64 = 10_000;

/// The order of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Tells it from that of any other database.
    pub name: String,
    /// The last place.
    pub last: i64,
}

fn understood(text: &str) -> Result<Option<Order>, StoreError> {
    if text.is_empty() {
        return Ok(None);
    }
    let order = text
        .split_once(' ')
        .and_then(|(name, last)| Some(Order { name: name.to_owned(), last: last.parse().ok()? }));
    order.map(Some).ok_or_else(|| StoreError::corrupt("setting", SETTING, "it is no name and place"))
}

/// The order of changes; nothing before the first places are given out.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn order(c: &mut Conn) -> Result<Option<Order>, StoreError> {
    understood(&setting::get(c, SETTING).await?.unwrap_or_default())
}

/// Gives a place to accounts that have changed, at most [`MOST`] of them; who is being changed at this moment is left
/// for the next time. `name` names the order where it has no name yet. Gives how many.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn place(c: &mut Conn, name: &str, now: Timestamp) -> Result<i64, StoreError> {
    setting::hold(c, SETTING).await?;
    let known = order(c).await?;
    let last = known.as_ref().map_or(0, |order| order.last).max(micros(now));
    // Nobody is waited for: a row that somebody holds will have changed again when it is let go.
    let placed = q!(execute; c,
        sqlite "UPDATE account SET position = $1 + found.n
                  FROM (SELECT u.id, ROW_NUMBER() OVER (ORDER BY u.id) AS n FROM account u
                         WHERE u.position IS NULL ORDER BY u.id LIMIT $2) found
                 WHERE account.id = found.id",
        postgres "WITH held AS MATERIALIZED (
                SELECT u.id FROM account u WHERE u.position IS NULL ORDER BY u.id LIMIT $2
                   FOR NO KEY UPDATE SKIP LOCKED),
             found AS (SELECT h.id, ROW_NUMBER() OVER (ORDER BY h.id) AS n FROM held h)
             UPDATE account SET position = $1 + found.n FROM found
              WHERE account.id = found.id AND account.position IS NULL",
        last, MOST)?;
    let placed = i64::try_from(placed).unwrap_or(MOST);
    if placed > 0 || known.is_none() {
        let name = known.map_or_else(|| name.to_owned(), |order| order.name);
        setting::set(c, SETTING, &format!("{name} {}", last.saturating_add(placed))).await?;
    }
    Ok(placed)
}

/// How far a CRM that reads for itself has come, and when it last came further.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn reading(c: &mut Conn, target: &TargetId) -> Result<Option<(i64, Timestamp)>, StoreError> {
    let row = q!(fetch_optional as (i64, i64); c,
        "SELECT position, at FROM target_reading WHERE target = $1", target.as_str())?;
    row.map(|(position, at)| Ok((position, instant(at, "target_reading", target)?))).transpose()
}

/// How many accounts have changed since a place.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn behind(c: &mut Conn, position: i64) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM account WHERE position > $1 OR position IS NULL", position)?;
    Ok(count)
}

/// Notes that a CRM has everything up to a place: it was told the present state of each account that stands between
/// its former place and this one, and knows of their departures.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn has_read(c: &mut Conn, target: &TargetId, upto: i64, now: Timestamp) -> Result<(), StoreError> {
    let from = reading(c, target).await?.map_or(0, |(position, _)| position);
    if upto <= from {
        return Ok(());
    }
    let (target, now) = (target.as_str(), micros(now));
    q!(execute; c,
        "INSERT INTO delivered (target, account_id, version, at, answer)
         SELECT $1, a.id, a.version, $4, 'read' FROM account a
          WHERE a.position > $2 AND a.position <= $3 ORDER BY a.id
         ON CONFLICT (target, account_id) DO UPDATE SET version = excluded.version, at = excluded.at,
            answer = excluded.answer WHERE excluded.version >= delivered.version",
        target, from, upto, now)?;
    q!(execute; c,
        "UPDATE departure_told SET confirmed_at = $4
          WHERE target = $1 AND confirmed_at IS NULL AND EXISTS (
            SELECT 1 FROM departure d JOIN account a ON a.id = d.account_id
             WHERE d.account_id = departure_told.account_id AND d.closed_at = departure_told.closed_at
               AND d.version <= a.version AND a.position > $2 AND a.position <= $3)",
        target, from, upto, now)?;
    q!(execute; c,
        "INSERT INTO target_reading (target, position, at) VALUES ($1, $2, $3)
         ON CONFLICT (target) DO UPDATE SET position = excluded.position, at = excluded.at
          WHERE excluded.position > target_reading.position",
        target, upto, now)?;
    Ok(())
}
