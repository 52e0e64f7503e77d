//! The page for a person who does not get in: why, whom to contact, what to mention.
//!
//! Invariant: it is in the person's own language, and tells nothing of anybody else or of how a token was checked.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::super::House;
use super::super::pages::{Frame, instant, language, page};
use super::login::again;
use crate::domain::access;
use crate::domain::days::Reading;
use crate::domain::policy::{Contact, Policy};
use crate::flows::provider::{Closed, TurnedAway};
use crate::flows::session::ShutOut;
use crate::flows::sign_in::{Refused, Why};

#[derive(Template)]
#[template(path = "sso/refused.html")]
struct RefusedPage<'p> {
    frame: Frame,
    sentence: String,
    came_as: Option<&'p str>,
    is_worth_trying_again: bool,
    contact: &'p Contact,
    reference: Option<String>,
    time: Option<String>,
    code: &'static str,
    again: String,
    as_another: String,
}

/// The page after a sign-in that was refused.
pub(super) fn refused(house: &House, headers: &HeaderMap, refused: &Refused) -> Response {
    let frame = Frame::new(house, language(house, headers, refused.language));
    let policy = &refused.compiled.policy;
    let reading = Reading::of(policy, frame.language, refused.at);
    let retry = &refused.retry;
    let shown = RefusedPage {
        sentence: sentence(&frame, policy, &refused.why),
        came_as: refused.came_as.as_deref(),
        is_worth_trying_again: matches!(refused.why, Why::ProviderRefused | Why::Unverified(_)),
        contact: &policy.contact,
        reference: Some(refused.reference.to_string()),
        time: Some(instant(&reading, refused.at)),
        code: refused.why.shown_code(),
        again: again(&frame, &retry.directory, &retry.return_to, false),
        as_another: again(&frame, &retry.directory, &retry.return_to, true),
        frame: frame.clone(),
    };
    page(StatusCode::FORBIDDEN, &frame, &shown)
}

/// The page for somebody who was signed in and may not enter any more.
pub(crate) fn shut_out(house: &House, headers: &HeaderMap, out: &ShutOut) -> Response {
    let frame = Frame::new(house, language(house, headers, out.account.language));
    let policy = &out.compiled.policy;
    let shown = RefusedPage {
        sentence: sentence(&frame, policy, &out.why),
        came_as: Some(&out.account.user_name),
        is_worth_trying_again: false,
        contact: &policy.contact,
        reference: None,
        time: None,
        code: out.why.shown_code(),
        again: frame.at("/sso/login"),
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
        came_as: Some(&away.account.user_name),
        is_worth_trying_again: false,
        contact: &policy.contact,
        reference: Some(away.reference.to_string()),
        time: Some(instant(&Reading::of(policy, frame.language, away.at), away.at)),
        code: away.closed.code(),
        again: away.return_to.clone(),
        as_another: frame.at(&format!("/sso/login?prompt=select_account&return_to={return_to}")),
        frame: frame.clone(),
    };
    page(StatusCode::FORBIDDEN, &frame, &shown)
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
        Why::NotActiveInDirectory => (
            "Du är avstängd i organisationens katalog.",
            "You are switched off in the organisation's directory.",
        ),
        Why::NoRoles => (
            "Ingen av dina grupper ger åtkomst till CRM:et. Det kan bero på att du är ny eller nyligen har bytt uppdrag.",
            "None of your groups gives access to the CRM. You may be new, or have changed assignment recently.",
        ),
        Why::ProviderRefused => (
            "Organisationens inloggningstjänst släppte inte igenom dig, eller så avbröts inloggningen.",
            "The organisation's sign-in service did not let you through, or the sign-in was broken off.",
        ),
        Why::Unverified(_) => ("Inloggningen gick inte att slutföra.", "The sign-in could not be completed."),
    };
    frame.t(sv, en).to_owned()
}
