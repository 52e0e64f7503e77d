//! `/policy/versions`: every policy that was in force, who put it there and why, and going back to one.
//!
//! Invariant: going back makes a plan that is shown first, like any other change.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::Pager;
use super::super::words::who;
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::compare::Changes;
use super::edit::planned;
use super::{HOME, Tabs};
use crate::flows::Refusal;
use crate::flows::console::policy::{self as flow, VersionLine, Versions};
use crate::flows::console::who::Names;

/// So many versions stand on a page.
const PAGE: usize = 20;

/// Where the list is.
const PATH: &str = "/policy/versions";

#[derive(Template)]
#[template(path = "admin/policy/versions.html")]
struct VersionsPage {
    frame: Desk,
    tabs: Tabs,
    compare: String,
    plans: Vec<PlanLine>,
    versions: Vec<Line>,
    pager: Pager,
}

/// A plan that waits.
struct PlanLine {
    address: String,
    short: String,
    made: String,
    by: String,
}

/// A version.
struct Line {
    number: i64,
    address: String,
    datetime: String,
    since: String,
    by: String,
    why: String,
    is_in_force: bool,
}

/// `GET /policy/versions?before=`: the versions, the newest first.
pub(super) async fn list(console: ConsolePerson) -> Response {
    let before = console.query.one("before").map(str::parse::<i64>).transpose();
    let Ok(before) = before else {
        let (sv, en) = ("En version är ett tal.".to_owned(), "A version is a number.".to_owned());
        return console.misread(Place::Groups, sv, en).await;
    };
    let frame = match console.desk(Place::Groups).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::versions(&console.ports, &console.actor, before, PAGE).await {
        Ok(found) => console.page(StatusCode::OK, &page(&console, frame, before, &found)),
        Err(refusal) => console.refuse(Place::Groups, refusal).await,
    }
}

fn page(console: &ConsolePerson, frame: Desk, before: Option<i64>, found: &Versions) -> VersionsPage {
    let newest = console.person.compiled.number;
    let plans = found.plans.iter().map(|plan| PlanLine {
        address: frame.at(&format!("{HOME}/plans/{}", plan.hash)),
        short: plan.hash.chars().take(12).collect(),
        made: frame.when(plan.created_at),
        by: who(&frame, &found.names, &plan.by),
    });
    VersionsPage {
        tabs: Tabs::of(&frame, PATH),
        compare: frame.at(&format!("{HOME}/compare")),
        plans: plans.collect(),
        versions: found.versions.iter().map(|one| line(&frame, one, &found.names, newest)).collect(),
        pager: Pager {
            frame: (*frame).clone(),
            words: frame.t("De nyaste först", "The newest first").to_owned(),
            back: before.map(|_| frame.at(PATH)),
            next: found.next.map(|number| Fields::default().with("before", number).at(&frame, PATH)),
        },
        frame,
    }
}

fn line(frame: &Desk, one: &VersionLine, names: &Names, newest: i64) -> Line {
    let version = &one.version;
    Line {
        number: version.number,
        address: frame.at(&format!("{PATH}/{}", version.number)),
        datetime: version.applied_at.to_string(),
        since: frame.when(version.applied_at),
        by: who(frame, names, &version.by),
        why: why(frame, one),
        is_in_force: version.number == newest,
    }
}

/// Why a version was put into force: a person's own words, or how it came.
fn why(frame: &Desk, one: &VersionLine) -> String {
    let said = match one.why.as_deref() {
        Some("command") => frame.t("Från kommandoraden", "From the command line"),
        Some("first start") => frame.t("Första starten", "The first start"),
        Some(said) => said,
        None => "",
    };
    match one.rollback_of {
        Some(number) => {
            format!("{said} ({} {number})", frame.t("tillbaka till version", "back to version"))
        }
        None => said.to_owned(),
    }
}

#[derive(Template)]
#[template(path = "admin/policy/version.html")]
struct VersionPage {
    frame: Desk,
    list: String,
    line: Line,
    hash: String,
    text: String,
    changes: Option<Changes>,
    /// Where the form goes that makes a plan of it; nothing: it is in force, or they may not.
    go_back: Option<String>,
    edit: String,
}

/// `GET /policy/versions/{number}`: one version, as it was written, and how it differs from the one before.
pub(super) async fn show(console: ConsolePerson, Path(number): Path<String>) -> Response {
    let frame = match console.desk(Place::Groups).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let Ok(asked) = number.parse::<i64>() else {
        return console.refuse_to(Place::Groups, PATH, Refusal::not_found("policy version", number)).await;
    };
    match flow::version(&console.ports, &console.actor, asked, frame.language).await {
        Ok((one, comparison, names)) => {
            let line = line(&frame, &one, &names, console.person.compiled.number);
            let page = VersionPage {
                list: frame.at(PATH),
                go_back: (frame.may_change && !line.is_in_force)
                    .then(|| frame.at(&format!("{PATH}/{asked}"))),
                edit: frame.at(&format!("{HOME}/edit?version={asked}")),
                hash: one.version.hash,
                text: one.version.text,
                changes: comparison.map(|comparison| Changes::of(&frame, comparison)),
                line,
                frame,
            };
            console.page(StatusCode::OK, &page)
        }
        Err(refusal) => console.refuse_to(Place::Groups, PATH, refusal).await,
    }
}

/// `POST /policy/versions/{number}`: makes a plan of going back to it, and leads to the plan.
pub(super) async fn go_back(Path(number): Path<String>, sent: Sent) -> Response {
    let console = sent.console;
    let Ok(asked) = number.parse::<i64>() else {
        return console.refuse_to(Place::Groups, PATH, Refusal::not_found("policy version", number)).await;
    };
    match flow::go_back(&console.ports, &console.actor, asked).await {
        Ok(hash) => planned(&console, &hash),
        Err(Refusal::Policy(_)) => {
            let frame = &console.frame;
            let title = frame.t("Texten skulle vara fel i dag", "The text would be a mistake today");
            let text = frame.t("Se över felen och gör en plan.", "Look at the mistakes and make a plan.");
            console.go(&format!("{HOME}/edit?version={asked}"), &Note::warning(title, text))
        }
        Err(refusal) => console.refuse_to(Place::Groups, PATH, refusal).await,
    }
}
