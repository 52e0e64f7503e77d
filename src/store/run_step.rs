//! Table `run_step`: what runs did, account by account, with how each stood before.
//!
//! Invariant: a row is written in the transaction of its step; what was undone is noted once and never done again.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, RunId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant_opt, micros};

/// A step as the run that took it noted it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunStep {
    /// Of which run.
    pub run: RunId,
    /// For whom.
    pub account: AccountId,
    /// What was done, and how the account stood before, as the flow wrote it.
    pub document: Value,
    /// When it was undone.
    pub undone_at: Option<Timestamp>,
}

/// Notes a step. One that is noted already stays as it was.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note(c: &mut Conn, run: RunId, account: AccountId, document: &Value) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO run_step (run_id, account_id, document) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        run.uuid(), account.uuid(), Json(document))?;
    Ok(())
}

/// The steps of a run, in the order of their accounts.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_run(c: &mut Conn, run: RunId) -> Result<Vec<RunStep>, StoreError> {
    q!(fetch_all as (Uuid, Json<Value>, Option<i64>); c,
        "SELECT account_id, document, undone_at FROM run_step WHERE run_id = $1 ORDER BY account_id",
        run.uuid())?
    .into_iter()
    .map(|(account, document, undone_at)| read(run, AccountId::new(account), document.0, undone_at))
    .collect()
}

/// One step of a run.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn one(c: &mut Conn, run: RunId, account: AccountId) -> Result<Option<RunStep>, StoreError> {
    q!(fetch_optional as (Json<Value>, Option<i64>); c,
        "SELECT document, undone_at FROM run_step WHERE run_id = $1 AND account_id = $2",
        run.uuid(), account.uuid())?
    .map(|(document, undone_at)| read(run, account, document.0, undone_at))
    .transpose()
}

fn read(
    run: RunId,
    account: AccountId,
    document: Value,
    undone_at: Option<i64>,
) -> Result<RunStep, StoreError> {
    Ok(RunStep { run, account, document, undone_at: instant_opt(undone_at, "run_step", run)? })
}

/// Notes that a step was undone. Gives `false` when it was already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn undone(
    c: &mut Conn,
    run: RunId,
    account: AccountId,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let noted = q!(execute; c,
        "UPDATE run_step SET undone_at = $3, undone_by = $4
          WHERE run_id = $1 AND account_id = $2 AND undone_at IS NULL",
        run.uuid(), account.uuid(), micros(now), by)?;
    Ok(noted == 1)
}
