//! Table `notice`: which notices really went out.
//!
//! Invariant: only what was handed to the mail server stands here, and what came back is void; a deadline counts from
//! it. A notice without a letter is one that the policy goes on without.

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
    /// The letter it went in; nothing: nobody could be told, and the policy goes on all the same.
    pub letter: Option<Uuid>,
}

/// Notes a notice that went out.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn sent(c: &mut Conn, notice: &Notice) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO notice (id, account_id, rule, days_before, idle_since, sent_at, letter_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        Uuid::now_v7(), notice.account.uuid(), notice.rule.as_str(), notice.days_before, micros(notice.idle_since),
        micros(notice.sent_at), notice.letter)?;
    Ok(())
}

/// The notices of an account, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_account(c: &mut Conn, account: AccountId) -> Result<Vec<Notice>, StoreError> {
    q!(fetch_all as (String, i64, i64, i64, Option<Uuid>); c,
        "SELECT rule, days_before, idle_since, sent_at, letter_id FROM notice
          WHERE account_id = $1 AND void_at IS NULL ORDER BY sent_at, id",
        account.uuid())?
    .into_iter()
    .map(|(rule, days_before, idle_since, sent_at, letter)| {
        Ok(Notice {
            account,
            rule: RuleId::parse(&rule).map_err(|e| StoreError::corrupt("notice", account, e))?,
            days_before,
            idle_since: instant(idle_since, "notice", account)?,
            sent_at: instant(sent_at, "notice", account)?,
            letter,
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
    spanned!((Uuid, String, i64, i64, i64, Option<Uuid>); c, span,
        "SELECT account_id, rule, days_before, idle_since, sent_at, letter_id FROM notice WHERE void_at IS NULL AND ",
        " ORDER BY account_id, sent_at, id")?
    .into_iter()
    .map(|(account, rule, days_before, idle_since, sent_at, letter)| {
        Ok(Notice {
            account: AccountId::new(account),
            rule: RuleId::parse(&rule).map_err(|e| StoreError::corrupt("notice", account, e))?,
            days_before,
            idle_since: instant(idle_since, "notice", account)?,
            sent_at: instant(sent_at, "notice", account)?,
            letter,
        })
    })
    .collect()
}

/// Makes the notice void that went in this letter, because the letter came back. Gives whether it counted.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn came_back(c: &mut Conn, letter: Uuid, now: Timestamp) -> Result<bool, StoreError> {
    let void = q!(execute; c,
        "UPDATE notice SET void_at = $2 WHERE letter_id = $1 AND void_at IS NULL", letter, micros(now))?;
    Ok(void > 0)
}
