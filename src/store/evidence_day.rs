//! Table `evidence_day`, read: on which days people were seen, for thirteen months.
//!
//! Invariant: a day stands once for each source; whoever reads it wants to know only that somebody was there.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::AccountId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt};

/// When anybody was first seen, as far as it is kept.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn first(c: &mut Conn) -> Result<Option<Timestamp>, StoreError> {
    let (at,) = q!(fetch_one as (Option<i64>,); c,
        "SELECT MIN(last_at) FROM evidence_day WHERE day = (SELECT MIN(day) FROM evidence_day)")?;
    instant_opt(at, "evidence_day", "first")
}

/// When each account from `first` to `last` was seen, a time for each day, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn between(
    c: &mut Conn,
    first: AccountId,
    last: AccountId,
) -> Result<Vec<(AccountId, Timestamp)>, StoreError> {
    q!(fetch_all as (Uuid, i64); c,
        "SELECT account_id, MAX(last_at) FROM evidence_day WHERE account_id >= $1 AND account_id <= $2
          GROUP BY account_id, day ORDER BY account_id, day",
        first.uuid(), last.uuid())?
    .into_iter()
    .map(|(account, at)| Ok((AccountId::new(account), instant(at, "evidence_day", account)?)))
    .collect()
}
