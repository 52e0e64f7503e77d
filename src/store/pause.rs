//! Table `directory_pause`: directories whose provisioning is turned away for now.
//!
//! Invariant: a row means paused, no row means open; every node reads the same.

use jiff::Timestamp;

use crate::domain::ids::DirectoryId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, micros};

/// A pause of a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Who paused it.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The pause of a directory, where it is paused.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, directory: &DirectoryId) -> Result<Option<Pause>, StoreError> {
    q!(fetch_optional as (i64, String, String); c,
        "SELECT since, by_actor, reason FROM directory_pause WHERE directory = $1", directory.as_str())?
    .map(|(since, by, reason)| Ok(Pause { since: instant(since, "directory_pause", directory)?, by, reason }))
    .transpose()
}

/// Pauses a directory. Gives `false`, and changes nothing, where it is paused already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn begin(c: &mut Conn, directory: &DirectoryId, pause: &Pause) -> Result<bool, StoreError> {
    let begun = q!(execute; c,
        "INSERT INTO directory_pause (directory, since, by_actor, reason) VALUES ($1, $2, $3, $4)
         ON CONFLICT (directory) DO NOTHING",
        directory.as_str(), micros(pause.since), &pause.by, &pause.reason)?;
    Ok(begun == 1)
}

/// Ends the pause of a directory. Gives `false` where there was none.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end(c: &mut Conn, directory: &DirectoryId) -> Result<bool, StoreError> {
    let ended = q!(execute; c, "DELETE FROM directory_pause WHERE directory = $1", directory.as_str())?;
    Ok(ended == 1)
}

/// Which directories are paused, in the order of their names.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn all(c: &mut Conn) -> Result<Vec<String>, StoreError> {
    let mut rows = q!(fetch_all as (String,); c, "SELECT directory FROM directory_pause")?;
    rows.sort();
    Ok(rows.into_iter().map(|(directory,)| directory).collect())
}
