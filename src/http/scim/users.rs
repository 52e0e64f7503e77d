//! `/Users` of a directory.
//!
//! Invariant: the answer shows what was stored, never what was sent.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Failed;
use super::body::{self, Body};
use super::caller::Scim;
use super::query::{self, Query};
use crate::domain::ids::IdentityId;
use crate::flows::provision::{self, UserChange, wire};
use crate::scim::{ListQuery, PatchRequest, ResourceKind, ScimError, normalise_create};

const KIND: ResourceKind = ResourceKind::User;

fn id_of(text: &str) -> Result<IdentityId, ScimError> {
    IdentityId::parse(text).map_err(|_| ScimError::not_found("User", text))
}

/// `GET /Users` (RFC 7644 §3.4.2).
pub(super) async fn list(scim: Scim, query: Query) -> Result<Response, Failed> {
    answer(&scim, &query.list(KIND)?).await
}

/// `POST /Users/.search` (RFC 7644 §3.4.3).
pub(super) async fn search(scim: Scim, Body(asked): Body) -> Result<Response, Failed> {
    answer(&scim, &query::search(&asked, KIND)?).await
}

async fn answer(scim: &Scim, query: &ListQuery) -> Result<Response, Failed> {
    let page = provision::list(&scim.ports, &scim.directory, &scim.base, KIND, query).await?;
    Ok(body::text(page.into_text()))
}

/// `POST /Users` (RFC 7644 §3.3).
pub(super) async fn create(scim: Scim, query: Query, Body(sent): Body) -> Result<Response, Failed> {
    let made = normalise_create(&sent, KIND)?;
    scim.mended(&made.repairs);
    let view = provision::create_user(&scim.ports, &scim.act, &scim.directory, made.document).await?;
    Ok(body::resource(StatusCode::CREATED, wire::user(&view, &scim.base, &query.projection(KIND))?))
}

/// `GET /Users/{id}` (RFC 7644 §3.4.1).
pub(super) async fn read(
    scim: Scim,
    Path((_, id)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    let projection = query.projection(KIND);
    let is_known = |version| query::is_known(&headers, version);
    Ok(body::shown(scim.reader(&projection).user(id_of(&id)?, is_known).await?))
}

/// `PUT /Users/{id}` (RFC 7644 §3.5.1).
pub(super) async fn replace(
    scim: Scim,
    Path((_, id)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
    Body(sent): Body,
) -> Result<Response, Failed> {
    change(scim, &id, &query, &headers, UserChange::Replace(sent)).await
}

/// `PATCH /Users/{id}` (RFC 7644 §3.5.2).
pub(super) async fn patch(
    scim: Scim,
    Path((_, id)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
    Body(sent): Body,
) -> Result<Response, Failed> {
    let request = PatchRequest::parse(&sent, KIND)?;
    change(scim, &id, &query, &headers, UserChange::Patch(request)).await
}

async fn change(
    scim: Scim,
    id: &str,
    query: &Query,
    headers: &HeaderMap,
    change: UserChange,
) -> Result<Response, Failed> {
    let (id, precondition) = (id_of(id)?, query::precondition(headers));
    let view =
        provision::change_user(&scim.ports, &scim.act, &scim.directory, id, change, precondition).await?;
    scim.witness.is_about(view.identity.external_id.as_deref(), &view.identity.document);
    Ok(body::resource(StatusCode::OK, wire::user(&view, &scim.base, &query.projection(KIND))?))
}

/// `DELETE /Users/{id}` (RFC 7644 §3.6).
pub(super) async fn delete(
    scim: Scim,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Failed> {
    let precondition = query::precondition(&headers);
    provision::delete_user(&scim.ports, &scim.act, &scim.directory, id_of(&id)?, precondition).await?;
    Ok(StatusCode::NO_CONTENT)
}
