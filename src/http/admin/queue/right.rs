//! `/queue/rights/{id}`: a right that was given by hand to somebody who has changed job since.
//!
//! Invariant: what changed and who gave the right stand beside each other; it stays until somebody decides.

use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;

use super::super::parts::{Choice, Choices, Input, status};
use super::super::words::{right as right_name, who};
use super::super::{ConsolePerson, Desk, Fields, Place, Sent};
use super::matter::{HOME, Matter, Side, done};
use crate::domain::days::Reading;
use crate::flows::console::queue as flow;
use crate::flows::console::who::Names;
use crate::flows::mover::{AskedRight, Verdict};
use crate::flows::people::Lasting;

/// `GET /queue/rights/{id}`: the right.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    answer(&console, &id, None).await
}

async fn answer(console: &ConsolePerson, id: &str, failed: Option<&Fields>) -> Response {
    let frame = match console.desk(Place::Queue).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::right(&console.ports, id).await {
        Ok((right, names)) => console.page(status(failed), &matter(console, frame, &right, &names, failed)),
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}

/// What changed for the person.
pub(super) fn changed(frame: &Desk, what: &str) -> &'static str {
    match what {
        "department" => frame.t("Avdelningen är en annan", "The department is another"),
        "manager" => frame.t("Chefen är en annan", "The manager is another"),
        _ => frame.t("Har lämnat en grupp som gav behörigheter", "Left a group that gave rights"),
    }
}

/// What the right is, in words.
pub(super) fn told(console: &ConsolePerson, frame: &Desk, right: &AskedRight) -> String {
    let name = || right_name(frame, &console.person.compiled.policy, &right.value);
    match right.kind.as_str() {
        "role" => format!("{} {}", frame.t("Rollen", "The role"), name()),
        "sector" => format!("{} {}", frame.t("Sektorn", "The sector"), name()),
        _ => format!("{} {}", frame.t("Åtkomst till", "Access to"), right.value),
    }
}

fn matter(
    console: &ConsolePerson,
    frame: Desk,
    right: &AskedRight,
    names: &Names,
    failed: Option<&Fields>,
) -> Matter {
    let what = told(console, &frame, right);
    let person = Side {
        title: right.display_name.clone(),
        facts: vec![
            (frame.t("Användarnamn", "User name"), right.user_name.clone()),
            (frame.t("Har bytt jobb", "Changed job"), changed(&frame, &right.changed).to_owned()),
            (frame.t("Frågan kom", "Asked"), frame.when(right.asked_at)),
            (frame.t("Svar väntas före", "An answer is due before"), frame.day(right.answer_by)),
        ],
    };
    let ends =
        right.ends_at.map_or_else(|| frame.t("inget slut", "no end").to_owned(), |at| frame.last_day(at));
    let given = Side {
        title: what.clone(),
        facts: vec![
            (frame.t("Gavs av", "Given by"), who(&frame, names, &right.given_by)),
            (frame.t("Skäl", "Reason"), right.given_why.clone().unwrap_or_default()),
            (frame.t("Gäller till och med", "Holds until"), ends),
        ],
    };
    let is_reviewing = console.actor.reviewing().is_ok();
    let choices = if is_reviewing { choices(&frame, right, failed) } else { Vec::new() };
    Matter {
        title: format!("{what}: {}", right.display_name),
        lead: String::new(),
        sides: vec![person, given],
        choices,
        frame,
    }
}

fn choices(frame: &Desk, right: &AskedRight, failed: Option<&Fields>) -> Vec<Choice> {
    let mut choices = Vec::new();
    let asks = Choices::new(frame, &format!("{HOME}/rights/{}", right.id), HOME, failed);
    let until = Input::new(
        "until",
        "date",
        frame.t("Till och med", "Until"),
        frame.t("Tomt: så länge som policyn säger.", "Empty: as long as the policy says."),
    );
    choices.push(asks.choice(
        "keep",
        (
            frame.t("Behåll", "Keep"),
            frame.t(
                "Behörigheten ges på nytt, av dig och med ditt skäl.",
                "The right is given anew, by you and for your reason.",
            ),
        ),
        frame.t("Behåll behörigheten", "Keep the right"),
        vec![until.optional()],
    ));
    choices.push(
        asks.choice(
            "end",
            (
                frame.t("Avsluta", "End"),
                frame.t("Personen förlorar behörigheten genast.", "The person loses the right at once."),
            ),
            frame.t("Avsluta behörigheten", "End the right"),
            Vec::new(),
        )
        .taking(),
    );
    choices
}

/// The first instant after the last day that a form names.
fn after(reading: &Reading, day: &str) -> Option<Timestamp> {
    let next = day.parse::<Date>().ok()?.tomorrow().ok()?;
    next.to_zoned(reading.zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// `POST /queue/rights/{id}`: decides about it.
pub(super) async fn decide(Path(id): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.reviewing() {
        return console.refuse(Place::Queue, refusal).await;
    }
    let verdict = match (fields.one("act"), fields.one("until")) {
        (Some("keep"), None) => Some(Verdict::Keep(Lasting::AsUsual)),
        (Some("keep"), Some(day)) => after(&console.reading, day).map(|at| Verdict::Keep(Lasting::Until(at))),
        (Some("end"), _) => Some(Verdict::End),
        _ => None,
    };
    let (Some(verdict), Some(reason)) = (verdict, fields.one("reason")) else {
        return answer(&console, &id, Some(&fields)).await;
    };
    let is_kept = matches!(verdict, Verdict::Keep(_));
    match flow::answer_right(&console.ports, &console.actor, &id, verdict, reason).await {
        Ok(()) if is_kept => done(&console, "Behörigheten är kvar", "The right stays"),
        Ok(()) => done(&console, "Behörigheten är avslutad", "The right has ended"),
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}
