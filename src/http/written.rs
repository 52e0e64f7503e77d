//! A report as an answer.
//!
//! Invariant: rows go out as they are read; an answer that cannot be finished is broken off and never looks whole. A
//! browser may do nothing with it but show or keep it.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;

use crate::flows::Refusal;
use crate::flows::report::{Form, Layout, Report, Writer};

/// The report, in its form.
///
/// # Errors
///
/// [`Refusal::Outside`] when a workbook cannot be begun.
pub(super) fn written(report: Report, layout: Layout) -> Result<Response, Refusal> {
    let headers = headers(&report, layout.form);
    let writer = Writer::new(report, layout)?;
    let pieces = stream::try_unfold(writer, |mut writer| async move {
        let piece = writer.next().await?;
        Ok::<_, Refusal>(piece.map(|piece| (piece, writer)))
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// What the body is, and what a browser may do with it: nothing but show it.
fn headers(report: &Report, form: Form) -> HeaderMap {
    let kind = match form {
        Form::Json => "application/json",
        Form::Csv => "text/csv; charset=utf-8",
        Form::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Form::Html => "text/html; charset=utf-8",
        Form::Text => "text/plain; charset=utf-8",
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
        ),
    );
    if matches!(form, Form::Csv | Form::Xlsx) {
        let day = report.at.to_zoned(report.zone.clone()).date();
        let name = format!("attachment; filename=\"{}-{day}.{}\"", report.name, form);
        // A report's name, a day and a form are plain letters and figures.
        if let Ok(value) = HeaderValue::from_str(&name) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
    }
    headers
}
