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
use axum::extract::DefaultBodyLimit;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};

use super::House;
use crate::scim::ScimError;

pub(super) use errors::Failed;
pub(super) use witness::Guest;

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
        .route("/", get(search::everywhere))
        .route("/.search", post(search::everything))
        .route("/Me", any(me))
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
    Router::new().nest("/scim/v2/{directory}", own).nest("/scim/v2/{directory}", oauth)
}

/// `/Me` (RFC 7644 §3.11): a directory's token stands for no person.
async fn me(caller: caller::Scim) -> Response {
    drop(caller);
    let detail = "a directory is not a person, so /Me names nobody; use Users/{id}";
    Failed(ScimError::status(501, detail)).into_response()
}

async fn nowhere(caller: caller::Scim) -> Response {
    drop(caller);
    let detail = "there is nothing at this address; resources are at Users and Groups";
    Failed(ScimError::status(404, detail)).into_response()
}

/// The methods that an address takes stand in `Allow`; `OPTIONS` asks for nothing else.
async fn wrong_method(caller: caller::Scim, method: Method) -> Response {
    drop(caller);
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    Failed(ScimError::status(405, "this address does not take that method")).into_response()
}

/// Gives SCIM bodies to errors below the SCIM addresses that are not in SCIM's words: what the framework answers by
/// itself, too late, too large, broken.
fn speak(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || is_in_its_own_words(&response) {
        return response;
    }
    let detail = match status {
        StatusCode::NOT_FOUND => "there is nothing at this address; a directory's is /scim/v2/{directory}",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is larger than this server takes; send less at a time",
        StatusCode::SERVICE_UNAVAILABLE => "the answer could not be made in time; try again, or ask for less",
        _ => status.canonical_reason().unwrap_or("the request failed"),
    };
    let mut spoken = Failed(ScimError::status(status.as_u16(), detail)).into_response();
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            spoken.headers_mut().insert(name, value.clone());
        }
    }
    spoken
}

/// SCIM's words, or those of OAuth at the token address.
fn is_in_its_own_words(response: &Response) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| {
        let kind = kind.as_bytes();
        kind.starts_with(b"application/scim+json") || kind.starts_with(b"application/json")
    })
}
