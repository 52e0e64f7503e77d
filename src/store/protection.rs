//! Tables `protection_request` and `protection`: what one administrator asks for and another confirms.
//!
//! Invariant: at most one request for an account; a protection names both who agreed on it.

use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::AccountId;

use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::{instant, micros};

/// What one administrator asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// For which account.
    pub account: AccountId,
    /// To protect it, or to end its protection.
    pub protects: bool,
    /// Who asked, as [`Actor`](crate::domain::actor::Actor) writes itself.
    pub by: String,
    /// Why.
    pub why: String,
    /// When.
    pub at: Timestamp,
}

/// What is asked for about an account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn request(c: &mut Conn, account: AccountId) -> Result<Option<Request>, StoreError> {
    q!(fetch_optional as (bool, String, String, i64); c,
        "SELECT protects, by_actor, why, at FROM protection_request WHERE account_id = $1", account.uuid())?
    .map(|(protects, by, why, at)| {
        Ok(Request { account, protects, by, why, at: instant(at, "protection_request", account)? })
    })
    .transpose()
}

/// Everything that is asked for, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn requests(c: &mut Conn) -> Result<Vec<Request>, StoreError> {
    q!(fetch_all as (Uuid, bool, String, String, i64); c,
        "SELECT account_id, protects, by_actor, why, at FROM protection_request ORDER BY at, account_id")?
    .into_iter()
    .map(|(account, protects, by, why, at)| {
        let at = instant(at, "protection_request", account)?;
        Ok(Request { account: AccountId::new(account), protects, by, why, at })
    })
    .collect()
}

/// Writes what is asked for; what was asked before about the account gives way.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn ask(c: &mut Conn, request: &Request) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO protection_request (account_id, protects, by_actor, why, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (account_id) DO UPDATE SET protects = excluded.protects, by_actor = excluded.by_actor,
            why = excluded.why, at = excluded.at",
        request.account.uuid(), request.protects, &request.by, &request.why, micros(request.at))?;
    Ok(())
}

/// Notes what two agreed on: the account is protected from now on, or no longer.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn agree(c: &mut Conn, request: &Request, by: &str, now: Timestamp) -> Result<(), StoreError> {
    q!(execute; c, "DELETE FROM protection_request WHERE account_id = $1", request.account.uuid())?;
    q!(execute; c, "DELETE FROM protection WHERE account_id = $1", request.account.uuid())?;
    if request.protects {
        q!(execute; c,
            "INSERT INTO protection (account_id, asked_by, confirmed_by, why, since) VALUES ($1, $2, $3, $4, $5)",
            request.account.uuid(), &request.by, by, &request.why, micros(now))?;
    }
    Ok(())
}

/// Those of these accounts that two administrators protect.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn agreed(c: &mut Conn, span: &Span) -> Result<BTreeSet<AccountId>, StoreError> {
    let rows = spanned!((Uuid,); c, span, "SELECT account_id FROM protection WHERE ", "")?;
    Ok(rows.into_iter().map(|(account,)| AccountId::new(account)).collect())
}
