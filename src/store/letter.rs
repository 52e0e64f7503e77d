//! Table `letter`: mail that waits, that went, and what became of it.
//!
//! Invariant: a letter is sent by whoever claimed it, and claimed by one at a time; its text goes when it has left or
//! failed, so that the table keeps that a letter went, and not what it said.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::AccountId;
use crate::domain::language::Language;
use crate::domain::name::fold;

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// What became of a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterState {
    /// It is to be sent when its time comes.
    Waiting,
    /// Somebody is sending it.
    Sending,
    /// The mail server took it.
    Sent,
    /// The mail server will never take it.
    Refused,
    /// The mail server did not take it for so long that nobody tries any more.
    Failed,
    /// It came back.
    Bounced,
    /// It was no longer wanted when its time came.
    Dropped,
}

impl LetterState {
    /// Every state.
    pub const ALL: [Self; 7] =
        [Self::Waiting, Self::Sending, Self::Sent, Self::Refused, Self::Failed, Self::Bounced, Self::Dropped];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Bounced => "bounced",
            Self::Dropped => "dropped",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A letter, waiting or past.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLetter {
    /// The row; the Message-ID is made of it.
    pub id: Uuid,
    /// What kind of letter.
    pub kind: String,
    /// What it is about, so that nobody is written to twice about one thing.
    pub topic: String,
    /// The account it is about.
    pub account: Option<AccountId>,
    /// The account it goes to; nothing: to somebody of the settings.
    pub recipient: Option<AccountId>,
    /// Where it goes.
    pub address: Option<String>,
    /// Its language.
    pub language: Language,
    /// Its subject, while it is not done with.
    pub subject: Option<String>,
    /// Its text, while it is not done with.
    pub body: Option<String>,
    /// What whoever sends it must note once it has gone.
    pub about: Value,
    /// What became of it.
    pub state: LetterState,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was written.
    pub queued_at: Timestamp,
    /// When it is to be tried; while it is being sent, until when.
    pub due_at: Timestamp,
    /// When it was done with.
    pub ended_at: Option<Timestamp>,
    /// What the mail server said last.
    pub said: Option<String>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        kind: String,
        topic: String,
        account_id: Option<Uuid>,
        recipient_id: Option<Uuid>,
        address: Option<String>,
        language: String,
        subject: Option<String>,
        body: Option<String>,
        about: Json<Value>,
        state: String,
        attempts: i64,
        queued_at: i64,
        due_at: i64,
        ended_at: Option<i64>,
        said: Option<String>,
    }
}

impl TryFrom<Row> for StoredLetter {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = row.id;
        let unknown =
            |what: &str, value: &str| StoreError::corrupt("letter", id, format!("{what} {value:?}"));
        Ok(Self {
            id,
            kind: row.kind,
            topic: row.topic,
            account: row.account_id.map(AccountId::new),
            recipient: row.recipient_id.map(AccountId::new),
            address: row.address,
            language: Language::from_tag(&row.language).ok_or_else(|| unknown("language", &row.language))?,
            subject: row.subject,
            body: row.body,
            about: row.about.0,
            state: LetterState::from_name(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            attempts: row.attempts,
            queued_at: instant(row.queued_at, "letter", id)?,
            due_at: instant(row.due_at, "letter", id)?,
            ended_at: instant_opt(row.ended_at, "letter", id)?,
            said: row.said,
        })
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT id, kind, topic, account_id, recipient_id, address, language, subject, body, about, state, ",
            "attempts, queued_at, due_at, ended_at, said FROM letter ",
            $tail
        )
    };
}

fn read(rows: Vec<Row>) -> Result<Vec<StoredLetter>, StoreError> {
    rows.into_iter().map(StoredLetter::try_from).collect()
}

/// Writes a letter that is to be sent.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn put(c: &mut Conn, letter: &StoredLetter) -> Result<(), StoreError> {
    q!(execute; c,
        "INSERT INTO letter (id, kind, topic, account_id, recipient_id, address, address_key, language, subject, body,
                             about, state, attempts, queued_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        letter.id, &letter.kind, &letter.topic, letter.account.map(AccountId::uuid),
        letter.recipient.map(AccountId::uuid), &letter.address, letter.address.as_deref().map(fold),
        letter.language.tag(), &letter.subject, &letter.body, Json(&letter.about), letter.state.name(),
        letter.attempts, micros(letter.queued_at), micros(letter.due_at))?;
    Ok(())
}

