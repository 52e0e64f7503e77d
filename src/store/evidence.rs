//! Tables `evidence`, `evidence_day` and `source_health`: when people were last seen, and how far each source can be trusted.
//!
//! Invariant: last seen never moves back, and the latest of all sources stands beside the account too. Days, not clicks, are kept, for thirteen months.

use jiff::Timestamp;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::AccountId;
use crate::domain::policy::EvidenceSource;

use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::{instant, instant_opt, micros, micros_opt};

const DAY: i64 = 86_400_000_000;

/// How far a source can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// The kind of source.
    pub source: EvidenceSource,
    /// The directory or target it comes from.
    pub scope: String,
    /// When it last told us something, whole.
    pub last_success: Option<Timestamp>,
    /// Whether its last answer was whole.
    pub is_complete: bool,
    /// Whether the provider's licence gives us this log at all.
    pub is_licensed: bool,
    /// In words, for the operator.
    pub note: Option<String>,
}

fn source(name: &str) -> Result<EvidenceSource, StoreError> {
    EvidenceSource::from_name(name).ok_or_else(|| StoreError::corrupt("evidence", name, "unknown source"))
}

/// Notes that a source saw the account at `at`. Gives `false` when a later time is known already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn seen(
    c: &mut Conn,
    account: AccountId,
    source: EvidenceSource,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let at = micros(at);
    q!(execute; c,
        "INSERT INTO evidence_day (account_id, source, day, last_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (account_id, source, day) DO UPDATE SET last_at = excluded.last_at
            WHERE excluded.last_at > evidence_day.last_at",
        account.uuid(), source.name(), at.div_euclid(DAY), at)?;
    let newer = q!(execute; c,
        "INSERT INTO evidence (account_id, source, seen_at) VALUES ($1, $2, $3)
         ON CONFLICT (account_id, source) DO UPDATE SET seen_at = excluded.seen_at
            WHERE excluded.seen_at > evidence.seen_at",
        account.uuid(), source.name(), at)?;
    if newer == 1 {
        q!(execute; c, "UPDATE account SET seen_at = $2 WHERE id = $1 AND seen_at < $2", account.uuid(), at)?;
    }
    Ok(newer == 1)
}

/// Notes that a source saw these accounts, each once, at these times. Gives for how many no later time was known.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn seen_all(
    c: &mut Conn,
    source: EvidenceSource,
    seen: &[(AccountId, Timestamp)],
) -> Result<usize, StoreError> {
    let row = |(id, at): &(AccountId, Timestamp)| {
        let at = micros(*at);
        json!([id.uuid().simple().to_string(), at, at.div_euclid(DAY)])
    };
    let rows = Json(seen.iter().map(row).collect::<Vec<_>>());
    q!(execute; c,
        sqlite "INSERT INTO evidence_day (account_id, source, day, last_at)
                SELECT unhex(e.value ->> 0), $1, e.value ->> 2, e.value ->> 1 FROM json_each($2) e WHERE TRUE
                ON CONFLICT (account_id, source, day) DO UPDATE SET last_at = excluded.last_at
                   WHERE excluded.last_at > evidence_day.last_at",
        postgres "INSERT INTO evidence_day (account_id, source, day, last_at)
                SELECT CAST(e.value ->> 0 AS UUID), $1, CAST(e.value ->> 2 AS BIGINT), CAST(e.value ->> 1 AS BIGINT)
                  FROM jsonb_array_elements($2) e(value)
                ON CONFLICT (account_id, source, day) DO UPDATE SET last_at = excluded.last_at
                   WHERE excluded.last_at > evidence_day.last_at",
        source.name(), rows.clone())?;
    let newer = q!(execute; c,
        sqlite "INSERT INTO evidence (account_id, source, seen_at)
                SELECT unhex(e.value ->> 0), $1, e.value ->> 1 FROM json_each($2) e WHERE TRUE
                ON CONFLICT (account_id, source) DO UPDATE SET seen_at = excluded.seen_at
                   WHERE excluded.seen_at > evidence.seen_at",
        postgres "INSERT INTO evidence (account_id, source, seen_at)
                SELECT CAST(e.value ->> 0 AS UUID), $1, CAST(e.value ->> 1 AS BIGINT)
                  FROM jsonb_array_elements($2) e(value)
                ON CONFLICT (account_id, source) DO UPDATE SET seen_at = excluded.seen_at
                   WHERE excluded.seen_at > evidence.seen_at",
        source.name(), rows.clone())?;
    q!(execute; c,
        sqlite "UPDATE account SET seen_at = e.value ->> 1 FROM json_each($1) e
                 WHERE account.id = unhex(e.value ->> 0) AND account.seen_at < e.value ->> 1",
        postgres "UPDATE account SET seen_at = CAST(e.value ->> 1 AS BIGINT) FROM jsonb_array_elements($1) e(value)
                   WHERE account.id = CAST(e.value ->> 0 AS UUID) AND account.seen_at < CAST(e.value ->> 1 AS BIGINT)",
        rows)?;
    Ok(usize::try_from(newer).unwrap_or(usize::MAX))
}

