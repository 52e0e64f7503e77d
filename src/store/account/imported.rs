//! What a CRM's own list says of many accounts at once.
//!
//! Invariant: what stands already is left alone; each function tells what it changed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::json;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::ids::{AccountId, TargetId};
use crate::store::conn::Conn;
use crate::store::error::StoreError;
use crate::store::value::{instant, micros};

/// Notes the CRM's own ids of accounts. An account that has one, and an id that another account has, are passed over.
/// Gives whose id is new.
///
/// # Errors
///
/// [`StoreError::Unavailable`] when the database cannot be reached.
pub async fn set_crm_ids(
    c: &mut Conn,
    target: &TargetId,
    ids: &[(AccountId, String)],
) -> Result<BTreeSet<AccountId>, StoreError> {
    let rows: Vec<_> =
        ids.iter().map(|(id, crm_id)| json!([id.uuid().simple().to_string(), crm_id])).collect();
    let new = q!(fetch_all as (Uuid,); c,
        sqlite "INSERT INTO account_crm_id (target, crm_id, account_id)
                SELECT $1, e.value ->> 1, unhex(e.value ->> 0) FROM json_each($2) e WHERE TRUE
                ON CONFLICT DO NOTHING RETURNING account_id",
        postgres "INSERT INTO account_crm_id (target, crm_id, account_id)
                SELECT $1, e.value ->> 1, CAST(e.value ->> 0 AS UUID) FROM jsonb_array_elements($2) e(value)
                ON CONFLICT DO NOTHING RETURNING account_id",
        target.as_str(), Json(rows))?;
    Ok(new.into_iter().map(|(id,)| AccountId::new(id)).collect())
}

/// Writes since when accounts are there. Gives those for which that is new, with how it was and how it is.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn set_created(
    c: &mut Conn,
    created: &[(AccountId, Timestamp)],
) -> Result<Vec<(AccountId, Timestamp, Timestamp)>, StoreError> {
    let rows: Vec<_> =
        created.iter().map(|(id, at)| json!([id.uuid().simple().to_string(), micros(*at)])).collect();
    let rows = Json(rows);
    let changed = q!(fetch_all as (Uuid, i64, i64); c,
        sqlite "SELECT a.id, a.created_at, e.value ->> 1 FROM json_each($1) e CROSS JOIN account a
                 WHERE a.id = unhex(e.value ->> 0) AND a.created_at <> (e.value ->> 1) ORDER BY a.id",
        postgres "SELECT a.id, a.created_at, CAST(e.value ->> 1 AS BIGINT)
                  FROM account a JOIN jsonb_array_elements($1) e(value) ON a.id = CAST(e.value ->> 0 AS UUID)
                 WHERE a.created_at <> CAST(e.value ->> 1 AS BIGINT) ORDER BY a.id FOR NO KEY UPDATE OF a",
        rows.clone())?;
    q!(execute; c,
        sqlite "UPDATE account SET created_at = e.value ->> 1 FROM json_each($1) e
                 WHERE account.id = unhex(e.value ->> 0) AND account.created_at <> (e.value ->> 1)",
        postgres "UPDATE account SET created_at = CAST(e.value ->> 1 AS BIGINT) FROM jsonb_array_elements($1) e(value)
                 WHERE account.id = CAST(e.value ->> 0 AS UUID)
                   AND account.created_at <> CAST(e.value ->> 1 AS BIGINT)",
        rows)?;
    let read = |(id, before, after)| {
        Ok((AccountId::new(id), instant(before, "account", id)?, instant(after, "account", id)?))
    };
    changed.into_iter().map(read).collect()
}
