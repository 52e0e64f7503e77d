//! Table `entitlement`: the roles, sectors and limits that accounts hold and held.
//!
//! Invariant: a grant is never changed, only ended; what was held at a past instant can always be read.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::ids::{AccountId, GrantId};

use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::{Many, id_list, instant, instant_opt, micros, micros_opt};

row! {
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

/// Writes new grants; those that an account holds from the same origin already are passed over.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn give_all(c: &mut Conn, grants: &[(AccountId, Grant)]) -> Result<(), StoreError> {
    if grants.is_empty() {
        return Ok(());
    }
    let row = |(account, g): &(AccountId, Grant)| {
        json!([
            g.id.uuid().simple().to_string(),
            account.uuid().simple().to_string(),
            g.kind.name(),
            g.kind.value(),
            g.origin.name(),
            g.origin.reference(),
            g.by,
            g.why,
            micros(g.since),
            micros_opt(g.ends_at)
        ])
    };
    q!(execute; c,
        sqlite "INSERT INTO entitlement (id, account_id, kind, value, origin, origin_ref, by_actor, why, since, ends_at)
                SELECT unhex(e.value ->> 0), unhex(e.value ->> 1), e.value ->> 2, e.value ->> 3, e.value ->> 4,
                       e.value ->> 5, e.value ->> 6, e.value ->> 7, e.value ->> 8, e.value ->> 9
                  FROM json_each($1) e WHERE TRUE ON CONFLICT DO NOTHING",
        postgres "INSERT INTO entitlement (id, account_id, kind, value, origin, origin_ref, by_actor, why, since, ends_at)
                SELECT CAST(e.value ->> 0 AS UUID), CAST(e.value ->> 1 AS UUID), e.value ->> 2, e.value ->> 3,
                       e.value ->> 4, e.value ->> 5, e.value ->> 6, e.value ->> 7, CAST(e.value ->> 8 AS BIGINT),
                       CAST(e.value ->> 9 AS BIGINT)
                  FROM jsonb_array_elements($1) e(value) ON CONFLICT DO NOTHING",
        Json(grants.iter().map(row).collect::<Vec<_>>()))?;
    Ok(())
}

/// Ends grants that have not ended.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn end_all(c: &mut Conn, ids: &[GrantId], now: Timestamp) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    q!(execute; c,
        sqlite "UPDATE entitlement SET until = $2
                 WHERE id IN (SELECT unhex(e.value) FROM json_each($1) e) AND until IS NULL",
        postgres "UPDATE entitlement SET until = $2
                 WHERE id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value)) AND until IS NULL",
        id_list(ids.iter().map(|id| id.uuid())), micros(now))?;
    Ok(())
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

