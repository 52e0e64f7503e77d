//! Tables `departure` and `departure_told`: how long it takes from somebody's leaving until every CRM knows.
//!
//! Invariant: written with the closing of the account; a confirmation counts from the first state a CRM took that
//! tells of it, and is never moved.

use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, TargetId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{id_list, instant, instant_opt, micros};

/// An account that was closed because its person left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// Whose.
    pub account: AccountId,
    /// When it was closed.
    pub closed_at: Timestamp,
    /// When the directory said so first.
    pub left_at: Timestamp,
}

/// What a CRM is to know, or knows, of a departure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whose.
    pub account: AccountId,
    /// Of which departure.
    pub closed_at: Timestamp,
    /// Which CRM.
    pub target: String,
    /// When it had taken it.
    pub confirmed_at: Option<Timestamp>,
}

/// Notes that these accounts are closed at `closed_at` because their people left, and which targets are to be told. That
/// somebody left is as old as what the last directory said of it. The caller holds the accounts' locks and raises
/// their versions in the same transaction.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn note(
    c: &mut Conn,
    accounts: &[AccountId],
    targets: &[TargetId],
    closed_at: Timestamp,
) -> Result<(), StoreError> {
    if accounts.is_empty() {
        return Ok(());
    }
    let ids = id_list(accounts.iter().map(|id| id.uuid()));
    let targets: Vec<&str> = targets.iter().map(TargetId::as_str).collect();
    // The version that is raised with this change is higher than the present one, whatever else raises it.
    q!(execute; c,
        sqlite "INSERT INTO departure (account_id, closed_at, left_at, version)
                SELECT a.id, $2, COALESCE((SELECT MAX(COALESCE(i.deleted_at, i.modified_at)) FROM identity i
                        WHERE i.account_id = a.id AND COALESCE(i.deleted_at, i.modified_at) <= $2), $2), a.version + 1
                  FROM json_each($1) e CROSS JOIN account a ON a.id = unhex(e.value)
                 WHERE TRUE ON CONFLICT DO NOTHING;
            INSERT INTO departure_told (account_id, closed_at, target)
                SELECT unhex(e.value), $2, t.value FROM json_each($1) e CROSS JOIN json_each($3) t
                 WHERE TRUE ON CONFLICT DO NOTHING",
        postgres "WITH noted AS (
                INSERT INTO departure (account_id, closed_at, left_at, version)
                SELECT a.id, $2, COALESCE((SELECT MAX(COALESCE(i.deleted_at, i.modified_at)) FROM identity i
                        WHERE i.account_id = a.id AND COALESCE(i.deleted_at, i.modified_at) <= $2), $2), a.version + 1
                  FROM jsonb_array_elements_text($1) e(value) JOIN account a ON a.id = CAST(e.value AS UUID)
                ON CONFLICT DO NOTHING)
            INSERT INTO departure_told (account_id, closed_at, target)
                SELECT CAST(e.value AS UUID), $2, t.value
                  FROM jsonb_array_elements_text($1) e(value) CROSS JOIN jsonb_array_elements_text($3) t(value)
                ON CONFLICT DO NOTHING",
        ids, micros(closed_at), Json(targets))?;
    Ok(())
}

/// Notes that a target took a version of an account: it knows of every departure that this tells of.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub(super) async fn confirm(
    c: &mut Conn,
    target: &TargetId,
    account: AccountId,
    version: i64,
    now: Timestamp,
) -> Result<(), StoreError> {
    q!(execute; c,
        "UPDATE departure_told SET confirmed_at = $4
          WHERE target = $1 AND account_id = $2 AND confirmed_at IS NULL
            AND closed_at IN (SELECT d.closed_at FROM departure d WHERE d.account_id = $2 AND d.version <= $3)",
        target.as_str(), account.uuid(), version, micros(now))?;
    Ok(())
}

/// A page of departures up to an instant, the newest first: those that come after `after` in that order.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn page(
    c: &mut Conn,
    until: Timestamp,
    after: Option<&Departure>,
    limit: i64,
) -> Result<Vec<Departure>, StoreError> {
    let (at, id) = after.map_or((i64::MAX, Uuid::nil()), |d| (micros(d.closed_at), d.account.uuid()));
    q!(fetch_all as (Uuid, i64, i64); c,
        "SELECT account_id, closed_at, left_at FROM departure
          WHERE closed_at <= $1 AND (closed_at < $2 OR (closed_at = $2 AND account_id > $3))
          ORDER BY closed_at DESC, account_id LIMIT $4",
        micros(until), at, id, limit)?
    .into_iter()
    .map(|(account, closed_at, left_at)| {
        Ok(Departure {
            account: AccountId::new(account),
            closed_at: instant(closed_at, "departure", account)?,
            left_at: instant(left_at, "departure", account)?,
        })
    })
    .collect()
}

/// What the targets know of the departures of these accounts, sorted by account, departure and target.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn told(c: &mut Conn, accounts: &[AccountId]) -> Result<Vec<Told>, StoreError> {
    let ids = id_list(accounts.iter().map(|id| id.uuid()));
    let mut told = q!(fetch_all as (Uuid, i64, String, Option<i64>); c,
        sqlite "SELECT account_id, closed_at, target, confirmed_at FROM departure_told
                 WHERE account_id IN (SELECT unhex(e.value) FROM json_each($1) e)",
        postgres "SELECT account_id, closed_at, target, confirmed_at FROM departure_told
                 WHERE account_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))",
        ids)?
    .into_iter()
    .map(|(account, closed_at, target, confirmed_at)| {
        Ok(Told {
            account: AccountId::new(account),
            closed_at: instant(closed_at, "departure_told", account)?,
            target,
            confirmed_at: instant_opt(confirmed_at, "departure_told", account)?,
        })
    })
    .collect::<Result<Vec<_>, StoreError>>()?;
    told.sort_by(|a, b| (a.account, a.closed_at, &a.target).cmp(&(b.account, b.closed_at, &b.target)));
    Ok(told)
}
