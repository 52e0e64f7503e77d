//! `/audit`: who did what, to what, when and why, with how it was before and after.
//!
//! Invariant: pages follow each other by cursor; who read what is itself an entry.

mod words;

use askama::Template;
use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use futures_util::stream;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::Value;

use super::super::House;
use super::file::{as_file, files, form_of};
use super::parts::{Chip, Chips, Empty, Pager};
use super::words::who;
use super::{ConsolePerson, Desk, Fields, Place};
use crate::domain::days::Reading;
use crate::domain::ids::AuditId;
use crate::flows::Refusal;
use crate::flows::console::file::Form;
use crate::flows::console::trail::{self, Cursor, Page, Recorded, Wish};
use crate::flows::console::who::Names;

/// So many entries stand on one page.
const PAGE: usize = 50;

/// What the audit is narrowed by.
const ASKED: [&str; 5] = ["action", "actor", "subject", "from", "until"];

pub(super) fn routes() -> Router<House> {
    Router::new().route("/audit", get(show)).route("/audit/file", get(file))
}

#[derive(Template)]
#[template(path = "admin/audit/audit.html")]
struct AuditPage {
    frame: Desk,
    address: String,
    actions: Vec<(&'static str, &'static str, bool)>,
    actor: String,
    subject: String,
    from: String,
    until: String,
    files: Vec<(&'static str, String)>,
    chips: Chips,
    entries: Vec<Entry>,
    pager: Pager,
    nothing: Empty,
}

/// An entry as people read it.
struct Entry {
    datetime: String,
    when: String,
    who: String,
    action: String,
    subject: String,
    subject_address: Option<String>,
    /// What somebody wrote as the reason.
    said: String,
    cause: String,
    before: Vec<(String, String)>,
    after: Vec<(String, String)>,
    id: String,
    request: String,
}

/// `GET /audit?action=&actor=&subject=&from=&until=&after=`: a page of the audit.
async fn show(console: ConsolePerson) -> Response {
    let fields = console.query.clone();
    let asked = asked(&console, &fields, "after");
    let (wish, after) = match (asked, cursor(&fields)) {
        (Ok(wish), Ok(after)) => (wish, after),
        (Err(what), _) | (_, Err(what)) => return misread(&console, &what).await,
    };
    let found = match trail::read(&console.ports, &console.actor, &wish, after, PAGE).await {
        Ok(found) => found,
        Err(refusal) => return console.refuse(Place::Audit, refusal).await,
    };
    match console.desk(Place::Audit).await {
        Ok(frame) => console.page(StatusCode::OK, &page(frame, &fields, &found)),
        Err(answer) => answer,
    }
}

/// Reads what is asked for; `more` is the one other field that the address may have.
fn asked(console: &ConsolePerson, fields: &Fields, more: &str) -> Result<Wish, String> {
    if let Some(stranger) = fields.stranger(&[&ASKED[..], &[more]].concat()) {
        return Err(stranger.to_owned());
    }
    let day = |name: &str, is_last: bool| match fields.one(name) {
        None => Ok(None),
        Some(text) => beginning(&console.reading, text, is_last).map(Some).ok_or_else(|| name.to_owned()),
    };
    let text = |name: &str| fields.one(name).map(str::to_owned);
    Ok(Wish {
        action: text("action"),
        actor: text("actor"),
        subject: text("subject"),
        from: day("from", false)?,
        until: day("until", true)?,
    })
}

/// The first instant of a day, or after it.
fn beginning(reading: &Reading, text: &str, is_last: bool) -> Option<Timestamp> {
    let day = text.parse::<Date>().ok()?;
    let day = if is_last { day.tomorrow().ok()? } else { day };
    day.to_zoned(reading.zone.clone()).ok().map(|zoned| zoned.timestamp())
}

/// Where the page begins: microseconds and an id.
fn cursor(fields: &Fields) -> Result<Option<Cursor>, String> {
    let Some(text) = fields.one("after") else { return Ok(None) };
    let read = || {
        let (at, id) = text.split_once('-')?;
        let at = Timestamp::from_microsecond(at.parse().ok()?).ok()?;
        Some((at, AuditId::parse(id).ok()?))
    };
    read().map(Some).ok_or_else(|| "after".to_owned())
}

async fn misread(console: &ConsolePerson, what: &str) -> Response {
    let sv =
        format!("Granskningsloggen kan inte väljas efter {what:?} så som det står. Dagar skrivs 2025-10-07.");
    let en =
        format!("The audit log cannot be narrowed by {what:?} as it stands. Days are written 2025-10-07.");
    console.misread(Place::Audit, sv, en).await
}

fn page(frame: Desk, fields: &Fields, found: &Page) -> AuditPage {
    let kept = fields.without(&["after"]);
    let text = |name: &str| fields.one(name).unwrap_or_default().to_owned();
    let actions = words::ACTIONS.iter().map(|(name, sv, en)| {
        (*name, if frame.tag() == "sv" { *sv } else { *en }, fields.one("action") == Some(*name))
    });
    let mut actions: Vec<_> = actions.collect();
    actions.sort_by_key(|(_, words, _)| crate::domain::name::sort_key(words));
    let next = found
        .next
        .map(|(at, id)| kept.with("after", format!("{}-{id}", at.as_microsecond())).at(&frame, "/audit"));
    let shown = frame.count(found.entries.len(), ["händelse", "händelser"], ["entry", "entries"]);
    AuditPage {
        address: frame.at("/audit"),
        actions,
        actor: text("actor"),
        subject: text("subject"),
        from: text("from"),
        until: text("until"),
        files: files(&kept, |fields| fields.at(&frame, "/audit/file")),
        chips: chips(&frame, &kept, &shown),
        entries: found.entries.iter().map(|entry| told(&frame, entry, &found.names)).collect(),
        pager: Pager {
            frame: (*frame).clone(),
            words: shown,
            back: fields.one("after").map(|_| kept.at(&frame, "/audit")),
            next,
        },
        nothing: Empty {
            title: frame.t("Ingen händelse stämmer med urvalet", "No entry matches").to_owned(),
            text: frame
                .t("Ta bort ett filter eller välj andra dagar.", "Remove a filter or choose other days.")
                .to_owned(),
            way: None,
        },
        frame,
    }
}

fn chips(frame: &Desk, kept: &Fields, shown: &str) -> Chips {
    let chips = ASKED.iter().filter_map(|name| {
        let value = kept.one(name)?;
        let words = match *name {
            "action" => words::action(frame, value).to_owned(),
            "actor" => format!("{} {value}", frame.t("Av", "By")),
            "subject" => format!("{} {value}", frame.t("Gäller", "About")),
            "from" => format!("{} {value}", frame.t("Från", "From")),
            _ => format!("{} {value}", frame.t("Till och med", "Until")),
        };
        Some(Chip { words, address: kept.without(&[name]).at(frame, "/audit") })
    });
    Chips {
        frame: (**frame).clone(),
        count: shown.to_owned(),
        narrowed: chips.collect(),
        clear: frame.at("/audit"),
    }
}

fn told(frame: &Desk, entry: &Recorded, names: &Names) -> Entry {
    let kind = words::kind(frame, &entry.subject_kind);
    let name = (entry.subject_kind == "account")
        .then(|| crate::domain::ids::AccountId::parse(&entry.subject_id).ok())
        .flatten()
        .and_then(|id| names.of(id));
    let subject = match name {
        Some(name) => format!("{name} ({kind})"),
        None if entry.subject_kind == "audit" => kind.to_owned(),
        None if entry.subject_kind == "plan" => format!("{kind} {}", short(&entry.subject_id)),
        None => format!("{kind} {}", entry.subject_id),
    };
    Entry {
        datetime: entry.at.to_string(),
        when: frame.when(entry.at),
        who: who(frame, names, &entry.actor),
        action: words::action(frame, &entry.action).to_owned(),
        subject,
        subject_address: address(frame, entry),
        said: said(entry.after.as_ref()),
        cause: words::cause(frame, &entry.cause).to_owned(),
        before: facts(entry.before.as_ref()),
        after: facts(entry.after.as_ref()),
        id: entry.id.to_string(),
        request: entry.request_id.clone().unwrap_or_default(),
    }
}

/// Where the thing has a page.
fn address(frame: &Desk, entry: &Recorded) -> Option<String> {
    match entry.subject_kind.as_str() {
        "account" => Some(frame.at(&format!("/people/{}", entry.subject_id))),
        "plan" => Some(frame.at(&format!("/lifecycle/plans/{}", entry.subject_id))),
        "policy" => Some(frame.at(&format!("/policy/versions/{}", entry.subject_id))),
        "policy_plan" => Some(frame.at(&format!("/policy/plans/{}", entry.subject_id))),
        _ => None,
    }
}

/// The beginning of a plan's hash, as its own page shows it.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// What somebody wrote: a note; where there is none to be written, the reason. Beside a note the reason is a code.
fn said(after: Option<&Value>) -> String {
    let written = after.and_then(|after| ["note", "reason", "why"].iter().find_map(|name| after.get(name)));
    written.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What an entry says of before or after, line by line.
fn facts(value: Option<&Value>) -> Vec<(String, String)> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(fields)) => {
            let told = fields.iter().filter(|(_, value)| !value.is_null());
            told.map(|(name, value)| (name.clone(), text(value))).collect()
        }
        Some(other) => vec![(String::new(), text(other))],
    }
}

/// `GET /audit/file?format=csv|xlsx|json&…`: everything that is sought, as a file.
async fn file(console: ConsolePerson) -> Response {
    let fields = console.query.clone();
    let wish = match asked(&console, &fields, "format") {
        Ok(wish) => wish,
        Err(what) => return misread(&console, &what).await,
    };
    let form = match form_of(&console, Place::Audit).await {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let separator = super::reports::separator(console.frame.language);
    let file = match trail::file(&console.ports, &console.actor, &wish, (form, separator)).await {
        Ok(file) => file,
        Err(refusal) => return console.refuse(Place::Audit, refusal).await,
    };
    let name = format!("audit-{}", console.reading.now.to_zoned(console.reading.zone.clone()).date());
    if form == Form::Xlsx {
        // A workbook is made whole before its first byte, so that what is wrong can still be said.
        return match file.whole().await {
            Ok(book) => as_file(&name, form, book),
            Err(refusal) => console.refuse(Place::Audit, refusal).await,
        };
    }
    let pieces = stream::try_unfold(file, |mut file| async move {
        let piece = file.next().await?;
        Ok::<_, Refusal>(piece.map(|piece| (piece, file)))
    });
    as_file(&name, form, Body::from_stream(pieces))
}
