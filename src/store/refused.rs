//! Table `directory_refused`: changes of a person or a group that were refused, until the same one succeeds.
//!
//! Invariant: at most one row per person or group; no personal data, and a bounded number of rows per directory.

use jiff::Timestamp;
use sqlx::types::Json;

use crate::domain::ids::DirectoryId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, micros};

/// A refused change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// `User` or `Group`.
    pub resource: String,
    /// Which one, without personal data: `id:…`, `externalId:…`, or a hash.
    pub reference: String,
    /// What was tried last.
    pub method: String,
    /// How it was answered.
    pub status: i64,
    /// The kind of mistake, where SCIM has one.
    pub scim_type: Option<String>,
    /// What the answer said, values left out.
    pub detail: String,
    /// When it was refused first.
    pub first_at: Timestamp,
    /// When it was refused last.
    pub last_at: Timestamp,
    /// How often.
    pub times: i64,
}

/// Notes refusals of a directory: new ones, and more of those that are known.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note(c: &mut Conn, directory: &DirectoryId, refused: &[Refused]) -> Result<(), StoreError> {
    let rows: Vec<_> = refused
        .iter()
        .map(|one| {
            let kind = (&one.resource, &one.reference, &one.method, one.status, &one.scim_type, &one.detail);
            (kind, micros(one.first_at), micros(one.last_at), one.times)
        })
        .collect();
    q!(execute; c,
        sqlite "INSERT INTO directory_refused (directory, resource, reference, method, status, scim_type, detail,
                                               first_at, last_at, times)
                SELECT $1, e.value -> 0 ->> 0, e.value -> 0 ->> 1, e.value -> 0 ->> 2, e.value -> 0 ->> 3,
                       e.value -> 0 ->> 4, e.value -> 0 ->> 5, e.value ->> 1, e.value ->> 2, e.value ->> 3
                  FROM json_each($2) e WHERE TRUE
                ON CONFLICT (directory, resource, reference) DO UPDATE SET method = excluded.method,
                   status = excluded.status, scim_type = excluded.scim_type, detail = excluded.detail,
                   last_at = excluded.last_at, times = directory_refused.times + excluded.times",
        postgres "INSERT INTO directory_refused (directory, resource, reference, method, status, scim_type, detail,
                                               first_at, last_at, times)
                SELECT $1, e.value -> 0 ->> 0, e.value -> 0 ->> 1, e.value -> 0 ->> 2,
                       CAST(e.value -> 0 ->> 3 AS BIGINT), e.value -> 0 ->> 4, e.value -> 0 ->> 5,
                       CAST(e.value ->> 1 AS BIGINT), CAST(e.value ->> 2 AS BIGINT), CAST(e.value ->> 3 AS BIGINT)
                  FROM jsonb_array_elements($2) e(value)
                ON CONFLICT (directory, resource, reference) DO UPDATE SET method = excluded.method,
                   status = excluded.status, scim_type = excluded.scim_type, detail = excluded.detail,
                   last_at = excluded.last_at, times = directory_refused.times + excluded.times",
        directory.as_str(), Json(rows))?;
    Ok(())
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        resource: String,
        reference: String,
        method: String,
        status: i64,
        scim_type: Option<String>,
        detail: String,
        first_at: i64,
        last_at: i64,
        times: i64,
    }
}

/// What a directory was refused and has not mended, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of(c: &mut Conn, directory: &DirectoryId) -> Result<Vec<Refused>, StoreError> {
    let rows = q!(fetch_all as Row; c,
        "SELECT resource, reference, method, status, scim_type, detail, first_at, last_at, times
           FROM directory_refused WHERE directory = $1 ORDER BY last_at DESC",
        directory.as_str())?;
    let mut found: Vec<Refused> = rows
        .into_iter()
        .map(|row| {
            Ok(Refused {
                first_at: instant(row.first_at, "directory_refused", &row.reference)?,
                last_at: instant(row.last_at, "directory_refused", &row.reference)?,
                resource: row.resource,
                reference: row.reference,
                method: row.method,
                status: row.status,
                scim_type: row.scim_type,
                detail: row.detail,
                times: row.times,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    found.sort_by(|a, b| (b.last_at, &a.resource, &a.reference).cmp(&(a.last_at, &b.resource, &b.reference)));
    Ok(found)
}

/// Forgets refusals of a directory, each by resource and reference.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(
    c: &mut Conn,
    directory: &DirectoryId,
    which: &[(String, String)],
) -> Result<u64, StoreError> {
    q!(execute; c,
        sqlite "DELETE FROM directory_refused WHERE directory = $1 AND (resource, reference) IN
                (SELECT e.value ->> 0, e.value ->> 1 FROM json_each($2) e)",
        postgres "DELETE FROM directory_refused WHERE directory = $1 AND (resource, reference) IN
                (SELECT e.value ->> 0, e.value ->> 1 FROM jsonb_array_elements($2) e(value))",
        directory.as_str(), Json(which))
}

/// Leaves a directory the `keep` newest refusals, and forgets the older ones beyond.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn trim(c: &mut Conn, directory: &DirectoryId, keep: i64) -> Result<u64, StoreError> {
    q!(execute; c,
        "DELETE FROM directory_refused WHERE directory = $1 AND (resource, reference) IN
            (SELECT r.resource, r.reference FROM directory_refused r WHERE r.directory = $1
              ORDER BY r.last_at DESC, r.resource, r.reference LIMIT 10000 OFFSET $2)",
        directory.as_str(), keep)
}

/// Forgets refusals whose last time lies before `old`. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget_before(c: &mut Conn, old: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM directory_refused WHERE last_at < $1", micros(old))
}

/// How many refusals each directory has that were not mended, in the order of the names.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn counts(c: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    let mut rows = q!(fetch_all as (String, i64); c,
        "SELECT directory, COUNT(*) FROM directory_refused GROUP BY directory")?;
    rows.sort();
    Ok(rows)
}
