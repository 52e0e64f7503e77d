//! Finds the account that a text from outside means.
//!
//! Invariant: an account id, a CRM's id or a user name; where several answer, nobody is guessed at.

use std::collections::{BTreeSet, HashMap};

use super::Refusal;
use crate::domain::account::Account;
use crate::domain::ids::TargetId;
use crate::store::{Conn, StoreError, account};

/// The longest text that is looked for, in bytes.
const LONGEST: usize = 512;

/// Whom a text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nobody.
    Nobody,
    /// This account.
    One(Box<Account>),
    /// More than one account.
    Several,
}

/// Whom `text` means: an account id, the CRM's id (of `target`, where one asks), or a user name in any case.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn account(c: &mut Conn, text: &str, target: Option<&TargetId>) -> Result<Found, StoreError> {
    if !can_be_one(text) {
        return Ok(Found::Nobody);
    }
    Ok(found(account::resolve(c, text, target).await?))
}

/// Whom each of many texts means, likewise.
///
/// # Errors
///
/// As [`account()`].
pub async fn accounts(
    c: &mut Conn,
    texts: &BTreeSet<&str>,
    target: Option<&TargetId>,
) -> Result<HashMap<String, Found>, StoreError> {
    let sound: Vec<&str> = texts.iter().copied().filter(|text| can_be_one(text)).collect();
    let mut answering = account::resolve_all(c, &sound, target).await?;
    let each = texts.iter().map(|text| {
        let answering = answering.remove(*text).unwrap_or_default();
        ((*text).to_owned(), found(answering))
    });
    Ok(each.collect())
}

/// PostgreSQL refuses a NUL in a text; no name or id has any control character.
fn can_be_one(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control)
}

fn found(mut answering: Vec<Account>) -> Found {
    match (answering.pop(), answering.is_empty()) {
        (None, _) => Found::Nobody,
        (Some(account), true) => Found::One(Box::new(account)),
        (Some(_), false) => Found::Several,
    }
}

impl Found {
    /// The one account.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotFound`] or [`Refusal::Ambiguous`], naming `text`.
    pub fn one(self, text: &str) -> Result<Account, Refusal> {
        match self {
            Self::One(account) => Ok(*account),
            Self::Nobody => Err(Refusal::not_found("account", text)),
            Self::Several => Err(Refusal::Ambiguous { what: "account", id: text.to_owned() }),
        }
    }
}
