//! Query strings and conditional headers of SCIM requests.
//!
//! Invariant: plus and %20 both mean a blank; parameters that nobody defined are ignored.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use serde_json::Value;

use super::Failed;
use crate::flows::provision::{Precondition, Versions};
use crate::scim::{ListParameters, ListQuery, Projection, ResourceKind, ScimError};

/// What a query string asks for.
pub(super) struct Query(ListParameters);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Failed;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failed> {
        let raw = parts.uri.query().unwrap_or_default();
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(raw).map_err(|error| {
            ScimError::invalid_syntax(format!("the query string cannot be read: {error}"))
        })?;
        let pairs = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        Ok(Self(ListParameters::from_query(pairs)?))
    }
}

impl Query {
    pub(super) fn list(&self, kind: ResourceKind) -> Result<ListQuery, ScimError> {
        self.0.read(kind)
    }

    pub(super) fn parameters(&self) -> &ListParameters {
        &self.0
    }

    /// The client sets conditions.
    pub(super) fn has_filter(&self) -> bool {
        self.0.has_filter()
    }

    /// The client names attributes that it wants to see.
    pub(super) fn names_attributes(&self) -> bool {
        self.0.names_attributes()
    }

    pub(super) fn projection(&self, kind: ResourceKind) -> Projection {
        self.0.projection(kind)
    }
}

/// The query of a `POST …/.search` body (RFC 7644 §3.4.3).
pub(super) fn search(body: &Value, kind: ResourceKind) -> Result<ListQuery, ScimError> {
    ListParameters::from_search(body)?.read(kind)
}

/// What `If-Match` and `If-None-Match` demand of the resource that is to be changed (RFC 7644 §3.14).
pub(super) fn precondition(headers: &HeaderMap) -> Precondition {
    Precondition::new(versions(headers, &header::IF_MATCH), versions(headers, &header::IF_NONE_MATCH))
}

/// Whether `If-None-Match` names the version that the client has already (RFC 7644 §3.14).
pub(super) fn is_known(headers: &HeaderMap, present: i64) -> bool {
    versions(headers, &header::IF_NONE_MATCH).is_some_and(|known| known.name(present))
}

/// What every header of that name lists together; nothing where there is none.
fn versions(headers: &HeaderMap, name: &HeaderName) -> Option<Versions> {
    let all: Vec<&str> =
        headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
    (!all.is_empty()).then(|| Versions::read(&all.join(",")))
}
