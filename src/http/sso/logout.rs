//! `/sso/logout`: out, here and at the provider.
//!
//! Invariant: a session ends only by a form of our own pages; a link or a foreign page cannot end it.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::super::pages::{Frame, Notice, language, page, trouble};
use super::super::{House, RequestId};
use super::cookies::{self, Kind};
use super::{proxy, visitor};
use crate::flows::session::Presence;
use crate::flows::{sign_in, sign_out};

#[derive(Template)]
#[template(path = "sso/logout.html")]
struct LogoutPage {
    frame: Frame,
    name: String,
}

/// `GET /sso/logout`: a page with a button.
pub(super) async fn ask(State(house): State<House>, headers: HeaderMap, id: RequestId) -> Response {
    let account = match visitor::look(&house, &headers, &id).await {
        Ok(Presence::SignedIn(person)) => person.account,
        Ok(Presence::ShutOut(out)) => out.account,
        Ok(Presence::Nobody) => return done(&house, &headers),
        Err(refusal) => return trouble(&house, &headers, &id, refusal),
    };
    let frame = Frame::new(&house, language(&house, &headers, account.language));
    page(StatusCode::OK, &frame, &LogoutPage { frame: frame.clone(), name: account.user_name })
}

/// `POST /sso/logout`: ends the session, and goes where the provider's own ends.
pub(super) async fn sign_out(State(house): State<House>, headers: HeaderMap, id: RequestId) -> Response {
    let frame = Frame::new(&house, language(&house, &headers, None));
    if !is_own_form(&house, &headers) {
        let again = frame.at("/sso/logout");
        let notice = Notice::new(frame, "warn", "Du är inte utloggad", "You are not signed out")
            .say(
                "Begäran kom från en annan webbplats, så ingenting hände.",
                "The request came from another site, so nothing happened.",
            )
            .lead(again, "Logga ut här", "Sign out here");
        return notice.answer(StatusCode::FORBIDDEN);
    }
    let ended = match cookies::read(&house, &headers, Kind::Session) {
        Some(secret) => {
            sign_out::by_person(&house.ports, &secret, proxy::host(&headers), Some(id.0.clone())).await
        }
        None => Ok(None),
    };
    match ended {
        Ok(at_provider) => {
            let next = at_provider.unwrap_or_else(|| frame.at("/sso/signed-out"));
            let mut response = Redirect::to(&next).into_response();
            if let Some(cookie) = cookies::take(&house, Kind::Session) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Err(refusal) => trouble(&house, &headers, &id, refusal),
    }
}

/// `GET /sso/signed-out`: where the provider sends the browser back.
pub(super) async fn signed_out(State(house): State<House>, headers: HeaderMap) -> Response {
    done(&house, &headers)
}

fn done(house: &House, headers: &HeaderMap) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    let again = frame.at("/sso/login");
    Notice::new(frame, "ok", "Du är utloggad", "You are signed out")
        .say(
            "Delar du dator med andra? Stäng webbläsaren, för organisationens egen inloggning kan leva kvar.",
            "Do you share the computer? Close the browser: the organisation's own sign-in may live on.",
        )
        .lead(again, "Logga in igen", "Sign in again")
        .answer(StatusCode::OK)
}

/// Whether a form of our own pages sent this: its `Origin` is ours, or the browser says that it is of this origin.
pub(crate) fn is_own_form(house: &House, headers: &HeaderMap) -> bool {
    if let Some(origin) = headers.get(header::ORIGIN) {
        origin.to_str().is_ok_and(|origin| sign_in::is_ours(&house.ports, proxy::host(headers), origin))
    } else {
        headers.get("sec-fetch-site").is_some_and(|value| value.as_bytes() == b"same-origin")
    }
}
