//! Tables `account` and `account_crm_id`: one person's account in the CRM.
//!
//! Invariant: the present status stands here and its history in `account_status`, written together.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::account::{Account, AccountKind, Standing, Status, StatusReason};
use crate::domain::ids::{AccountId, TargetId};
use crate::domain::language::Language;
use crate::domain::name::fold;

use super::conn::Conn;
use super::error::StoreError;
use super::ledger;
use super::roster;
use super::value::{id_list, instant, instant_opt, micros, micros_opt};

row! {
    /// A row, as [`super::visit`] reads it too.
    #[derive(sqlx::FromRow)]
    pub(super) struct Row {
        pub(super) id: Uuid,
        user_name: String,
        display_name: String,
        email: Option<String>,
        language: Option<String>,
        kind: String,
        is_protected: bool,
        valid_from: Option<i64>,
        valid_until: Option<i64>,
        created_at: i64,
        status: String,
        status_since: i64,
        status_reason: String,
        status_by: String,
        status_note: Option<String>,
        leave_until: Option<i64>,
        returned_at: Option<i64>,
        activated_at: Option<i64>,
        version: i64,
    }
}

impl TryFrom<Row> for Account {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let id = row.id;
        let unknown =
            |what: &str, value: &str| StoreError::corrupt("account", id, format!("{what} {value:?}"));
        Ok(Self {
            id: AccountId::new(id),
            user_name: row.user_name,
            display_name: row.display_name,
            email: row.email,
            language: row.language.as_deref().and_then(Language::from_tag),
            kind: AccountKind::from_name(&row.kind).ok_or_else(|| unknown("kind", &row.kind))?,
            is_protected: row.is_protected,
            valid_from: instant_opt(row.valid_from, "account", id)?,
            valid_until: instant_opt(row.valid_until, "account", id)?,
            created_at: instant(row.created_at, "account", id)?,
            standing: Standing {
                status: Status::from_name(&row.status).ok_or_else(|| unknown("status", &row.status))?,
                since: instant(row.status_since, "account", id)?,
                reason: StatusReason::from_name(&row.status_reason)
                    .ok_or_else(|| unknown("reason", &row.status_reason))?,
                by: row.status_by,
                note: row.status_note,
            },
            leave_until: instant_opt(row.leave_until, "account", id)?,
            returned_at: instant_opt(row.returned_at, "account", id)?,
            activated_at: instant_opt(row.activated_at, "account", id)?,
            version: row.version,
        })
    }
}

macro_rules! columns {
    (into) => {
        "INSERT INTO account (id, user_name, user_name_key, display_name, email, language, kind, is_protected,
                valid_from, valid_until, created_at, status, status_since, status_reason, status_by, status_note,
                leave_until, returned_at, activated_at, version, name_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $22)"
    };
    ($tail:literal) => {
        columns!("", $tail)
    };
    ($more:literal, $tail:literal) => {
        concat!(
            "SELECT a.id, a.user_name, a.display_name, a.email, a.language, a.kind, a.is_protected, a.valid_from, ",
            "a.valid_until, a.created_at, a.status, a.status_since, a.status_reason, a.status_by, a.status_note, ",
            "a.leave_until, a.returned_at, a.activated_at, a.version",
            $more,
            " FROM account a ",
            $tail
        )
    };
}

mod changed;
mod imported;
mod resolve;

pub use changed::{changed, is_unplaced};
pub use imported::{set_created, set_crm_ids};
pub use resolve::{resolve, resolve_all};

fn read(rows: Vec<Row>) -> Result<Vec<Account>, StoreError> {
    rows.into_iter().map(Account::try_from).collect()
}

