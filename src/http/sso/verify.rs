//! `GET /sso/verify`: a proxy asks who is there (nginx `auth_request`, Traefik, Caddy).
//!
//! Invariant: 200 only for a living session of an account that may enter, judged at this very request; every value in
//! a header is plain ASCII, anything else is percent-encoded as UTF-8 (RFC 3986 §2.1).

use std::fmt::Write as _;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::pages::{Frame, language, trouble};
use super::super::{House, Problem, RequestId};
use super::refused::{self, sentence};
use super::step_up;
use super::{proxy, visitor};
use crate::domain::access::{self, Decision};
use crate::domain::ids::{RoleId, SectorId};
use crate::domain::policy::Action;
use crate::flows::session::{Demand, Presence, SignedInPerson, StepUp, require_fresh};

/// What the proxy demands.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    /// A component that the person must reach.
    component: Option<String>,
    /// For this action. Default `view`.
    action: Option<String>,
    /// How long ago, in seconds, the person may have proved who they are.
    max_age: Option<u32>,
    /// Levels of assurance, any of which will do, with blanks between.
    acr: Option<String>,
    /// `page`: the answer goes to the browser as it is.
    answer: Option<String>,
}

impl Asked {
    fn demand(&self) -> Demand {
        step_up::demand(self.max_age, self.acr.as_deref())
    }

    /// What the person may not do; nothing where they may, or nothing was asked.
    pub(super) fn refusal(&self, person: &SignedInPerson) -> Option<access::Refusal> {
        self.decision(person).and_then(|decision| decision.refusal)
    }

    fn decision(&self, person: &SignedInPerson) -> Option<Decision> {
        let component = self.component.clone()?;
        let action = self.action.as_deref().unwrap_or(Action::View.name());
        Some(match Action::from_name(action) {
            Some(action) => person.may(&access::Question { action, component, item: None }),
            None => Decision::refused(access::Refusal::UnknownAction(action.to_owned())),
        })
    }

    fn wants_page(&self) -> bool {
        self.answer.as_deref() == Some("page")
    }
}

/// `GET /sso/verify`: 200 with `X-Portvakt-*` headers, 401 for nobody or for a sign-in that is not fresh enough, 403
/// for somebody who may not.
pub(super) async fn verify(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    query: Result<Query<Asked>, QueryRejection>,
) -> Response {
    let asked = match query {
        Ok(Query(asked)) => asked,
        Err(rejection) => return Problem::from(rejection).into_response(),
    };
    match visitor::look(&house, &headers, &id).await {
        Ok(Presence::SignedIn(person)) => answer(&house, &headers, &id, &asked, &person).await,
        Ok(Presence::ShutOut(out)) if asked.wants_page() => {
            refused::shut_out(&house, &headers, &id, &out).await
        }
        Ok(Presence::ShutOut(out)) => {
            let frame = Frame::new(&house, language(&house, &headers, out.account.language));
            let detail = sentence(&frame, &out.compiled.policy, &out.why);
            Problem::new(StatusCode::FORBIDDEN, out.why.shown_code(), detail).into_response()
        }
        Ok(Presence::Nobody) => away(&house, &headers, &asked),
        Err(refusal) if asked.wants_page() => trouble(&house, &headers, &id, refusal),
        Err(refusal) => Problem::from(refusal).into_response(),
    }
}

async fn answer(
    house: &House,
    headers: &HeaderMap,
    id: &RequestId,
    asked: &Asked,
    person: &SignedInPerson,
) -> Response {
    let decision = asked.decision(person);
    if let Some(refusal) = decision.as_ref().and_then(|decision| decision.refusal.as_ref()) {
        if asked.wants_page() {
            return refused::closed(house, headers, id, person, refusal).await;
        }
        let language = language(house, headers, person.account.language);
        let detail = access::reason_refused(refusal, &person.compiled.policy, language);
        return Problem::new(StatusCode::FORBIDDEN, refusal.code(), detail).into_response();
    }
    if let Err(StepUp { demand }) = require_fresh(person, &asked.demand()) {
        if asked.wants_page() && proxy::is_going(headers) {
            let back = proxy::wanted(house, headers);
            return step_up::away(house, &person.session.directory, &demand, back.as_deref());
        }
        return step_up::challenge(&demand);
    }
    let narrowed = decision.is_some_and(|decision| decision.narrowed);
    match described(person, narrowed) {
        Some(told) => (StatusCode::OK, told).into_response(),
        None => Problem::internal().into_response(),
    }
}

/// Nobody is signed in: the browser is sent to sign in, where the proxy hands the answer on.
fn away(house: &House, headers: &HeaderMap, asked: &Asked) -> Response {
    if asked.wants_page() && proxy::is_going(headers) {
        let back = proxy::wanted(house, headers).unwrap_or_default();
        let frame = Frame::new(house, language(house, headers, None));
        let mut address = frame.at("/sso/login?return_to=");
        address.push_str(&encoded(&back, |byte| byte.is_ascii_alphanumeric() || byte == b'/'));
        address.push_str(&step_up::query(&asked.demand()));
        return Redirect::to(&address).into_response();
    }
    let detail = "Nobody is signed in. Send the browser to /sso/login?return_to=…";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail).into_response()
}

/// Who it is, as headers; several roles or sectors stand with commas between. Every header is there, an empty one where
/// there is nothing to say: some proxies copy one that is not there as something else. Nothing where a value cannot
/// stand in a header, which an encoded one always can.
fn described(person: &SignedInPerson, narrowed: bool) -> Option<HeaderMap> {
    let (account, held) = (&person.account, &person.effective);
    let roles: Vec<&str> = held.roles.iter().map(RoleId::as_str).collect();
    let sectors: Vec<&str> = held.sectors.iter().map(SectorId::as_str).collect();
    let told = [
        ("x-portvakt-account", account.id.to_string()),
        ("x-portvakt-user", plain(&account.user_name)),
        ("x-portvakt-name", plain(&account.display_name)),
        ("x-portvakt-email", account.email.as_deref().map(plain).unwrap_or_default()),
        ("x-portvakt-roles", roles.join(",")),
        ("x-portvakt-sectors", sectors.join(",")),
        ("x-portvakt-limited", held.limited.to_string()),
        ("x-portvakt-item-restricted", held.item_restricted.to_string()),
        ("x-portvakt-narrowed", narrowed.to_string()),
        ("x-portvakt-version", account.version.to_string()),
    ];
    let mut headers: HeaderMap = told
        .into_iter()
        .map(|(name, value)| Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?)))
        .collect::<Option<_>>()?;
    headers.insert(header::VARY, HeaderValue::from_static("cookie"));
    Some(headers)
}

/// A text as it can stand in any header: what is not visible ASCII, and the percent sign, as `%XX`.
fn plain(text: &str) -> String {
    encoded(text, |byte| byte.is_ascii_graphic() && byte != b'%')
}

/// `text` with every byte as `%XX` that is not `kept`.
pub(super) fn encoded(text: &str, kept: fn(u8) -> bool) -> String {
    let mut done = String::with_capacity(text.len());
    for byte in text.bytes() {
        if kept(byte) {
            done.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(done, "%{byte:02X}");
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_header_is_plain_and_can_be_read_back() {
        assert_eq!(plain("asa@bjorkbacken.example"), "asa@bjorkbacken.example");
        assert_eq!(plain("Åsa Öberg"), "%C3%85sa%20%C3%96berg");
        assert_eq!(plain("100 %\r\nX-Portvakt-Roles: board"), "100%20%25%0D%0AX-Portvakt-Roles:%20board");
    }
}
