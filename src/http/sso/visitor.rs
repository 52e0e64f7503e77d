//! Who stands at the door, by the session cookie.
//!
//! Invariant: asked anew at every request.

use axum::http::{HeaderMap, HeaderValue};
use secrecy::SecretString;

use super::super::{House, RequestId};
use super::cookies::{self, Kind};
use crate::flows::Refusal;
use crate::flows::session::{self, Presence};

/// Who stands at the door.
pub(crate) async fn look(house: &House, headers: &HeaderMap, id: &RequestId) -> Result<Presence, Refusal> {
    match cookies::read(house, headers, Kind::Session) {
        Some(secret) => session::look(&house.ports, &secret, Some(id.0.clone())).await,
        None => Ok(Presence::Nobody),
    }
}

/// The secret of the browser's session, whether it still is one or not.
pub(crate) fn secret(house: &House, headers: &HeaderMap) -> Option<SecretString> {
    cookies::read(house, headers, Kind::Session)
}

/// `Set-Cookie` that takes the session's secret back from the browser.
pub(crate) fn dismiss(house: &House) -> Option<HeaderValue> {
    cookies::take(house, Kind::Session)
}
