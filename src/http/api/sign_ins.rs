//! `/api/v1/sign-ins`: the CRM's own log of who signed in there.
//!
//! Invariant: each row has its own answer, in order; a bad row stops nothing.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::at_most;
use crate::flows::Ports;
use crate::flows::evidence::{self, Noted, Sighting};
use crate::http::Problem;
use crate::http::body::JsonBody;
use crate::http::caller::{TargetCaller, may};

/// The most rows of one request.
const MOST: usize = 10_000;

/// One row, as the CRM writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    account: String,
    at: Timestamp,
}

/// What became of the batch.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    recorded: usize,
    results: Vec<Outcome>,
}

#[derive(Debug, Serialize)]
struct Outcome {
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// `POST /api/v1/sign-ins`: a list of `{"account", "at"}`, at most 10,000; an empty one says "alive, nobody new".
pub(super) async fn report(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::WriteSignIns>,
    JsonBody(rows): JsonBody<Vec<Value>>,
) -> Result<Json<Report>, Problem> {
    at_most(rows.len(), MOST)?;
    let rows = rows.into_iter().map(read).collect();
    let noted = evidence::record(&ports, &caller.act, &caller.target, rows).await?;
    let recorded = noted.iter().filter(|row| **row == Noted::Recorded).count();
    Ok(Json(Report { recorded, results: noted.into_iter().map(Outcome::from).collect() }))
}

fn read(row: Value) -> Result<Sighting, String> {
    serde_path_to_error::deserialize(row).map(|Row { account, at }| Sighting { account, at }).map_err(
        |error| match error.path().to_string().as_str() {
            "." => error.inner().to_string(),
            path => format!("{path}: {}", error.inner()),
        },
    )
}

impl From<Noted> for Outcome {
    fn from(noted: Noted) -> Self {
        let result = noted.name();
        let detail = match noted {
            Noted::Recorded | Noted::Older => None,
            Noted::UnknownAccount => Some("no account has this id, CRM id or user name".to_owned()),
            Noted::Ambiguous => {
                Some("more than one account answers to it; use the account id or the CRM's id".to_owned())
            }
            Noted::InFuture => Some("that time has not come; check the CRM's clock and time zone".to_owned()),
            Noted::Invalid(problem) => Some(problem),
        };
        Self { result, detail }
    }
}
