//! `/connections/directories/{name}/checks`: what to type into the provider, and whether everything fits together.
//!
//! Invariant: nothing is asked of anybody before somebody asks for it; whatever cannot be reached is a finding.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::Pill;
use super::super::{ConsolePerson, Desk, Fields, Place};
use super::head::{Head, Tab, path};
use crate::flows::console::connections::directory as flow;
use crate::flows::console::connections::tokens::Owner;
use crate::flows::doctor::{Finding, Instruction, Level};

#[derive(Template)]
#[template(path = "admin/connections/checks.html")]
struct ChecksPage {
    frame: Desk,
    head: Head,
    run: String,
    /// What was found; nothing: nobody has asked yet.
    found: Option<Vec<Found>>,
    summary: String,
    guide: Vec<Step>,
}

/// A finding.
struct Found {
    pill: Pill,
    says: String,
    mend: Option<String>,
}

/// Something to type in.
struct Step {
    place: String,
    what: String,
    /// Whether it is to be copied as it stands.
    is_address: bool,
}

/// `GET /connections/directories/{name}/checks?run=yes`: the guide, and the checks where they are asked for.
pub(super) async fn show(console: ConsolePerson, Path(name): Path<String>) -> Response {
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let wants = console.query.one("run") == Some("yes");
    let guide = flow::guide(&console.ports, &name, frame.language);
    let found =
        if wants { flow::check(&console.ports, &console.actor, &name).await.map(Some) } else { Ok(None) };
    let known = flow::named(&console.ports, &name);
    match (known, guide, found) {
        (Ok(known), Ok(guide), Ok(found)) => {
            let owner = Owner::Directory(known.id.clone());
            let title = known.name.clone();
            console.page(StatusCode::OK, &page(frame, &owner, &title, found.as_deref(), guide))
        }
        (Err(refusal), ..) | (_, Err(refusal), _) | (.., Err(refusal)) => {
            console.refuse(Place::Connections, refusal).await
        }
    }
}

fn page(
    frame: Desk,
    owner: &Owner,
    title: &str,
    found: Option<&[Finding]>,
    guide: Vec<Instruction>,
) -> ChecksPage {
    let count = |level| found.unwrap_or_default().iter().filter(|one| one.level == level).count();
    let (mistakes, warnings) = (count(Level::Mistake), count(Level::Warning));
    let summary = if mistakes + warnings == 0 {
        frame.t("Allt stämmer.", "Everything fits.").to_owned()
    } else {
        format!(
            "{}, {}.",
            frame.count(mistakes, ["fel", "fel"], ["mistake", "mistakes"]),
            frame.count(warnings, ["varning", "varningar"], ["warning", "warnings"])
        )
    };
    let step = |one: Instruction| Step {
        is_address: one.what.starts_with("http"),
        place: one.place,
        what: one.what,
    };
    ChecksPage {
        head: Head::new(&frame, owner, title, Some(Tab::Checks)),
        run: Fields::default().and("run", "yes").at(&frame, &format!("{}/checks", path(owner))),
        found: found.map(|all| all.iter().map(|one| finding(&frame, one)).collect()),
        summary,
        guide: guide.into_iter().map(step).collect(),
        frame,
    }
}

fn finding(frame: &Desk, one: &Finding) -> Found {
    let told = one.told(frame.language);
    let pill = match one.level {
        Level::Ok => Pill::new(frame, "ok", "check", frame.t("I ordning", "In order")),
        Level::Warning => Pill::new(frame, "warn", "warn", frame.t("Se över", "Look at it")),
        Level::Mistake => Pill::new(frame, "bad", "stop", frame.t("Fel", "Wrong")),
    };
    Found { pill, says: told.says, mend: told.mend }
}
