//! Lists that somebody takes along as files.
//!
//! Invariant: a browser may do nothing with a file but keep it.

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::{ConsolePerson, Fields, Place};
use crate::flows::console::file::Form;

/// The forms, as people choose among them, with the addresses of the files.
pub(super) fn files(fields: &Fields, address: impl Fn(&Fields) -> String) -> Vec<(&'static str, String)> {
    let forms = [("Excel (xlsx)", Form::Xlsx), ("CSV", Form::Csv), ("JSON", Form::Json)];
    forms.map(|(words, form)| (words, address(&fields.with("format", form)))).into()
}

/// The form that the address names.
pub(super) async fn form_of(console: &ConsolePerson, place: Place) -> Result<Form, Response> {
    let named = console.query.one("format").unwrap_or_default();
    if let Some(form) = Form::from_name(named) {
        return Ok(form);
    }
    let sv = format!("Formatet {named:?} finns inte. Välj csv, xlsx eller json.");
    let en = format!("There is no format {named:?}. Choose csv, xlsx or json.");
    Err(console.misread(place, sv, en).await)
}

/// A file with a name of plain letters, figures and dashes.
pub(super) fn as_file(name: &str, form: Form, body: impl Into<Body>) -> Response {
    let kind = match form {
        Form::Csv => "text/csv; charset=utf-8",
        Form::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Form::Json => "application/json",
    };
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}.{form}\"")),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
    ];
    (headers, body.into()).into_response()
}
