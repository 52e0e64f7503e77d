//! Tables `plan`, `plan_step` and `run`: what a lifecycle run would do, what it did, and by whose leave.
//!
//! Invariant: a plan is what its hash says; steps are written with it and only their outcome is added later.

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, RunId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros, micros_opt};

/// So many steps are written by one statement.
const AT_ONCE: usize = 500;

/// A plan as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlan {
    /// SHA-256 of its substance, hexadecimal.
    pub hash: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// By which policy.
    pub policy_version: i64,
    /// `proposed`, `waiting` (for release), `released`, `applied`, `refused`.
    pub state: String,
    /// Reasons, counts and stops, as the flow wrote them.
    pub document: Value,
    /// Who released it.
    pub released_by: Option<String>,
    /// Why.
    pub release_reason: Option<String>,
}

/// A step as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredStep {
    /// 0, 1, 2 …
    pub position: i64,
    /// For whom.
    pub account: AccountId,
    /// The step with its rule, reason and the evidence as seen.
    pub document: Value,
    /// `planned`, `applied`, `skipped`.
    pub state: String,
    /// What came of it, in words.
    pub outcome: Option<String>,
}

/// A run of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// Of which plan.
    pub plan: String,
    /// By whom.
    pub by: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; nothing: it was broken off, and the next one carries on.
    pub finished_at: Option<Timestamp>,
    /// Steps that were taken.
    pub applied: i64,
    /// Steps that no longer held.
    pub skipped: i64,
    /// In words.
    pub outcome: String,
}

row! {
    #[derive(sqlx::FromRow)]
    struct PlanRow {
        hash: String,
        created_at: i64,
        policy_version: i64,
        state: String,
        document: Json<Value>,
        released_by: Option<String>,
        release_reason: Option<String>,
    }
}

/// Keeps a plan with its steps. The same plan made again keeps its release; its steps are judged anew.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn save(c: &mut Conn, plan: &StoredPlan, steps: &[StoredStep]) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO plan (hash, created_at, policy_version, state, document) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (hash) DO UPDATE SET created_at = excluded.created_at, document = excluded.document,
            policy_version = excluded.policy_version,
            state = CASE WHEN plan.state = 'released' THEN plan.state ELSE excluded.state END,
            released_by = CASE WHEN plan.state = 'released' THEN plan.released_by END,
            released_at = CASE WHEN plan.state = 'released' THEN plan.released_at END,
            release_reason = CASE WHEN plan.state = 'released' THEN plan.release_reason END",
        &plan.hash, micros(plan.created_at), plan.policy_version, &plan.state, Json(&plan.document))?;
    q!(execute; c, "DELETE FROM plan_step WHERE plan_hash = $1", &plan.hash)?;
    for page in steps.chunks(AT_ONCE) {
        let row = |s: &StoredStep| {
            json!([s.position, s.account.uuid().simple().to_string(), s.document, s.state, s.outcome])
        };
        q!(execute; c,
            sqlite "INSERT INTO plan_step (plan_hash, position, account_id, document, state, outcome)
                    SELECT $1, e.value ->> 0, unhex(e.value ->> 1), e.value -> 2, e.value ->> 3, e.value ->> 4
                      FROM json_each($2) e",
            postgres "INSERT INTO plan_step (plan_hash, position, account_id, document, state, outcome)
                    SELECT $1, CAST(e.value ->> 0 AS BIGINT), CAST(e.value ->> 1 AS UUID), e.value -> 2, e.value ->> 3,
                           e.value ->> 4
                      FROM jsonb_array_elements($2) e(value)",
            &plan.hash, Json(page.iter().map(row).collect::<Vec<_>>()))?;
    }
    Ok(())
}

/// A plan by its hash, or by the first characters of it where only one plan begins so.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, hash: &str) -> Result<Option<StoredPlan>, StoreError> {
    if hash.is_empty() {
        return Ok(None);
    }
    let mut rows = q!(fetch_all as PlanRow; c,
        "SELECT hash, created_at, policy_version, state, document, released_by, release_reason FROM plan
          WHERE hash >= $1 AND hash < $2 ORDER BY hash LIMIT 2",
        hash, format!("{hash}g"))?;
    if rows.len() != 1 {
        return Ok(None);
    }
    rows.pop().map(read).transpose()
}

/// The newest plan.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn newest(c: &mut Conn) -> Result<Option<StoredPlan>, StoreError> {
    q!(fetch_optional as PlanRow; c,
        "SELECT hash, created_at, policy_version, state, document, released_by, release_reason FROM plan
          ORDER BY created_at DESC, hash DESC LIMIT 1")?
    .map(read)
    .transpose()
}

/// The plans that were made last: one, or two where rights that wait were left out of the second.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn latest(c: &mut Conn) -> Result<Vec<StoredPlan>, StoreError> {
    q!(fetch_all as PlanRow; c,
        "SELECT hash, created_at, policy_version, state, document, released_by, release_reason FROM plan
          WHERE created_at = (SELECT MAX(created_at) FROM plan) ORDER BY hash")?
    .into_iter()
    .map(read)
    .collect()
}

fn read(row: PlanRow) -> Result<StoredPlan, StoreError> {
    Ok(StoredPlan {
        created_at: instant(row.created_at, "plan", &row.hash)?,
        hash: row.hash,
        policy_version: row.policy_version,
        state: row.state,
        document: row.document.0,
        released_by: row.released_by,
        release_reason: row.release_reason,
    })
}

