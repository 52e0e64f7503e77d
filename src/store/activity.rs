//! Tables `directory_activity`, `directory_count`, `directory_repair`: what each directory did, for whoever watches.
//!
//! Invariant: times only move on and counts only grow, whichever node writes first; no personal data stands here.

use jiff::Timestamp;
use sqlx::types::Json;

use crate::domain::ids::DirectoryId;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros, micros_opt};

/// A request that was answered with an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastError {
    /// When.
    pub at: Timestamp,
    /// The status of the answer.
    pub status: i64,
    /// The kind of mistake, where SCIM has one.
    pub scim_type: Option<String>,
    /// What was tried.
    pub method: String,
    /// `User` or `Group`, where it was about one.
    pub resource: Option<String>,
}

/// What a directory last did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Its last request that showed a valid token.
    pub last_request: Option<Timestamp>,
    /// Its last change that succeeded.
    pub last_change: Option<Timestamp>,
    /// Its last request that was answered with an error.
    pub last_error: Option<LastError>,
    /// When somebody last came with a token or secret of it that is no longer good, or with a wrong secret, and why
    /// it was not.
    pub last_denied: Option<(Timestamp, String)>,
}

/// How often something was done on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Count {
    /// Days since 1970-01-01, UTC.
    pub day: i64,
    /// What was done.
    pub method: String,
    /// How it ended.
    pub outcome: String,
    /// How often.
    pub times: i64,
}

/// How often a kind of repair was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairCount {
    /// The kind's stable name.
    pub repair: String,
    /// How often.
    pub times: i64,
    /// When last.
    pub last_at: Timestamp,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        last_request_at: Option<i64>,
        last_change_at: Option<i64>,
        error_at: Option<i64>,
        error_status: Option<i64>,
        error_type: Option<String>,
        error_method: Option<String>,
        error_resource: Option<String>,
        denied_at: Option<i64>,
        denied_why: Option<String>,
    }
}

/// What a directory last did; all empty where it never did anything.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn seen(c: &mut Conn, directory: &DirectoryId) -> Result<Seen, StoreError> {
    let row = q!(fetch_optional as Row; c,
        "SELECT last_request_at, last_change_at, error_at, error_status, error_type, error_method, error_resource,
                denied_at, denied_why FROM directory_activity WHERE directory = $1",
        directory.as_str())?;
    let Some(row) = row else { return Ok(Seen::default()) };
    let at = |value| instant_opt(value, "directory_activity", directory);
    Ok(Seen {
        last_request: at(row.last_request_at)?,
        last_change: at(row.last_change_at)?,
        last_error: at(row.error_at)?.map(|at| LastError {
            at,
            status: row.error_status.unwrap_or_default(),
            scim_type: row.error_type,
            method: row.error_method.unwrap_or_default(),
            resource: row.error_resource,
        }),
        last_denied: at(row.denied_at)?.zip(row.denied_why),
    })
}

/// Notes what a directory last did. What is older than what is known changes nothing.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note(c: &mut Conn, directory: &DirectoryId, seen: &Seen) -> Result<(), StoreError> {
    let error = seen.last_error.as_ref();
    let denied = seen.last_denied.as_ref();
    q!(execute; c,
        "INSERT INTO directory_activity (directory, last_request_at, last_change_at, error_at, error_status, error_type,
                error_method, error_resource, denied_at, denied_why)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (directory) DO UPDATE SET
            last_request_at = CASE WHEN excluded.last_request_at > COALESCE(directory_activity.last_request_at, 0)
                              THEN excluded.last_request_at ELSE directory_activity.last_request_at END,
            last_change_at = CASE WHEN excluded.last_change_at > COALESCE(directory_activity.last_change_at, 0)
                              THEN excluded.last_change_at ELSE directory_activity.last_change_at END,
            error_status = CASE WHEN excluded.error_at > COALESCE(directory_activity.error_at, 0)
                              THEN excluded.error_status ELSE directory_activity.error_status END,
            error_type = CASE WHEN excluded.error_at > COALESCE(directory_activity.error_at, 0)
                              THEN excluded.error_type ELSE directory_activity.error_type END,
            error_method = CASE WHEN excluded.error_at > COALESCE(directory_activity.error_at, 0)
                              THEN excluded.error_method ELSE directory_activity.error_method END,
            error_resource = CASE WHEN excluded.error_at > COALESCE(directory_activity.error_at, 0)
                              THEN excluded.error_resource ELSE directory_activity.error_resource END,
            error_at = CASE WHEN excluded.error_at > COALESCE(directory_activity.error_at, 0)
                              THEN excluded.error_at ELSE directory_activity.error_at END,
            denied_why = CASE WHEN excluded.denied_at > COALESCE(directory_activity.denied_at, 0)
                              THEN excluded.denied_why ELSE directory_activity.denied_why END,
            denied_at = CASE WHEN excluded.denied_at > COALESCE(directory_activity.denied_at, 0)
                              THEN excluded.denied_at ELSE directory_activity.denied_at END",
        directory.as_str(), micros_opt(seen.last_request), micros_opt(seen.last_change),
        micros_opt(error.map(|e| e.at)), error.map(|e| e.status), error.and_then(|e| e.scim_type.as_deref()),
        error.map(|e| e.method.as_str()), error.and_then(|e| e.resource.as_deref()),
        micros_opt(denied.map(|(at, _)| *at)), denied.map(|(_, why)| why.as_str()))?;
    Ok(())
}

