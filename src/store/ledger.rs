//! What a write transaction says at its end: its audit entries, and the accounts whose targets must be told.
//!
//! Invariant: nobody is answered before these rows are as durable as the change they tell of, and what is undone
//! takes its own rows with it. Written together they cost one statement for a whole transaction; on SQLite, for all
//! the changes that share a commit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, AuditId, TargetId};

use super::audit::Entry;
use super::conn::Conn;
use super::error::StoreError;
use super::value::micros;

/// So many rows are written at once; a change with more writes them as it goes, so that it does not keep them all.
const MOST: usize = 512;

/// An account that its targets must be told of.
#[derive(Debug, Clone)]
struct Announced {
    account: AccountId,
    target: TargetId,
    urgent: bool,
    at: Timestamp,
}

/// What waits for the end of a write transaction.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: Vec<(Uuid, Entry)>,
    announced: Vec<Announced>,
    /// Accounts that get their next version, told to a target or not.
    raised: Vec<AccountId>,
    /// What the change under way began with: what stands before it belongs to changes that are kept.
    mark: Mark,
    /// The number of the newest policy, where nobody else can apply one before the transaction has ended.
    newest_policy: Option<i64>,
}

/// How far a ledger was filled.
#[derive(Debug, Default, Clone, Copy)]
struct Mark {
    entries: usize,
    announced: usize,
    raised: usize,
}

/// What is taken out of a ledger to be written.
struct Page {
    entries: Vec<(Uuid, Entry)>,
    announced: Vec<Announced>,
    raised: Vec<AccountId>,
}

impl Ledger {
    fn fill(&self) -> Mark {
        Mark { entries: self.entries.len(), announced: self.announced.len(), raised: self.raised.len() }
    }

    fn take_from(&mut self, mark: Mark) -> Page {
        Page {
            entries: self.entries.split_off(mark.entries.min(self.entries.len())),
            announced: self.announced.split_off(mark.announced.min(self.announced.len())),
            raised: self.raised.split_off(mark.raised.min(self.raised.len())),
        }
    }

    fn is_full(&self) -> bool {
        self.entries.len() - self.mark.entries >= MOST || self.raised.len() - self.mark.raised >= MOST
    }
}

fn of(c: &mut Conn) -> Result<&mut Ledger, StoreError> {
    c.ledger().ok_or_else(|| StoreError::refused("a connection that only reads cannot write down a change"))
}

/// Takes an audit entry. Gives its id, which may be shown as a reference number.
pub(super) async fn record(c: &mut Conn, entry: &Entry) -> Result<AuditId, StoreError> {
    let id = Uuid::now_v7();
    of(c)?.entries.push((id, entry.clone()));
    write_if_full(c).await?;
    Ok(AuditId::new(id))
}

/// Takes an account that gets its next version, and the targets to tell of it.
pub(super) async fn announce(
    c: &mut Conn,
    account: AccountId,
    targets: &[TargetId],
    urgent: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    let ledger = of(c)?;
    if !ledger.raised.get(ledger.mark.raised..).is_some_and(|known| known.contains(&account)) {
        ledger.raised.push(account);
    }
    let rows = targets.iter().map(|target| Announced { account, target: target.clone(), urgent, at });
    ledger.announced.extend(rows);
    write_if_full(c).await
}

/// How many versions the changes before the one under way raise this account by, when the transaction ends.
pub(super) fn raised_before(c: &mut Conn, account: AccountId) -> i64 {
    let Some(ledger) = c.ledger() else { return 0 };
    let before = ledger.raised.iter().take(ledger.mark.raised);
    before.filter(|raised| **raised == account).map(|_| 1).sum()
}

/// The number of the newest policy, where this transaction has asked already and nobody else can have changed it.
pub(super) fn newest_policy(c: &mut Conn) -> Option<i64> {
    c.ledger().and_then(|ledger| ledger.newest_policy)
}

/// Keeps the number of the newest policy, or forgets it because there is a newer one.
pub(super) fn keep_newest_policy(c: &mut Conn, number: Option<i64>) {
    if c.writes_alone()
        && let Some(ledger) = c.ledger()
    {
        ledger.newest_policy = number;
    }
}

/// The change under way is kept: what it said stands, and the next one begins.
pub(super) fn keep(c: &mut Conn) {
    if let Some(ledger) = c.ledger() {
        ledger.mark = ledger.fill();
    }
}

/// The change under way is undone, and what it said with it.
pub(super) fn undo(c: &mut Conn) {
    if let Some(ledger) = c.ledger() {
        let mark = ledger.mark;
        drop(ledger.take_from(mark));
        ledger.newest_policy = None;
    }
}

/// The whole transaction is undone.
pub(super) fn forget(c: &mut Conn) {
    if let Some(ledger) = c.ledger() {
        *ledger = Ledger::default();
    }
}