/// Writes a new account with its first status.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn insert(c: &mut Conn, account: &Account) -> Result<(), StoreError> {
    q!(execute; c,
        sqlite concat!(columns!(into), ";
            INSERT INTO account_status (id, account_id, status, reason, by_actor, note, since)
            VALUES ($21, $1, $12, $14, $15, $16, $13)"),
        postgres concat!("WITH made AS (", columns!(into), ")
            INSERT INTO account_status (id, account_id, status, reason, by_actor, note, since)
            VALUES ($21, $1, $12, $14, $15, $16, $13)"),
        account.id.uuid(), &account.user_name, fold(&account.user_name), &account.display_name, &account.email,
        account.language.map(Language::tag), account.kind.name(), account.is_protected,
        micros_opt(account.valid_from), micros_opt(account.valid_until), micros(account.created_at),
        account.standing.status.name(), micros(account.standing.since), account.standing.reason.name(),
        &account.standing.by, &account.standing.note, micros_opt(account.leave_until),
        micros_opt(account.returned_at), micros_opt(account.activated_at), account.version, Uuid::now_v7(),
        roster::name_key(account))?;
    roster::add_words(c, account).await
}

/// Writes what the directory says of the person: names, address, language. Gives whether anything was new.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn describe(c: &mut Conn, account: &Account) -> Result<bool, StoreError> {
    let changed = q!(execute; c,
        "UPDATE account SET user_name = $2, user_name_key = $3, display_name = $4, email = $5, language = $6,
                name_key = $7
          WHERE id = $1 AND (user_name <> $2 OR display_name <> $4 OR COALESCE(email, '') <> COALESCE($5, '')
                OR COALESCE(language, '') <> COALESCE($6, ''))",
        account.id.uuid(), &account.user_name, fold(&account.user_name), &account.display_name, &account.email,
        account.language.map(Language::tag), roster::name_key(account))?;
    if changed == 1 {
        roster::drop_words(c, account.id).await?;
        roster::add_words(c, account).await?;
    }
    Ok(changed == 1)
}

/// Writes kind, protection, dates and leave of the account.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn set_terms(c: &mut Conn, account: &Account) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE account SET kind = $2, is_protected = $3, valid_from = $4, valid_until = $5, leave_until = $6,
                returned_at = $7, created_at = $8
          WHERE id = $1",
        account.id.uuid(), account.kind.name(), account.is_protected, micros_opt(account.valid_from),
        micros_opt(account.valid_until), micros_opt(account.leave_until), micros_opt(account.returned_at),
        micros(account.created_at))?;
    Ok(())
}

/// The account with this id; locked until the end of a write transaction.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn lock(c: &mut Conn, id: AccountId) -> Result<Option<Account>, StoreError> {
    q!(fetch_optional as Row; c,
        sqlite columns!("WHERE a.id = $1"), postgres columns!("WHERE a.id = $1 FOR NO KEY UPDATE"), id.uuid())?
    .map(|row| Ok(as_raised(c, Account::try_from(row)?)))
    .transpose()
}

/// The account with the version that it has after the changes that are kept already and share this commit.
fn as_raised(c: &mut Conn, mut account: Account) -> Account {
    account.version += ledger::raised_before(c, account.id);
    account
}

/// The accounts with these ids, in the order of their ids; each is locked until the end of a write transaction.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn lock_all(c: &mut Conn, ids: &[AccountId]) -> Result<Vec<Account>, StoreError> {
    let ids = id_list(ids.iter().map(|id| id.uuid()));
    let found = read(q!(fetch_all as Row; c,
        sqlite columns!("WHERE a.id IN (SELECT unhex(e.value) FROM json_each($1) e) ORDER BY a.id"),
        postgres columns!("WHERE a.id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))
                            ORDER BY a.id FOR NO KEY UPDATE OF a"),
        ids)?)?;
    Ok(found.into_iter().map(|account| as_raised(c, account)).collect())
}

/// The account with this id.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or the row cannot be read.
pub async fn get(c: &mut Conn, id: AccountId) -> Result<Option<Account>, StoreError> {
    q!(fetch_optional as Row; c, columns!("WHERE a.id = $1"), id.uuid())?.map(Account::try_from).transpose()
}

/// The accounts with these ids, in the order of their ids.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_ids(c: &mut Conn, ids: &[AccountId]) -> Result<Vec<Account>, StoreError> {
    let ids = id_list(ids.iter().map(|id| id.uuid()));
    read(q!(fetch_all as Row; c,
        sqlite columns!("WHERE a.id IN (SELECT unhex(e.value) FROM json_each($1) e) ORDER BY a.id"),
        postgres columns!("WHERE a.id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))
                            ORDER BY a.id"),
        ids)?)
}

/// A page of all accounts, in the order of their ids, after the id `after`.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn page(c: &mut Conn, after: Option<AccountId>, limit: i64) -> Result<Vec<Account>, StoreError> {
    let after = after.map_or(Uuid::nil(), AccountId::uuid);
    read(q!(fetch_all as Row; c, columns!("WHERE a.id > $1 ORDER BY a.id LIMIT $2"), after, limit)?)
}

