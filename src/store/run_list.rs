//! Tables `run` and `plan` together: the list of runs that people read.
//!
//! Invariant: reads only; the newest run first.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::RunId;
use crate::domain::safety::SafetyStop;

use super::conn::Conn;
use super::error::StoreError;
use super::plan::Run;
use super::value::{instant, instant_opt, micros};

/// A run with what its plan says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// The run.
    pub run: Run,
    /// By which policy the plan was made.
    pub policy_version: i64,
    /// How many steps the plan has.
    pub steps: i64,
    /// What stopped it.
    pub stops: Vec<SafetyStop>,
    /// Who released it.
    pub released_by: Option<String>,
    /// Why.
    pub release_reason: Option<String>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct ListedRow {
        id: Uuid,
        plan_hash: String,
        by_actor: String,
        started_at: i64,
        finished_at: Option<i64>,
        applied: i64,
        skipped: i64,
        outcome: String,
        policy_version: i64,
        steps: i64,
        stops: Option<Json<Value>>,
        released_by: Option<String>,
        release_reason: Option<String>,
    }
}

/// A page of the runs that began by `until`, the newest first: those that come after `after` in that order.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn page(
    c: &mut Conn,
    until: Timestamp,
    after: Option<(Timestamp, RunId)>,
    limit: i64,
) -> Result<Vec<Listed>, StoreError> {
    let (at, id) = after.map_or((i64::MAX, Uuid::max()), |(at, id)| (micros(at), id.uuid()));
    q!(fetch_all as ListedRow; c,
        sqlite "SELECT r.id, r.plan_hash, r.by_actor, r.started_at, r.finished_at, r.applied, r.skipped, r.outcome,
                p.policy_version, (SELECT COUNT(*) FROM plan_step s WHERE s.plan_hash = r.plan_hash) AS steps,
                p.document -> '$.stops' AS stops, p.released_by, p.release_reason
           FROM run r JOIN plan p ON p.hash = r.plan_hash
          WHERE r.started_at <= $1 AND (r.started_at < $2 OR (r.started_at = $2 AND r.id < $3))
          ORDER BY r.started_at DESC, r.id DESC LIMIT $4",
        postgres "SELECT r.id, r.plan_hash, r.by_actor, r.started_at, r.finished_at, r.applied, r.skipped, r.outcome,
                p.policy_version, (SELECT COUNT(*) FROM plan_step s WHERE s.plan_hash = r.plan_hash) AS steps,
                p.document -> 'stops' AS stops, p.released_by, p.release_reason
           FROM run r JOIN plan p ON p.hash = r.plan_hash
          WHERE r.started_at <= $1 AND (r.started_at < $2 OR (r.started_at = $2 AND r.id < $3))
          ORDER BY r.started_at DESC, r.id DESC LIMIT $4",
        micros(until), at, id, limit)?
    .into_iter()
    .map(|row| {
        let stops = row.stops.map_or(Ok(Vec::new()), |stops| serde_json::from_value(stops.0));
        Ok(Listed {
            policy_version: row.policy_version,
            steps: row.steps,
            stops: stops.map_err(|e| StoreError::corrupt("plan", &row.plan_hash, e))?,
            released_by: row.released_by,
            release_reason: row.release_reason,
            run: Run {
                id: RunId::new(row.id),
                plan: row.plan_hash,
                by: row.by_actor,
                started_at: instant(row.started_at, "run", row.id)?,
                finished_at: instant_opt(row.finished_at, "run", row.id)?,
                applied: row.applied,
                skipped: row.skipped,
                outcome: row.outcome,
            },
        })
    })
    .collect()
}
