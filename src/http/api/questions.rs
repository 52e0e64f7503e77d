//! `/api/v1/right-questions`: rights by hand of people who changed job, and what somebody decides about them.
//!
//! Invariant: every decision names the person who decides and why.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::Deserialize;

use crate::flows::Ports;
use crate::flows::mover::{self, AskedRight, Verdict};
use crate::flows::people::Lasting;
use crate::flows::people::through::{self, Through};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// What somebody decided.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Decision {
    answer: Decided,
    until: Option<Timestamp>,
    by: String,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Decided {
    Keep,
    End,
}

/// `GET /api/v1/right-questions`: what waits for a decision, the one that is due first at the head.
pub(super) async fn list(
    State(ports): State<Arc<Ports>>,
    _caller: TargetCaller<may::ReadAccounts>,
) -> Result<Json<Vec<AskedRight>>, Problem> {
    Ok(Json(mover::questions(&ports).await?))
}

/// `POST /api/v1/right-questions/{id}`: keeps a right, until another day, or ends it.
pub(super) async fn answer(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteGrants>,
    Path(id): Path<String>,
    JsonBody(Decision { answer, until, by, reason }): JsonBody<Decision>,
) -> Result<Json<AskedRight>, Problem> {
    let verdict = match answer {
        Decided::End => Verdict::End,
        Decided::Keep => Verdict::Keep(until.map_or(Lasting::AsUsual, Lasting::Until)),
    };
    let through = Through { target: &caller.target, by: &by, reason: &reason };
    Ok(Json(through::answer_question(&ports, &caller.act, through, &id, verdict).await?))
}
