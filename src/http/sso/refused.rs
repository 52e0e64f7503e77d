//! The page for a person who does not get in: why, whom to contact, what to mention.
//!
//! Invariant: it is in the person's own language, and tells nothing of anybody else or of how a token was checked.

use askama::Template;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

use super::super::pages::{Frame, Notice, instant, language, page, trouble};
use super::super::{House, RequestId};
use super::login::again;
use super::{proxy, verify, visitor};
use crate::domain::access;
use crate::domain::days::Reading;
use crate::domain::language::Language;
use crate::domain::policy::{Contact, Policy};
use crate::flows::provider::{Closed, TurnedAway};
use crate::flows::session::{Presence, ShutOut, SignedInPerson};
use crate::flows::sign_in::{Refused, Why};
use crate::flows::turned_away;

#[derive(Template)]
#[template(path = "sso/refused.html")]
struct RefusedPage<'p> {
    frame: Frame,
    /// Whether it is only a part of the CRM that is closed to the person.
    is_partly: bool,
    sentence: String,
    waits: bool,
    came_as: Option<&'p str>,
    is_worth_trying_again: bool,
    contact: &'p Contact,
    reference: Option<String>,
    time: Option<String>,
    code: &'static str,
    again: Option<String>,
    as_another: String,
}

/// The page after a sign-in that was refused.
pub(super) fn refused(house: &House, headers: &HeaderMap, refused: &Refused) -> Response {
    let frame = Frame::new(house, language(house, headers, refused.language));
    let policy = &refused.compiled.policy;
    let reading = Reading::of(policy, frame.language, refused.at);
    let retry = &refused.retry;
    let shown = RefusedPage {
        is_partly: false,
        sentence: sentence(&frame, policy, &refused.why),
        waits: refused.waits,
        came_as: refused.came_as.as_deref(),
        is_worth_trying_again: matches!(refused.why, Why::ProviderRefused | Why::Unverified(_)),
        contact: &policy.contact,
        reference: Some(refused.reference.clone()),
        time: Some(instant(&reading, refused.at)),
        code: refused.why.shown_code(),
        again: Some(again(&frame, &retry.directory, &retry.return_to, false)),
        as_another: again(&frame, &retry.directory, &retry.return_to, true),
        frame: frame.clone(),
    };
    page(StatusCode::FORBIDDEN, &frame, &shown)
}

/// The page for somebody who was signed in and may not enter any more.
pub(super) async fn shut_out(house: &House, headers: &HeaderMap, id: &RequestId, out: &ShutOut) -> Response {
    let frame = Frame::new(house, language(house, headers, out.account.language));
    let policy = &out.compiled.policy;
    let account = out.account.id;
    let reference = match turned_away::note(&house.ports, &out.act, account, out.why.code()).await {
        Ok(reference) => reference,
        Err(refusal) => return trouble(house, headers, id, refusal),
    };
    let reading = Reading::of(policy, frame.language, out.act.now);
    let shown = RefusedPage {
        is_partly: false,
        sentence: sentence(&frame, policy, &out.why),
        waits: false,
        came_as: Some(&out.account.user_name),
        is_worth_trying_again: false,
        contact: &policy.contact,
        reference: Some(reference),
        time: Some(instant(&reading, out.act.now)),
        code: out.why.shown_code(),
        again: Some(frame.at("/sso/login")),
        as_another: frame.at("/sso/login?prompt=select_account"),
        frame: frame.clone(),
    };
    page(StatusCode::FORBIDDEN, &frame, &shown)
}

/// The page for somebody who is signed in and does not get into the client that sent them.
pub(crate) fn turned_away(house: &House, headers: &HeaderMap, away: &TurnedAway) -> Response {
    let frame = Frame::new(house, language(house, headers, away.account.language));
    let policy = &away.compiled.policy;
    let return_to =
        askama::filters::urlencode_strict(&away.return_to).map(|text| text.to_string()).unwrap_or_default();
    let shown = RefusedPage {
        is_partly: matches!(away.closed, Closed::Here),
        sentence: match &away.closed {
            Closed::Everywhere(why) => sentence(&frame, policy, why),
            Closed::Here => {
                let (sv, en) = (
                    "Ditt konto gäller, men det ger inte åtkomst till",
                    "Your account is in order, but it does not give access to",
                );
                format!("{} {}.", frame.t(sv, en), away.client)
            }
        },
        waits: false,
        came_as: Some(&away.account.user_name),
        is_worth_trying_again: false,
        contact: &policy.contact,
        reference: Some(away.reference.to_string()),
        time: Some(instant(&Reading::of(policy, frame.language, away.at), away.at)),
        code: away.closed.code(),
        again: Some(away.return_to.clone()),
        as_another: frame.at(&format!("/sso/login?prompt=select_account&return_to={return_to}")),
        frame: frame.clone(),
    };
    page(StatusCode::FORBIDDEN, &frame, &shown)
}

