//! `/Bulk` of a directory.
//!
//! Invariant: the request as a whole fails only for its form; each operation is answered for itself.

use axum::response::Response;

use super::Failed;
use super::body::{self, Body};
use super::caller::Scim;
use crate::flows::provision;
use crate::scim::bulk::{self, BulkRequest};

/// `POST /Bulk` (RFC 7644 §3.7).
pub(super) async fn run(scim: Scim, Body(sent): Body) -> Result<Response, Failed> {
    let request = BulkRequest::parse(&sent)?;
    let word = |refusal| Failed::from(refusal).0;
    let outcomes = provision::bulk(&scim.ports, &scim.act, &scim.directory, &scim.base, request, word).await;
    Ok(body::document(&bulk::response(&outcomes)))
}
