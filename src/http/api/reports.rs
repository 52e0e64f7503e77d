//! `/api/v1/reports/{name}`: the reports, for scripts and spreadsheets.
//!
//! Invariant: the same figures as the command line gives for the same question.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use crate::domain::language::Language;
use crate::flows::Ports;
use crate::flows::report::{self, Asked};
use crate::http::Problem;
use crate::http::caller::TargetCaller;

/// How the report is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    as_of: Option<String>,
    before: Option<String>,
    lang: Option<Language>,
    format: Option<Form>,
}

/// The forms of a report over HTTP.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// With exact values.
    #[default]
    Json,
    /// For spreadsheets.
    Csv,
}

/// `GET /api/v1/reports/{name}?as_of=&before=&lang=&format=json|csv`.
pub(super) async fn show(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller,
    Path(name): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted?;
    let asked = Asked {
        name: &name,
        as_of: wanted.as_of.as_deref(),
        before: wanted.before.as_deref(),
        language: wanted.lang,
    };
    let request = report::ask(&ports, asked).await?;
    let made = report::produce(&ports, &caller.act, &request).await?;
    let (kind, body) = match wanted.format.unwrap_or_default() {
        Form::Json => ("application/json", report::json(&made).to_string()),
        Form::Csv => ("text/csv; charset=utf-8", report::csv(&made)?),
    };
    let mut response = (StatusCode::OK, body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}
