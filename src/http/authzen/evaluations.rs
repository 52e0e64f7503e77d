//! Several questions, all answered from one moment.
//!
//! Invariant: changes nothing. What one question lacks it takes from the defaults; one that is malformed is a no with
//! the reason beside it, and its neighbours are answered.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::question::{self, Action, Context, Decision, Resource, Subject};
use crate::flows::Ports;
use crate::flows::decide::{self, Question, Semantic};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// The most questions of one request.
const MOST: usize = 1_000;

/// The request (`OpenID AuthZEN` 1.0 §7.1): defaults, and the questions that differ from them.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    subject: Option<Subject>,
    action: Option<Action>,
    resource: Option<Resource>,
    context: Option<Context>,
    #[serde(default)]
    options: Options,
    #[serde(default)]
    evaluations: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
struct Options {
    #[serde(default)]
    evaluations_semantic: Semantic,
}

/// One of several questions.
#[derive(Debug, Deserialize)]
struct One {
    subject: Option<Subject>,
    action: Option<Action>,
    resource: Option<Resource>,
    context: Option<Context>,
}

/// The answer (§7.2); without a list of questions, that of a single one.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Answer {
    Several { evaluations: Vec<Decision> },
    Single(Box<Decision>),
}

/// `POST /access/v1/evaluations` (`OpenID AuthZEN` 1.0 §7).
pub(super) async fn evaluations(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::AskAccess>,
    JsonBody(mut request): JsonBody<Request>,
) -> Result<Json<Answer>, Problem> {
    let listed = std::mem::take(&mut request.evaluations);
    if listed.len() > MOST {
        let detail = format!("evaluations: at most {MOST} of them, these are {}", listed.len());
        return Err(Problem::new(StatusCode::BAD_REQUEST, "invalid", detail));
    }
    let asker = caller.asker();
    if listed.is_empty() {
        let alone = One { subject: None, action: None, resource: None, context: None };
        let question = merge(alone, &request)
            .map_err(|detail| Problem::new(StatusCode::BAD_REQUEST, "invalid", detail))?;
        let answer = decide::evaluate(&ports, asker, &question).await.map_err(question::in_our_words)?;
        return Ok(Json(Answer::Single(Box::new(answer.into()))));
    }
    let questions = listed.into_iter().enumerate().map(|(place, value)| read(place, value, &request));
    let semantic = request.options.evaluations_semantic;
    let answers = decide::evaluate_all(&ports, asker, questions.collect(), semantic).await?;
    let evaluations =
        answers.into_iter().map(|answer| answer.map_or_else(Decision::unanswered, Decision::from)).collect();
    Ok(Json(Answer::Several { evaluations }))
}

fn read(place: usize, value: Value, defaults: &Request) -> Result<Question, String> {
    let one: One = serde_path_to_error::deserialize(value)
        .map_err(|error| format!("evaluations[{place}].{}: {}", error.path(), error.inner()))?;
    merge(one, defaults).map_err(|problem| format!("evaluations[{place}].{problem}"))
}

/// A question with what it lacks taken from the defaults, member by member (§7.1.1).
fn merge(one: One, defaults: &Request) -> Result<Question, String> {
    let lacks = |what: &str| format!("{what}: it is missing, and there is no default for it");
    Ok(question::question(
        one.subject.or_else(|| defaults.subject.clone()).ok_or_else(|| lacks("subject"))?,
        one.action.or_else(|| defaults.action.clone()).ok_or_else(|| lacks("action"))?,
        one.resource.or_else(|| defaults.resource.clone()).ok_or_else(|| lacks("resource"))?,
        one.context.or_else(|| defaults.context.clone()),
    ))
}
