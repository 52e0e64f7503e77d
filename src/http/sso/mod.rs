//! Signing in and out, for browsers and for proxies that ask who is there.
//!
//! Invariant: a cookie that opens anything holds a random secret and nothing else; no address that a browser is sent to
//! comes from a request, save a local path, and which of the hosts of the settings is meant.

mod backchannel;
mod callback;
pub(super) mod cookies;
mod invite;
mod login;
mod logout;
mod notice;
mod proxy;
mod refused;
pub(super) mod step_up;
mod verify;
pub(super) mod visitor;

use axum::Router;
use axum::routing::{get, post};

use super::House;

pub(super) use logout::is_own_form;
pub(super) use refused::turned_away;

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/sso/login", get(login::show).post(login::by_address))
        .route("/sso/callback", get(callback::callback))
        .route("/sso/logout", get(logout::ask).post(logout::sign_out))
        .route("/sso/signed-out", get(logout::signed_out))
        .route("/sso/backchannel-logout/{directory}", post(backchannel::logout))
        .route("/sso/verify", get(verify::verify))
        .route("/sso/refused", get(refused::why))
        .route("/sso/notice", get(notice::show).post(notice::ask))
        .route("/sso/invite", get(invite::open).post(invite::accept))
}