/// Accounts whose dates ask for a step now, in the order of their ids: the own end has passed, a leave begins or ends.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn dated(
    c: &mut Conn,
    now: Timestamp,
    after: Option<AccountId>,
    limit: i64,
) -> Result<Vec<Account>, StoreError> {
    let after = after.map_or(Uuid::nil(), AccountId::uuid);
    read(q!(fetch_all as Row; c,
        columns!("WHERE a.id > $2 AND a.id IN (
                SELECT e.id FROM account e
                 WHERE e.valid_until <= $1 AND e.status IN ('invited', 'active', 'paused', 'frozen')
                UNION ALL SELECT r.id FROM account r WHERE r.status = 'paused' AND r.leave_until <= $1
                UNION ALL SELECT l.account_id FROM account_leave l JOIN account b ON b.id = l.account_id
                 WHERE l.ended_at IS NULL
                   AND (l.until_at <= $1 OR (l.from_at <= $1 AND l.sign_in_why IS NULL AND b.status IN ('invited', 'active'))))
             AND a.status IN ('invited', 'active', 'paused', 'frozen')
             ORDER BY a.id LIMIT $3"),
        micros(now), after, limit)?)
}

/// A page of the accounts in use whose own end comes after the one given, or after this instant, and no later than
/// `until`; the first that ends first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn ending(
    c: &mut Conn,
    (from, after): (Timestamp, Option<AccountId>),
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Account>, StoreError> {
    let after = after.map_or(Uuid::max(), AccountId::uuid);
    read(q!(fetch_all as Row; c,
        columns!("WHERE (a.valid_until, a.id) > ($1, $2) AND a.valid_until <= $3
                    AND a.status IN ('invited', 'active', 'paused', 'frozen')
                  ORDER BY a.valid_until, a.id LIMIT $4"),
        micros(from), after, micros(until), limit)?)
}

/// How many accounts are active, counted no further than `most`.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count_active(c: &mut Conn, most: i64) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM (SELECT 1 FROM account WHERE status = 'active' LIMIT $1) counted", most)?;
    Ok(count)
}

/// How many accounts have each status.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn count_by_status(c: &mut Conn) -> Result<Vec<(Status, i64)>, StoreError> {
    let rows = q!(fetch_all as (String, i64); c, "SELECT status, COUNT(*) FROM account GROUP BY status")?;
    rows.into_iter()
        .map(|(name, count)| {
            Status::from_name(&name)
                .map(|status| (status, count))
                .ok_or_else(|| StoreError::corrupt("account", "count", format!("status {name:?}")))
        })
        .collect()
}

/// Notes the CRM's own id of an account. Gives whether it is new; one that belongs to another account stays there.
///
/// # Errors
///
/// [`StoreError::Taken`] when the CRM's id belongs to another account, or the account has another id there.
pub async fn set_crm_id(
    c: &mut Conn,
    target: &TargetId,
    account: AccountId,
    crm_id: &str,
) -> Result<bool, StoreError> {
    let written = q!(execute; c,
        "INSERT INTO account_crm_id (target, crm_id, account_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        target.as_str(), crm_id, account.uuid())?;
    if written == 1 {
        return Ok(true);
    }
    let known = q!(fetch_optional as (Uuid,); c,
        "SELECT account_id FROM account_crm_id WHERE target = $1 AND crm_id = $2", target.as_str(), crm_id)?;
    match known {
        Some((id,)) if id == account.uuid() => Ok(false),
        Some(_) => Err(StoreError::Taken { what: "the CRM's id" }),
        None => Err(StoreError::Taken { what: "the account has another id in the CRM; its place" }),
    }
}

/// The CRM's own ids of these accounts.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn crm_ids(
    c: &mut Conn,
    target: &TargetId,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, String>, StoreError> {
    let ids = id_list(accounts.iter().map(|id| id.uuid()));
    let rows = q!(fetch_all as (Uuid, String); c,
        sqlite "SELECT account_id, crm_id FROM account_crm_id
                 WHERE target = $1 AND account_id IN (SELECT unhex(e.value) FROM json_each($2) e)",
        postgres "SELECT account_id, crm_id FROM account_crm_id
                 WHERE target = $1 AND account_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($2) e(value))",
        target.as_str(), ids)?;
    Ok(rows.into_iter().map(|(account, crm_id)| (AccountId::new(account), crm_id)).collect())
}
