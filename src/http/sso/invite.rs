//! `/sso/invite`: the way in by a link that whoever holds the shell made.
//!
//! Invariant: opening a link ties it to the browser and signs nobody in; only the form of the page that then opens does.

use askama::Template;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::super::pages::{Frame, Notice, language, page, trouble};
use super::super::{House, RequestId};
use super::cookies::{self, Kind};
use super::{login, logout, refused};
use crate::flows::invite::{self, Accepted, Opened};

/// The link's own secret.
#[derive(Deserialize)]
pub(super) struct Code {
    code: SecretString,
}

#[derive(Template)]
#[template(path = "sso/invite.html")]
struct InvitePage<'p> {
    frame: Frame,
    user_name: &'p str,
    code: &'p str,
}

/// `GET /sso/invite`: a page with a button, in the browser that the link is now tied to.
pub(super) async fn open(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    query: Result<Query<Code>, QueryRejection>,
) -> Response {
    let code = query.map_or_else(|_| SecretString::from(""), |Query(Code { code })| code);
    let browser = cookies::read(&house, &headers, Kind::Invite);
    match invite::open(&house.ports, &code, browser, Some(id.0.clone())).await {
        Ok(Opened::Bound { user_name, browser }) => {
            let frame = Frame::new(&house, language(&house, &headers, None));
            let shown =
                InvitePage { frame: frame.clone(), user_name: &user_name, code: code.expose_secret() };
            let mut response = page(StatusCode::OK, &frame, &shown);
            // The link must not travel on in a Referer, not even to ourselves.
            response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
            if let Some(cookie) = cookies::give(&house, Kind::Invite, &browser) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(Opened::Void) => void(&house, &headers).await,
        Ok(Opened::Slowed) => slowed(&house, &headers),
        Err(refusal) => trouble(&house, &headers, &id, refusal),
    }
}

/// `POST /sso/invite`: signs in.
pub(super) async fn accept(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    form: Result<Form<Code>, FormRejection>,
) -> Response {
    if !logout::is_own_form(&house, &headers) {
        return void(&house, &headers).await;
    }
    let code = form.map_or_else(|_| SecretString::from(""), |Form(Code { code })| code);
    let browser = cookies::read(&house, &headers, Kind::Invite);
    let former = cookies::read(&house, &headers, Kind::Session);
    match invite::accept(&house.ports, &code, browser, former, Some(id.0.clone())).await {
        Ok(Accepted::SignedIn { secret }) => welcome(&house, &headers, &secret),
        Ok(Accepted::Refused(refusal)) => {
            let (account, why, compiled) = *refusal;
            let act = house.ports.act(crate::domain::actor::Actor::Account(account.id), "invite");
            let out = crate::flows::session::ShutOut { account, why, compiled, act };
            refused::shut_out(&house, &headers, &id, &out).await
        }
        Ok(Accepted::Void) => void(&house, &headers).await,
        Ok(Accepted::Slowed) => slowed(&house, &headers),
        Err(refusal) => trouble(&house, &headers, &id, refusal),
    }
}

fn welcome(house: &House, headers: &HeaderMap, secret: &SecretString) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    let mut response = Redirect::to(&frame.at("/")).into_response();
    let cookies = [cookies::give(house, Kind::Session, secret), cookies::take(house, Kind::Invite)];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn void(house: &House, headers: &HeaderMap) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    let sign_in = frame.at("/sso/login");
    let mut notice = Notice::new(frame, "warn", "Länken går inte att använda", "The link cannot be used")
        .say(
            "En engångslänk gäller i femton minuter, en gång, i den webbläsare som öppnade den först.",
            "A one-time link is good for fifteen minutes, once, in the browser that opened it first.",
        )
        .say(
            "Den som har kommandoraden kan skapa en ny: portvakt admin invite ANVÄNDARNAMN",
            "Whoever has the command line can make a new one: portvakt admin invite USERNAME",
        )
        .lead(sign_in, "Till den vanliga inloggningen", "To the usual sign-in");
    notice.contact = login::contact(house).await;
    notice.answer(StatusCode::FORBIDDEN)
}

fn slowed(house: &House, headers: &HeaderMap) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    let notice = Notice::new(frame, "warn", "Vänta en stund", "Wait a while").say(
        "Det har kommit för många försök med fel länk. Försök igen om en minut.",
        "There were too many attempts with a wrong link. Try again in a minute.",
    );
    let mut response = notice.answer(StatusCode::TOO_MANY_REQUESTS);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    response
}