/// The latest time each source had seen the account up to a past instant, by the day log.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn latest_before(
    c: &mut Conn,
    account: AccountId,
    at: Timestamp,
) -> Result<Vec<(EvidenceSource, Timestamp)>, StoreError> {
    q!(fetch_all as (String, i64); c,
        "SELECT source, MAX(last_at) FROM evidence_day WHERE account_id = $1 AND last_at <= $2
          GROUP BY source ORDER BY source",
        account.uuid(), micros(at))?
    .into_iter()
    .map(|(name, at)| Ok((source(&name)?, instant(at, "evidence_day", account)?)))
    .collect()
}

/// Forgets days before `before`. Gives how many rows went.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget_days(c: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM evidence_day WHERE day < $1", micros(before).div_euclid(DAY))
}

/// Notes how a source fared.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn set_health(c: &mut Conn, health: &Health) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO source_health (source, scope, last_success, is_complete, is_licensed, note)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (source, scope) DO UPDATE SET
            last_success = COALESCE(excluded.last_success, source_health.last_success),
            is_complete = excluded.is_complete, is_licensed = excluded.is_licensed, note = excluded.note",
        health.source.name(), &health.scope, micros_opt(health.last_success), health.is_complete, health.is_licensed,
        &health.note)?;
    Ok(())
}

row! {
    #[derive(sqlx::FromRow)]
    struct HealthRow {
        source: String,
        scope: String,
        last_success: Option<i64>,
        is_complete: bool,
        is_licensed: bool,
        note: Option<String>,
    }
}

/// How every source fares, sorted by source and scope.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn health(c: &mut Conn) -> Result<Vec<Health>, StoreError> {
    let mut rows = q!(fetch_all as HealthRow; c,
        "SELECT source, scope, last_success, is_complete, is_licensed, note FROM source_health")?;
    rows.sort_by(|a, b| (&a.source, &a.scope).cmp(&(&b.source, &b.scope)));
    rows.into_iter()
        .map(|row| {
            Ok(Health {
                source: source(&row.source)?,
                last_success: instant_opt(row.last_success, "source_health", &row.scope)?,
                scope: row.scope,
                is_complete: row.is_complete,
                is_licensed: row.is_licensed,
                note: row.note,
            })
        })
        .collect()
}

/// The latest time of each of these accounts and each source: for pages of facts. Sorted by account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn latest_of(
    c: &mut Conn,
    span: &Span,
) -> Result<Vec<(AccountId, EvidenceSource, Timestamp)>, StoreError> {
    spanned!((Uuid, String, i64); c, span,
        "SELECT account_id, source, seen_at FROM evidence WHERE ", " ORDER BY account_id, source")?
    .into_iter()
    .map(|(id, name, at)| Ok((AccountId::new(id), source(&name)?, instant(at, "evidence", id)?)))
    .collect()
}

/// The latest time up to a past instant of each of these accounts and each source, by the day log. Sorted by account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn latest_of_before(
    c: &mut Conn,
    span: &Span,
    at: Timestamp,
) -> Result<Vec<(AccountId, EvidenceSource, Timestamp)>, StoreError> {
    spanned!((Uuid, String, i64); c, span,
        "SELECT account_id, source, MAX(last_at) FROM evidence_day WHERE ",
        " AND last_at <= $3 GROUP BY account_id, source ORDER BY account_id, source",
        micros(at))?
    .into_iter()
    .map(|(id, name, at)| Ok((AccountId::new(id), source(&name)?, instant(at, "evidence_day", id)?)))
    .collect()
}
