//! `/connections`: the directories that tell us who there is, and the CRMs that are told.
//!
//! Invariant: what stands in the way says so in words, and what to do about it; a secret stands on one page, once.

mod checks;
mod compare;
mod counts;
pub(super) mod differences;
mod directory;
mod head;
pub(super) mod health;
mod replay;
mod target;
mod token;
mod tokens;
mod trial;
mod words;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::super::House;
use super::parts::Empty;
use super::{ConsolePerson, Desk, Place};
use crate::flows::compare::ComparisonView;
use crate::flows::console::connections::{self as flow, DirectoryLine, TargetLine};
use health::Health;

/// Where they are listed.
const HOME: &str = "/connections";

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/connections", get(show))
        .route("/connections/directories/{name}", get(directory::show).post(directory::decide))
        .route("/connections/directories/{name}/checks", get(checks::show))
        .route("/connections/directories/{name}/tokens", get(tokens::of_directory))
        .route(
            "/connections/directories/{name}/tokens/new",
            get(tokens::new_of_directory).post(tokens::make_of_directory),
        )
        .route(
            "/connections/directories/{name}/tokens/{id}",
            get(token::of_directory).post(token::decide_of_directory),
        )
        .route("/connections/targets/{name}", get(target::show).post(target::decide))
        .route("/connections/targets/{name}/compare", get(compare::show).post(compare::run))
        .route("/connections/targets/{name}/replay", get(replay::show).post(replay::begin))
        .route("/connections/targets/{name}/test", get(trial::show).post(trial::run))
        .route("/connections/targets/{name}/tokens", get(tokens::of_target))
        .route(
            "/connections/targets/{name}/tokens/new",
            get(tokens::new_of_target).post(tokens::make_of_target),
        )
        .route("/connections/targets/{name}/tokens/{id}", get(token::of_target).post(token::decide_of_target))
}

#[derive(Template)]
#[template(path = "admin/connections/list.html")]
struct ConnectionsPage {
    frame: Desk,
    parts: Vec<Part>,
    no_targets: Empty,
}

/// The directories, or the targets.
struct Part {
    id: &'static str,
    title: &'static str,
    lines: Vec<Line>,
}

/// A directory or target.
struct Line {
    health: Health,
    /// What else there is to know, each in a few words.
    notes: Vec<String>,
}

/// `GET /connections`: how every directory and target stands.
async fn show(console: ConsolePerson) -> Response {
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let overview = match flow::overview(&console.ports).await {
        Ok(overview) => overview,
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    let page = ConnectionsPage {
        parts: vec![
            Part {
                id: "directories",
                title: frame.t("Kataloger", "Directories"),
                lines: overview.directories.iter().map(|line| directory_line(&frame, line)).collect(),
            },
            Part {
                id: "targets",
                title: frame.t("CRM", "Targets"),
                lines: overview.targets.iter().map(|line| target_line(&frame, line)).collect(),
            },
        ],
        no_targets: Empty {
            title: frame.t("Inget CRM är inställt", "No CRM is set up").to_owned(),
            text: frame
                .t(
                    "Varje [[target]] i inställningarna är ett CRM som får veta hur kontona ser ut.",
                    "Each [[target]] of the settings is a CRM that is told how the accounts stand.",
                )
                .to_owned(),
            way: None,
        },
        frame,
    };
    console.page(StatusCode::OK, &page)
}

/// How many tokens soon end; nothing where none does.
fn soon(frame: &Desk, ending: usize) -> Option<String> {
    (ending > 0).then(|| {
        frame.count(
            ending,
            ["token går ut inom 30 dagar", "token går ut inom 30 dagar"],
            ["token ends within 30 days", "tokens end within 30 days"],
        )
    })
}

fn directory_line(frame: &Desk, line: &DirectoryLine) -> Line {
    let row = &line.row;
    let mut notes = Vec::new();
    if let Some((kinds, at)) = line.mended {
        let kinds = frame.count(
            kinds,
            ["sorts fel rättas", "sorters fel rättas"],
            ["kind of mistake is mended", "kinds of mistakes are mended"],
        );
        notes.push(format!("{kinds}, {} {}", frame.t("senast", "last"), frame.when(at)));
    }
    if row.pending_members > 0 {
        notes.push(frame.count(
            usize::try_from(row.pending_members).unwrap_or_default(),
            ["gruppmedlem som ingen känner än", "gruppmedlemmar som ingen känner än"],
            ["member of a group that nobody knows yet", "members of groups whom nobody knows yet"],
        ));
    }
    notes.extend(soon(frame, line.ending));
    if row.access_until.is_none() {
        notes.push(frame.t("Ingen token gäller", "No token is valid").to_owned());
    }
    Line { health: health::directory(frame, row), notes }
}

fn target_line(frame: &Desk, line: &TargetLine) -> Line {
    let standing = &line.standing;
    let mut notes = Vec::new();
    if standing.reading.is_none() {
        notes.push(format!("{} · {}", standing.kind, standing.host));
    }
    notes.extend(line.compared.as_ref().map(|compared| differing(frame, compared)));
    notes.extend(soon(frame, line.ending));
    Line { health: health::crm(frame, standing), notes }
}

/// How much the last comparison found, in one line.
fn differing(frame: &Desk, compared: &ComparisonView) -> String {
    let all = compared.missing + compared.extra + compared.different + compared.conflicting;
    let when = frame.when(compared.begun_at);
    match usize::try_from(all).unwrap_or_default() {
        0 => format!("{} {when}: {}", frame.t("Jämfört", "Compared"), frame.t("lika", "the same")),
        some => {
            let count = frame.count(
                some,
                ["konto eller användare skiljer", "konton eller användare skiljer"],
                ["account or user differs", "accounts or users differ"],
            );
            format!("{} {when}: {count}", frame.t("Jämfört", "Compared"))
        }
    }
}
