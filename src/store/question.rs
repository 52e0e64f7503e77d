//! Table `right_question`: rights by hand that somebody must decide about, because their holder changed job.
//!
//! Invariant: about one right at most one question waits.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::ids::{AccountId, GrantId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros, micros_opt};

/// A question about one right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The row.
    pub id: Uuid,
    /// Whose right.
    pub account: AccountId,
    /// Whether it is a link; else a role or a sector.
    pub is_link: bool,
    /// The grant or the link.
    pub right: GrantId,
    /// Who gave it, where that is somebody with an account.
    pub owner: Option<AccountId>,
    /// What changed: `groups`, `department` or `manager`.
    pub why: String,
    /// Since when it waits.
    pub asked_at: Timestamp,
    /// An answer is wanted before this instant.
    pub answer_by: Timestamp,
    /// When somebody was reminded last.
    pub reminded_at: Option<Timestamp>,
    /// How often.
    pub reminders: i64,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        account_id: Uuid,
        right_kind: String,
        right_id: Uuid,
        owner_id: Option<Uuid>,
        why: String,
        asked_at: i64,
        answer_by: i64,
        reminded_at: Option<i64>,
        reminders: i64,
    }
}

impl TryFrom<Row> for Question {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = row.id;
        Ok(Self {
            id,
            account: AccountId::new(row.account_id),
            is_link: row.right_kind == "link",
            right: GrantId::new(row.right_id),
            owner: row.owner_id.map(AccountId::new),
            why: row.why,
            asked_at: instant(row.asked_at, "right_question", id)?,
            answer_by: instant(row.answer_by, "right_question", id)?,
            reminded_at: instant_opt(row.reminded_at, "right_question", id)?,
            reminders: row.reminders,
        })
    }
}

/// Writes a question. Gives `false` where one about the same right waits already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn ask(c: &mut Conn, question: &Question) -> Result<bool, StoreError> {
    let asked = q!(execute; c,
        "INSERT INTO right_question (id, account_id, right_kind, right_id, owner_id, why, asked_at, answer_by,
                                     reminded_at, reminders, state)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting') ON CONFLICT DO NOTHING",
        question.id, question.account.uuid(), if question.is_link { "link" } else { "grant" }, question.right.uuid(),
        question.owner.map(AccountId::uuid), &question.why, micros(question.asked_at), micros(question.answer_by),
        micros_opt(question.reminded_at), question.reminders)?;
    Ok(asked == 1)
}

/// The questions that wait, the one that is due first at the head.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn waiting(c: &mut Conn, limit: i64) -> Result<Vec<Question>, StoreError> {
    q!(fetch_all as Row; c,
        "SELECT id, account_id, right_kind, right_id, owner_id, why, asked_at, answer_by, reminded_at, reminders
           FROM right_question WHERE state = 'waiting' ORDER BY answer_by, id LIMIT $1",
        limit)?
    .into_iter()
    .map(Question::try_from)
    .collect()
}

/// Notes that somebody was reminded, or that an answer is wanted before another instant.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn reminded(
    c: &mut Conn,
    id: Uuid,
    now: Timestamp,
    answer_by: Timestamp,
) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE right_question SET reminded_at = $2, reminders = reminders + 1, answer_by = $3
          WHERE id = $1 AND state = 'waiting'",
        id, micros(now), micros(answer_by))?;
    Ok(())
}

/// Writes what came of a question: `kept`, `ended` or `settled`, where the right is gone by itself. Gives `false` where
/// it no longer waits.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn decide(
    c: &mut Conn,
    id: Uuid,
    state: &str,
    by: &str,
    why: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let decided = q!(execute; c,
        "UPDATE right_question SET state = $2, decided_by = $3, decided_why = $4, decided_at = $5
          WHERE id = $1 AND state = 'waiting'",
        id, state, by, why, micros(now))?;
    Ok(decided == 1)
}