/// The steps of a plan, in order.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached.
pub async fn steps(c: &mut Conn, hash: &str) -> Result<Vec<StoredStep>, StoreError> {
    let rows = q!(fetch_all as (i64, Uuid, Json<Value>, String, Option<String>); c,
        "SELECT position, account_id, document, state, outcome FROM plan_step WHERE plan_hash = $1 ORDER BY position",
        hash)?;
    Ok(rows
        .into_iter()
        .map(|(position, account, document, state, outcome)| StoredStep {
            position,
            account: AccountId::new(account),
            document: document.0,
            state,
            outcome,
        })
        .collect())
}

/// Gives a plan its new state.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn set_state(c: &mut Conn, hash: &str, state: &str) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE plan SET state = $2 WHERE hash = $1", hash, state)?;
    Ok(())
}

/// Releases a plan that waits. Gives `false` when it does not wait.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn release(
    c: &mut Conn,
    hash: &str,
    by: &str,
    reason: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let released = q!(execute; c,
        "UPDATE plan SET state = 'released', released_by = $2, release_reason = $3, released_at = $4
          WHERE hash = $1 AND state = 'waiting'",
        hash, by, reason, micros(now))?;
    Ok(released == 1)
}

/// Turns a plan down that waits. Gives `false` when it does not wait.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn refuse(c: &mut Conn, hash: &str) -> Result<bool, StoreError> {
    let refused =
        q!(execute; c, "UPDATE plan SET state = 'refused' WHERE hash = $1 AND state = 'waiting'", hash)?;
    Ok(refused == 1)
}

/// Notes what came of a step.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn step_done(
    c: &mut Conn,
    hash: &str,
    position: i64,
    state: &str,
    outcome: &str,
) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE plan_step SET state = $3, outcome = $4 WHERE plan_hash = $1 AND position = $2",
        hash, position, state, outcome)?;
    Ok(())
}

/// Notes what came of several steps of a plan: position, state, outcome.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn steps_done(
    c: &mut Conn,
    hash: &str,
    done: &[(i64, &'static str, String)],
) -> Result<(), StoreError> {
    let rows: Vec<Value> =
        done.iter().map(|(position, state, outcome)| json!([position, state, outcome])).collect();
    q!(execute; c,
        sqlite "UPDATE plan_step SET state = e.value ->> 1, outcome = e.value ->> 2 FROM json_each($2) e
                 WHERE plan_hash = $1 AND position = e.value ->> 0",
        postgres "UPDATE plan_step SET state = e.value ->> 1, outcome = e.value ->> 2
                    FROM jsonb_array_elements($2) e(value)
                 WHERE plan_hash = $1 AND position = CAST(e.value ->> 0 AS BIGINT)",
        hash, Json(rows))?;
    Ok(())
}

/// How many steps of a plan have this state.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count_steps(c: &mut Conn, hash: &str, state: &str) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM plan_step WHERE plan_hash = $1 AND state = $2", hash, state)?;
    Ok(count)
}

/// Writes a run, or how it stands now.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn save_run(c: &mut Conn, run: &Run) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO run (id, plan_hash, by_actor, started_at, finished_at, applied, skipped, outcome)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (id) DO UPDATE SET finished_at = excluded.finished_at, applied = excluded.applied,
            skipped = excluded.skipped, outcome = excluded.outcome",
        run.id.uuid(), &run.plan, &run.by, micros(run.started_at), micros_opt(run.finished_at), run.applied,
        run.skipped, &run.outcome)?;
    Ok(())
}

/// The newest runs, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn runs(c: &mut Conn, limit: i64) -> Result<Vec<Run>, StoreError> {
    q!(fetch_all as (Uuid, String, String, i64, Option<i64>, i64, i64, String); c,
        "SELECT id, plan_hash, by_actor, started_at, finished_at, applied, skipped, outcome FROM run
          ORDER BY started_at DESC, id DESC LIMIT $1",
        limit)?
    .into_iter()
    .map(|(id, plan, by, started_at, finished_at, applied, skipped, outcome)| {
        Ok(Run {
            id: RunId::new(id),
            plan,
            by,
            started_at: instant(started_at, "run", id)?,
            finished_at: instant_opt(finished_at, "run", id)?,
            applied,
            skipped,
            outcome,
        })
    })
    .collect()
}

/// The runs that were broken off, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn unfinished(c: &mut Conn) -> Result<Vec<Run>, StoreError> {
    q!(fetch_all as (Uuid, String, String, i64, i64, i64, String); c,
        "SELECT id, plan_hash, by_actor, started_at, applied, skipped, outcome FROM run WHERE finished_at IS NULL
          ORDER BY started_at, id")?
    .into_iter()
    .map(|(id, plan, by, started_at, applied, skipped, outcome)| {
        let started_at = instant(started_at, "run", id)?;
        Ok(Run { id: RunId::new(id), plan, by, started_at, finished_at: None, applied, skipped, outcome })
    })
    .collect()
}

/// How many runs of a plan ended with this outcome.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count_runs(c: &mut Conn, hash: &str, outcome: &str) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM run WHERE plan_hash = $1 AND outcome = $2", hash, outcome)?;
    Ok(count)
}
