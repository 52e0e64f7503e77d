//! Table `comparison_user`: each user of a CRM, as the newest complete comparison read it.
//!
//! Invariant: a user stands once; one that comes twice means that the CRM changed while it was read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::comparison::Holding;
use crate::domain::ids::{AccountId, TargetId};

use super::conn::Conn;
use super::error::StoreError;
use super::span::Span;
use super::value::{Many, instant_opt, micros};

/// A user of a CRM, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Where it stands in the order of reading.
    pub position: i64,
    /// What the CRM says.
    pub holding: Holding,
    /// The account that it belongs to.
    pub account: Option<AccountId>,
    /// Why it is clear to nobody whose it is.
    pub conflict: Option<String>,
}

/// Keeps a page of users. Gives how many of them had not come before.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn stage(c: &mut Conn, comparison: Uuid, page: &[Staged]) -> Result<u64, StoreError> {
    let rows: Vec<Value> = page.iter().map(written).collect();
    q!(execute; c,
        sqlite "INSERT INTO comparison_user (comparison_id, position, crm_id, account_id, conflict, user_name, display_name,
                                             email, active, roles, last_login)
                SELECT $1, e.value ->> 'position', e.value ->> 'crm_id', unhex(e.value ->> 'account'),
                       e.value ->> 'conflict', e.value ->> 'user_name', e.value ->> 'display_name', e.value ->> 'email',
                       e.value ->> 'active', e.value ->> 'roles', e.value ->> 'last_login'
                  FROM json_each($2) e WHERE TRUE ON CONFLICT DO NOTHING",
        postgres "INSERT INTO comparison_user (comparison_id, position, crm_id, account_id, conflict, user_name, display_name,
                                             email, active, roles, last_login)
                SELECT $1, CAST(e.value ->> 'position' AS BIGINT), e.value ->> 'crm_id', CAST(e.value ->> 'account' AS UUID),
                       e.value ->> 'conflict', e.value ->> 'user_name', e.value ->> 'display_name', e.value ->> 'email',
                       CAST(e.value ->> 'active' AS BOOLEAN), e.value ->> 'roles', CAST(e.value ->> 'last_login' AS BIGINT)
                  FROM jsonb_array_elements($2) e(value) ON CONFLICT DO NOTHING",
        comparison, Json(rows))
}

fn written(staged: &Staged) -> Value {
    let Holding { crm_id, user_name, display_name, email, active, roles, last_login, .. } = &staged.holding;
    json!({
        "position": staged.position,
        "crm_id": crm_id,
        "account": staged.account.map(|id| id.uuid().simple().to_string()),
        "conflict": staged.conflict,
        "user_name": user_name,
        "display_name": display_name,
        "email": email,
        "active": active,
        "roles": roles.as_ref().map(|roles| json!(roles).to_string()),
        "last_login": last_login.map(micros),
    })
}

row! {
    #[derive(sqlx::FromRow)]
    struct Row {
        position: i64,
        crm_id: String,
        account_id: Option<Uuid>,
        conflict: Option<String>,
        user_name: Option<String>,
        display_name: Option<String>,
        email: Option<String>,
        active: Option<bool>,
        roles: Option<String>,
        last_login: Option<i64>,
    }
}

macro_rules! columns {
    ($tail:literal) => {
        concat!(
            "SELECT position, crm_id, account_id, conflict, user_name, display_name, email, active, roles, last_login \
             FROM comparison_user WHERE ",
            $tail
        )
    };
}

impl TryFrom<Row> for Staged {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let roles = row.roles.map(|text| serde_json::from_str::<BTreeSet<String>>(&text)).transpose();
        let roles = roles.map_err(|error| StoreError::corrupt("comparison_user", &row.crm_id, error))?;
        Ok(Self {
            position: row.position,
            account: row.account_id.map(AccountId::new),
            conflict: row.conflict,
            holding: Holding {
                last_login: instant_opt(row.last_login, "comparison_user", &row.crm_id)?,
                crm_id: row.crm_id,
                account: None,
                user_name: row.user_name,
                display_name: row.display_name,
                email: row.email,
                active: row.active,
                roles,
            },
        })
    }
}

/// The users that belong to these accounts.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_accounts(c: &mut Conn, comparison: Uuid, span: &Span) -> Result<Vec<Staged>, StoreError> {
    let rows = spanned!(Row; c, span, columns!(""), " AND comparison_id = $3 ORDER BY position", comparison)?;
    rows.into_iter().map(Staged::try_from).collect()
}

/// A page of the users that belong to no account, in the order of reading, after the position `after`.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn strangers(
    c: &mut Conn,
    comparison: Uuid,
    after: i64,
    limit: i64,
) -> Result<Vec<Staged>, StoreError> {
    q!(fetch_all as Row; c,
        columns!("comparison_id = $1 AND account_id IS NULL AND position > $2 ORDER BY position LIMIT $3"),
        comparison, after, limit)?
    .into_iter()
    .map(Staged::try_from)
    .collect()
}

/// Whose these ids of a CRM are.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn linked(
    c: &mut Conn,
    target: &TargetId,
    crm_ids: Vec<String>,
) -> Result<BTreeMap<String, AccountId>, StoreError> {
    let rows = q!(fetch_all as (String, Uuid); c,
        sqlite "SELECT crm_id, account_id FROM account_crm_id
                 WHERE target = $1 AND crm_id IN (SELECT e.value FROM json_each($2) e)",
        postgres "SELECT crm_id, account_id FROM account_crm_id WHERE target = $1 AND crm_id = ANY($2)",
        target.as_str(), Many(crm_ids))?;
    Ok(rows.into_iter().map(|(crm_id, id)| (crm_id, AccountId::new(id))).collect())
}

/// The accounts of these folded names, and which user of the CRM each is bound to; whoever was removed has no name.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn named(
    c: &mut Conn,
    target: &TargetId,
    keys: Vec<String>,
) -> Result<Vec<(String, AccountId, Option<String>)>, StoreError> {
    let rows = q!(fetch_all as (String, Uuid, Option<String>); c,
        sqlite "SELECT a.user_name_key, a.id, l.crm_id FROM account a
                  LEFT JOIN account_crm_id l ON l.target = $1 AND l.account_id = a.id
                 WHERE a.user_name_key <> '' AND a.user_name_key IN (SELECT e.value FROM json_each($2) e) ORDER BY a.id",
        postgres "SELECT a.user_name_key, a.id, l.crm_id FROM account a
                  LEFT JOIN account_crm_id l ON l.target = $1 AND l.account_id = a.id
                 WHERE a.user_name_key <> '' AND a.user_name_key = ANY($2) ORDER BY a.id",
        target.as_str(), Many(keys))?;
    Ok(rows.into_iter().map(|(key, id, crm_id)| (key, AccountId::new(id), crm_id)).collect())
}

/// What the CRM said of an account: mostly one user, several where they conflict.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn of_account(
    c: &mut Conn,
    comparison: Uuid,
    account: AccountId,
) -> Result<Vec<Holding>, StoreError> {
    let staged = of_accounts(c, comparison, &Span::Listed(vec![account])).await?;
    Ok(staged.into_iter().map(|staged| staged.holding).collect())
}
