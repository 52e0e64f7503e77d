//! `/api/v1/reports/{name}`: the reports, for scripts and spreadsheets.
//!
//! Invariant: the same figures as the command line gives for the same question.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use crate::domain::language::Language;
use crate::flows::Ports;
use crate::flows::report::{self, Asked, Form, Layout, Separator};
use crate::http::Problem;
use crate::http::caller::{TargetCaller, may};
use crate::http::written::written;

/// How the report is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    as_of: Option<String>,
    before: Option<String>,
    role: Option<String>,
    sector: Option<String>,
    limited: Option<String>,
    status: Option<String>,
    directory: Option<String>,
    lang: Option<Language>,
    format: Option<Shape>,
    separator: Option<Between>,
    with_head: Option<bool>,
}

/// The forms of a report over HTTP.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Shape {
    #[default]
    Json,
    Csv,
    Xlsx,
    Html,
}

/// What stands between the cells of CSV.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Between {
    #[default]
    Comma,
    Semicolon,
}

impl Wanted {
    fn layout(&self) -> Layout {
        let form = match self.format.unwrap_or_default() {
            Shape::Json => Form::Json,
            Shape::Csv => Form::Csv,
            Shape::Xlsx => Form::Xlsx,
            Shape::Html => Form::Html,
        };
        let separator = match self.separator.unwrap_or_default() {
            Between::Comma => Separator::Comma,
            Between::Semicolon => Separator::Semicolon,
        };
        Layout { form, separator, with_head: self.with_head.unwrap_or_default() }
    }
}

/// `GET /api/v1/reports/{name}?as_of=&before=&role=&sector=&limited=&status=&directory=&lang=&format=json|csv|xlsx|html&separator=&with_head=`.
pub(super) async fn show(
    State(ports): State<Arc<Ports>>,
    caller: TargetCaller<may::ReadReports>,
    Path(name): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(wanted) = wanted?;
    let layout = wanted.layout();
    let asked = Asked {
        name: &name,
        as_of: wanted.as_of.as_deref(),
        before: wanted.before.as_deref(),
        role: wanted.role.as_deref(),
        sector: wanted.sector.as_deref(),
        limited: wanted.limited.as_deref(),
        status: wanted.status.as_deref(),
        directory: wanted.directory.as_deref(),
        language: wanted.lang,
        form: layout.form,
    };
    let request = report::ask(&ports, asked).await?;
    let made = report::produce(&ports, &caller.act, &request).await?;
    Ok(written(made, layout)?)
}
