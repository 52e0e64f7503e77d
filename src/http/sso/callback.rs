//! `GET /sso/callback`: back from the provider.
//!
//! Invariant: only a finished sign-in sets a session cookie.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;

use super::super::pages::{Frame, Notice, language, trouble};
use super::super::{House, RequestId};
use super::cookies::{self, Kind};
use super::{login, refused};
use crate::flows::sign_in::{self, Answer, Outcome, Returned, SignedIn};

/// The query of the callback (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Deserialize)]
pub(super) struct CallbackQuery {
    state: Option<SecretString>,
    code: Option<SecretString>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

/// `GET /sso/callback`.
pub(super) async fn callback(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    query: Result<Query<CallbackQuery>, QueryRejection>,
) -> Response {
    let Some(returned) = query.ok().and_then(|Query(query)| returned(&house, &headers, &id, query)) else {
        return too_old(&house, &headers).await;
    };
    match sign_in::finish(&house.ports, returned).await {
        Ok(Outcome::SignedIn(signed_in)) => welcome(&house, &signed_in),
        Ok(Outcome::Refused(refused)) => refused::refused(&house, &headers, &refused),
        Ok(Outcome::TooOld) => too_old(&house, &headers).await,
        Ok(Outcome::Unavailable(retry)) => {
            login::unavailable(&house, &headers, &retry.directory, &retry.return_to).await
        }
        Err(refusal) => trouble(&house, &headers, &id, refusal),
    }
}

/// What came back, where it is an answer at all.
fn returned(house: &House, headers: &HeaderMap, id: &RequestId, query: CallbackQuery) -> Option<Returned> {
    let answer = match (query.code, query.error) {
        (_, Some(error)) => Answer::Error { error, description: query.error_description },
        (Some(code), None) => Answer::Code(code),
        (None, None) => return None,
    };
    Some(Returned {
        state: query.state?,
        answer,
        iss: query.iss,
        tickets: cookies::tickets(house, headers),
        former: cookies::read(house, headers, Kind::Session),
        request_id: Some(id.0.clone()),
    })
}

fn welcome(house: &House, signed_in: &SignedIn) -> Response {
    let mut response = Redirect::to(&signed_in.return_to).into_response();
    let session = cookies::give(house, Kind::Session, &signed_in.secret);
    let cookies = [session, cookies::take_ticket(house, &signed_in.ticket)];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

async fn too_old(house: &House, headers: &HeaderMap) -> Response {
    let frame = Frame::new(house, language(house, headers, None));
    let again = frame.at("/sso/login");
    let mut notice = Notice::new(frame, "warn", "Inloggningen blev inte klar", "The sign-in was not completed")
        .say(
            "En inloggning ska slutföras inom tio minuter, i samma webbläsare som den började i, och svaret går bara att använda en gång.",
            "A sign-in is to be finished within ten minutes, in the browser where it began, and its answer works only once.",
        )
        .say("Börja om, så går det bra.", "Start again and it will work.")
        .lead(again, "Logga in igen", "Sign in again");
    notice.contact = login::contact(house).await;
    notice.answer(StatusCode::BAD_REQUEST)
}