/// Adds to a directory's counts.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count(c: &mut Conn, directory: &DirectoryId, counts: &[Count]) -> Result<(), StoreError> {
    let rows: Vec<_> = counts.iter().map(|one| (one.day, &one.method, &one.outcome, one.times)).collect();
    q!(execute; c,
        sqlite "INSERT INTO directory_count (directory, day, method, outcome, times)
                SELECT $1, e.value ->> 0, e.value ->> 1, e.value ->> 2, e.value ->> 3 FROM json_each($2) e WHERE TRUE
                ON CONFLICT (directory, day, method, outcome)
                DO UPDATE SET times = directory_count.times + excluded.times",
        postgres "INSERT INTO directory_count (directory, day, method, outcome, times)
                SELECT $1, CAST(e.value ->> 0 AS BIGINT), e.value ->> 1, e.value ->> 2, CAST(e.value ->> 3 AS BIGINT)
                  FROM jsonb_array_elements($2) e(value)
                ON CONFLICT (directory, day, method, outcome)
                DO UPDATE SET times = directory_count.times + excluded.times",
        directory.as_str(), Json(rows))?;
    Ok(())
}

/// A directory's counts since a day, the newest day first.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn counts(c: &mut Conn, directory: &DirectoryId, since: i64) -> Result<Vec<Count>, StoreError> {
    let rows = q!(fetch_all as (i64, String, String, i64); c,
        "SELECT day, method, outcome, times FROM directory_count WHERE directory = $1 AND day >= $2",
        directory.as_str(), since)?;
    let mut counts: Vec<Count> =
        rows.into_iter().map(|(day, method, outcome, times)| Count { day, method, outcome, times }).collect();
    counts.sort_by(|a, b| (b.day, &a.method, &a.outcome).cmp(&(a.day, &b.method, &b.outcome)));
    Ok(counts)
}

/// Forgets counts of days before `day`. Gives how many rows.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget_counts(c: &mut Conn, day: i64) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM directory_count WHERE day < $1", day)
}

/// Adds to a directory's repairs.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn repaired(
    c: &mut Conn,
    directory: &DirectoryId,
    repairs: &[RepairCount],
) -> Result<(), StoreError> {
    let rows: Vec<_> = repairs.iter().map(|one| (&one.repair, one.times, micros(one.last_at))).collect();
    q!(execute; c,
        sqlite "INSERT INTO directory_repair (directory, repair, times, last_at)
                SELECT $1, e.value ->> 0, e.value ->> 1, e.value ->> 2 FROM json_each($2) e WHERE TRUE
                ON CONFLICT (directory, repair)
                DO UPDATE SET times = directory_repair.times + excluded.times, last_at = excluded.last_at",
        postgres "INSERT INTO directory_repair (directory, repair, times, last_at)
                SELECT $1, e.value ->> 0, CAST(e.value ->> 1 AS BIGINT), CAST(e.value ->> 2 AS BIGINT)
                  FROM jsonb_array_elements($2) e(value)
                ON CONFLICT (directory, repair)
                DO UPDATE SET times = directory_repair.times + excluded.times, last_at = excluded.last_at",
        directory.as_str(), Json(rows))?;
    Ok(())
}

/// A directory's repairs, the most frequent first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn repairs(c: &mut Conn, directory: &DirectoryId) -> Result<Vec<RepairCount>, StoreError> {
    let rows = q!(fetch_all as (String, i64, i64); c,
        "SELECT repair, times, last_at FROM directory_repair WHERE directory = $1", directory.as_str())?;
    let mut repairs: Vec<RepairCount> = rows
        .into_iter()
        .map(|(repair, times, last_at)| {
            Ok(RepairCount { last_at: instant(last_at, "directory_repair", &repair)?, repair, times })
        })
        .collect::<Result<_, StoreError>>()?;
    repairs.sort_by(|a, b| (b.times, &a.repair).cmp(&(a.times, &b.repair)));
    Ok(repairs)
}