/// Claims a letter until `until`: one that waits, or one whose sender was never heard of again. Gives `false` where
/// somebody else has it, or it is done with.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn claim(c: &mut Conn, id: Uuid, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let claimed = q!(execute; c,
        "UPDATE letter SET state = 'sending', attempts = attempts + 1, due_at = $3
          WHERE id = $1 AND ended_at IS NULL AND (state = 'waiting' OR due_at <= $2)",
        id, micros(now), micros(until))?;
    Ok(claimed == 1)
}

/// Lets a claimed letter wait for another attempt.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn again(c: &mut Conn, id: Uuid, said: &str, due_at: Timestamp) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE letter SET state = 'waiting', said = $2, due_at = $3 WHERE id = $1 AND ended_at IS NULL",
        id, said, micros(due_at))?;
    Ok(())
}

/// Is done with a letter. Gives `false` where it was before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end(
    c: &mut Conn,
    id: Uuid,
    state: LetterState,
    said: Option<&str>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let ended = q!(execute; c,
        "UPDATE letter SET state = $2, said = COALESCE($3, said), ended_at = $4, subject = NULL, body = NULL
          WHERE id = $1 AND ended_at IS NULL",
        id, state.name(), said, micros(now))?;
    Ok(ended == 1)
}

/// Notes that a letter that had gone came back. Gives `false` where it never went, or came back before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn bounced(c: &mut Conn, id: Uuid, said: &str, now: Timestamp) -> Result<bool, StoreError> {
    let noted = q!(execute; c,
        "UPDATE letter SET state = 'bounced', said = $2, ended_at = $3 WHERE id = $1 AND state = 'sent'",
        id, said, micros(now))?;
    Ok(noted == 1)
}

/// The letter with this id.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, id: Uuid) -> Result<Option<StoredLetter>, StoreError> {
    q!(fetch_optional as Row; c, columns!("WHERE id = $1"), id)?.map(StoredLetter::try_from).transpose()
}

/// Letters whose time has come, the one that waits longest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn due(c: &mut Conn, now: Timestamp, limit: i64) -> Result<Vec<StoredLetter>, StoreError> {
    read(q!(fetch_all as Row; c,
        columns!("WHERE ended_at IS NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $2"), micros(now), limit)?)
}

/// The newest letter about a topic.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn newest_of(c: &mut Conn, topic: &str) -> Result<Option<StoredLetter>, StoreError> {
    q!(fetch_optional as Row; c,
        columns!("WHERE topic = $1 ORDER BY queued_at DESC, id DESC LIMIT 1"), topic)?
    .map(StoredLetter::try_from)
    .transpose()
}

/// The letter to an address that was done with last: whether mail reaches it.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn last_to(c: &mut Conn, address: &str) -> Result<Option<StoredLetter>, StoreError> {
    q!(fetch_optional as Row; c,
        columns!("WHERE address_key = $1 AND state IN ('sent', 'refused', 'bounced') ORDER BY ended_at DESC, id DESC
                  LIMIT 1"),
        fold(address))?
    .map(StoredLetter::try_from)
    .transpose()
}

/// Letters in these states that were done with, or written, at `since` or later; the newest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn since(
    c: &mut Conn,
    states: &[LetterState],
    since: Timestamp,
    limit: i64,
) -> Result<Vec<StoredLetter>, StoreError> {
    let mut found = Vec::new();
    for state in states {
        found.extend(read(q!(fetch_all as Row; c,
            columns!("WHERE state = $1 AND COALESCE(ended_at, queued_at) >= $2 ORDER BY queued_at DESC, id DESC LIMIT $3"),
            state.name(), micros(since), limit)?)?);
    }
    found.sort_by_key(|letter| std::cmp::Reverse((letter.queued_at, letter.id)));
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(found)
}

/// Forgets letters that were done with before `before`. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM letter WHERE ended_at < $1", micros(before))
}
