//! Table `notice`: which notices really went out.
//!
//! Invariant: only what was handed to the mail server stands here; a deadline counts from it.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, RuleId};

use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::{instant, micros};

/// A notice that went out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// To whom.
    pub account: AccountId,
    /// By which rule.
    pub rule: RuleId,
    /// How many days before the freeze it was meant for.
    pub days_before: i64,
    /// The idle period it belongs to begins here; a later sign-in makes it void.
    pub idle_since: Timestamp,
    /// When it went out.
    pub sent_at: Timestamp,
}

/// Notes a notice that went out.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn sent(c: &mut Conn, notice: &Notice) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO notice (id, account_id, rule, days_before, idle_since, sent_at) VALUES ($1, $2, $3, $4, $5, $6)",
        Uuid::now_v7(), notice.account.uuid(), notice.rule.as_str(), notice.days_before, micros(notice.idle_since),
        micros(notice.sent_at))?;
    Ok(())
}

/// The notices of an account, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_account(c: &mut Conn, account: AccountId) -> Result<Vec<Notice>, StoreError> {
    q!(fetch_all as (String, i64, i64, i64); c,
        "SELECT rule, days_before, idle_since, sent_at FROM notice WHERE account_id = $1 ORDER BY sent_at, id",
        account.uuid())?
    .into_iter()
    .map(|(rule, days_before, idle_since, sent_at)| {
        Ok(Notice {
            account,
            rule: RuleId::parse(&rule).map_err(|e| StoreError::corrupt("notice", account, e))?,
            days_before,
            idle_since: instant(idle_since, "notice", account)?,
            sent_at: instant(sent_at, "notice", account)?,
        })
    })
    .collect()
}

/// The notices of these accounts: for pages of facts. Sorted by account, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of(c: &mut Conn, span: &Span) -> Result<Vec<Notice>, StoreError> {
    spanned!((Uuid, String, i64, i64, i64); c, span,
        "SELECT account_id, rule, days_before, idle_since, sent_at FROM notice WHERE ",
        " ORDER BY account_id, sent_at, id")?
    .into_iter()
    .map(|(account, rule, days_before, idle_since, sent_at)| {
        Ok(Notice {
            account: AccountId::new(account),
            rule: RuleId::parse(&rule).map_err(|e| StoreError::corrupt("notice", account, e))?,
            days_before,
            idle_since: instant(idle_since, "notice", account)?,
            sent_at: instant(sent_at, "notice", account)?,
        })
    })
    .collect()
}
