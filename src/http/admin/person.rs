//! Who is at the console: the person that every page and every form demands.
//!
//! Invariant: nobody becomes one without a living session, an account that may enter, and a role that opens the console.
//! Everybody else gets a page that says why, in their language, or the way to sign in and back.

use std::ops::Deref;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::SignedDuration;
use secrecy::SecretString;

use super::super::pages::{Frame, Notice, language, trouble};
use super::super::sso::{step_up, visitor};
use super::super::{House, RequestId};
use super::{Fields, Note};
use crate::domain::days::Reading;
use crate::flows::Refusal;
use crate::flows::console::ConsoleActor;
use crate::flows::session::mark::{Purpose, mark};
use crate::flows::session::{Demand, SignedInPerson, require_fresh};

/// What is not easily undone asks for a sign-in no older than this, where the settings say nothing.
const FRESH: SignedDuration = SignedDuration::from_mins(15);

/// Somebody at the console, with the request they came by.
#[derive(Debug)]
pub(crate) struct ConsolePerson {
    /// What flows demand.
    pub(crate) actor: ConsoleActor,
    /// Their session, account and policy.
    pub(crate) person: Box<SignedInPerson>,
    /// Their language, and our addresses.
    pub(crate) frame: Frame,
    /// How dates are told.
    pub(crate) reading: Reading,
    /// What the address asks for.
    pub(crate) query: Fields,
    /// What was just done.
    pub(super) note: Option<Note>,
    pub(super) session: SecretString,
    pub(super) house: House,
    pub(super) headers: HeaderMap,
    pub(super) id: RequestId,
    /// The path, and for a page its query: where somebody comes back to.
    pub(super) here: String,
}

impl FromRequestParts<House> for ConsolePerson {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, house: &House) -> Result<Self, Response> {
        let id = parts.extensions.get::<RequestId>().cloned().unwrap_or_else(|| RequestId(String::new()));
        let here = here(parts);
        let person = visitor::person(house, &parts.headers, &id, &here).await?;
        let query = Fields::read(parts.uri.query().unwrap_or_default().as_bytes());
        Self::of(house, &parts.headers, id, (here, query), person).map_err(|person| {
            let frame = Frame::new(house, language(house, &parts.headers, person.account.language));
            stranger(frame, &person)
        })
    }
}

impl ConsolePerson {
    /// The person at the console.
    ///
    /// # Errors
    ///
    /// The person again, where no role of theirs opens it.
    pub(super) fn of(
        house: &House,
        headers: &HeaderMap,
        id: RequestId,
        (here, query): (String, Fields),
        person: Box<SignedInPerson>,
    ) -> Result<Self, Box<SignedInPerson>> {
        let Some(actor) = ConsoleActor::of(&person) else { return Err(person) };
        let Some(session) = visitor::secret(house, headers) else { return Err(person) };
        let frame = Frame::new(house, language(house, headers, person.account.language));
        let reading = Reading::of(&person.compiled.policy, frame.language, person.act.now);
        let note = Note::arrived(house, headers, &session);
        let (house, headers) = (house.clone(), headers.clone());
        Ok(Self { actor, person, frame, reading, query, note, session, house, headers, id, here })
    }

    /// The mark that every form of ours carries in its field `token`.
    pub(super) fn token(&self) -> String {
        mark(&self.session, Purpose::Form, "")
    }

    /// Goes on only where the person signed in lately, and as strongly as the settings want: for what is not easily
    /// undone. They come back to `path`.
    ///
    /// # Errors
    ///
    /// The way to sign in anew.
    #[expect(dead_code, reason = "for pages that release what was stopped, or make secrets")]
    #[expect(clippy::result_large_err, reason = "the answer is what the page gives back")]
    pub(crate) fn require_fresh(&self, path: &str) -> Result<(), Response> {
        let settings = &self.house.ports.settings.step_up;
        let demand = Demand {
            max_age: Some(settings.max_age.unwrap_or(FRESH)),
            acr_values: settings.acr_values.clone(),
        };
        let back = self.frame.at(path);
        require_fresh(&self.person, &demand).map_err(|step| {
            step_up::away(&self.house, &self.person.session.directory, &step.demand, Some(&back))
        })
    }

    /// After an act: to `path`, where the note is told once.
    pub(crate) fn go(&self, path: &str, note: &Note) -> Response {
        let mut response = Redirect::to(&self.frame.at(path)).into_response();
        if let Some(cookie) = note.travel(&self.house, &self.session) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }

    /// A page for something that failed inside.
    pub(crate) fn trouble(&self, refusal: Refusal) -> Response {
        trouble(&self.house, &self.headers, &self.id, refusal)
    }
}

impl Deref for ConsolePerson {
    type Target = House;

    fn deref(&self) -> &House {
        &self.house
    }
}

/// Where somebody comes back to who has to sign in first: the page; after a form, the page that the form stood on, or
/// at least the part of the console.
fn here(parts: &Parts) -> String {
    let path = parts.uri.path();
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return parts.uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    }
    let part = path.split('/').nth(1).unwrap_or_default();
    format!("/{part}")
}

/// For somebody who is signed in and has no business here.
fn stranger(frame: Frame, person: &SignedInPerson) -> Response {
    let home = frame.at("/");
    let mut notice =
        Notice::new(frame, "bad", "Den här sidan är inte öppen för dig", "This page is not open to you")
            .say(
                "Sidan hör till dem som sköter konton och behörigheter. Ingen av dina roller öppnar den.",
                "The page belongs to those who look after accounts and rights. None of your roles opens it.",
            )
            .lead(home, "Till ditt konto", "To your account");
    notice.contact = Some(person.compiled.policy.contact.clone());
    notice.answer(StatusCode::FORBIDDEN)
}
