//! Table `setting`: single values that all nodes share, and rows that serve as locks.
//!
//! Invariant: a row that serves as a lock is made by the migration.

use super::conn::Conn;
use super::error::StoreError;

/// Locks the row `name` until the end of the write transaction; others who want it wait. Where there is but one
/// writer everybody waits already.
///
/// # Errors
///
/// [`StoreError::Corrupt`] when there is no such row, because then nobody would wait;
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn hold(c: &mut Conn, name: &str) -> Result<(), StoreError> {
    if c.writes_alone() {
        return Ok(());
    }
    let held = q!(execute; c, "UPDATE setting SET value = value WHERE name = $1", name)?;
    if held == 1 {
        Ok(())
    } else {
        Err(StoreError::corrupt("setting", name, "it is missing and cannot be locked"))
    }
}

/// The value under a name.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn get(c: &mut Conn, name: &str) -> Result<Option<String>, StoreError> {
    let row = q!(fetch_optional as (String,); c, "SELECT value FROM setting WHERE name = $1", name)?;
    Ok(row.map(|(value,)| value))
}

/// Sets the value under a name.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn set(c: &mut Conn, name: &str, value: &str) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name, value)?;
    Ok(())
}

/// Sets the value under a name where there is none, or an empty one. Gives whether it did.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn set_if_empty(c: &mut Conn, name: &str, value: &str) -> Result<bool, StoreError> {
    let set = q!(execute; c,
        "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value
          WHERE setting.value = ''",
        name, value)?;
    Ok(set == 1)
}
