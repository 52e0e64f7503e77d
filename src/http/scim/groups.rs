//! `/Groups` of a directory.
//!
//! Invariant: members are shown only where they are asked for; a PATCH is answered without a body, because groups
//! can be large.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::Failed;
use super::body::{self, Body};
use super::caller::Scim;
use super::query::{self, Query};
use crate::domain::ids::GroupId;
use crate::flows::provision::{self, GroupChange, wire};
use crate::scim::{ListQuery, PatchRequest, ResourceKind, ScimError, normalise_create};

const KIND: ResourceKind = ResourceKind::Group;

fn id_of(text: &str) -> Result<GroupId, ScimError> {
    GroupId::parse(text).map_err(|_| ScimError::not_found("Group", text))
}

/// `GET /Groups` (RFC 7644 §3.4.2).
pub(super) async fn list(scim: Scim, query: Query) -> Result<Response, Failed> {
    answer(&scim, &query.list(KIND)?).await
}

/// `POST /Groups/.search` (RFC 7644 §3.4.3).
pub(super) async fn search(scim: Scim, Body(asked): Body) -> Result<Response, Failed> {
    answer(&scim, &query::search(&asked, KIND)?).await
}

async fn answer(scim: &Scim, query: &ListQuery) -> Result<Response, Failed> {
    let page = provision::list(&scim.ports, &scim.directory, &scim.base, KIND, query).await?;
    Ok(body::text(page.into_text()))
}

/// `POST /Groups` (RFC 7644 §3.3).
pub(super) async fn create(scim: Scim, query: Query, Body(sent): Body) -> Result<Response, Failed> {
    let made = normalise_create(&sent, KIND)?;
    scim.mended(&made.repairs);
    let members = made.members.unwrap_or_default();
    let view =
        provision::create_group(&scim.ports, &scim.act, &scim.directory, made.document, members).await?;
    Ok(body::resource(StatusCode::CREATED, wire::group(&view, &scim.base, &query.projection(KIND))?))
}

/// `GET /Groups/{id}` (RFC 7644 §3.4.1).
pub(super) async fn read(
    scim: Scim,
    Path((_, id)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Failed> {
    shown(&scim, id_of(&id)?, &query, Some(&headers)).await
}

async fn shown(
    scim: &Scim,
    id: GroupId,
    query: &Query,
    headers: Option<&HeaderMap>,
) -> Result<Response, Failed> {
    let projection = query.projection(KIND);
    let is_known = |version| headers.is_some_and(|headers| query::is_known(headers, version));
    Ok(body::shown(scim.reader(&projection).group(id, is_known).await?))
}

/// `PUT /Groups/{id}` (RFC 7644 §3.5.1).
pub(super) async fn replace(
    scim: Scim,
    Path((_, id)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
    Body(sent): Body,
) -> Result<Response, Failed> {
    let (id, precondition) = (id_of(&id)?, query::precondition(&headers));
    let change = GroupChange::Replace(sent);
    let group =
        provision::change_group(&scim.ports, &scim.act, &scim.directory, id, change, precondition).await?;
    scim.witness.is_about(group.external_id.as_deref(), &group.document);
    shown(&scim, id, &query, None).await
}

/// `PATCH /Groups/{id}` (RFC 7644 §3.5.2).
pub(super) async fn patch(
    scim: Scim,
    Path((_, id)): Path<(String, String)>,
    query: Query,
    headers: HeaderMap,
    Body(sent): Body,
) -> Result<Response, Failed> {
    let request = PatchRequest::parse(&sent, KIND)?;
    let (id, precondition) = (id_of(&id)?, query::precondition(&headers));
    let change = GroupChange::Patch(request);
    let group =
        provision::change_group(&scim.ports, &scim.act, &scim.directory, id, change, precondition).await?;
    scim.witness.is_about(group.external_id.as_deref(), &group.document);
    if query.names_attributes() {
        // RFC 7644 §3.5.2: with `attributes` the answer is 200 and shows them.
        return shown(&scim, id, &query, None).await;
    }
    Ok(body::without_body(StatusCode::NO_CONTENT, group.version))
}

/// `DELETE /Groups/{id}` (RFC 7644 §3.6).
pub(super) async fn delete(
    scim: Scim,
    Path((_, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<StatusCode, Failed> {
    let precondition = query::precondition(&headers);
    provision::delete_group(&scim.ports, &scim.act, &scim.directory, id_of(&id)?, precondition).await?;
    Ok(StatusCode::NO_CONTENT)
}
