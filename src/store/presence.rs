//! Table `identity`, without its documents: whether the directories say that people are there.
//!
//! Invariant: a deleted identity says nothing; a person is there as long as one directory says so.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, DirectoryId};

use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::{instant, instant_opt};

/// What a directory says about whether a person is there, without the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The account it belongs to.
    pub account: AccountId,
    /// Who tells it.
    pub directory: DirectoryId,
    /// Whether the directory says active.
    pub active: bool,
    /// When the directory first told us.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub modified_at: Timestamp,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
}

/// The presence of every identity of these accounts: for pages of facts. Sorted by account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of(c: &mut Conn, span: &Span) -> Result<Vec<Presence>, StoreError> {
    spanned!((Uuid, String, bool, i64, i64, Option<i64>); c, span,
        "SELECT account_id, directory, active, created_at, modified_at, deleted_at FROM identity WHERE ",
        " ORDER BY account_id, created_at, id")?
    .into_iter()
    .map(|(account, directory, active, created_at, modified_at, deleted_at)| {
        Ok(Presence {
            account: AccountId::new(account),
            directory: DirectoryId::parse(&directory)
                .map_err(|e| StoreError::corrupt("identity", account, e))?,
            active,
            created_at: instant(created_at, "identity", account)?,
            modified_at: instant(modified_at, "identity", account)?,
            deleted_at: instant_opt(deleted_at, "identity", account)?,
        })
    })
    .collect()
}

/// Whether any directory says that the account's person is there and active.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn is_anywhere(c: &mut Conn, account: AccountId) -> Result<bool, StoreError> {
    let (is_present,) = q!(fetch_one as (bool,); c,
        "SELECT EXISTS (SELECT 1 FROM identity WHERE account_id = $1 AND deleted_at IS NULL AND active)",
        account.uuid())?;
    Ok(is_present)
}

/// The documents of the identities of the span's accounts, deleted ones too: whom a rule is about does not change because
/// they left. With the directory that says it, sorted by account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached.
pub async fn documents_of(
    c: &mut Conn,
    span: &Span,
) -> Result<Vec<(AccountId, DirectoryId, Value)>, StoreError> {
    let rows = spanned!((Uuid, String, Json<Value>); c, span,
        "SELECT account_id, directory, document FROM identity WHERE ", " ORDER BY account_id, created_at, id")?;
    rows.into_iter()
        .map(|(account, directory, document)| {
            let directory =
                DirectoryId::parse(&directory).map_err(|e| StoreError::corrupt("identity", account, e))?;
            Ok((AccountId::new(account), directory, document.0))
        })
        .collect()
}
