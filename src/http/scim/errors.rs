//! SCIM error bodies (RFC 7644 §3.12).
//!
//! Invariant: `status` is a string, and what is wrong inside goes to the log and not out.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::flows::Refusal;
use crate::http::problem::Problem;
use crate::scim::ScimError;

/// An error as a SCIM client reads it.
#[derive(Debug)]
pub(crate) struct Failed(pub(crate) ScimError);

/// The error beside its answer, for whoever tells of the request afterwards.
#[derive(Debug, Clone)]
pub(super) struct Told(pub(super) ScimError);

impl From<ScimError> for Failed {
    fn from(error: ScimError) -> Self {
        Self(error)
    }
}

impl From<Refusal> for Failed {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Scim(error) => Self(error),
            other => {
                let problem = Problem::from(other);
                Self(ScimError::status(problem.status.as_u16(), problem.detail))
            }
        }
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, self.0.to_json().to_string()).into_response();
        response.extensions_mut().insert(Told(self.0));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, super::body::SCIM_JSON);
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"scim\""));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}
