//! `/groups`: the groups of all directories, and which rules of the policy ask for them.
//!
//! Invariant: which groups the list shows stands in its address, and the file has the same.

mod one;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::super::House;
use super::super::written::written;
use super::parts::{Chip, Chips, Empty, Export, Pager, Pill};
use super::policy::Tabs;
use super::reports::separator;
use super::{ConsolePerson, Desk, Fields, Place};
use crate::domain::ids::{DirectoryId, RuleId};
use crate::flows::console::groups::{self as flow, Cursor, GroupPage, GroupRow, Turn, Wish};
use crate::flows::report::{Form, Layout};

/// Where the list is.
const PATH: &str = "/groups";

/// So many groups stand on a page.
const PAGE: usize = 50;

/// What narrows the list.
const NARROWING: &[&str] = &["q", "directory", "rules", "rule"];

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/groups", get(list))
        .route("/groups/export", get(export))
        .route("/groups/{id}", get(one::show))
}

#[derive(Template)]
#[template(path = "admin/groups/list.html")]
struct ListPage {
    frame: Desk,
    tabs: Tabs,
    typed: String,
    /// What the form carries along unseen.
    rule: Option<String>,
    directories: Vec<(String, String, bool)>,
    asked: Vec<(&'static str, &'static str, bool)>,
    chips: Chips,
    export: Export,
    missing: Vec<Missing>,
    rows: Vec<Row>,
    pager: Pager,
    empty: Empty,
}

/// A group that a rule asks for and that nobody has told of.
struct Missing {
    /// In words.
    group: &'static str,
    /// Its id or name as the rule has it.
    text: String,
    rule: String,
    address: String,
}

/// A group in the list.
struct Row {
    name: String,
    address: Option<String>,
    directory: String,
    external_id: String,
    members: String,
    /// Address and name of each rule.
    rules: Vec<(String, String)>,
    unasked: Pill,
}

/// Something in the address that is not understood.
struct Misread(String);

/// What the address asks for.
fn read(fields: &Fields) -> Result<(Wish, Turn), Misread> {
    let known = [NARROWING, &["after", "before", "format"]].concat();
    if let Some(stranger) = fields.stranger(&known) {
        return Err(Misread(stranger.to_owned()));
    }
    let misread = |name: &str| Misread(format!("{name}={}", fields.one(name).unwrap_or_default()));
    let directory = fields.one("directory").map(DirectoryId::parse).transpose();
    let rule = fields.one("rule").map(RuleId::parse).transpose();
    let cursor = |name: &str| fields.one(name).map(|text| Cursor::parse(text).ok_or_else(|| misread(name)));
    let wish = Wish {
        typed: fields.one("q").unwrap_or_default().chars().take(100).collect(),
        directory: directory.map_err(|_| misread("directory"))?,
        is_asked_for: match fields.one("rules") {
            None => None,
            Some("asked") => Some(true),
            Some("unasked") => Some(false),
            Some(_) => return Err(misread("rules")),
        },
        rule: rule.map_err(|_| misread("rule"))?,
    };
    let turn = match (cursor("after").transpose()?, cursor("before").transpose()?) {
        (Some(cursor), _) => Turn::After(cursor),
        (None, Some(cursor)) => Turn::Before(cursor),
        (None, None) => Turn::First,
    };
    Ok((wish, turn))
}

async fn strange(console: &ConsolePerson, Misread(said): Misread) -> Response {
    let sv = format!("Det här går inte att förstå: {said}");
    let en = format!("This cannot be understood: {said}");
    console.misread(Place::Groups, sv, en).await
}

/// `GET /groups?q=&directory=&rules=&rule=&after=&before=`: a page of the list.
async fn list(console: ConsolePerson) -> Response {
    let (wish, turn) = match read(&console.query) {
        Ok(asked) => asked,
        Err(misread) => return strange(&console, misread).await,
    };
    let found = match flow::page(&console.ports, &console.actor, (&wish, &turn), PAGE).await {
        Ok(found) => found,
        Err(refusal) => return console.refuse(Place::Groups, refusal).await,
    };
    match console.desk(Place::Groups).await {
        Ok(desk) => console.page(StatusCode::OK, &page(&console, desk, &wish, found)),
        Err(answer) => answer,
    }
}

/// `GET /groups/export?…&format=csv|xlsx|json`: the whole list as a file, noted with who fetched it.
async fn export(console: ConsolePerson) -> Response {
    let asked = read(&console.query);
    let form = console.query.one("format").unwrap_or("csv");
    let (wish, form) = match (asked, Form::from_name(form)) {
        (Ok((wish, _)), Some(form @ (Form::Csv | Form::Xlsx | Form::Json))) => (wish, form),
        (Err(misread), _) => return strange(&console, misread).await,
        (Ok(_), _) => return strange(&console, Misread(format!("format={form}"))).await,
    };
    let layout = Layout { form, separator: separator(console.frame.language), with_head: false };
    let made = flow::export(&console.ports, &console.actor, &wish, (&console.reading, form)).await;
    match made.and_then(|report| written(report, layout)) {
        Ok(answer) => answer,
        Err(refusal) => console.refuse(Place::Groups, refusal).await,
    }
}

