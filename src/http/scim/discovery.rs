//! `/ServiceProviderConfig`, `/Schemas`, `/ResourceTypes` (RFC 7644 §4).
//!
//! Invariant: they tell exactly what this door does.

use axum::extract::Path;
use axum::http::{HeaderMap, header};
use axum::response::Response;

use super::Failed;
use super::body;
use super::caller::Scim;
use super::query::Query;
use crate::scim::ScimError;
use crate::scim::bulk::MAX_OPERATIONS;
use crate::scim::list::{DEFAULT_COUNT, MAX_COUNT};
use crate::scim::schema::{
    AuthenticationScheme, Capabilities, Paging, resource_type as type_document, resource_types as type_list,
    schema as schema_document, schemas as schema_list, service_provider_config,
};

/// `body_limit` is in bytes.
fn capabilities(body_limit: usize) -> Capabilities {
    Capabilities {
        patch: true,
        bulk: true,
        bulk_max_operations: u32::try_from(MAX_OPERATIONS).unwrap_or(u32::MAX),
        bulk_max_payload: u32::try_from(body_limit).unwrap_or(u32::MAX),
        filter: true,
        filter_max_results: MAX_COUNT,
        change_password: false,
        sort: true,
        etag: true,
        paging: Some(Paging {
            cursor: true,
            index: true,
            default_page_size: DEFAULT_COUNT,
            max_page_size: MAX_COUNT,
            cursor_timeout: None,
        }),
        schemes: vec![
            AuthenticationScheme {
                kind: "oauthbearertoken",
                name: "Bearer token",
                description: "A token of this directory, sent as `Authorization: Bearer …`.",
                spec_uri: "https://www.rfc-editor.org/info/rfc6750",
            },
            AuthenticationScheme {
                kind: "oauth2",
                name: "OAuth 2.0 client credentials",
                description: "A client of this directory gets access tokens of an hour at …/token, below this address.",
                spec_uri: "https://www.rfc-editor.org/info/rfc6749",
            },
        ],
        documentation: None,
    }
}

/// `GET /ServiceProviderConfig`.
pub(super) async fn provider(scim: Scim, headers: HeaderMap) -> Response {
    let mut can = capabilities(scim.ports.settings.server.request_limit_bytes);
    if is_strict_about_discovery(&headers) {
        can.paging = None;
    }
    body::document(&service_provider_config(&scim.base, &can))
}

/// Canaille, and whatever else is built on scim2-models before 0.8, refuses the whole document for `pagination`
/// (RFC 9865), which it does not know, and then provisions nothing. All that such a client says of itself is the
/// library it sends with; a newer one of that kind pages by index, as it would without RFC 9865.
fn is_strict_about_discovery(headers: &HeaderMap) -> bool {
    headers.get(header::USER_AGENT).is_some_and(|agent| agent.as_bytes().starts_with(b"python-httpx/"))
}

/// `GET /Schemas`.
pub(super) async fn schemas(scim: Scim, query: Query) -> Result<Response, Failed> {
    refuse_filter(&query)?;
    Ok(body::document(&schema_list(&scim.base)))
}

/// RFC 7644 §4: a client must not believe that its conditions were applied.
fn refuse_filter(query: &Query) -> Result<(), ScimError> {
    if query.has_filter() {
        return Err(ScimError::status(403, "this list cannot be filtered; ask without filter"));
    }
    Ok(())
}

/// `GET /Schemas/{id}`.
pub(super) async fn schema(scim: Scim, Path((_, id)): Path<(String, String)>) -> Result<Response, Failed> {
    let found = schema_document(&scim.base, &id).ok_or_else(|| ScimError::not_found("Schema", &id))?;
    Ok(body::document(&found))
}

/// `GET /ResourceTypes`.
pub(super) async fn resource_types(scim: Scim, query: Query) -> Result<Response, Failed> {
    refuse_filter(&query)?;
    Ok(body::document(&type_list(&scim.base)))
}

/// `GET /ResourceTypes/{name}`.
pub(super) async fn resource_type(
    scim: Scim,
    Path((_, name)): Path<(String, String)>,
) -> Result<Response, Failed> {
    let found =
        type_document(&scim.base, &name).ok_or_else(|| ScimError::not_found("ResourceType", &name))?;
    Ok(body::document(&found))
}
