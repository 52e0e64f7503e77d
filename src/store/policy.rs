//! Table `policy_version`: every policy that was ever in force.
//!
//! Invariant: numbers grow by one; a version is never changed. The newest is the truth for every node.

use jiff::Timestamp;

use super::conn::Conn;
use super::error::StoreError;
use super::ledger;
use super::value::{instant, micros};

/// One version of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersion {
    /// 1, 2, 3 …
    pub number: i64,
    /// The document as it was written.
    pub text: String,
    /// SHA-256 of the text, hexadecimal.
    pub hash: String,
    /// Who applied it.
    pub by: String,
    /// When.
    pub applied_at: Timestamp,
}

/// Writes the next version. Gives its number.
///
/// # Errors
///
/// [`StoreError::Taken`] when another node applied one at the same time.
pub async fn append(
    c: &mut Conn,
    text: &str,
    hash: &str,
    by: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let (number,) = q!(fetch_one as (i64,); c, "SELECT COALESCE(MAX(number), 0) + 1 FROM policy_version")?;
    let written = q!(execute; c,
        "INSERT INTO policy_version (number, text, hash, by_actor, applied_at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
        number, text, hash, by, micros(now))?;
    ledger::keep_newest_policy(c, None);
    if written == 1 { Ok(number) } else { Err(StoreError::Taken { what: "the next policy version" }) }
}

/// The number of the newest version; nothing before the first.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn newest_number(c: &mut Conn) -> Result<Option<i64>, StoreError> {
    if let Some(known) = ledger::newest_policy(c) {
        return Ok(Some(known));
    }
    let row =
        q!(fetch_optional as (i64,); c, "SELECT number FROM policy_version ORDER BY number DESC LIMIT 1")?;
    let newest = row.map(|(number,)| number);
    ledger::keep_newest_policy(c, newest);
    Ok(newest)
}

/// The newest version, or the one in force at a past instant.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn current(c: &mut Conn, at: Option<Timestamp>) -> Result<Option<PolicyVersion>, StoreError> {
    let until = at.map_or(i64::MAX, micros);
    let row = q!(fetch_optional as (i64, String, String, String, i64); c,
        "SELECT number, text, hash, by_actor, applied_at FROM policy_version WHERE applied_at <= $1
          ORDER BY number DESC LIMIT 1",
        until)?;
    row.map(read).transpose()
}

fn read(
    (number, text, hash, by, applied_at): (i64, String, String, String, i64),
) -> Result<PolicyVersion, StoreError> {
    let applied_at = instant(applied_at, "policy_version", number)?;
    Ok(PolicyVersion { number, text, hash, by, applied_at })
}

/// One version by its number.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn numbered(c: &mut Conn, number: i64) -> Result<Option<PolicyVersion>, StoreError> {
    q!(fetch_optional as (i64, String, String, String, i64); c,
        "SELECT number, text, hash, by_actor, applied_at FROM policy_version WHERE number = $1", number)?
    .map(read)
    .transpose()
}

/// The newest versions before `before`, or of all, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn newest(c: &mut Conn, before: Option<i64>, limit: i64) -> Result<Vec<PolicyVersion>, StoreError> {
    q!(fetch_all as (i64, String, String, String, i64); c,
        "SELECT number, text, hash, by_actor, applied_at FROM policy_version WHERE number < $1
          ORDER BY number DESC LIMIT $2",
        before.unwrap_or(i64::MAX), limit)?
    .into_iter()
    .map(read)
    .collect()
}

/// The newest version that had this text, by its checksum.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn of_hash(c: &mut Conn, hash: &str) -> Result<Option<i64>, StoreError> {
    let row = q!(fetch_optional as (i64,); c,
        "SELECT number FROM policy_version WHERE hash = $1 ORDER BY number DESC LIMIT 1", hash)?;
    Ok(row.map(|(number,)| number))
}
