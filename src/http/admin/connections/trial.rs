//! `/connections/targets/{name}/test`: trying a CRM now.
//!
//! Invariant: nothing is sent before somebody asks for it; a trial changes nothing in the CRM.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::{ConsolePerson, Desk, Place, Sent};
use super::head::{Head, path};
use crate::flows::Refusal;
use crate::flows::console::connections::target::{self as flow, Finding};
use crate::flows::console::connections::tokens::Owner;

#[derive(Template)]
#[template(path = "admin/connections/trial.html")]
struct TrialPage {
    frame: Desk,
    head: Head,
    address: String,
    found: Option<Vec<Finding>>,
    summary: String,
    is_good: bool,
}

/// `GET /connections/targets/{name}/test`: what a trial does.
pub(super) async fn show(console: ConsolePerson, Path(name): Path<String>) -> Response {
    answer(&console, &name, None).await
}

/// `POST /connections/targets/{name}/test`: tries it, and tells.
pub(super) async fn run(Path(name): Path<String>, sent: Sent) -> Response {
    let console = &sent.console;
    match flow::test(&console.ports, &console.actor, &name).await {
        Ok(found) => answer(console, &name, Some(found)).await,
        Err(refusal) => console.refuse(Place::Connections, refusal).await,
    }
}

async fn answer(console: &ConsolePerson, name: &str, found: Option<Vec<Finding>>) -> Response {
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match target(console, name) {
        Ok(owner) => console.page(StatusCode::OK, &page(frame, &owner, found)),
        Err(refusal) => console.refuse(Place::Connections, refusal).await,
    }
}

fn target(console: &ConsolePerson, name: &str) -> Result<Owner, Refusal> {
    let owner = Owner::target(&console.ports, name)?;
    if let Owner::Target(id) = &owner {
        console.ports.crms.get(id)?;
    }
    Ok(owner)
}

fn page(frame: Desk, owner: &Owner, found: Option<Vec<Finding>>) -> TrialPage {
    let all = found.as_deref().unwrap_or_default();
    let bad = all.iter().filter(|finding| !finding.is_good).count();
    let summary = if bad == 0 {
        frame.t("Allt gick bra", "Everything went well").to_owned()
    } else {
        frame.count(bad, ["sak gick inte", "saker gick inte"], ["thing failed", "things failed"])
    };
    TrialPage {
        head: Head::new(&frame, owner, owner.as_str(), None),
        address: frame.at(&format!("{}/test", path(owner))),
        is_good: bad == 0,
        summary,
        found,
        frame,
    }
}
