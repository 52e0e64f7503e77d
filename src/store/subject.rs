//! Table `sign_in_subject`: which identity a directory's token subject signs in as.
//!
//! Invariant: a subject, once linked, is never moved to another identity by a sign-in.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, DirectoryId, IdentityId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::micros;

/// The identity that a subject is linked to, and the issuer it was linked under.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn linked(
    c: &mut Conn,
    directory: &DirectoryId,
    subject: &str,
) -> Result<Option<(IdentityId, String)>, StoreError> {
    let row = q!(fetch_optional as (Uuid, String); c,
        "SELECT identity_id, issuer FROM sign_in_subject WHERE directory = $1 AND subject = $2",
        directory.as_str(), subject)?;
    Ok(row.map(|(id, issuer)| (IdentityId::new(id), issuer)))
}

/// Whether some subject signs in as this identity.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn is_linked(c: &mut Conn, identity: IdentityId) -> Result<bool, StoreError> {
    let row = q!(fetch_optional as (String,); c,
        "SELECT subject FROM sign_in_subject WHERE identity_id = $1 LIMIT 1", identity.uuid())?;
    Ok(row.is_some())
}

/// The subject that signs in as the identity that the account has in this directory.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn of_account_in(
    c: &mut Conn,
    directory: &DirectoryId,
    account: AccountId,
) -> Result<Option<String>, StoreError> {
    let row = q!(fetch_optional as (String,); c,
        "SELECT s.subject FROM sign_in_subject s JOIN identity i ON i.id = s.identity_id
          WHERE s.directory = $1 AND i.account_id = $2 AND i.deleted_at IS NULL LIMIT 1",
        directory.as_str(), account.uuid())?;
    Ok(row.map(|(subject,)| subject))
}

/// Unties one subject. Gives whether it was tied.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn untie_one(c: &mut Conn, directory: &DirectoryId, subject: &str) -> Result<bool, StoreError> {
    let untied = q!(execute; c,
        "DELETE FROM sign_in_subject WHERE directory = $1 AND subject = $2", directory.as_str(), subject)?;
    Ok(untied == 1)
}

/// A token subject and the identity it signs in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectLink {
    /// The directory.
    pub directory: DirectoryId,
    /// The issuer of the token.
    pub issuer: String,
    /// The subject, as the token names it (Entra: `tid` and `oid`).
    pub subject: String,
    /// Whom it signs in.
    pub identity: IdentityId,
    /// Who linked them.
    pub by: String,
}

/// Links a subject to an identity. Gives `false` when it is linked already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn link(c: &mut Conn, link: &SubjectLink, now: Timestamp) -> Result<bool, StoreError> {
    let linked = q!(execute; c,
        "INSERT INTO sign_in_subject (directory, subject, issuer, identity_id, linked_by, linked_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        link.directory.as_str(), &link.subject, &link.issuer, link.identity.uuid(), &link.by, micros(now))?;
    Ok(linked == 1)
}

/// Unties every subject from an identity, because the directory deleted it. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn untie(c: &mut Conn, identity: IdentityId) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM sign_in_subject WHERE identity_id = $1", identity.uuid())
}
