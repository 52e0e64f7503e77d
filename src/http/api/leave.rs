//! `/api/v1/accounts/{id}/leave` and `/api/v1/leave-requests`: approved leave, as a person in the CRM decides it.
//!
//! Invariant: every change names the person who decides, who must have system administration and is not the one on
//! leave. That somebody is away is all there is to read.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::account::{Account, Status};
use crate::domain::ids::{AccountId, SectorId};
use crate::flows::people::through::{self, Through};
use crate::flows::people::{self, AskedLeave, DeputyWish, LeaveView, LeaveWish};
use crate::flows::{Ports, Refusal};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// A leave that is to be noted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wish {
    from: Timestamp,
    until: Timestamp,
    by: String,
    approver: Option<String>,
    sign_in: Option<String>,
    deputy: Option<DeputyPart>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeputyPart {
    account: String,
    sectors: Option<Vec<String>>,
    #[serde(default)]
    links: bool,
}

impl DeputyPart {
    fn wish(self) -> Result<DeputyWish, Refusal> {
        let read =
            |text: String| SectorId::parse(&text).map_err(|error| Refusal::invalid("deputy.sectors", error));
        let sectors = self.sectors.map(|all| all.into_iter().map(read).collect::<Result<BTreeSet<_>, _>>());
        Ok(DeputyWish { account: self.account, sectors: sectors.transpose()?, links: self.links })
    }
}

/// Who ends a leave.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    by: String,
}

/// What somebody decided about a request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Verdict {
    answer: Decided,
    by: String,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decided {
    Approve,
    Refuse,
}

/// The account, and the leave that is open.
#[derive(Debug, Serialize)]
pub(super) struct Standing {
    account: AccountId,
    status: Status,
    version: i64,
    leave: Option<LeaveView>,
}

async fn standing(ports: &Ports, account: Account) -> Result<Json<Standing>, Problem> {
    let leave = people::open_leave(ports, account.id).await?;
    Ok(Json(Standing {
        account: account.id,
        status: account.standing.status,
        version: account.version,
        leave,
    }))
}

/// `GET /api/v1/accounts/{id}/leave`: the leave that is approved and not over.
pub(super) async fn show(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::ReadAccounts>,
    Path(id): Path<String>,
) -> Result<Json<Standing>, Problem> {
    let account = people::find_for(&ports, &caller.target, &id).await?;
    standing(&ports, account).await
}

/// `POST /api/v1/accounts/{id}/leave`: notes an approved leave. One that is open gives way to it, unless it is
/// under way and this one comes later.
pub(super) async fn grant(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteLeave>,
    Path(id): Path<String>,
    JsonBody(wish): JsonBody<Wish>,
) -> Result<Json<Standing>, Problem> {
    let through = Through { target: &caller.target, by: &wish.by, reason: "" };
    let mut leave = LeaveWish::new(wish.from, wish.until, wish.approver.as_deref().unwrap_or_default());
    leave.sign_in_why = wish.sign_in;
    leave.deputy = wish.deputy.map(DeputyPart::wish).transpose()?;
    let account = through::grant_leave(&ports, &caller.act, through, &id, leave).await?;
    standing(&ports, account).await
}

/// `POST /api/v1/accounts/{id}/leave/end`: ends the leave now.
pub(super) async fn end(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteLeave>,
    Path(id): Path<String>,
    JsonBody(End { by }): JsonBody<End>,
) -> Result<Json<Standing>, Problem> {
    let through = Through { target: &caller.target, by: &by, reason: "" };
    let account = through::end_leave(&ports, &caller.act, through, &id).await?;
    standing(&ports, account).await
}

/// `GET /api/v1/leave-requests`: the people who ask for leave and await a decision.
pub(super) async fn requests(
    State(ports): State<Arc<Ports>>,
    _caller: TargetCaller<may::ReadAccounts>,
) -> Result<Json<Vec<AskedLeave>>, Problem> {
    Ok(Json(people::leave_requests(&ports).await?))
}

/// `POST /api/v1/accounts/{id}/leave/answer`: approves or refuses what the person asked for.
pub(super) async fn answer(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteLeave>,
    Path(id): Path<String>,
    JsonBody(Verdict { answer, by, reason }): JsonBody<Verdict>,
) -> Result<Json<Standing>, Problem> {
    let through = Through { target: &caller.target, by: &by, reason: &reason };
    let is_approved = answer == Decided::Approve;
    let account = through::answer_leave(&ports, &caller.act, through, &id, is_approved).await?;
    standing(&ports, account).await
}
