//! Table `machine_clock`: what time each machine last showed, and how long it had been up then.
//!
//! Invariant: one row for each start of a machine; the newest of all is what the nodes last agreed on.

use jiff::{SignedDuration, Timestamp};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// What a machine last showed: the time, and how long it had been up.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn of(c: &mut Conn, machine: &str) -> Result<Option<(Timestamp, SignedDuration)>, StoreError> {
    q!(fetch_optional as (i64, i64); c,
        "SELECT shown_at, up_for FROM machine_clock WHERE machine = $1", machine)?
    .map(|(shown_at, up_for)| {
        Ok((instant(shown_at, "machine_clock", machine)?, SignedDuration::from_micros(up_for)))
    })
    .transpose()
}

/// The latest time that any machine showed.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn latest(c: &mut Conn) -> Result<Option<Timestamp>, StoreError> {
    let (at,) = q!(fetch_one as (Option<i64>,); c, "SELECT MAX(shown_at) FROM machine_clock")?;
    instant_opt(at, "machine_clock", "latest")
}

/// Notes what a machine shows now, and forgets machines that showed nothing since `old`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note(
    c: &mut Conn,
    machine: &str,
    now: Timestamp,
    up_for: SignedDuration,
    old: Timestamp,
) -> Result<(), StoreError> {
    q!(execute; c, "DELETE FROM machine_clock WHERE shown_at < $1 AND machine <> $2", micros(old), machine)?;
    q!(execute; c,
        "INSERT INTO machine_clock (machine, shown_at, up_for) VALUES ($1, $2, $3)
         ON CONFLICT (machine) DO UPDATE SET shown_at = excluded.shown_at, up_for = excluded.up_for",
        machine, micros(now), i64::try_from(up_for.as_micros()).unwrap_or(i64::MAX))?;
    Ok(())
}

/// Forgets every machine: what was shown before counts no more.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget_all(c: &mut Conn) -> Result<(), StoreError> {
    q!(execute; c, "DELETE FROM machine_clock")?;
    Ok(())
}