/// The page for somebody who is signed in and may not use what they asked for.
pub(super) async fn closed(
    house: &House,
    headers: &HeaderMap,
    id: &RequestId,
    person: &SignedInPerson,
    refusal: &access::Refusal,
) -> Response {
    let frame = Frame::new(house, language(house, headers, person.account.language));
    let policy = &person.compiled.policy;
    let account = person.account.id;
    let reference = match turned_away::note(&house.ports, &person.act, account, refusal.code()).await {
        Ok(reference) => reference,
        Err(refusal) => return trouble(house, headers, id, refusal),
    };
    let reading = Reading::of(policy, frame.language, person.act.now);
    let shown = RefusedPage {
        is_partly: true,
        sentence: access::reason_refused(refusal, policy, frame.language),
        waits: false,
        came_as: Some(&person.account.user_name),
        is_worth_trying_again: false,
        contact: &policy.contact,
        reference: Some(reference),
        time: Some(instant(&reading, person.act.now)),
        code: refusal.code(),
        again: None,
        as_another: frame.at("/sso/login?prompt=select_account"),
        frame: frame.clone(),
    };
    page(StatusCode::FORBIDDEN, &frame, &shown)
}

/// `GET /sso/refused`: the page behind a 403 of `/sso/verify`, with the same query.
pub(super) async fn why(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    query: Result<Query<verify::Asked>, QueryRejection>,
) -> Response {
    let asked = query.map(|Query(asked)| asked).unwrap_or_default();
    let person = match visitor::look(&house, &headers, &id).await {
        Ok(Presence::SignedIn(person)) => person,
        Ok(Presence::ShutOut(out)) => return shut_out(&house, &headers, &id, &out).await,
        Ok(Presence::Nobody) => {
            let frame = Frame::new(&house, language(&house, &headers, None));
            return Redirect::to(&frame.at("/sso/login")).into_response();
        }
        Err(refusal) => return trouble(&house, &headers, &id, refusal),
    };
    match asked.refusal(&person) {
        Some(refusal) => closed(&house, &headers, &id, &person, &refusal).await,
        None => open(&house, &headers, person.account.language),
    }
}

/// Nothing stands in the person's way, or not any more.
fn open(house: &House, headers: &HeaderMap, own: Option<Language>) -> Response {
    let frame = Frame::new(house, language(house, headers, own));
    let back = proxy::wanted(house, headers).map(|path| crate::flows::sign_in::landing(&house.ports, &path));
    let back = back.unwrap_or_else(|| frame.at("/"));
    Notice::new(frame, "ok", "Du kommer åt det här", "You have access to this")
        .say("Ingenting hindrar dig just nu.", "Nothing stands in your way just now.")
        .lead(back, "Fortsätt", "Continue")
        .answer(StatusCode::OK)
}

/// Why, in one or two plain sentences.
pub(super) fn sentence(frame: &Frame, policy: &Policy, why: &Why) -> String {
    let (sv, en) = match why {
        Why::NotInUse(refusal) => return access::reason_refused(refusal, policy, frame.language),
        Why::NotProvisioned => (
            "Inloggningen gick bra, men du har inget konto i CRM:et. Det kan bero på att du är ny och att ditt konto inte har kommit fram än.",
            "You signed in, but you have no account in the CRM. You may be new, and your account may not have arrived yet.",
        ),
        Why::AlreadyLinked | Why::OtherIssuer => (
            "Kontot hör redan ihop med en annan inloggning. En administratör behöver reda ut vilken som är din.",
            "The account belongs to another sign-in already. An administrator needs to settle which one is yours.",
        ),
        Why::AwaitsApproval => (
            "Inloggningen gick bra, men första gången behöver en administratör säga vilket konto som är ditt.",
            "You signed in, but the first time an administrator needs to say which account is yours.",
        ),
        Why::NameTaken => (
            "Inloggningen gick bra, men ditt namn eller din adress finns redan på ett konto. En administratör behöver säga om det är ditt.",
            "You signed in, but your name or address is on an account already. An administrator needs to say whether it is yours.",
        ),
        Why::TurnedDown => (
            "En administratör har sagt nej till att koppla den här inloggningen till ett konto i CRM:et.",
            "An administrator has declined to tie this sign-in to an account in the CRM.",
        ),
        Why::NotActiveInDirectory => (
            "Du är avstängd i organisationens katalog.",
            "You are switched off in the organisation's directory.",
        ),
        Why::NoRoles => (
            "Ingen av dina grupper ger åtkomst till CRM:et. Det kan bero på att du är ny eller nyligen har bytt uppdrag.",
            "None of your groups gives access to the CRM. You may be new, or have changed assignment recently.",
        ),
        Why::GroupsUnknown => (
            "Du är med i så många grupper att inloggningstjänsten inte räknade upp dem. Därför gick det inte att se vad du har åtkomst till.",
            "You are in so many groups that the sign-in service did not list them, so it could not be seen what you have access to.",
        ),
        Why::ProviderRefused => (
            "Organisationens inloggningstjänst släppte inte igenom dig, eller så avbröts inloggningen.",
            "The organisation's sign-in service did not let you through, or the sign-in was broken off.",
        ),
        Why::Unverified(_) => ("Inloggningen gick inte att slutföra.", "The sign-in could not be completed."),
    };
    frame.t(sv, en).to_owned()
}
