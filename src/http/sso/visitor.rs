//! Who stands at the door, by the session cookie.
//!
//! Invariant: asked anew at every request.

use axum::http::HeaderMap;

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
