//! A form that somebody at the console sent.
//!
//! Invariant: nothing of it is looked at before it is known that a page of ours sent it, in this very session: its origin
//! is ours, and it carries the session's mark.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::response::Response;

use super::super::House;
use super::super::body;
use super::super::pages::Notice;
use super::super::sso::is_own_form;
use super::{ConsolePerson, Fields};
use crate::flows::session::mark::{Purpose, is_mark};

/// A form, with who sent it.
#[derive(Debug)]
pub(crate) struct Sent {
    /// Who.
    pub(crate) console: ConsolePerson,
    /// What it says.
    pub(crate) fields: Fields,
}

impl FromRequest<House> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, house: &House) -> Result<Self, Response> {
        let (mut parts, content) = request.into_parts();
        let console = ConsolePerson::from_request_parts(&mut parts, house).await?;
        if !is_own_form(house, &parts.headers) {
            return Err(foreign(&console));
        }
        let request = Request::from_parts(parts, content);
        let bytes = match body::whole(request, house).await {
            Ok(bytes) => bytes,
            Err(fault) => return Err(unread(&console, fault.status())),
        };
        let fields = Fields::read(&bytes);
        let shown = fields.one("token").unwrap_or_default();
        if !is_mark(&console.session, Purpose::Form, "", shown) {
            return Err(unmarked(&console));
        }
        Ok(Self { console, fields: fields.without(&["token"]) })
    }
}

fn foreign(console: &ConsolePerson) -> Response {
    let said = (
        "Begäran kom från en annan webbplats. Var det du som ville ändra något, gör det härifrån.",
        "The request came from another site. If it was you who wanted a change, make it from here.",
    );
    unchanged(console, StatusCode::FORBIDDEN, said, ("Till sidan", "To the page"))
}

fn unmarked(console: &ConsolePerson) -> Response {
    let said = (
        "Formuläret hör till en tidigare inloggning. Öppna sidan igen och gör om det du ville göra.",
        "The form belongs to an earlier sign-in. Open the page again and redo what you wanted to do.",
    );
    unchanged(console, StatusCode::FORBIDDEN, said, AGAIN)
}

fn unread(console: &ConsolePerson, status: StatusCode) -> Response {
    let said = (
        "Formuläret kom inte fram helt. Försök igen, med färre markerade om de var många.",
        "The form did not arrive whole. Try again, with fewer marked if there were many.",
    );
    unchanged(console, status, said, AGAIN)
}

const AGAIN: (&str, &str) = ("Öppna sidan igen", "Open the page again");

/// Nothing has been changed; why, and the way back. Swedish first, then English.
fn unchanged(
    console: &ConsolePerson,
    status: StatusCode,
    (why_sv, why_en): (&'static str, &'static str),
    (back_sv, back_en): (&'static str, &'static str),
) -> Response {
    let frame = console.frame.clone();
    let again = frame.at(&console.here);
    Notice::new(frame, "warn", "Ingenting har ändrats", "Nothing has been changed")
        .say(why_sv, why_en)
        .lead(again, back_sv, back_en)
        .answer(status)
}
