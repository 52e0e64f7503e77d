//! `/lifecycle/plans/{hash}/file`: a plan as a file, whole.
//!
//! Invariant: the file has everybody who is in the plan.

use axum::Json;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::super::reports::separator;
use super::super::{ConsolePerson, Place};
use crate::flows::console::lifecycle as flow;

/// `GET /lifecycle/plans/{hash}/file?format=csv|json`: the plan with every step.
pub(super) async fn plan(console: ConsolePerson, Path(hash): Path<String>) -> Response {
    let language = console.frame.language;
    let Some(form @ ("csv" | "json")) = console.query.one("format") else {
        let sv = "Välj en form: csv eller json.".to_owned();
        let en = "Choose a form: csv or json.".to_owned();
        return console.misread(Place::Lifecycle, sv, en).await;
    };
    let view = match flow::plan(&console.ports, &hash, language).await {
        Ok((_, view, _)) => view,
        Err(refusal) => return console.refuse(Place::Lifecycle, refusal).await,
    };
    let short: String = view.hash.chars().take(12).collect();
    let name = [(header::CONTENT_DISPOSITION, format!("attachment; filename=\"plan-{short}.{form}\""))];
    if form == "json" {
        return (name, Json(view)).into_response();
    }
    match flow::plan_lines(&view, language, separator(language)) {
        Ok(lines) => (name, [(header::CONTENT_TYPE, "text/csv; charset=utf-8")], lines).into_response(),
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}
