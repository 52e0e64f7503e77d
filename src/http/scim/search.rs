//! Searches at the root, over people and groups together.
//!
//! Invariant: people come first, then groups, and pages go on from one to the other; an attribute that one kind of
//! resource does not have matches none of that kind.

use axum::response::Response;

use super::Failed;
use super::body::{self, Body};
use super::caller::Scim;
use super::query::Query;
use crate::flows::provision;
use crate::scim::{ListParameters, ListQuery, ListResponse, Page, ResourceKind, ScimError};

/// `POST /.search` (RFC 7644 §3.4.3).
pub(super) async fn everything(scim: Scim, Body(asked): Body) -> Result<Response, Failed> {
    answer(&scim, &ListParameters::from_search(&asked)?).await
}

/// `GET /`, at the root of the directory (RFC 7644 §3.4.2.1).
pub(super) async fn everywhere(scim: Scim, query: Query) -> Result<Response, Failed> {
    answer(&scim, query.parameters()).await
}

async fn answer(scim: &Scim, asked: &ListParameters) -> Result<Response, Failed> {
    let [people, groups] = asked.read_for_all()?;
    let start = match people.as_ref().or(groups.as_ref()).map(|query| &query.page) {
        Some(Page::Index(start)) => *start,
        Some(Page::Cursor(_)) => {
            let detail =
                "cursor paging is offered at Users/.search and Groups/.search; here page by startIndex";
            return Err(ScimError::invalid_value(detail).into());
        }
        None => 1,
    };
    let first = page(scim, ResourceKind::User, people).await?;
    // A page of people that was cut short, because it would be too large, is not gone on with groups.
    let is_last = start.saturating_add(first.resources.len() as u64) > first.total;
    let rest = groups.map(|mut query| {
        let shown = u32::try_from(first.resources.len()).unwrap_or(u32::MAX);
        query.count = if is_last { query.count.saturating_sub(shown) } else { 0 };
        query.page = Page::Index(start.saturating_sub(first.total).max(1));
        query
    });
    let second = page(scim, ResourceKind::Group, rest).await?;
    let mut resources = first.resources;
    resources.extend(second.resources);
    let total = first.total + second.total;
    let whole = ListResponse { total, start_index: Some(start), next_cursor: None, resources };
    Ok(body::text(whole.into_text()))
}

async fn page(scim: &Scim, kind: ResourceKind, query: Option<ListQuery>) -> Result<ListResponse, Failed> {
    match query {
        Some(query) => Ok(provision::list(&scim.ports, &scim.directory, &scim.base, kind, &query).await?),
        None => Ok(ListResponse { total: 0, start_index: None, next_cursor: None, resources: Vec::new() }),
    }
}
