//! Errors outside SCIM and OAuth: `application/problem+json` (RFC 9457).
//!
//! Invariant: the body helps the caller; what is wrong inside goes to the log and not out.

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::domain::scope::Scope;
use crate::flows::Refusal;

/// An error as a caller reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The status of the answer.
    pub status: StatusCode,
    /// A stable code.
    pub code: &'static str,
    /// What is wrong, where, and how to mend it.
    pub detail: String,
    /// The scope that the caller's token does not have.
    pub scope: Option<Scope>,
}

impl Problem {
    /// A problem in its own words.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), scope: None }
    }

    /// Something failed inside; the log says what.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something failed inside Portvakt. The log tells what, under this request's id.",
        )
    }

    /// The caller did not say who they are, or nobody knows them.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Send a valid token as `Authorization: Bearer …`. The operator makes one with: portvakt target token create NAME",
        )
    }

    /// The caller's token does not open this (RFC 6750 §3.1).
    #[must_use]
    pub fn scope_missing(scope: Scope) -> Self {
        let detail = format!(
            "The token does not have the scope {scope}. The operator makes one that has it with: portvakt target token create NAME --scope {scope} (and the others that are needed)"
        );
        Self { scope: Some(scope), ..Self::new(StatusCode::FORBIDDEN, "insufficient_scope", detail) }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let detail = refusal.to_string();
        let (status, code) = match &refusal {
            Refusal::NotFound { .. } => (StatusCode::NOT_FOUND, "not_found"),
            Refusal::Taken(_) => (StatusCode::CONFLICT, "taken"),
            Refusal::Ambiguous { .. } => (StatusCode::CONFLICT, "ambiguous"),
            Refusal::Invalid { .. } => (StatusCode::BAD_REQUEST, "invalid"),
            Refusal::Protected { .. } => (StatusCode::FORBIDDEN, "protected"),
            Refusal::TooOld(_) => (StatusCode::CONFLICT, "too_old"),
            Refusal::NotAllowed(_) | Refusal::NeedsRight { .. } => (StatusCode::FORBIDDEN, "not_allowed"),
            Refusal::Stale(_) => (StatusCode::CONFLICT, "stale"),
            Refusal::Paused { .. } => (StatusCode::SERVICE_UNAVAILABLE, "paused"),
            Refusal::Scim(error) => {
                (StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST), "scim")
            }
            Refusal::Policy(_) => (StatusCode::BAD_REQUEST, "policy"),
            Refusal::NoPolicy => (StatusCode::SERVICE_UNAVAILABLE, "no_policy"),
            Refusal::Conflict(_) => (StatusCode::CONFLICT, "conflict"),
            Refusal::Outside(_) => (StatusCode::BAD_GATEWAY, "outside"),
            Refusal::Store(error) => {
                tracing::error!(%error, "the database could not do what was asked: {error}");
                return Self::of_database(error.is_passing());
            }
        };
        Self::new(status, code, detail)
    }
}

impl Problem {
    /// The database could not do it; the log says what.
    fn of_database(is_passing: bool) -> Self {
        if is_passing {
            Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The database is unavailable just now. Nothing was changed; try again shortly.",
            )
        } else {
            Self::internal()
        }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        Self::new(rejection.status(), "body", rejection.body_text())
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        Self::new(rejection.status(), "query", rejection.body_text())
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        if let (Some(scope), Some(members)) = (self.scope, body.as_object_mut()) {
            members.insert("scope".to_owned(), json!(scope.name()));
        }
        let mut response = (self.status, body.to_string()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Bearer"));
        }
        if let Some(scope) = self.scope
            && let Ok(value) = header::HeaderValue::try_from(format!(
                "Bearer error=\"insufficient_scope\", scope=\"{scope}\""
            ))
        {
            headers.insert(header::WWW_AUTHENTICATE, value);
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, header::HeaderValue::from_static("5"));
        }
        response
    }
}
