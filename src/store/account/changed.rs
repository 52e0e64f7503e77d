//! Reads accounts in the order in which they changed.
//!
//! Invariant: only what has its place is read; [`super::super::change`] gives places out.

use crate::domain::account::Account;
use crate::store::conn::Conn;
use crate::store::error::StoreError;

use super::Row;

row! {
    #[derive(sqlx::FromRow)]
    struct PlacedRow {
        #[sqlx(flatten)]
        account: Row,
        position: i64,
    }
}

/// The accounts that changed after a place, each with its own, at most `limit` of them.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn changed(c: &mut Conn, after: i64, limit: i64) -> Result<Vec<(i64, Account)>, StoreError> {
    q!(fetch_all as PlacedRow; c,
        columns!(", a.position", "WHERE a.position > $1 ORDER BY a.position LIMIT $2"), after, limit)?
    .into_iter()
    .map(|row| Ok((row.position, Account::try_from(row.account)?)))
    .collect()
}

/// Whether any account changed since places were last given out.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn is_unplaced(c: &mut Conn) -> Result<bool, StoreError> {
    let (is_unplaced,) = q!(fetch_one as (bool,); c,
        "SELECT EXISTS (SELECT 1 FROM account a WHERE a.position IS NULL)")?;
    Ok(is_unplaced)
}
