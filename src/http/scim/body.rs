//! JSON bodies of SCIM requests and answers.
//!
//! Invariant: `application/json` is as good as `application/scim+json`; anything else is 415, too much is 413.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::Value;

use super::Failed;
use crate::flows::provision::wire::{Shown, etag};
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
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            let status = rejection.status().as_u16();
            let detail = if status == 413 {
                "the body is larger than this server takes; send less at a time".to_owned()
            } else {
                rejection.body_text()
            };
            Failed(ScimError::status(status, detail))
        })?;
        serde_json::from_slice(&bytes)
            .map(Body)
            .map_err(|error| Failed(ScimError::invalid_syntax(format!("the body is not JSON: {error}"))))
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