/// What a directory is called in the settings.
fn directory_name(console: &ConsolePerson, id: &DirectoryId) -> String {
    let known = console.ports.settings.directories.iter().find(|one| one.id == *id);
    known.map_or_else(|| id.to_string(), |one| one.name.clone())
}

/// Where a rule stands in words.
pub(super) fn rule_address(frame: &Desk, rule: &RuleId) -> String {
    frame.at(&format!("/policy/rules#rule-{rule}"))
}

fn page(console: &ConsolePerson, frame: Desk, wish: &Wish, found: GroupPage) -> ListPage {
    let fields = console.query.without(&["after", "before"]);
    let at = |fields: &Fields| fields.at(&frame, PATH);
    let groups = |count| frame.count(count, ["grupp", "grupper"], ["group", "groups"]);
    let directories = console.ports.settings.directories.iter().map(|one| {
        let is_chosen = wish.directory.as_ref() == Some(&one.id);
        (one.id.to_string(), one.name.clone(), is_chosen)
    });
    let asked = [
        ("", frame.t("Alla", "All"), wish.is_asked_for.is_none()),
        ("asked", frame.t("Används av en regel", "Used by a rule"), wish.is_asked_for == Some(true)),
        ("unasked", frame.t("Ingen regel känner den", "No rule knows it"), wish.is_asked_for == Some(false)),
    ];
    let missing = found.missing.iter().map(|named| Missing {
        group: if named.is_name {
            frame.t("gruppen", "the group")
        } else {
            frame.t("gruppen med id", "the group with the id")
        },
        text: named.text.clone(),
        rule: named.rule.to_string(),
        address: rule_address(&frame, &named.rule),
    });
    let words = format!(
        "{} {} {} {}",
        frame.t("Visar", "Showing"),
        frame.number(found.groups.len()),
        frame.t("av", "of"),
        groups(found.count)
    );
    ListPage {
        tabs: Tabs::of(&frame, PATH),
        typed: wish.typed.clone(),
        rule: wish.rule.as_ref().map(ToString::to_string),
        directories: directories.collect(),
        asked: asked.into(),
        chips: Chips {
            frame: (*frame).clone(),
            count: groups(found.count),
            narrowed: chips(console, &frame, wish, &fields),
            clear: frame.at(PATH),
        },
        export: Export {
            frame: (*frame).clone(),
            path: "/groups/export",
            fields: fields.without(&["format"]),
        },
        missing: missing.collect(),
        rows: found.groups.iter().map(|group| row(console, &frame, group)).collect(),
        pager: Pager {
            frame: (*frame).clone(),
            words,
            back: found.before.map(|cursor| at(&fields.with("before", cursor))),
            next: found.after.map(|cursor| at(&fields.with("after", cursor))),
        },
        empty: empty(&frame, wish),
        frame,
    }
}

fn chips(console: &ConsolePerson, frame: &Desk, wish: &Wish, fields: &Fields) -> Vec<Chip> {
    let chip = |name: &str, words: String| Chip { words, address: fields.without(&[name]).at(frame, PATH) };
    let mut chips = Vec::new();
    if !wish.typed.is_empty() {
        chips.push(chip("q", frame.quoted(&wish.typed)));
    }
    chips.extend(wish.directory.iter().map(|id| chip("directory", directory_name(console, id))));
    chips.extend(wish.is_asked_for.map(|is_asked_for| {
        let words = if is_asked_for {
            frame.t("Används av en regel", "Used by a rule")
        } else {
            frame.t("Ingen regel känner den", "No rule knows it")
        };
        chip("rules", words.to_owned())
    }));
    let rule = frame.t("Regeln", "The rule");
    chips.extend(wish.rule.iter().map(|id| chip("rule", format!("{rule} {id}"))));
    chips
}

fn row(console: &ConsolePerson, frame: &Desk, group: &GroupRow) -> Row {
    Row {
        name: group.name.clone(),
        address: group.id.map(|id| frame.at(&format!("{PATH}/{id}"))),
        directory: directory_name(console, &group.directory),
        external_id: group.external_id.clone().filter(|id| *id != group.name).unwrap_or_default(),
        members: frame.number(usize::try_from(group.members).unwrap_or_default()),
        rules: group.rules.iter().map(|rule| (rule_address(frame, rule), rule.to_string())).collect(),
        unasked: Pill::new(frame, "warn", "warn", frame.t("Ingen regel", "No rule")),
    }
}

fn empty(frame: &Desk, wish: &Wish) -> Empty {
    let (title, text, way) = if *wish == Wish::default() {
        let text = frame.t(
            "Grupper visas här när en katalog har berättat om dem.",
            "Groups are shown here once a directory has told of them.",
        );
        (frame.t("Inga grupper ännu", "No groups yet"), text, None)
    } else {
        let clear = (frame.at(PATH), frame.t("Rensa urvalet", "Clear the filters"));
        let text = frame.t("Ta bort ett filter och se om det räcker.", "Remove a filter and see.");
        (frame.t("Ingen grupp stämmer med urvalet", "No group matches"), text, Some(clear))
    };
    Empty { title: title.to_owned(), text: text.to_owned(), way }
}
