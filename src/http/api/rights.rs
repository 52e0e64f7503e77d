//! `/api/v1/accounts/{id}/grants` and `/api/v1/links`: rights by hand, as a person in the CRM decides them.
//!
//! Invariant: every request names the person who decides and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::item_events::Assignee;
use crate::domain::grant::{GrantKind, Link};
use crate::domain::ids::AccountId;
use crate::flows::people::through::{self, Through};
use crate::flows::people::{self, ForWhom, GrantStory, Lasting, Wanted};
use crate::flows::{Ports, Refusal};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// A right that is to be given or taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Right {
    kind: String,
    #[serde(default)]
    value: String,
    until: Option<Timestamp>,
    reason: String,
    by: String,
}

impl Right {
    fn kind(&self) -> Result<GrantKind, Refusal> {
        GrantKind::from_parts(&self.kind, &self.value).ok_or_else(|| {
            let problem = "write role or sector with its id as value, or limited or item_restricted";
            Refusal::invalid("kind", problem)
        })
    }

    fn through<'a, D>(&'a self, caller: &'a TargetCaller<D>) -> Through<'a> {
        Through { target: &caller.target, by: &self.by, reason: &self.reason }
    }
}

/// The account after the change.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    account: AccountId,
    version: i64,
}

/// `GET /api/v1/accounts/{id}/grants`: everything the account holds, links and assignments too, each with its origin.
pub(super) async fn show(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::ReadAccounts>,
    Path(id): Path<String>,
) -> Result<Json<Vec<GrantStory>>, Problem> {
    let id = people::find_for(&ports, &caller.target, &id).await?.id.to_string();
    Ok(Json(people::explain(&ports, &id, ports.settings.language).await?))
}

/// `POST /api/v1/accounts/{id}/grants`: gives a right by hand. The same again only moves its end and reason.
pub(super) async fn grant(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteGrants>,
    Path(id): Path<String>,
    JsonBody(right): JsonBody<Right>,
) -> Result<Json<Done>, Problem> {
    let new = (right.kind()?, lasting(right.until));
    let account = through::grant(&ports, &caller.act, right.through(&caller), &id, new).await?;
    Ok(Json(Done { account: account.id, version: account.version }))
}

/// `POST /api/v1/accounts/{id}/grants/end`: takes a right that was given by hand.
pub(super) async fn revoke(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteGrants>,
    Path(id): Path<String>,
    JsonBody(right): JsonBody<Right>,
) -> Result<Json<Done>, Problem> {
    let account = through::revoke(&ports, &caller.act, right.through(&caller), &id, right.kind()?).await?;
    Ok(Json(Done { account: account.id, version: account.version }))
}

/// A link that is to be made or taken.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkWish {
    component: String,
    item: String,
    holder: Assignee,
    until: Option<Timestamp>,
    reason: String,
    by: String,
}

impl LinkWish {
    fn through<'a, D>(&'a self, caller: &'a TargetCaller<D>) -> Through<'a> {
        Through { target: &caller.target, by: &self.by, reason: &self.reason }
    }

    fn wanted<D>(&self, caller: &TargetCaller<D>) -> Wanted {
        Wanted {
            whom: match &self.holder {
                Assignee::Account(text) => ForWhom::Account(text.clone()),
                Assignee::Role(text) => ForWhom::Role(text.clone()),
            },
            component: self.component.clone(),
            item: self.item.clone(),
            target: Some(caller.target.clone()),
        }
    }
}

/// `POST /api/v1/links`: links an account or a role to an item by hand.
pub(super) async fn link(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteLinks>,
    JsonBody(wish): JsonBody<LinkWish>,
) -> Result<Json<Link>, Problem> {
    let (wanted, until) = (wish.wanted(&caller), lasting(wish.until));
    Ok(Json(through::link(&ports, &caller.act, wish.through(&caller), wanted, until).await?))
}

/// `POST /api/v1/links/end`: takes a link that was made by hand.
pub(super) async fn unlink(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteLinks>,
    JsonBody(wish): JsonBody<LinkWish>,
) -> Result<Json<Link>, Problem> {
    let wanted = wish.wanted(&caller);
    Ok(Json(through::unlink(&ports, &caller.act, wish.through(&caller), wanted).await?))
}

fn lasting(until: Option<Timestamp>) -> Lasting {
    until.map_or(Lasting::AsUsual, Lasting::Until)
}
