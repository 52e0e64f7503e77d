//! SCIM 2.0 for one directory (RFC 7644), at `/scim/v2/{directory}`.
//!
//! Invariant: every answer under this address is SCIM, errors included, but for the token endpoint, which speaks OAuth;
//! a directory reaches only what is its own.

mod body;
mod bulk;
mod caller;
mod discovery;
mod errors;
mod groups;
mod query;
mod search;
mod token;
mod users;
mod witness;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::House;
use crate::scim::ScimError;

pub(super) use errors::Failed;

/// Every route of a directory.
pub(super) fn routes() -> Router<House> {
    let own = Router::new()
        .route("/Users", get(users::list).post(users::create))
        .route("/Users/.search", post(users::search))
        .route("/Users/{id}", get(users::read).put(users::replace).patch(users::patch).delete(users::delete))
        .route("/Groups", get(groups::list).post(groups::create))
        .route("/Groups/.search", post(groups::search))
        .route(
            "/Groups/{id}",
            get(groups::read).put(groups::replace).patch(groups::patch).delete(groups::delete),
        )
        .route("/.search", post(search::everything))
        .route("/Bulk", post(bulk::run))
        .route("/ServiceProviderConfig", get(discovery::provider))
        .route("/Schemas", get(discovery::schemas))
        .route("/Schemas/{id}", get(discovery::schema))
        .route("/ResourceTypes", get(discovery::resource_types))
        .route("/ResourceTypes/{name}", get(discovery::resource_type))
        .fallback(nowhere)
        .method_not_allowed_fallback(wrong_method);
    // The token endpoint speaks OAuth, errors included.
    let oauth =
        Router::new().route("/token", post(token::issue)).layer(DefaultBodyLimit::max(token::LONGEST_BODY));
    Router::new()
        .nest("/scim/v2/{directory}", own)
        .layer(middleware::from_fn(speak_scim))
        .layer(middleware::from_fn(witness::watch))
        .nest("/scim/v2/{directory}", oauth)
}

async fn nowhere(caller: caller::Scim) -> Response {
    drop(caller);
    let detail = "there is nothing at this address; resources are at Users and Groups";
    Failed(ScimError::status(404, detail)).into_response()
}

async fn wrong_method() -> Response {
    Failed(ScimError::status(405, "this address does not take that method")).into_response()
}

/// Gives SCIM bodies to errors that the framework answers by itself.
async fn speak_scim(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_scim = response
        .headers()
        .get(axum::http::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/scim+json"));
    if is_scim || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let detail = status.canonical_reason().unwrap_or("the request failed");
    let mut spoken = Failed(ScimError::status(status.as_u16(), detail)).into_response();
    for name in [axum::http::header::ALLOW, axum::http::header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            spoken.headers_mut().insert(name, value.clone());
        }
    }
    spoken
}
