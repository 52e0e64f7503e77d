//! `/sso/notice`: where the one link of a notice leads.
//!
//! Invariant: the link is the same for everybody and says nothing: who it is about is whoever signs in by it, and that
//! sign-in is what keeps the account. A request for leave is taken only from a form of our own.

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

use super::super::pages::{Frame, language, page, trouble};
use super::super::{House, RequestId};
use super::{logout, visitor};
use crate::domain::days::{Reading, zone_of};
use crate::domain::policy::Contact;
use crate::flows::session::SignedInPerson;
use crate::flows::{Refusal, people};

/// Where it is.
const PATH: &str = "/sso/notice";

/// The days that somebody asks for.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Days {
    #[serde(default)]
    from: String,
    #[serde(default)]
    until: String,
}

#[derive(Template)]
#[template(path = "sso/notice.html")]
struct NoticePage<'p> {
    frame: Frame,
    user_name: &'p str,
    leave: Option<String>,
    waiting: Option<String>,
    wrong: Option<&'static str>,
    from: String,
    until: String,
    contact: &'p Contact,
}

/// `GET /sso/notice`: the person who is signed in; anybody else is sent to sign in and comes back.
pub(super) async fn show(State(house): State<House>, headers: HeaderMap, id: RequestId) -> Response {
    match visitor::person(&house, &headers, &id, PATH).await {
        Ok(person) => answer(&house, &headers, &id, &person, (StatusCode::OK, None, Days::default())).await,
        Err(away) => away,
    }
}

/// `POST /sso/notice`: asks for leave. It waits for somebody's decision.
pub(super) async fn ask(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    form: Result<Form<Days>, FormRejection>,
) -> Response {
    let person = match visitor::person(&house, &headers, &id, PATH).await {
        Ok(person) => person,
        Err(away) => return away,
    };
    let frame = Frame::new(&house, language(&house, &headers, person.account.language));
    let days = form.map(|Form(days)| days).unwrap_or_default();
    if !logout::is_own_form(&house, &headers) {
        let wrong = frame.t(
            "Begäran kom från en annan webbplats, så ingenting hände. Försök igen här.",
            "The request came from another site, so nothing happened. Try again here.",
        );
        return answer(&house, &headers, &id, &person, (StatusCode::FORBIDDEN, Some(wrong), days)).await;
    }
    let zone = zone_of(&person.compiled.policy);
    let Some(span) = span(&days, &zone) else {
        let wrong = frame.t("Ange båda dagarna.", "Give both days.");
        return answer(&house, &headers, &id, &person, (StatusCode::BAD_REQUEST, Some(wrong), days)).await;
    };
    match people::ask_for_leave(&house.ports, &person.act, person.account.id, span).await {
        Ok(()) => Redirect::to(&frame.at(PATH)).into_response(),
        Err(Refusal::Invalid { .. }) => {
            let wrong = frame.t(
                "Sista dagen måste komma efter den första, ligga framåt i tiden och inom 18 månader.",
                "The last day must come after the first, lie ahead and be within 18 months.",
            );
            answer(&house, &headers, &id, &person, (StatusCode::BAD_REQUEST, Some(wrong), days)).await
        }
        Err(refusal) => trouble(&house, &headers, &id, refusal),
    }
}

/// The instants between which the days lie, where the organisation is.
fn span(days: &Days, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
    let day = |text: &str| text.trim().parse::<Date>().ok();
    let (from, until) = (day(&days.from)?, day(&days.until)?.checked_add(1.day()).ok()?);
    let start = |day: Date| day.to_zoned(zone.clone()).ok().map(|midnight| midnight.timestamp());
    Some((start(from)?, start(until)?))
}

async fn answer(
    house: &House,
    headers: &HeaderMap,
    id: &RequestId,
    person: &SignedInPerson,
    (status, wrong, days): (StatusCode, Option<&'static str>, Days),
) -> Response {
    let account = &person.account;
    let policy = &person.compiled.policy;
    let frame = Frame::new(house, language(house, headers, account.language));
    let reading = Reading::of(policy, frame.language, person.act.now);
    let told = |from: Timestamp, until: Timestamp| {
        format!("{} – {}", reading.date(from), reading.last_day_before(until))
    };
    let leave = match people::open_leave(&house.ports, account.id).await {
        Ok(leave) => leave.map(|leave| told(leave.from, leave.until)),
        Err(refusal) => return trouble(house, headers, id, refusal),
    };
    let waiting = match people::waiting_request(&house.ports, account.id).await {
        Ok(waiting) => waiting.map(|request| told(request.from, request.until)),
        Err(refusal) => return trouble(house, headers, id, refusal),
    };
    let shown = NoticePage {
        user_name: &account.user_name,
        leave,
        waiting,
        wrong,
        from: days.from,
        until: days.until,
        contact: &policy.contact,
        frame: frame.clone(),
    };
    page(status, &frame, &shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_from_midnight_to_midnight_where_the_organisation_is() {
        let zone = TimeZone::get("Europe/Stockholm").unwrap();
        let days = |from: &str, until: &str| Days { from: from.to_owned(), until: until.to_owned() };
        let (from, until) = span(&days("2026-03-28", "2026-03-29"), &zone).unwrap();
        assert_eq!(from.to_string(), "2026-03-27T23:00:00Z");
        assert_eq!(until.to_string(), "2026-03-29T22:00:00Z");
        assert!(span(&days("", "2026-03-29"), &zone).is_none());
        assert!(span(&days("2026-02-30", "2026-03-29"), &zone).is_none());
    }
}
