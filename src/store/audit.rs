//! Table `audit`: who changed what, when, why, and how it was before.
//!
//! Invariant: append only, written in the transaction of the change it tells of.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::AuditId;

use super::conn::Conn;
use super::error::StoreError;
use super::ledger;
use super::value::{instant, micros};

/// What happened, for the audit.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// Why, as a stable word or a person's own sentence: `scim`, `departed`, `policy 3` …
    pub cause: String,
    /// What was done, past tense: `account_deactivated`.
    pub action: &'static str,
    /// To what.
    pub subject: Subject,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
    /// The request it came by.
    pub request_id: Option<String>,
}

/// An entry as it is read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who, as [`Actor`] writes itself.
    pub actor: String,
    /// Why.
    pub cause: String,
    /// What was done.
    pub action: String,
    /// The kind of thing it was done to.
    pub subject_kind: String,
    /// Its id.
    pub subject_id: String,
    /// How it was.
    pub before: Option<Value>,
    /// How it is.
    pub after: Option<Value>,
    /// The request it came by.
    pub request_id: Option<String>,
}

/// Takes an entry, to be written when the transaction ends. Gives its id, which may be shown as a reference number.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn append(c: &mut Conn, entry: &Entry) -> Result<AuditId, StoreError> {
    ledger::record(c, entry).await
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        at: i64,
        actor: String,
        cause: String,
        action: String,
        subject_kind: String,
        subject_id: String,
        // As text: SQLite keeps a bare number as a number, which is not taken for JSON.
        before: Option<String>,
        after: Option<String>,
        request_id: Option<String>,
    }
}

fn document(text: Option<String>, id: Uuid) -> Result<Option<Value>, StoreError> {
    text.map(|text| serde_json::from_str(&text)).transpose().map_err(|e| StoreError::corrupt("audit", id, e))
}

impl TryFrom<Row> for Recorded {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: AuditId::new(row.id),
            at: instant(row.at, "audit", row.id)?,
            actor: row.actor,
            cause: row.cause,
            action: row.action,
            subject_kind: row.subject_kind,
            subject_id: row.subject_id,
            before: document(row.before, row.id)?,
            after: document(row.after, row.id)?,
            request_id: row.request_id,
        })
    }
}

/// The newest entries about a subject, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn about(c: &mut Conn, subject: &Subject, limit: i64) -> Result<Vec<Recorded>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT id, at, actor, cause, action, subject_kind, subject_id,
                CAST(before AS TEXT) AS before, CAST(after AS TEXT) AS after, request_id FROM audit
          WHERE subject_kind = $1 AND subject_id = $2 ORDER BY at DESC, id DESC LIMIT $3",
        subject.kind, &subject.id, limit)?
    .into_iter()
    .map(Recorded::try_from)
    .collect()
}

/// The entry with this id.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, id: AuditId) -> Result<Option<Recorded>, StoreError> {
    q!(fetch_optional as Row; c,
        "SELECT id, at, actor, cause, action, subject_kind, subject_id,
                CAST(before AS TEXT) AS before, CAST(after AS TEXT) AS after, request_id FROM audit WHERE id = $1",
        id.uuid())?
    .map(Recorded::try_from)
    .transpose()
}

/// The newest entries of all, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn newest(c: &mut Conn, limit: i64) -> Result<Vec<Recorded>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT id, at, actor, cause, action, subject_kind, subject_id,
                CAST(before AS TEXT) AS before, CAST(after AS TEXT) AS after, request_id FROM audit
          ORDER BY at DESC, id DESC LIMIT $1",
        limit)?
    .into_iter()
    .map(Recorded::try_from)
    .collect()
}

/// Which entries are looked for; an empty text asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sought {
    /// What was done.
    pub action: String,
    /// By whom, as [`Actor`] writes itself.
    pub actor: String,
    /// The kind of thing that it was done to; sought by it, an index leads to the entries.
    pub subject_kind: String,
    /// The id of the thing.
    pub subject_id: String,
    /// Not before this instant.
    pub from: Option<Timestamp>,
    /// Before this instant.
    pub until: Option<Timestamp>,
}

/// A page of the entries that are sought, the newest first: those that come after `after` in that order.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn page(
    c: &mut Conn,
    sought: &Sought,
    after: Option<(Timestamp, AuditId)>,
    limit: i64,
) -> Result<Vec<Recorded>, StoreError> {
    let from = sought.from.map_or(i64::MIN, micros);
    let until = sought.until.map_or(i64::MAX, micros);
    let (at, id) = after.map_or((i64::MAX, Uuid::max()), |(at, id)| (micros(at), id.uuid()));
    let rows = if sought.subject_kind.is_empty() {
        q!(fetch_all as Row; c,
            "SELECT id, at, actor, cause, action, subject_kind, subject_id,
                    CAST(before AS TEXT) AS before, CAST(after AS TEXT) AS after, request_id FROM audit
              WHERE at >= $1 AND at < $2 AND at <= $3 AND (at < $3 OR id < $4) AND ($5 = '' OR action = $5)
                AND ($6 = '' OR actor = $6) AND ($7 = '' OR subject_id = $7)
              ORDER BY at DESC, id DESC LIMIT $8",
            from, until, at, id, &sought.action, &sought.actor, &sought.subject_id, limit)?
    } else {
        q!(fetch_all as Row; c,
            "SELECT id, at, actor, cause, action, subject_kind, subject_id,
                    CAST(before AS TEXT) AS before, CAST(after AS TEXT) AS after, request_id FROM audit
              WHERE at >= $1 AND at < $2 AND at <= $3 AND (at < $3 OR id < $4) AND ($5 = '' OR action = $5)
                AND ($6 = '' OR actor = $6) AND subject_kind = $7 AND subject_id = $8
              ORDER BY at DESC, id DESC LIMIT $9",
            from, until, at, id, &sought.action, &sought.actor, &sought.subject_kind, &sought.subject_id, limit)?
    };
    rows.into_iter().map(Recorded::try_from).collect()
}

/// How many entries there are.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count(c: &mut Conn) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c, "SELECT COUNT(*) FROM audit")?;
    Ok(count)
}

/// The newest entries of one action since an instant, the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_action(
    c: &mut Conn,
    action: &str,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<Recorded>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT id, at, actor, cause, action, subject_kind, subject_id,
                CAST(before AS TEXT) AS before, CAST(after AS TEXT) AS after, request_id FROM audit
          WHERE at >= $2 AND action = $1 ORDER BY at DESC, id DESC LIMIT $3",
        action, micros(since), limit)?
    .into_iter()
    .map(Recorded::try_from)
    .collect()
}

/// How many entries of one action there are since an instant.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count_of_action(c: &mut Conn, action: &str, since: Timestamp) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM audit WHERE at >= $2 AND action = $1", action, micros(since))?;
    Ok(count)
}

/// How many entries there were up to an instant.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count_until(c: &mut Conn, at: Timestamp) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c, "SELECT COUNT(*) FROM audit WHERE at <= $1", micros(at))?;
    Ok(count)
}
