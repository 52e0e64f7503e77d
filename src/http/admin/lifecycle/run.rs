//! `/lifecycle/runs/{run}`: what a run did, and undoing it, for everybody or for those who are marked.
//!
//! Invariant: who is undone for is shown first, person by person, with what becomes of each and why others are left alone.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::{Decide, Empty};
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::HOME;
use crate::flows::console::lifecycle as flow;
use crate::flows::lifecycle::{UndoLine, UndoReport, UndoWish};

#[derive(Template)]
#[template(path = "admin/lifecycle/run.html")]
struct RunPage {
    frame: Desk,
    address: String,
    /// Whether only some are looked at.
    is_narrowed: bool,
    lead: String,
    people: Vec<Person>,
    decide: Option<Decide>,
    nobody: Empty,
}

/// Somebody to whom the run did something.
struct Person {
    id: String,
    address: String,
    name: String,
    user_name: String,
    did: String,
    what: String,
    is_undone: bool,
    is_marked: bool,
}

fn wish(console: &ConsolePerson, run: &str, fields: &Fields) -> UndoWish {
    UndoWish {
        run: run.to_owned(),
        accounts: fields.all("account").map(str::to_owned).collect(),
        dry_run: true,
        reason: fields.one("reason").map(str::to_owned),
        language: console.frame.language,
    }
}

/// `GET /lifecycle/runs/{run}?account=`: what the run did, and what undoing it would come to.
pub(super) async fn show(console: ConsolePerson, Path(run): Path<String>) -> Response {
    let fields = console.query.clone();
    answer(&console, &run, &fields, StatusCode::OK, None).await
}

async fn answer(
    console: &ConsolePerson,
    run: &str,
    fields: &Fields,
    status: StatusCode,
    error: Option<String>,
) -> Response {
    let desk = match console.desk(Place::Lifecycle).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::preview_undo(&console.ports, &console.actor, wish(console, run, fields)).await {
        Ok(report) => console.page(status, &page(desk, &report, fields, error)),
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}

fn page(frame: Desk, report: &UndoReport, fields: &Fields, error: Option<String>) -> RunPage {
    let marked: Vec<&str> = fields.all("account").collect();
    let path = format!("{HOME}/runs/{}", report.run);
    let people = report.steps.iter().map(|line| person(&frame, line, &marked)).collect();
    let alone = report.steps.len() - report.undone;
    let undone = frame.count(
        report.undone,
        ["konto blir som det var", "konton blir som de var"],
        ["account becomes as it was", "accounts become as they were"],
    );
    let left = frame.count(alone, ["lämnas orört", "lämnas orörda"], ["is left alone", "are left alone"]);
    let hidden = marked.iter().map(|id| ("account".to_owned(), (*id).to_owned()));
    let decide = (frame.may_change && report.undone > 0).then(|| Decide {
        frame: frame.clone(),
        address: frame.at(&path),
        hidden: hidden.collect(),
        inputs: vec![Decide::reason(&frame).holding(fields.one("reason"), error)],
        button: match frame.tag() {
            "sv" => format!("Ångra för {}", frame.count(report.undone, ["person", "personer"], ["", ""])),
            _ => format!("Undo for {}", frame.count(report.undone, ["", ""], ["person", "people"])),
        },
        takes: false,
        cancel: frame.at(HOME),
    });
    RunPage {
        address: frame.at(&path),
        is_narrowed: !marked.is_empty(),
        lead: format!("{undone}, {left}."),
        people,
        decide,
        nobody: Empty {
            title: frame
                .t("Körningen gjorde ingenting med någon", "The run did nothing to anybody")
                .to_owned(),
            text: frame.t("Det finns inget att ångra.", "There is nothing to undo.").to_owned(),
            way: None,
        },
        frame,
    }
}

fn person(frame: &Desk, line: &UndoLine, marked: &[&str]) -> Person {
    let id = line.account.to_string();
    Person {
        address: frame.at(&format!("/people/{id}")),
        name: if line.display_name.is_empty() { line.user_name.clone() } else { line.display_name.clone() },
        user_name: line.user_name.clone(),
        did: line.did.clone(),
        what: line.what.clone(),
        is_undone: line.left_alone.is_none(),
        is_marked: marked.contains(&id.as_str()),
        id,
    }
}

/// `POST /lifecycle/runs/{run}`: undoes the run, for those who are named or for all.
pub(super) async fn undo(Path(run): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let frame = &console.frame;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse(Place::Lifecycle, refusal).await;
    }
    if fields.one("reason").is_none() {
        let error = frame.t("Skriv varför körningen ångras.", "Write why the run is undone.").to_owned();
        return answer(&console, &run, &fields, StatusCode::BAD_REQUEST, Some(error)).await;
    }
    match flow::undo(&console.ports, &console.actor, wish(&console, &run, &fields)).await {
        Ok(report) => {
            let title = frame.count(
                report.undone,
                ["konto är som före körningen", "konton är som före körningen"],
                ["account is as before the run", "accounts are as before the run"],
            );
            let alone = report.steps.len() - report.undone;
            let left = frame.count(
                alone,
                ["lämnades orört", "lämnades orörda"],
                ["was left alone", "were left alone"],
            );
            let kept =
                frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
            console.go(&format!("{HOME}/runs/{}", report.run), &Note::done(title, format!("{left}. {kept}")))
        }
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}
