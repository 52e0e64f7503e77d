//! `GET /sso/verify`: a proxy asks who is there (nginx `auth_request`, Traefik, Caddy).
//!
//! Invariant: 200 only for a living session of an account that may enter, judged at this very request.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::super::pages::{Frame, language};
use super::super::{House, Problem, RequestId};
use super::refused::sentence;
use super::visitor;
use crate::flows::session::{Presence, SignedInPerson};

/// `GET /sso/verify`: 200 with `X-Portvakt-*` headers, 401 for nobody, 403 for somebody who may not enter.
pub(super) async fn verify(State(house): State<House>, headers: HeaderMap, id: RequestId) -> Response {
    match visitor::look(&house, &headers, &id).await {
        Ok(Presence::SignedIn(person)) => match described(&person) {
            Some(told) => (StatusCode::OK, told).into_response(),
            None => Problem::internal().into_response(),
        },
        Ok(Presence::ShutOut(out)) => {
            let frame = Frame::new(&house, language(&house, &headers, out.account.language));
            let detail = sentence(&frame, &out.compiled.policy, &out.why);
            Problem::new(StatusCode::FORBIDDEN, out.why.shown_code(), detail).into_response()
        }
        Ok(Presence::Nobody) => {
            let detail = "Nobody is signed in. Send the browser to /sso/login?return_to=…";
            Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail).into_response()
        }
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

/// Who it is, as headers in UTF-8; several roles or sectors stand with commas between. Nothing where a value cannot
/// stand in a header.
fn described(person: &SignedInPerson) -> Option<HeaderMap> {
    let (account, held) = (&person.account, &person.effective);
    let roles: Vec<&str> = held.roles.iter().map(crate::domain::ids::RoleId::as_str).collect();
    let sectors: Vec<&str> = held.sectors.iter().map(crate::domain::ids::SectorId::as_str).collect();
    let told = [
        ("x-portvakt-account", account.id.to_string()),
        ("x-portvakt-user", account.user_name.clone()),
        ("x-portvakt-roles", roles.join(",")),
        ("x-portvakt-sectors", sectors.join(",")),
        ("x-portvakt-limited", held.limited.to_string()),
        ("x-portvakt-version", account.version.to_string()),
    ];
    told.into_iter()
        .map(|(name, value)| {
            let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
            Some((HeaderName::from_static(name), value))
        })
        .collect()
}
