//! `/api/v1/accounts`: the accounts as the CRM is told of them.
//!
//! Invariant: pages are in the order of ids, so that nobody is shown twice or left out while people come and go.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::domain::ids::AccountId;
use crate::flows::Ports;
use crate::flows::accounts::{self, Page, Shown};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// Rows of a page, where nobody says how many.
const USUAL: usize = 100;
/// The most rows of a page.
const MOST: usize = 1_000;

/// Which page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /api/v1/accounts?cursor=&limit=`: a page; `next` of the answer is the next cursor.
pub(super) async fn list(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::ReadAccounts>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(wanted) = wanted?;
    let limit = wanted.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(wrong(format!("limit: write 1 to {MOST}, not {limit}")));
    }
    let after = match wanted.cursor.as_deref() {
        None => None,
        Some(text) => Some(
            AccountId::parse(text)
                .map_err(|_| wrong("cursor: give `next` of the page before, as it was".to_owned()))?,
        ),
    };
    Ok(Json(accounts::list(&ports, &caller.target, after, limit).await?))
}

fn wrong(detail: String) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "query", detail)
}

/// `GET /api/v1/accounts/{id}`: one account, by its id, the CRM's id or its user name.
pub(super) async fn show(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::ReadAccounts>,
    Path(id): Path<String>,
) -> Result<Json<Shown>, Problem> {
    Ok(Json(accounts::show(&ports, &caller.target, &id).await?))
}

/// The CRM's own id of an account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CrmId {
    crm_id: String,
}

/// What is known now.
#[derive(Debug, Serialize)]
pub(super) struct Learnt {
    account: AccountId,
    crm_id: String,
}

/// `PUT /api/v1/accounts/{id}/crm-id`: the CRM teaches its own id of an account. A repeat changes nothing.
pub(super) async fn teach(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteAccounts>,
    Path(id): Path<String>,
    JsonBody(CrmId { crm_id }): JsonBody<CrmId>,
) -> Result<Json<Learnt>, Problem> {
    let account = accounts::teach(&ports, &caller.act, &caller.target, &id, &crm_id).await?;
    Ok(Json(Learnt { account, crm_id }))
}
