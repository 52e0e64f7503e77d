//! Table `link_request`: subjects that signed in and lead to no account.
//!
//! Invariant: one row per directory and subject; whoever comes again is counted, and who was turned down stays so.

use jiff::Timestamp;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, DirectoryId, LinkRequestId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros};

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// Nobody has decided yet.
    Waiting,
    /// Tied to an account.
    Approved,
    /// Turned down.
    Rejected,
}

impl LinkState {
    const ALL: [Self; 3] = [Self::Waiting, Self::Approved, Self::Rejected];

    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A subject that signed in, and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LinkRequest {
    /// The row.
    pub id: LinkRequestId,
    /// What people call it by.
    pub reference: String,
    /// Through which directory.
    pub directory: DirectoryId,
    /// The subject, as it is linked (Entra: `tid` and `oid`).
    pub subject: String,
    /// The issuer of the token.
    pub issuer: String,
    /// Why it led to no account.
    pub code: String,
    /// What the provider said of the person.
    pub claims: Value,
    /// The account that it may belong to.
    pub proposed: Option<AccountId>,
    /// What speaks for that.
    pub proposed_by: Option<String>,
    /// Where it stands.
    pub state: LinkState,
    /// When it came first.
    pub first_at: Timestamp,
    /// When it came last.
    pub last_at: Timestamp,
    /// How often it came.
    pub attempts: i64,
    /// When somebody decided.
    pub decided_at: Option<Timestamp>,
    /// Who.
    pub decided_by: Option<String>,
    /// Why.
    pub decided_why: Option<String>,
    /// The account that it was tied to.
    pub account: Option<AccountId>,
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        id: Uuid,
        reference: String,
        directory: String,
        subject: String,
        issuer: String,
        code: String,
        claims: Json<Value>,
        proposed_account: Option<Uuid>,
        proposed_by: Option<String>,
        state: String,
        first_at: i64,
        last_at: i64,
        attempts: i64,
        decided_at: Option<i64>,
        decided_by: Option<String>,
        decided_why: Option<String>,
        account_id: Option<Uuid>,
    }
}

impl TryFrom<Row> for LinkRequest {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = row.id;
        let table = "link_request";
        Ok(Self {
            id: LinkRequestId::new(id),
            reference: row.reference,
            directory: DirectoryId::parse(&row.directory).map_err(|e| StoreError::corrupt(table, id, e))?,
            subject: row.subject,
            issuer: row.issuer,
            code: row.code,
            claims: row.claims.0,
            proposed: row.proposed_account.map(AccountId::new),
            proposed_by: row.proposed_by,
            state: LinkState::from_name(&row.state)
                .ok_or_else(|| StoreError::corrupt(table, id, format!("state {:?}", row.state)))?,
            first_at: instant(row.first_at, table, id)?,
            last_at: instant(row.last_at, table, id)?,
            attempts: row.attempts,
            decided_at: instant_opt(row.decided_at, table, id)?,
            decided_by: row.decided_by,
            decided_why: row.decided_why,
            account: row.account_id.map(AccountId::new),
        })
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT id, reference, directory, subject, issuer, code, claims, proposed_account, proposed_by, state, ",
            "first_at, last_at, attempts, decided_at, decided_by, decided_why, account_id FROM link_request ",
            $tail
        )
    };
}

/// Writes that a subject came and led nowhere. One that is known keeps its reference and waits again. Gives the row.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn note(c: &mut Conn, request: &LinkRequest) -> Result<LinkRequest, StoreError> {
    q!(fetch_one as Row; c,
        "INSERT INTO link_request (id, reference, directory, subject, issuer, code, claims, proposed_account,
                                   proposed_by, state, first_at, last_at, attempts)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10, $10, 1)
         ON CONFLICT (directory, subject) DO UPDATE SET issuer = excluded.issuer, code = excluded.code,
                claims = excluded.claims, proposed_account = excluded.proposed_account,
                proposed_by = excluded.proposed_by, state = 'waiting', last_at = excluded.last_at,
                attempts = link_request.attempts + 1, decided_at = NULL, decided_by = NULL, decided_why = NULL,
                account_id = NULL
         RETURNING id, reference, directory, subject, issuer, code, claims, proposed_account, proposed_by, state,
                first_at, last_at, attempts, decided_at, decided_by, decided_why, account_id",
        request.id.uuid(), &request.reference, request.directory.as_str(), &request.subject, &request.issuer,
        &request.code, Json(&request.claims), request.proposed.map(AccountId::uuid), &request.proposed_by,
        micros(request.last_at))?
    .try_into()
}

/// Counts that a subject which was turned down came again.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn came_again(c: &mut Conn, id: LinkRequestId, now: Timestamp) -> Result<(), StoreError> {
    q!(execute; c, "UPDATE link_request SET last_at = $2, attempts = attempts + 1 WHERE id = $1",
        id.uuid(), micros(now))?;
    Ok(())
}

/// The request of a subject.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn of_subject(
    c: &mut Conn,
    directory: &DirectoryId,
    subject: &str,
) -> Result<Option<LinkRequest>, StoreError> {
    q!(fetch_optional as Row; c, columns!("WHERE directory = $1 AND subject = $2"), directory.as_str(), subject)?
        .map(LinkRequest::try_from)
        .transpose()
}

/// The request of this reference; locked until the end of a write transaction.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn lock(c: &mut Conn, reference: &str) -> Result<Option<LinkRequest>, StoreError> {
    q!(fetch_optional as Row; c,
        sqlite columns!("WHERE reference = $1"), postgres columns!("WHERE reference = $1 FOR UPDATE"), reference)?
    .map(LinkRequest::try_from)
    .transpose()
}

/// The request of this reference.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, reference: &str) -> Result<Option<LinkRequest>, StoreError> {
    q!(fetch_optional as Row; c, columns!("WHERE reference = $1"), reference)?
        .map(LinkRequest::try_from)
        .transpose()
}

/// The requests in a state, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn in_state(c: &mut Conn, state: LinkState) -> Result<Vec<LinkRequest>, StoreError> {
    q!(fetch_all as Row; c, columns!("WHERE state = $1 ORDER BY first_at, id"), state.name())?
        .into_iter()
        .map(LinkRequest::try_from)
        .collect()
}

/// How many requests wait, by directory.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn waiting(c: &mut Conn) -> Result<Vec<(String, i64)>, StoreError> {
    q!(fetch_all as (String, i64); c,
        "SELECT directory, COUNT(*) FROM link_request WHERE state = 'waiting' GROUP BY directory")
}

/// A person's decision about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What was decided.
    pub state: LinkState,
    /// By whom.
    pub by: String,
    /// Why.
    pub why: String,
    /// The account that it is tied to.
    pub account: Option<AccountId>,
    /// When.
    pub at: Timestamp,
}

/// Writes what was decided.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn decide(c: &mut Conn, id: LinkRequestId, verdict: &Verdict) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE link_request SET state = $2, decided_by = $3, decided_why = $4, account_id = $5, decided_at = $6
          WHERE id = $1",
        id.uuid(), verdict.state.name(), &verdict.by, &verdict.why, verdict.account.map(AccountId::uuid),
        micros(verdict.at))?;
    Ok(())
}

/// Forgets requests that wait or were approved and whose subject came last before an instant. Who was turned down is
/// remembered, so as to stay so. Gives how many.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn forget(c: &mut Conn, before: Timestamp) -> Result<u64, StoreError> {
    q!(execute; c, "DELETE FROM link_request WHERE state <> 'rejected' AND last_at < $1", micros(before))
}
