//! Table `policy_plan`: what a policy would do if it were put into force.
//!
//! Invariant: a plan is what its hash says; made again it is the same plan, and one that was carried out stays so.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, micros};

/// A plan as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPolicyPlan {
    /// SHA-256 of its substance, hexadecimal.
    pub hash: String,
    /// When it was made, lately.
    pub created_at: Timestamp,
    /// By whom, as [`Actor`](crate::domain::actor::Actor) writes itself.
    pub by: String,
    /// The policy that it is about.
    pub text: String,
    /// Counts, groups and stops, as the flow wrote them.
    pub document: Value,
    /// For each account that it touches the digest of what it does there.
    pub digests: Value,
    /// The version that it became; nothing: it was not carried out.
    pub applied_as: Option<i64>,
}

/// Keeps a plan, and forgets those that were made before `old` and never carried out.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn save(c: &mut Conn, plan: &StoredPolicyPlan, old: Timestamp) -> Result<(), StoreError> {
    q!(execute; c, "DELETE FROM policy_plan WHERE created_at < $1 AND applied_as IS NULL", micros(old))?;
    q!(execute; c,
        "INSERT INTO policy_plan (hash, created_at, by_actor, text, document, digests) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (hash) DO UPDATE SET created_at = excluded.created_at, by_actor = excluded.by_actor,
            document = excluded.document",
        &plan.hash, micros(plan.created_at), &plan.by, &plan.text, Json(&plan.document), Json(&plan.digests))?;
    Ok(())
}

/// A plan by its hash, or by the first characters of it where only one plan begins so.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, hash: &str) -> Result<Option<StoredPolicyPlan>, StoreError> {
    let is_hash = !hash.is_empty() && hash.chars().all(|c| c.is_ascii_digit() || matches!(c, 'a'..='f'));
    if !is_hash {
        return Ok(None);
    }
    let mut rows = q!(fetch_all as (String, i64, String, String, Json<Value>, Json<Value>, Option<i64>); c,
        "SELECT hash, created_at, by_actor, text, document, digests, applied_as FROM policy_plan
          WHERE hash >= $1 AND hash < $2 ORDER BY hash LIMIT 2",
        hash, format!("{hash}g"))?;
    if rows.len() != 1 {
        return Ok(None);
    }
    rows.pop()
        .map(|(hash, created_at, by, text, document, digests, applied_as)| {
            let created_at = instant(created_at, "policy_plan", &hash)?;
            let (document, digests) = (document.0, digests.0);
            Ok(StoredPolicyPlan { hash, created_at, by, text, document, digests, applied_as })
        })
        .transpose()
}

/// Notes that a plan was carried out, as this version.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn set_applied(c: &mut Conn, hash: &str, number: i64) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE policy_plan SET applied_as = $2 WHERE hash = $1", hash, number)?;
    Ok(())
}

/// A plan that was not carried out, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenPlan {
    /// SHA-256 of its substance, hexadecimal.
    pub hash: String,
    /// When it was made, lately.
    pub created_at: Timestamp,
    /// By whom.
    pub by: String,
}

/// The newest plans that follow this version and were not carried out, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn open(c: &mut Conn, follows: i64, limit: i64) -> Result<Vec<OpenPlan>, StoreError> {
    let rows = q!(fetch_all as (String, i64, String); c,
        "SELECT hash, created_at, by_actor FROM policy_plan
          WHERE applied_as IS NULL AND CAST(document ->> 'follows' AS BIGINT) = $1
          ORDER BY created_at DESC LIMIT $2",
        follows, limit)?;
    rows.into_iter()
        .map(|(hash, created_at, by)| {
            let created_at = instant(created_at, "policy_plan", &hash)?;
            Ok(OpenPlan { hash, created_at, by })
        })
        .collect()
}
