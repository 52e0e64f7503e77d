//! Tables `comparison` and `comparison_difference`: when each CRM was read back, and what was found.
//!
//! Invariant: what a comparison found is kept until a newer one is complete; one that failed leaves nothing but that it
//! failed, and why.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::comparison::{Attribute, Class, Difference, Treatment};
use crate::domain::ids::{AccountId, TargetId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// For how long it is kept that a CRM was read back, and how many differences there were.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 400);

/// How many there were of what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Users of the CRM.
    pub people: i64,
    /// Accounts that the CRM lacks.
    pub missing: i64,
    /// Users that belong to no account.
    pub extra: i64,
    /// Accounts of which something is different.
    pub different: i64,
    /// Accounts or users in conflict.
    pub conflicting: i64,
    /// Accounts that were just being told.
    pub under_way: i64,
    /// Accounts that are to be told again, by the settings.
    pub to_heal: i64,
    /// Accounts that are told again.
    pub healed: i64,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// Its id.
    pub id: Uuid,
    /// Of which CRM.
    pub target: TargetId,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it ended; nothing: it goes on, or was broken off.
    pub ended_at: Option<Timestamp>,
    /// Who asked for it.
    pub by: String,
    /// Whether everybody was read.
    pub is_complete: bool,
    /// What was found.
    pub tally: Tally,
    /// What was to be told again, as a hash.
    pub heal_hash: Option<String>,
    /// Why it was not told again.
    pub stop: Option<String>,
    /// Why the CRM could not be read.
    pub error: Option<String>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        target: String,
        begun_at: i64,
        ended_at: Option<i64>,
        by_actor: String,
        state: String,
        people: i64,
        missing: i64,
        extra: i64,
        different: i64,
        conflicting: i64,
        under_way: i64,
        to_heal: i64,
        healed: i64,
        heal_hash: Option<String>,
        stop: Option<String>,
        error: Option<String>,
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT id, target, begun_at, ended_at, by_actor, state, people, missing, extra, different, conflicting, \
             under_way, to_heal, healed, heal_hash, stop, error FROM comparison ",
            $tail
        )
    };
}

impl TryFrom<Row> for Comparison {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            target: TargetId::parse(&row.target).map_err(|e| StoreError::corrupt("comparison", row.id, e))?,
            begun_at: instant(row.begun_at, "comparison", row.id)?,
            ended_at: instant_opt(row.ended_at, "comparison", row.id)?,
            id: row.id,
            by: row.by_actor,
            is_complete: row.state == "complete",
            tally: Tally {
                people: row.people,
                missing: row.missing,
                extra: row.extra,
                different: row.different,
                conflicting: row.conflicting,
                under_way: row.under_way,
                to_heal: row.to_heal,
                healed: row.healed,
            },
            heal_hash: row.heal_hash,
            stop: row.stop,
            error: row.error,
        })
    }
}

/// Begins a comparison. What one that was broken off has left is put away.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn begin(c: &mut Conn, target: &TargetId, by: &str, now: Timestamp) -> Result<Uuid, StoreError> {
    q!(execute; c,
        "DELETE FROM comparison_user WHERE comparison_id IN
            (SELECT o.id FROM comparison o WHERE o.target = $1 AND o.state = 'reading')", target.as_str())?;
    q!(execute; c,
        "DELETE FROM comparison_difference WHERE comparison_id IN
            (SELECT o.id FROM comparison o WHERE o.target = $1 AND o.state = 'reading')", target.as_str())?;
    q!(execute; c,
        "UPDATE comparison SET state = 'failed', error = 'broken off' WHERE target = $1 AND state = 'reading'",
        target.as_str())?;
    let id = Uuid::now_v7();
    q!(execute; c,
        "INSERT INTO comparison (id, target, begun_at, by_actor, state, people, missing, extra, different, conflicting,
                                 under_way, to_heal, healed)
         VALUES ($1, $2, $3, $4, 'reading', 0, 0, 0, 0, 0, 0, 0, 0)",
        id, target.as_str(), micros(now), by)?;
    Ok(id)
}

/// Notes that a CRM could not be read; nothing of what was read is kept.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn fail(c: &mut Conn, id: Uuid, error: &str, now: Timestamp) -> Result<(), StoreError> {
    q!(execute; c, "DELETE FROM comparison_user WHERE comparison_id = $1", id)?;
    q!(execute; c, "DELETE FROM comparison_difference WHERE comparison_id = $1", id)?;
    q!(execute; c, "UPDATE comparison SET state = 'failed', ended_at = $2, error = $3 WHERE id = $1",
        id, micros(now), error)?;
    Ok(())
}

/// Notes that a comparison is complete. What older ones of the target found is put away.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn finish(c: &mut Conn, done: &Comparison, now: Timestamp) -> Result<(), StoreError> {
    let Tally { people, missing, extra, different, conflicting, under_way, to_heal, healed } = done.tally;
    q!(execute; c,
        "UPDATE comparison SET state = 'complete', ended_at = $2, people = $3, missing = $4, extra = $5, different = $6,
                conflicting = $7, under_way = $8, to_heal = $9, healed = $10, heal_hash = $11, stop = $12
          WHERE id = $1",
        done.id, micros(now), people, missing, extra, different, conflicting, under_way, to_heal, healed,
        done.heal_hash.as_deref(), done.stop.as_deref())?;
    q!(execute; c,
        "DELETE FROM comparison_user WHERE comparison_id IN
            (SELECT o.id FROM comparison o WHERE o.target = $1 AND o.id <> $2)", done.target.as_str(), done.id)?;
    q!(execute; c,
        "DELETE FROM comparison_difference WHERE comparison_id IN
            (SELECT o.id FROM comparison o WHERE o.target = $1 AND o.id <> $2)", done.target.as_str(), done.id)?;
    let old = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    q!(execute; c, "DELETE FROM comparison WHERE target = $1 AND begun_at < $2 AND id <> $3",
        done.target.as_str(), micros(old), done.id)?;
    Ok(())
}

/// The newest complete comparison of a target.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn last(c: &mut Conn, target: &TargetId) -> Result<Option<Comparison>, StoreError> {
    q!(fetch_optional as Row; c,
        columns!("WHERE target = $1 AND state = 'complete' ORDER BY begun_at DESC, id DESC LIMIT 1"),
        target.as_str())?
    .map(Comparison::try_from)
    .transpose()
}