/// Writes everything, before the commit.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached; then the transaction must be rolled back.
pub(super) async fn close(c: &mut Conn) -> Result<(), StoreError> {
    let Some(ledger) = c.ledger() else { return Ok(()) };
    let all = ledger.take_from(Mark::default());
    *ledger = Ledger::default();
    write(c, all).await
}

/// Only the rows of the change under way are written early: an undoing of it must not take those of others along.
async fn write_if_full(c: &mut Conn) -> Result<(), StoreError> {
    let ledger = of(c)?;
    if !ledger.is_full() {
        return Ok(());
    }
    let mark = ledger.mark;
    let page = ledger.take_from(mark);
    write(c, page).await
}

async fn write(c: &mut Conn, page: Page) -> Result<(), StoreError> {
    if page.entries.is_empty() && page.raised.is_empty() {
        return Ok(());
    }
    // The outbox's own rule for a row that waits already stands in `outbox`; here it is the same, for many at once,
    // in one order, so that no two writers of many wait for each other.
    q!(execute; c,
        sqlite concat!(
            "INSERT INTO audit (id, at, actor, cause, action, subject_kind, subject_id, before, after, request_id)
             SELECT unhex(e.value ->> 0), e.value ->> 1, e.value ->> 2, e.value ->> 3, e.value ->> 4, e.value ->> 5,
                    e.value ->> 6, e.value ->> 7, e.value ->> 8, e.value ->> 9 FROM json_each($1) e;
             UPDATE account SET version = version + (e.value ->> 1), position = NULL FROM json_each($2) e
              WHERE account.id = unhex(e.value ->> 0);
             INSERT INTO outbox (target, account_id, version, urgent, queued_at, due_at, attempts, fence, state)
             SELECT e.value ->> 1, a.id, a.version, e.value ->> 2, e.value ->> 3, e.value ->> 3, 0, 0, 'waiting'
               FROM json_each($3) e CROSS JOIN account a ON a.id = unhex(e.value ->> 0) WHERE TRUE
              ORDER BY a.id, e.value ->> 1 ",
            super::outbox::replace!()),
        postgres concat!(
            "WITH said AS (
                INSERT INTO audit (id, at, actor, cause, action, subject_kind, subject_id, before, after, request_id)
                SELECT CAST(e.value ->> 0 AS UUID), CAST(e.value ->> 1 AS BIGINT), e.value ->> 2, e.value ->> 3,
                       e.value ->> 4, e.value ->> 5, e.value ->> 6, CAST(e.value ->> 7 AS JSONB),
                       CAST(e.value ->> 8 AS JSONB), e.value ->> 9 FROM jsonb_array_elements($1) e(value)),
             raised AS (
                UPDATE account SET version = version + CAST(e.value ->> 1 AS BIGINT), position = NULL
                  FROM jsonb_array_elements($2) e(value)
                 WHERE account.id = CAST(e.value ->> 0 AS UUID) RETURNING account.id, account.version)
             INSERT INTO outbox (target, account_id, version, urgent, queued_at, due_at, attempts, fence, state)
             SELECT e.value ->> 1, a.id, a.version, CAST(e.value ->> 2 AS BOOLEAN), CAST(e.value ->> 3 AS BIGINT),
                    CAST(e.value ->> 3 AS BIGINT), 0, 0, 'waiting'
               FROM jsonb_array_elements($3) e(value) JOIN raised a ON a.id = CAST(e.value ->> 0 AS UUID)
              ORDER BY a.id, e.value ->> 1 ",
            super::outbox::replace!()),
        Json(entries(&page.entries)), Json(raised(page.raised)), Json(announced(page.announced)))?;
    Ok(())
}

fn entries(entries: &[(Uuid, Entry)]) -> Vec<Value> {
    let text = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    let row = |(id, e): &(Uuid, Entry)| {
        json!([
            id.simple().to_string(),
            micros(e.at),
            e.actor.to_string(),
            e.cause,
            e.action,
            e.subject.kind,
            e.subject.id,
            text(&e.before),
            text(&e.after),
            e.request_id
        ])
    };
    entries.iter().map(row).collect()
}

/// Each account once, and how many changes gave it its next version.
fn raised(accounts: Vec<AccountId>) -> Vec<Value> {
    let mut times: BTreeMap<AccountId, i64> = BTreeMap::new();
    for account in accounts {
        *times.entry(account).or_default() += 1;
    }
    times.into_iter().map(|(id, times)| json!([id.uuid().simple().to_string(), times])).collect()
}

/// One row for each target and account: access that was taken away makes it urgent, the first instant counts.
fn announced(rows: Vec<Announced>) -> Vec<Value> {
    let mut one: BTreeMap<(AccountId, TargetId), (bool, Timestamp)> = BTreeMap::new();
    for Announced { account, target, urgent, at } in rows {
        let row = one.entry((account, target)).or_insert((false, at));
        row.0 |= urgent;
    }
    one.into_iter()
        .map(|((account, target), (urgent, at))| {
            json!([account.uuid().simple().to_string(), target.as_str(), urgent, micros(at)])
        })
        .collect()
}
