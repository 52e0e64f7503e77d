//! Table `entitlement`: the roles, sectors and limits that accounts hold and held.
//!
//! Invariant: a grant is never changed, only ended; what was held at a past instant can always be read.

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::ids::{AccountId, GrantId};

use super::conn::Conn;
use super::error::StoreError;
use super::value::{instant, instant_opt, micros, micros_opt};

/// A row, as [`super::visit`] reads it too.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) account_id: Uuid,
    pub(super) kind: String,
    pub(super) value: String,
    pub(super) origin: String,
    pub(super) origin_ref: String,
    pub(super) by_actor: String,
    pub(super) why: Option<String>,
    pub(super) since: i64,
    pub(super) ends_at: Option<i64>,
    pub(super) until: Option<i64>,
}

impl TryFrom<Row> for Grant {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let unknown = |what: &str| StoreError::corrupt("entitlement", row.id, format!("unknown {what}"));
        Ok(Self {
            id: GrantId::new(row.id),
            kind: GrantKind::from_parts(&row.kind, &row.value).ok_or_else(|| unknown("kind"))?,
            origin: Origin::from_parts(&row.origin, &row.origin_ref).ok_or_else(|| unknown("origin"))?,
            by: row.by_actor,
            why: row.why,
            since: instant(row.since, "entitlement", row.id)?,
            ends_at: instant_opt(row.ends_at, "entitlement", row.id)?,
            until: instant_opt(row.until, "entitlement", row.id)?,
        })
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT id, account_id, kind, value, origin, origin_ref, by_actor, why, since, ends_at, until ",
            "FROM entitlement ",
            $tail
        )
    };
}

/// Writes a new grant. Gives `false` when the account holds the same from the same origin already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn give(c: &mut Conn, account: AccountId, grant: &Grant) -> Result<bool, StoreError> {
    let given = q!(execute; c,
        "INSERT INTO entitlement (id, account_id, kind, value, origin, origin_ref, by_actor, why, since, ends_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        grant.id.uuid(), account.uuid(), grant.kind.name(), grant.kind.value(), grant.origin.name(),
        grant.origin.reference(), &grant.by, &grant.why, micros(grant.since), micros_opt(grant.ends_at))?;
    Ok(given == 1)
}

/// Ends a grant. Gives `false` when it had ended already.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end(c: &mut Conn, id: GrantId, now: Timestamp) -> Result<bool, StoreError> {
    let ended = q!(execute; c, "UPDATE entitlement SET until = $2 WHERE id = $1 AND until IS NULL",
        id.uuid(), micros(now))?;
    Ok(ended == 1)
}

/// The engines sort text differently, so it is done here.
pub(super) fn read(rows: Vec<Row>) -> Result<Vec<Grant>, StoreError> {
    let mut grants = rows.into_iter().map(Grant::try_from).collect::<Result<Vec<_>, _>>()?;
    grants.sort_by(|a, b| (&a.kind, a.id).cmp(&(&b.kind, b.id)));
    Ok(grants)
}

/// What an account holds: every grant that has not been ended, its own end date reached or not. Sorted by kind.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn held(c: &mut Conn, account: AccountId) -> Result<Vec<Grant>, StoreError> {
    read(q!(fetch_all as Row; c, columns!("WHERE account_id = $1 AND until IS NULL"), account.uuid())?)
}

/// What an account held at a past instant, likewise.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn held_at(c: &mut Conn, account: AccountId, at: Timestamp) -> Result<Vec<Grant>, StoreError> {
    read(q!(fetch_all as Row; c,
        columns!("WHERE account_id = $1 AND since <= $2 AND (until IS NULL OR until > $2)"),
        account.uuid(), micros(at))?)
}

/// Every grant that an account ever held, the oldest first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn history(c: &mut Conn, account: AccountId) -> Result<Vec<Grant>, StoreError> {
    q!(fetch_all as Row; c, columns!("WHERE account_id = $1 ORDER BY since, id"), account.uuid())?
        .into_iter()
        .map(Grant::try_from)
        .collect()
}

/// The active accounts that hold a role or sector now: not ended, and its own end not reached.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn active_holders(
    c: &mut Conn,
    kind: &GrantKind,
    now: Timestamp,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = q!(fetch_all as (Uuid,); c,
        "SELECT DISTINCT e.account_id FROM entitlement e JOIN account a ON a.id = e.account_id
          WHERE e.kind = $1 AND e.value = $2 AND e.until IS NULL AND (e.ends_at IS NULL OR e.ends_at > $3)
            AND a.status = 'active' AND (a.valid_from IS NULL OR a.valid_from <= $3)
            AND (a.valid_until IS NULL OR a.valid_until > $3) ORDER BY e.account_id",
        kind.name(), kind.value(), micros(now))?;
    Ok(rows.into_iter().map(|(id,)| AccountId::new(id)).collect())
}

/// Grants whose own end has come and that nobody has ended yet, with their accounts.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn overdue(
    c: &mut Conn,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(AccountId, Grant)>, StoreError> {
    q!(fetch_all as Row; c,
        columns!("WHERE until IS NULL AND ends_at <= $1 ORDER BY account_id, id LIMIT $2"), micros(now), limit)?
    .into_iter()
    .map(|row| {
        let account = AccountId::new(row.account_id);
        Grant::try_from(row).map(|grant| (account, grant))
    })
    .collect()
}

/// What the accounts from `first` to `last` hold now, or held at a past instant: for pages of facts. Sorted by account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn held_between(
    c: &mut Conn,
    first: AccountId,
    last: AccountId,
    at: Option<Timestamp>,
) -> Result<Vec<(AccountId, Grant)>, StoreError> {
    let rows = match at {
        None => q!(fetch_all as Row; c,
            columns!("WHERE account_id >= $1 AND account_id <= $2 AND until IS NULL ORDER BY account_id, kind, value, id"),
            first.uuid(), last.uuid())?,
        Some(at) => q!(fetch_all as Row; c,
            columns!("WHERE account_id >= $1 AND account_id <= $2 AND since <= $3 AND (until IS NULL OR until > $3)
                ORDER BY account_id, kind, value, id"),
            first.uuid(), last.uuid(), micros(at))?,
    };
    rows.into_iter()
        .map(|row| {
            let account = AccountId::new(row.account_id);
            Grant::try_from(row).map(|grant| (account, grant))
        })
        .collect()
}
