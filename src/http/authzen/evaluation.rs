//! One question, one answer.
//!
//! Invariant: changes nothing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::question::{self, Action, Context, Decision, Resource, Subject};
use crate::flows::{Ports, decide};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// The request (`OpenID AuthZEN` 1.0 §6.1).
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    subject: Subject,
    action: Action,
    resource: Resource,
    context: Option<Context>,
}

/// `POST /access/v1/evaluation` (`OpenID AuthZEN` 1.0 §6).
pub(super) async fn evaluation(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::AskAccess>,
    JsonBody(request): JsonBody<Request>,
) -> Result<Json<Decision>, Problem> {
    let question = question::question(request.subject, request.action, request.resource, request.context);
    let answer = decide::evaluate(&ports, caller.asker(), &question).await;
    Ok(Json(answer.map_err(question::in_our_words)?.into()))
}
