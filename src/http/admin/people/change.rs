//! `/people/change`: what would be done to those who were marked, the reason, and one button.
//!
//! Invariant: the form carries each account's version as it was shown. What is done to whom is decided by the flow, from
//! the ids and those versions alone.

use std::collections::BTreeMap;

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::super::parts::{Decide, Input, Pill};
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::PATH;
use super::deed::{self, Wording};
use crate::domain::by_hand::Deed;
use crate::domain::ids::AccountId;
use crate::domain::safety::SafetyStop;
use crate::flows::Refusal;
use crate::flows::people::roster::MOST_TOGETHER;
use crate::flows::people::together::{self, Change, Preview, PreviewLine};

#[derive(Template)]
#[template(path = "admin/people/change.html")]
struct ChangePage {
    frame: Desk,
    title: String,
    explanation: String,
    /// What stops all of it.
    stops: Vec<String>,
    /// What should be thought over.
    warnings: Vec<String>,
    /// What was wrong with what somebody sent.
    wrong: Option<Note>,
    changed: Vec<LineView>,
    left: Vec<LineView>,
    /// What the status becomes.
    becomes: Option<Pill>,
    decide: Option<Decide>,
    back: String,
}

/// An account of the preview, in words.
struct LineView {
    name: String,
    user_name: String,
    pill: Pill,
    roles: String,
    seen: String,
    why: String,
}

/// What somebody sent that was not taken.
struct Rejected<'f> {
    fields: &'f Fields,
    /// The field that is wrong, and how.
    wrong: Option<(&'static str, String)>,
    note: Note,
    status: StatusCode,
}

/// `GET /people/change?do=&id=…&back=`: what would be done.
pub(in crate::http::admin) async fn show(console: ConsolePerson) -> Response {
    let query = console.query.clone();
    let ids = query.all("id").map(AccountId::parse).collect::<Result<Vec<_>, _>>();
    let (Some(deed), Ok(ids)) = (query.one("do").and_then(Deed::from_name), ids) else {
        return unclear(&console).await;
    };
    if ids.is_empty() {
        let frame = &console.frame;
        let note = Note::warning(
            frame.t("Ingen är markerad", "Nobody is selected"),
            frame.t("Markera dem det gäller i listan.", "Select in the list whom it is about."),
        );
        return console.go(&back_to(&query), &note);
    }
    if ids.len() > MOST_TOGETHER {
        return too_many(&console).await;
    }
    preview(&console, deed, &ids, &query, None).await
}

/// `POST /people/change`: does it.
pub(in crate::http::admin) async fn apply(sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let Some((deed, picked, shown_at)) = read(&fields) else { return unclear(&console).await };
    if picked.len() > MOST_TOGETHER {
        return too_many(&console).await;
    }
    let ids: Vec<AccountId> = picked.keys().copied().collect();
    let change = match change(&console, deed, &fields) {
        Ok(change) => change,
        Err((field, said)) => {
            let rejected = rejected(&console, &fields, Some((field, said)), StatusCode::BAD_REQUEST);
            return preview(&console, deed, &ids, &fields, Some(rejected)).await;
        }
    };
    let reason = fields.one("reason").unwrap_or_default();
    let shown = (picked, shown_at);
    match together::carry_out(&console.ports, &console.actor, change, shown, reason).await {
        Ok(done) => console.go(&back_to(&fields), &deed::done(&console.frame, deed, done)),
        Err(Refusal::Invalid { field, .. }) => {
            let wrong = deed::wrong(&console.frame, &field);
            let rejected = rejected(&console, &fields, wrong, StatusCode::BAD_REQUEST);
            preview(&console, deed, &ids, &fields, Some(rejected)).await
        }
        Err(Refusal::Conflict(said)) => {
            tracing::debug!("a change by hand was refused: {said}");
            let rejected = rejected(&console, &fields, None, StatusCode::CONFLICT);
            preview(&console, deed, &ids, &fields, Some(rejected)).await
        }
        Err(refusal) => console.refuse(Place::People, refusal).await,
    }
}

