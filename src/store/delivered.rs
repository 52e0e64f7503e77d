//! Table `delivered`: what each target took last of each account.
//!
//! Invariant: a row is written by the outbox, in the transaction that takes the row out of it.

use jiff::Timestamp;

use crate::domain::ids::{AccountId, TargetId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::instant;

/// The last thing that a target took of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Who was told.
    pub target: TargetId,
    /// The version it took.
    pub version: i64,
    /// When.
    pub at: Timestamp,
    /// What it answered, shortened.
    pub answer: String,
}

/// What each target took last of an account, in the order of the targets.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn proofs(c: &mut Conn, account: AccountId) -> Result<Vec<Proof>, StoreError> {
    let mut rows = q!(fetch_all as (String, i64, i64, String); c,
        "SELECT target, version, at, answer FROM delivered WHERE account_id = $1", account.uuid())?;
    rows.sort();
    rows.into_iter()
        .map(|(target, version, at, answer)| {
            let at = instant(at, "delivered", account)?;
            let target =
                TargetId::parse(&target).map_err(|e| StoreError::corrupt("delivered", account, e))?;
            Ok(Proof { target, version, at, answer })
        })
        .collect()
}

/// When each target last took something: target and instant, in the order of the names.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn last_deliveries(c: &mut Conn) -> Result<Vec<(String, Timestamp)>, StoreError> {
    let mut rows =
        q!(fetch_all as (String, i64); c, "SELECT target, MAX(at) FROM delivered GROUP BY target")?;
    rows.sort();
    rows.into_iter()
        .map(|(target, at)| {
            let at = instant(at, "delivered", &target)?;
            Ok((target, at))
        })
        .collect()
}