/// What each of these accounts holds, likewise.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn held_by(
    c: &mut Conn,
    accounts: &[AccountId],
) -> Result<BTreeMap<AccountId, Vec<Grant>>, StoreError> {
    let rows = q!(fetch_all as Row; c,
        sqlite columns!("WHERE account_id IN (SELECT unhex(e.value) FROM json_each($1) e) AND until IS NULL"),
        postgres columns!("WHERE account_id IN (SELECT CAST(e.value AS UUID) FROM jsonb_array_elements_text($1) e(value))
                             AND until IS NULL"),
        id_list(accounts.iter().map(|id| id.uuid())))?;
    let mut held: BTreeMap<AccountId, Vec<Row>> = BTreeMap::new();
    for row in rows {
        held.entry(AccountId::new(row.account_id)).or_default().push(row);
    }
    held.into_iter().map(|(account, rows)| Ok((account, read(rows)?))).collect()
}

/// The kinds of what each of these accounts holds that is in force at `now`; accounts that hold nothing are left out.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn kinds_in_force(
    c: &mut Conn,
    accounts: &[AccountId],
    now: Timestamp,
) -> Result<HashMap<AccountId, BTreeSet<GrantKind>>, StoreError> {
    let ids = Many(accounts.iter().map(|id| id.uuid()).collect());
    let rows = q!(fetch_all as (Uuid, String, String); c,
        sqlite "SELECT account_id, kind, value FROM entitlement
                 WHERE account_id IN (SELECT unhex(e.value) FROM json_each($1) e) AND until IS NULL
                   AND since <= $2 AND (ends_at IS NULL OR ends_at > $2)",
        postgres "SELECT account_id, kind, value FROM entitlement
                 WHERE account_id = ANY($1) AND until IS NULL AND since <= $2 AND (ends_at IS NULL OR ends_at > $2)",
        ids, micros(now))?;
    let mut held: HashMap<AccountId, BTreeSet<GrantKind>> = HashMap::with_capacity(accounts.len());
    for (account, kind, value) in rows {
        let kind = GrantKind::from_parts(&kind, &value)
            .ok_or_else(|| StoreError::corrupt("entitlement", account, "unknown kind"))?;
        held.entry(AccountId::new(account)).or_default().insert(kind);
    }
    Ok(held)
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

/// The active accounts that hold a role or sector now: not ended, and its own end not reached. At most `most` of
/// them, in the order of their ids.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn active_holders(
    c: &mut Conn,
    kind: &GrantKind,
    now: Timestamp,
    most: i64,
) -> Result<Vec<AccountId>, StoreError> {
    let rows = q!(fetch_all as (Uuid,); c,
        "SELECT DISTINCT e.account_id FROM entitlement e JOIN account a ON a.id = e.account_id
          WHERE e.kind = $1 AND e.value = $2 AND e.until IS NULL AND (e.ends_at IS NULL OR e.ends_at > $3)
            AND a.status = 'active' AND (a.valid_from IS NULL OR a.valid_from <= $3)
            AND (a.valid_until IS NULL OR a.valid_until > $3) ORDER BY e.account_id LIMIT $4",
        kind.name(), kind.value(), micros(now), most)?;
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

/// What each of these accounts holds now, or held at a past instant: for pages of facts. Sorted by account.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn held_of(
    c: &mut Conn,
    span: &Span,
    at: Option<Timestamp>,
) -> Result<Vec<(AccountId, Grant)>, StoreError> {
    let rows = match at {
        None => {
            spanned!(Row; c, span, columns!("WHERE "), " AND until IS NULL ORDER BY account_id, kind, value, id")?
        }
        Some(at) => spanned!(Row; c, span, columns!("WHERE "),
            " AND since <= $3 AND (until IS NULL OR until > $3) ORDER BY account_id, kind, value, id",
            micros(at))?,
    };
    rows.into_iter()
        .map(|row| {
            let account = AccountId::new(row.account_id);
            Grant::try_from(row).map(|grant| (account, grant))
        })
        .collect()
}

/// What others hold only for somebody who is away, and whose it is.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_deputies(c: &mut Conn, away: AccountId) -> Result<Vec<(AccountId, Grant)>, StoreError> {
    q!(fetch_all as Row; c,
        columns!("WHERE origin_ref = $1 AND origin = 'deputy' AND until IS NULL ORDER BY account_id, id"),
        away.to_string())?
    .into_iter()
    .map(|row| Ok((AccountId::new(row.account_id), Grant::try_from(row)?)))
    .collect()
}

/// How many grants by hand end after one instant and no later than another.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn count_ending(c: &mut Conn, from: Timestamp, until: Timestamp) -> Result<i64, StoreError> {
    let (count,) = q!(fetch_one as (i64,); c,
        "SELECT COUNT(*) FROM entitlement
          WHERE until IS NULL AND origin = 'manual' AND ends_at > $1 AND ends_at <= $2",
        micros(from), micros(until))?;
    Ok(count)
}

/// A page of the grants by hand that end after the one given, or after this instant, and no later than `until`, with
/// their accounts; the first that ends first.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn ending(
    c: &mut Conn,
    (from, after): (Timestamp, Option<GrantId>),
    until: Timestamp,
    limit: i64,
) -> Result<Vec<(AccountId, Grant)>, StoreError> {
    let after = after.map_or(Uuid::max(), GrantId::uuid);
    q!(fetch_all as Row; c,
        columns!("WHERE until IS NULL AND origin = 'manual' AND (ends_at, id) > ($1, $2) AND ends_at <= $3
                  ORDER BY ends_at, id LIMIT $4"),
        micros(from), after, micros(until), limit)?
    .into_iter()
    .map(|row| Ok((AccountId::new(row.account_id), Grant::try_from(row)?)))
    .collect()
}
