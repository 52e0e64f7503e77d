//! Table `target_circuit`: whether a target is left alone because account after account failed.
//!
//! Invariant: open and closed change in the transaction of the delivery that showed it.

use jiff::Timestamp;

use crate::domain::ids::TargetId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// A second: how exactly it is kept when a target last answered, so that its row is not written for each account.
const GRAIN: i64 = 1_000_000;

/// A target that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Since when.
    pub since: Timestamp,
    /// When one account is tried.
    pub probe_at: Timestamp,
    /// How many trials have failed.
    pub probes: i64,
    /// What the last attempt said.
    pub error: String,
}

/// Since when and why a target is left alone; nothing: it is not.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn open(c: &mut Conn, target: &TargetId) -> Result<Option<Open>, StoreError> {
    let row = q!(fetch_optional as (Option<i64>, Option<i64>, i64, Option<String>); c,
        "SELECT open_since, probe_at, probes, error FROM target_circuit WHERE target = $1", target.as_str())?;
    let Some((Some(since), Some(probe_at), probes, error)) = row else { return Ok(None) };
    Ok(Some(Open {
        since: instant(since, "target_circuit", target)?,
        probe_at: instant(probe_at, "target_circuit", target)?,
        probes,
        error: error.unwrap_or_default(),
    }))
}

/// When a target last answered for anybody, yes or no.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn answered_at(c: &mut Conn, target: &TargetId) -> Result<Option<Timestamp>, StoreError> {
    let row = q!(fetch_optional as (Option<i64>,); c,
        "SELECT answered_at FROM target_circuit WHERE target = $1", target.as_str())?;
    instant_opt(row.and_then(|(at,)| at), "target_circuit", target)
}

/// How many different accounts have failed since the target last answered for anybody; it stops counting at `most`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn failing(c: &mut Conn, target: &TargetId, most: i64) -> Result<i64, StoreError> {
    let since = answered_at(c, target).await?.map_or(0, micros);
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM
            (SELECT 1 FROM outbox WHERE target = $1 AND state = 'waiting' AND tried_at > $2 LIMIT $3) AS failing",
        target.as_str(), since, most)?;
    Ok(count)
}

/// Leaves a target alone from `now` until one account is tried at `probe_at`. Gives `false` when it was already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn trip(
    c: &mut Conn,
    target: &TargetId,
    now: Timestamp,
    probe_at: Timestamp,
    error: &str,
) -> Result<bool, StoreError> {
    let tripped = q!(execute; c,
        "INSERT INTO target_circuit (target, open_since, probe_at, probes, error) VALUES ($1, $2, $3, 0, $4)
         ON CONFLICT (target) DO UPDATE SET open_since = excluded.open_since, probe_at = excluded.probe_at, probes = 0,
            error = excluded.error WHERE target_circuit.open_since IS NULL",
        target.as_str(), micros(now), micros(probe_at), error)?;
    Ok(tripped == 1)
}

/// Notes that a trial failed, and when the next one is.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn probe_failed(
    c: &mut Conn,
    target: &TargetId,
    probe_at: Timestamp,
    error: &str,
) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE target_circuit SET probes = probes + 1, probe_at = $2, error = $3
          WHERE target = $1 AND open_since IS NOT NULL",
        target.as_str(), micros(probe_at), error)?;
    Ok(())
}

/// Lets the next trial be made at once. Gives whether the target was left alone.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn probe_now(c: &mut Conn, target: &TargetId, now: Timestamp) -> Result<bool, StoreError> {
    let done = q!(execute; c,
        "UPDATE target_circuit SET probe_at = $2 WHERE target = $1 AND open_since IS NOT NULL",
        target.as_str(), micros(now))?;
    Ok(done == 1)
}

/// Notes that a target answered at `now`, yes or no. Gives whether it had been left alone until then.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn answered(c: &mut Conn, target: &TargetId, now: Timestamp) -> Result<bool, StoreError> {
    let closed = q!(execute; c,
        "UPDATE target_circuit SET answered_at = $2, open_since = NULL, probe_at = NULL, probes = 0, error = NULL
          WHERE target = $1 AND open_since IS NOT NULL",
        target.as_str(), micros(now))?;
    if closed == 0 {
        q!(execute; c,
            "INSERT INTO target_circuit (target, answered_at, probes) VALUES ($1, $2, 0)
             ON CONFLICT (target) DO UPDATE SET answered_at = excluded.answered_at
              WHERE target_circuit.answered_at IS NULL OR target_circuit.answered_at < $3",
            target.as_str(), micros(now), micros(now) - GRAIN)?;
    }
    Ok(closed == 1)
}
