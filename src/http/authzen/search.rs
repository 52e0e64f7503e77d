//! The searches: who may, with what, and what (`OpenID AuthZEN` 1.0 §8).
//!
//! Invariant: changes nothing, and nothing is cut in silence: `page.next_token` is empty on the last page alone. A token
//! belongs to the search that it was issued for, and to the CRM that asked.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::question::{self, Action, Context, Kind, Resource, Subject};
use crate::flows::Ports;
use crate::flows::decide::search::{self, Page, Wanted};
use crate::flows::decide::{Answer, Question};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// Results of a page, where nobody says how many.
const USUAL: usize = 1_000;
/// The most results of a page; whoever asks for more gets these and a token.
const MOST: usize = 10_000;

/// Which page (§8.2.1).
#[derive(Debug, Clone, Default, Deserialize)]
struct PageWish {
    token: Option<String>,
    limit: Option<usize>,
}

/// What a token says: whose search it belongs to, how long its pages are, and where the next begins.
#[derive(Debug, Serialize, Deserialize)]
struct Token {
    #[serde(rename = "s")]
    search: String,
    #[serde(rename = "l")]
    limit: usize,
    #[serde(rename = "a")]
    after: String,
}

/// The answer (§8.3).
#[derive(Debug, Serialize)]
pub(super) struct Found {
    page: PageTold,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Value>,
    results: Vec<Value>,
}

#[derive(Debug, Serialize)]
struct PageTold {
    next_token: String,
    count: usize,
}

/// `POST /access/v1/search/subject`: the accounts that may.
pub(super) async fn subject(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::AskAccess>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Found>, Problem> {
    #[derive(Deserialize)]
    struct Request {
        subject: Kind,
        action: Action,
        resource: Resource,
        context: Option<Context>,
        page: Option<PageWish>,
    }
    let sheet = Sheet::of("subject", &caller, &body);
    let asked: Request = read(body)?;
    let question = question::question(asked.subject.anybody(), asked.action, asked.resource, asked.context);
    let wanted = sheet.wanted(asked.page)?;
    let found = search::subjects(&ports, Some(&caller.target), &question, &wanted).await;
    let found = found.map_err(question::in_our_words)?;
    Ok(Json(sheet.told(&wanted, found, |subject| {
        json!({ "type": "account", "id": subject.account,
            "properties": { "user_name": subject.user_name, "crm_id": subject.crm_id } })
    })))
}

/// `POST /access/v1/search/resource`: the items with which the account may.
pub(super) async fn resource(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::AskAccess>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Found>, Problem> {
    #[derive(Deserialize)]
    struct Request {
        subject: Subject,
        action: Action,
        resource: Kind,
        context: Option<Context>,
        page: Option<PageWish>,
    }
    let sheet = Sheet::of("resource", &caller, &body);
    let asked: Request = read(body)?;
    let resource = asked.resource.everything();
    let question = question::question(asked.subject, asked.action, resource, asked.context);
    let wanted = sheet.wanted(asked.page)?;
    let found = search::resources(&ports, Some(&caller.target), &question, &wanted).await;
    let found = found.map_err(question::in_our_words)?;
    let component = question.component;
    Ok(Json(sheet.told(&wanted, found, |item| json!({ "type": component, "id": item }))))
}

/// `POST /access/v1/search/action`: what the account may.
pub(super) async fn action(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::AskAccess>,
    JsonBody(body): JsonBody<Value>,
) -> Result<Json<Found>, Problem> {
    #[derive(Deserialize)]
    struct Request {
        subject: Subject,
        resource: Resource,
        context: Option<Context>,
        page: Option<PageWish>,
    }
    let sheet = Sheet::of("action", &caller, &body);
    let asked: Request = read(body)?;
    let question: Question = question::question(asked.subject, Action::any(), asked.resource, asked.context);
    let wanted = sheet.wanted(asked.page)?;
    let found = search::actions(&ports, Some(&caller.target), &question, &wanted).await;
    let found = found.map_err(question::in_our_words)?;
    Ok(Json(sheet.told(
        &wanted,
        found,
        |(action, narrowed)| json!({ "name": action, "properties": { "narrowed": narrowed } }),
    )))
}

/// A body of the shape `T`, where members that nobody knows are ignored (§10.1.1).
fn read<T: serde::de::DeserializeOwned>(body: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(body).map_err(|error| {
        let detail = match error.path().to_string().as_str() {
            "." => error.inner().to_string(),
            path => format!("{path}: {}", error.inner()),
        };
        Problem::new(StatusCode::BAD_REQUEST, "body", detail)
    })
}

/// What tells one search from another: its kind, the CRM that asks, and all that it says but for the token.
struct Sheet {
    search: String,
}

impl Sheet {
    fn of<D>(kind: &str, caller: &TargetCaller<D>, body: &Value) -> Self {
        let mut text = format!("{kind} {} ", caller.target);
        for member in ["subject", "action", "resource", "context"] {
            write(body.get(member).unwrap_or(&Value::Null), &mut text);
        }
        write(body.pointer("/page/properties").unwrap_or(&Value::Null), &mut text);
        let digest = Sha256::digest(text);
        Self { search: URL_SAFE_NO_PAD.encode(digest.get(..12).unwrap_or_default()) }
    }

    fn wanted(&self, page: Option<PageWish>) -> Result<Wanted, Problem> {
        let page = page.unwrap_or_default();
        let Some(token) = page.token.filter(|token| !token.is_empty()) else {
            return Ok(Wanted { after: None, limit: page.limit.unwrap_or(USUAL).min(MOST) });
        };
        let known = URL_SAFE_NO_PAD.decode(token).ok();
        let known: Option<Token> = known.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let known = known.ok_or_else(|| wrong("page.token: it is none of ours; begin again without it"))?;
        if known.search != self.search {
            return Err(wrong(
                "page.token: it belongs to another search; send the same subject, action, resource and context with it",
            ));
        }
        if page.limit.is_some_and(|limit| limit.min(MOST) != known.limit) {
            return Err(wrong("page.limit: it must stay as it was on the first page"));
        }
        Ok(Wanted { after: Some(known.after), limit: known.limit })
    }

    fn told<T>(&self, wanted: &Wanted, found: Page<T>, entity: impl Fn(T) -> Value) -> Found {
        let token = |after: String| {
            let token = Token { search: self.search.clone(), limit: wanted.limit, after };
            URL_SAFE_NO_PAD.encode(json!(token).to_string())
        };
        let results: Vec<Value> = found.results.into_iter().map(entity).collect();
        let page = PageTold { next_token: found.next.map(token).unwrap_or_default(), count: results.len() };
        Found { page, context: found.answer.as_ref().map(reasons), results }
    }
}

/// Why a search for items found what it found: the answer about the component as a whole.
fn reasons(answer: &Answer) -> Value {
    json!({
        "code": answer.code,
        "narrowed": answer.narrowed,
        "reason_user": answer.reason_user,
        "reason_admin": answer.reason_admin,
        "account": answer.account,
        "account_version": answer.account_version,
    })
}

fn wrong(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "invalid", detail)
}

/// Writes a value so that the order of its members makes no difference.
fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort();
            text.push('{');
            for name in names {
                text.push_str(&json!(name).to_string());
                write(members.get(name).unwrap_or(&Value::Null), text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for value in values {
                write(value, text);
                text.push(',');
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}
