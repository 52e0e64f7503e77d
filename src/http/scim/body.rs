//! JSON bodies of SCIM requests and answers.
//!
//! Invariant: `application/json` is as good as `application/scim+json`; anything else is 415, too much is 413.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::Failed;
use super::witness::Witness;
use crate::flows::provision::wire::{Seen, Shown, etag};
use crate::http::body::whole;
use crate::scim::ScimError;

pub(super) const SCIM_JSON: HeaderValue = HeaderValue::from_static("application/scim+json");

/// A JSON body.
pub(super) struct Body(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Failed;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failed> {
        if !is_json(request.headers()) {
            let detail = "send the body as application/scim+json or application/json";
            return Err(Failed(ScimError::status(415, detail)));
        }
        let witness = request.extensions().get::<Arc<Witness>>().cloned();
        let bytes = whole(request, state)
            .await
            .map_err(|fault| Failed(ScimError::status(fault.status().as_u16(), fault.detail())))?;
        // Some clients put a byte order mark before JSON; RFC 8259 §8.1 lets a reader pass over it.
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
        let sent = serde_json::from_slice(bytes)
            .map_err(|error| Failed(ScimError::invalid_syntax(format!("the body is not JSON: {error}"))))?;
        if let Some(witness) = witness {
            witness.read(&sent);
        }
        Ok(Self(sent))
    }
}

/// A body without content type is taken as JSON: some clients leave it out.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE) else { return true };
    let Ok(kind) = kind.to_str() else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind == "application/scim+json"
}

/// A resource as an answer, with its entity tag and where it is found.
pub(super) fn resource(status: StatusCode, shown: Shown) -> Response {
    let mut response = text(shown.body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::try_from(etag(shown.version)) {
        headers.insert(header::ETAG, tag);
    }
    if let Ok(location) = HeaderValue::try_from(shown.location) {
        let name = if status == StatusCode::CREATED { header::LOCATION } else { header::CONTENT_LOCATION };
        headers.insert(name, location);
    }
    response
}

/// What was read, or 304 where the client has it already.
pub(super) fn shown(seen: Seen) -> Response {
    match seen {
        Seen::Known(version) => without_body(StatusCode::NOT_MODIFIED, version),
        Seen::Shown(shown) => resource(StatusCode::OK, shown),
    }
}

/// An answer without a body that tells the version of the resource (RFC 7644 §3.14).
pub(super) fn without_body(status: StatusCode, version: i64) -> Response {
    let mut response = Response::default();
    *response.status_mut() = status;
    if let Ok(tag) = HeaderValue::from_str(&etag(version)) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// Any document as an answer.
pub(super) fn document(document: &Value) -> Response {
    text(document.to_string().into_bytes())
}

/// JSON text as an answer.
pub(super) fn text(body: Vec<u8>) -> Response {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, SCIM_JSON);
    response
}
