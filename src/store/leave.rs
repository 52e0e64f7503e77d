//! Table `account_leave`: approved leave, past, present and to come.
//!
//! Invariant: at most one leave of an account is open; only that it was approved stands here, never why.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::AccountId;

use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::{instant, micros};

/// A leave that was approved and has not been ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedLeave {
    /// Whose.
    pub account: AccountId,
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Who approved it, in the words of whoever noted it.
    pub approver: String,
    /// Who noted it, as [`Actor`](crate::domain::actor::Actor) writes itself.
    pub by: String,
    /// When it was noted.
    pub noted_at: Timestamp,
}

type Row = (Uuid, i64, i64, String, String, i64);

fn read((account, from, until, approver, by, noted_at): Row) -> Result<ApprovedLeave, StoreError> {
    Ok(ApprovedLeave {
        account: AccountId::new(account),
        from: instant(from, "account_leave", account)?,
        until: instant(until, "account_leave", account)?,
        approver,
        by,
        noted_at: instant(noted_at, "account_leave", account)?,
    })
}

/// Writes an approved leave. One that is open already gives way to it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn approve(c: &mut Conn, leave: &ApprovedLeave) -> Result<(), StoreError> {
    end(c, leave.account, leave.noted_at).await?;
    q!(execute; c,
        "INSERT INTO account_leave (id, account_id, from_at, until_at, approver, by_actor, noted_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        Uuid::now_v7(), leave.account.uuid(), micros(leave.from), micros(leave.until), &leave.approver, &leave.by,
        micros(leave.noted_at))?;
    Ok(())
}

/// Ends the open leave of an account. Gives `false` when there is none.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end(c: &mut Conn, account: AccountId, now: Timestamp) -> Result<bool, StoreError> {
    let ended = q!(execute; c,
        "UPDATE account_leave SET ended_at = $2 WHERE account_id = $1 AND ended_at IS NULL",
        account.uuid(), micros(now))?;
    Ok(ended > 0)
}

/// The open leave of an account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn open(c: &mut Conn, account: AccountId) -> Result<Option<ApprovedLeave>, StoreError> {
    q!(fetch_optional as Row; c,
        "SELECT account_id, from_at, until_at, approver, by_actor, noted_at FROM account_leave
          WHERE account_id = $1 AND ended_at IS NULL",
        account.uuid())?
    .map(read)
    .transpose()
}

/// The open leave of each of these accounts, now or at a past instant: for pages of facts. Sorted by account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn open_of(
    c: &mut Conn,
    span: &Span,
    at: Option<Timestamp>,
) -> Result<Vec<ApprovedLeave>, StoreError> {
    let rows = match at {
        None => spanned!(Row; c, span,
            "SELECT account_id, from_at, until_at, approver, by_actor, noted_at FROM account_leave WHERE ",
            " AND ended_at IS NULL ORDER BY account_id")?,
        Some(at) => spanned!(Row; c, span,
            "SELECT account_id, from_at, until_at, approver, by_actor, noted_at FROM account_leave WHERE ",
            " AND noted_at <= $3 AND (ended_at IS NULL OR ended_at > $3) ORDER BY account_id, noted_at",
            micros(at))?,
    };
    rows.into_iter().map(read).collect()
}