/// The comparisons of a target, the newest first, those that failed among them.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_target(c: &mut Conn, target: &TargetId, limit: i64) -> Result<Vec<Comparison>, StoreError> {
    q!(fetch_all as Row; c,
        columns!("WHERE target = $1 ORDER BY begun_at DESC, id DESC LIMIT $2"), target.as_str(), limit)?
    .into_iter()
    .map(Comparison::try_from)
    .collect()
}

/// A difference as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its id, which grows in the order of finding.
    pub id: Uuid,
    /// Whose; nothing: nobody's.
    pub account: Option<AccountId>,
    /// What differs.
    pub difference: Difference,
    /// What becomes of it.
    pub treatment: Treatment,
}

/// Keeps what a comparison found: a page of it.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn keep(c: &mut Conn, comparison: Uuid, found: &[Kept]) -> Result<(), StoreError> {
    if found.is_empty() {
        return Ok(());
    }
    let rows: Vec<Value> = found.iter().map(written).collect();
    q!(execute; c,
        sqlite "INSERT INTO comparison_difference
                    (id, comparison_id, class, account_id, crm_id, attribute, ours, theirs, treatment)
                SELECT unhex(e.value ->> 'id'), $1, e.value ->> 'class', unhex(e.value ->> 'account'),
                       e.value ->> 'crm_id', e.value ->> 'attribute', e.value ->> 'ours', e.value ->> 'theirs',
                       e.value ->> 'treatment' FROM json_each($2) e",
        postgres "INSERT INTO comparison_difference
                    (id, comparison_id, class, account_id, crm_id, attribute, ours, theirs, treatment)
                SELECT CAST(e.value ->> 'id' AS UUID), $1, e.value ->> 'class', CAST(e.value ->> 'account' AS UUID),
                       e.value ->> 'crm_id', e.value ->> 'attribute', e.value ->> 'ours', e.value ->> 'theirs',
                       e.value ->> 'treatment' FROM jsonb_array_elements($2) e(value)",
        comparison, Json(rows))?;
    Ok(())
}

fn written(kept: &Kept) -> Value {
    let Difference { class, attribute, crm_id, ours, theirs } = &kept.difference;
    json!({
        "id": kept.id.simple().to_string(),
        "class": class.name(),
        "account": kept.account.map(|id| id.uuid().simple().to_string()),
        "crm_id": crm_id,
        "attribute": attribute.map_or("", Attribute::name),
        "ours": ours,
        "theirs": theirs,
        "treatment": kept.treatment.name(),
    })
}

row! {
    #[derive(sqlx::FromRow)]
    struct KeptRow {
        id: Uuid,
        class: String,
        account_id: Option<Uuid>,
        crm_id: Option<String>,
        attribute: String,
        ours: Option<String>,
        theirs: Option<String>,
        treatment: String,
    }
}

impl TryFrom<KeptRow> for Kept {
    type Error = StoreError;

    fn try_from(row: KeptRow) -> Result<Self, StoreError> {
        let unknown =
            |what: &str| StoreError::corrupt("comparison_difference", row.id, format!("unknown {what}"));
        let attribute = match row.attribute.as_str() {
            "" => None,
            name => Some(Attribute::from_name(name).ok_or_else(|| unknown(name))?),
        };
        Ok(Self {
            id: row.id,
            account: row.account_id.map(AccountId::new),
            difference: Difference {
                class: Class::from_name(&row.class).ok_or_else(|| unknown(&row.class))?,
                attribute,
                crm_id: row.crm_id,
                ours: row.ours,
                theirs: row.theirs,
            },
            treatment: Treatment::from_name(&row.treatment).ok_or_else(|| unknown(&row.treatment))?,
        })
    }
}

/// A page of what a comparison found, in the order of finding, after the difference `after`.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn differences(
    c: &mut Conn,
    comparison: Uuid,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Kept>, StoreError> {
    q!(fetch_all as KeptRow; c,
        "SELECT id, class, account_id, crm_id, attribute, ours, theirs, treatment FROM comparison_difference
          WHERE comparison_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        comparison, after.unwrap_or_default(), limit)?
    .into_iter()
    .map(Kept::try_from)
    .collect()
}

/// What a comparison found of one account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_account(c: &mut Conn, comparison: Uuid, account: AccountId) -> Result<Vec<Kept>, StoreError> {
    q!(fetch_all as KeptRow; c,
        "SELECT id, class, account_id, crm_id, attribute, ours, theirs, treatment FROM comparison_difference
          WHERE comparison_id = $1 AND account_id = $2 ORDER BY id",
        comparison, account.uuid())?
    .into_iter()
    .map(Kept::try_from)
    .collect()
}
