//! Portvakt as the OpenID provider of CRMs: `/.well-known/openid-configuration` and `/oauth2/…`.
//!
//! Invariant: a browser is sent on only to an address that a client has registered, or to a page of our own; errors of
//! the token endpoint have the form of RFC 6749 §5.2.

mod answer;
mod authorize;
mod cors;
mod discovery;
mod logout;
mod token;
mod userinfo;

use axum::Router;
use axum::routing::get;

use super::House;

/// Query or form: name and value, in the order they came.
type Pairs = Vec<(String, String)>;

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/.well-known/openid-configuration", get(discovery::configuration).options(cors::preflight))
        .route("/oauth2/jwks", get(discovery::keys).options(cors::preflight))
        .route("/oauth2/authorize", get(authorize::authorize).post(authorize::by_form))
        .route("/assets/send.js", get(authorize::send_script))
        .route("/oauth2/token", axum::routing::post(token::token).options(cors::preflight))
        .route("/oauth2/userinfo", get(userinfo::userinfo).post(userinfo::by_form).options(cors::preflight))
        .route("/oauth2/logout", get(logout::ask).post(logout::by_form))
}