fn rejected<'f>(
    console: &ConsolePerson,
    fields: &'f Fields,
    wrong: Option<(&'static str, String)>,
    status: StatusCode,
) -> Rejected<'f> {
    let frame = &console.frame;
    let title = frame.t("Ingenting har ändrats", "Nothing has been changed");
    let text = wrong.as_ref().map_or_else(
        || frame.t("Se nedan vad som står i vägen.", "See below what stands in the way.").to_owned(),
        |(_, said)| said.clone(),
    );
    Rejected { fields, wrong, note: Note::refused(title, text), status }
}

/// Where the list is that somebody came from.
fn back_to(fields: &Fields) -> String {
    let query = fields.one("back").unwrap_or_default();
    let known = Fields::read(query.trim_start_matches('?').as_bytes());
    format!("{PATH}{}", known.query())
}

/// What is done, to whom as they were shown, and when that was.
fn read(fields: &Fields) -> Option<(Deed, BTreeMap<AccountId, i64>, Timestamp)> {
    let deed = fields.one("do").and_then(Deed::from_name)?;
    let shown_at = fields.one("at")?.parse().ok().and_then(|at| Timestamp::from_microsecond(at).ok())?;
    let mut picked = BTreeMap::new();
    for pick in fields.all("pick") {
        let (id, version) = pick.split_once(':')?;
        picked.insert(AccountId::parse(id).ok()?, version.parse().ok()?);
    }
    (!picked.is_empty()).then_some((deed, picked, shown_at))
}

/// What is to be done, with its days.
fn change(console: &ConsolePerson, deed: Deed, fields: &Fields) -> Result<Change, (&'static str, String)> {
    let frame = &console.frame;
    let day = |name: &'static str| match fields.one(name).map(str::parse::<Date>) {
        None => Ok(None),
        Some(Ok(day)) => Ok(Some(day)),
        Some(Err(_)) => Err((name, frame.t("Skriv ett datum.", "Write a date.").to_owned())),
    };
    let after = |day: Date| console.beginning(day.checked_add(1.day()).unwrap_or(day));
    Ok(match deed {
        Deed::Remind => Change::Remind,
        Deed::Freeze => Change::Freeze,
        Deed::Deactivate => Change::Deactivate,
        Deed::Restore => Change::Restore,
        Deed::End => Change::End(day("until")?.map(after)),
        Deed::Leave => {
            let missing = |name| (name, frame.t("Skriv ett datum.", "Write a date.").to_owned());
            let from = day("from")?.ok_or_else(|| missing("from"))?;
            let until = day("until")?.ok_or_else(|| missing("until"))?;
            let approver = fields.one("approver").unwrap_or_default().to_owned();
            Change::Leave { from: console.beginning(from), until: after(until), approver }
        }
    })
}

async fn preview(
    console: &ConsolePerson,
    deed: Deed,
    ids: &[AccountId],
    fields: &Fields,
    rejected: Option<Rejected<'_>>,
) -> Response {
    let found = match together::preview(&console.ports, &console.actor, deed, ids).await {
        Ok(found) => found,
        Err(refusal) => return console.refuse(Place::People, refusal).await,
    };
    let desk = match console.desk(Place::People).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let status = rejected.as_ref().map_or(StatusCode::OK, |rejected| rejected.status);
    console.page(status, &page(console, desk, &found, fields, rejected))
}

