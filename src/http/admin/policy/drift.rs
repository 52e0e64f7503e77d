//! `/policy/drift`: where what people hold is not what the rules say: who gave it, why, and until when.
//!
//! Invariant: shown, not fought: nothing is changed here.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::{Empty, Pager};
use super::super::words::who;
use super::super::{ConsolePerson, Desk, Fields, Place};
use super::Tabs;
use crate::domain::policy::move_words::right;
use crate::flows::console::policy::{self as flow, DriftPage};
use crate::flows::policies::{Drift, Drifted};

/// So many differences stand on a page.
const PAGE: usize = 100;

/// Where they are.
const PATH: &str = "/policy/drift";

/// The kinds of difference: stable name, Swedish, English.
const KINDS: &[(&str, &str, &str)] = &[
    ("by_hand", "För hand, ingen regel ger det", "By hand, no rule gives it"),
    ("also_by_rule", "För hand, och av en regel", "By hand, and by a rule"),
    ("held_back", "Hålls kvar, regeln ger det inte längre", "Held back, the rule gives it no more"),
    ("missing", "Saknas, men en regel ger det", "Missing, but a rule gives it"),
];

#[derive(Template)]
#[template(path = "admin/policy/drift.html")]
struct DriftView {
    frame: Desk,
    tabs: Tabs,
    address: String,
    count: String,
    kinds: Vec<(&'static str, String, bool)>,
    rows: Vec<Row>,
    pager: Option<Pager>,
    nothing: Empty,
}

/// A difference in words.
struct Row {
    address: String,
    name: String,
    what: String,
    how: String,
    by: String,
    why: String,
    since: String,
    until: String,
}

/// `GET /policy/drift?how=&from=`: a page of the differences.
pub(super) async fn show(console: ConsolePerson) -> Response {
    let fields = &console.query;
    let how = fields.one("how");
    if how.is_some_and(|how| !KINDS.iter().any(|(name, ..)| *name == how)) {
        let (sv, en) = ("Det slaget finns inte.".to_owned(), "There is no such kind.".to_owned());
        return console.misread(Place::Groups, sv, en).await;
    }
    let from = fields.one("from").and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
    let frame = match console.desk(Place::Groups).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::drift(&console.ports, &console.actor, how, (from, PAGE)).await {
        Ok(found) => console.page(StatusCode::OK, &page(&console, frame, (how, from), &found)),
        Err(refusal) => console.refuse(Place::Groups, refusal).await,
    }
}

fn page(
    console: &ConsolePerson,
    frame: Desk,
    (how, from): (Option<&str>, usize),
    found: &DriftPage,
) -> DriftView {
    let kinds = KINDS.iter().map(|(name, sv, en)| {
        let count = found.counts.get(name).copied().unwrap_or_default();
        (*name, format!("{} ({})", frame.t(sv, en), frame.number(count)), how == Some(*name))
    });
    let kept = how.map_or_else(Fields::default, |how| Fields::default().with("how", how));
    let at = |from: usize| kept.with("from", from).at(&frame, PATH);
    let last = from.saturating_add(PAGE).min(found.count);
    DriftView {
        tabs: Tabs::of(&frame, PATH),
        address: frame.at(PATH),
        count: frame.count(found.count, ["avvikelse", "avvikelser"], ["difference", "differences"]),
        kinds: kinds.collect(),
        rows: found.rows.iter().map(|one| row(console, &frame, found, one)).collect(),
        pager: (found.count > PAGE).then(|| Pager {
            frame: (*frame).clone(),
            words: format!(
                "{}–{} {} {}",
                frame.number((from + 1).min(found.count)),
                frame.number(last),
                frame.t("av", "of"),
                frame.number(found.count)
            ),
            back: (from > 0).then(|| at(from.saturating_sub(PAGE))),
            next: (last < found.count).then(|| at(last)),
        }),
        nothing: Empty {
            title: frame
                .t("Alla har det som reglerna säger", "Everybody holds what the rules say")
                .to_owned(),
            text: frame
                .t(
                    "Behörigheter som ges för hand visas här, med vem som gav dem och varför.",
                    "Rights that are given by hand are shown here, with who gave them and why.",
                )
                .to_owned(),
            way: None,
        },
        frame,
    }
}

fn row(console: &ConsolePerson, frame: &Desk, found: &DriftPage, one: &Drifted) -> Row {
    let kind = KINDS.iter().find(|(name, ..)| *name == flow::kind_of(&one.how));
    let how = kind.map_or("", |(_, sv, en)| frame.t(sv, en));
    let rule = match &one.how {
        Drift::ByHand => None,
        Drift::AlsoByRule(rule) | Drift::HeldBack(rule) | Drift::Missing(rule) => Some(rule),
    };
    Row {
        address: frame.at(&format!("/people/{}", one.account)),
        name: found.names.of(one.account).map_or_else(|| one.user_name.clone(), str::to_owned),
        what: right(&[&console.person.compiled.policy], &one.what, frame.language),
        how: rule.map_or_else(|| how.to_owned(), |rule| format!("{how}: {rule}")),
        by: one.by.as_deref().map(|by| who(frame, &found.names, by)).unwrap_or_default(),
        why: one.why.clone().unwrap_or_default(),
        since: one.since.map(|at| frame.day(at)).unwrap_or_default(),
        until: one.ends_at.map(|end| frame.last_day(end)).unwrap_or_default(),
    }
}