fn page(
    console: &ConsolePerson,
    desk: Desk,
    found: &Preview,
    fields: &Fields,
    rejected: Option<Rejected<'_>>,
) -> ChangePage {
    let policy = &console.person.compiled.policy;
    let line = |line: &PreviewLine| LineView {
        name: line.name.clone(),
        user_name: line.user_name.clone(),
        pill: Pill::status(&desk, line.status),
        roles: line
            .roles
            .iter()
            .map(|id| policy.roles.get(id).map_or(id.as_str(), |role| desk.text(&role.name)))
            .collect::<Vec<_>>()
            .join(", "),
        seen: line.last_seen.map_or_else(|| desk.t("Aldrig", "Never").to_owned(), |seen| desk.day(seen.at)),
        why: line.obstacle.map(|obstacle| obstacle.sentence(desk.reading())).unwrap_or_default(),
    };
    let is_final =
        |stop: &&SafetyStop| matches!(stop, SafetyStop::CriticalEmpty { .. } | SafetyStop::NoAdministrator);
    let told = |stop: &SafetyStop| stop.sentence(policy, desk.reading());
    let alone = found.alone.iter().map(|(names, role)| {
        let role = policy.roles.get(role).map_or(role.as_str(), |role| desk.text(&role.name));
        match desk.tag() {
            "sv" => format!("Ingen annan än {names} har rollen {role}."),
            _ => format!("Nobody but {names} holds the role {role}."),
        }
    });
    let stops: Vec<String> = found.stops.iter().filter(is_final).map(told).collect();
    let warnings = found.stops.iter().filter(|stop| !is_final(stop)).map(told).chain(alone).collect();
    let (changed, left): (Vec<_>, Vec<_>) = found.lines.iter().partition(|line| line.obstacle.is_none());
    let count = changed.len();
    let Wording { title, explanation, button, becomes } = deed::wording(&desk, found.deed, count);
    let back = desk.at(&back_to(fields));
    let decide = (count > 0 && stops.is_empty()).then(|| Decide {
        address: desk.at("/people/change"),
        hidden: hidden(&desk, found, fields),
        inputs: inputs(console, &desk, found.deed, rejected.as_ref()),
        button,
        takes: found.deed.takes(),
        cancel: back.clone(),
        frame: desk.clone(),
    });
    ChangePage {
        title,
        explanation,
        stops,
        warnings,
        wrong: rejected.map(|rejected| rejected.note),
        changed: changed.into_iter().map(line).collect(),
        left: left.into_iter().map(line).collect(),
        becomes,
        decide,
        back,
        frame: desk,
    }
}

/// What the form carries along: what, to whom as they are shown now, and when that is.
fn hidden(desk: &Desk, found: &Preview, fields: &Fields) -> Vec<(String, String)> {
    let mut hidden = vec![
        ("do".to_owned(), found.deed.name().to_owned()),
        ("at".to_owned(), desk.now().to_string()),
        ("back".to_owned(), fields.one("back").unwrap_or_default().to_owned()),
    ];
    let pick = |line: &PreviewLine| ("pick".to_owned(), format!("{}:{}", line.account, line.version));
    hidden.extend(found.changed().map(pick));
    hidden
}

fn inputs(console: &ConsolePerson, desk: &Desk, deed: Deed, rejected: Option<&Rejected<'_>>) -> Vec<Input> {
    let today = console.today().to_string();
    let mut inputs = deed::inputs(desk, deed, &today);
    inputs.push(Decide::reason(desk));
    let Some(Rejected { fields, wrong, .. }) = rejected else { return inputs };
    inputs
        .into_iter()
        .map(|input| {
            let error = wrong.as_ref().filter(|(name, _)| *name == input.name).map(|(_, said)| said.clone());
            let value = fields.one(input.name);
            input.holding(value, error)
        })
        .collect()
}

async fn unclear(console: &ConsolePerson) -> Response {
    let (sv, en) = ("Det går inte att se vad som ska göras.", "It is not clear what is to be done.");
    console.misread(Place::People, sv.to_owned(), en.to_owned()).await
}

async fn too_many(console: &ConsolePerson) -> Response {
    let sv = format!("Högst {MOST_TOGETHER} konton ändras på en gång. Gör det i flera omgångar.");
    let en = format!("At most {MOST_TOGETHER} accounts are changed at once. Do it in several rounds.");
    console.misread(Place::People, sv, en).await
}
