//! `/reports`: the ten reports, read as pages and taken as files.
//!
//! Invariant: the same figures as the command line and the API give for the same question; who read which is in the audit.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::super::House;
use super::super::written::written;
use super::parts::{Empty, Pager, status_words};
use super::{ConsolePerson, Desk, Fields, Place};
use crate::domain::account::Status;
use crate::domain::language::Language;
use crate::flows::Refusal;
use crate::flows::report::{self, Asked, Cell, Form, Layout, Report, ReportName, Separator};

/// So many rows stand on one page.
const PAGE: usize = 100;

/// What a report can be asked.
const ASKED: [&str; 7] = ["as_of", "before", "role", "sector", "limited", "status", "directory"];

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/reports", get(list))
        .route("/reports/{name}", get(show))
        .route("/reports/{name}/file", get(file))
}

#[derive(Template)]
#[template(path = "admin/reports/list.html")]
struct ListPage {
    frame: Desk,
    reports: Vec<Line>,
}

/// A report in the list.
struct Line {
    address: String,
    title: &'static str,
    text: &'static str,
}

/// `GET /reports`: which there are.
async fn list(console: ConsolePerson) -> Response {
    let frame = match console.desk(Place::Reports).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let reports = ReportName::ALL.iter().map(|name| Line {
        address: frame.at(&format!("/reports/{name}")),
        title: name.title(frame.language),
        text: about(&frame, *name),
    });
    let reports = reports.collect();
    console.page(StatusCode::OK, &ListPage { frame, reports })
}

fn about(frame: &Desk, name: ReportName) -> &'static str {
    match name {
        ReportName::Access => frame.t(
            "Alla som kan logga in, med roller, sektorer, begränsningar och varför.",
            "Everybody who can sign in, with roles, sectors, limits and why.",
        ),
        ReportName::Stale => frame.t(
            "De som har åtkomst men inte har loggat in sedan en dag du väljer.",
            "Those who have access and have not signed in since a day you choose.",
        ),
        ReportName::NeverSignedIn => frame
            .t("De som har åtkomst men aldrig har synts till.", "Those who have access and were never seen."),
        ReportName::Departed => frame.t(
            "De som har slutat, och hur lång tid det tog tills varje CRM visste det.",
            "Those who left, and how long it took until every CRM knew.",
        ),
        ReportName::Privileged => {
            frame.t("De som kan ändra vad andra får göra.", "Those who can change what others may do.")
        }
        ReportName::Limited => frame.t(
            "De begränsade användarna och vad de är begränsade till.",
            "The limited users, and what they are limited to.",
        ),
        ReportName::Orphans => {
            frame.t("Konton som ingen katalog längre står för.", "Accounts that no directory stands for.")
        }
        ReportName::Expiring => frame.t(
            "Konton, behörigheter och ledigheter med ett slut i sikte.",
            "Accounts, rights and leaves with an end in sight.",
        ),
        ReportName::Exceptions => frame
            .t("De som livscykeln inte rör, och varför.", "Those whom the lifecycle leaves alone, and why."),
        ReportName::Runs => frame.t(
            "Vad livscykeln gjorde, också när den inte gjorde något.",
            "What the lifecycle did, also when it did nothing.",
        ),
    }
}

#[derive(Template)]
#[template(path = "admin/reports/report.html")]
struct ReportPage {
    frame: Desk,
    title: String,
    count: String,
    address: String,
    files: Vec<(&'static str, String)>,
    takes_filters: bool,
    takes_before: bool,
    as_of: String,
    before: String,
    selects: Vec<Select>,
    head: Vec<(String, String)>,
    titles: Vec<String>,
    rows: Vec<Vec<TableCell>>,
    pager: Option<Pager>,
    nothing: Empty,
}

/// A filter with its choices: value, words, whether it is chosen.
struct Select {
    name: &'static str,
    label: &'static str,
    options: Vec<(String, String, bool)>,
}

/// A cell of the table.
struct TableCell {
    label: String,
    text: String,
    is_number: bool,
}

/// `GET /reports/{name}?as_of=&before=&role=&sector=&limited=&status=&directory=&from=`: the report, a page of it.
async fn show(console: ConsolePerson, Path(name): Path<String>) -> Response {
    let fields = console.query.clone();
    if let Some(stranger) = fields.stranger(&[&ASKED[..], &["from"]].concat()) {
        return strange(&console, stranger).await;
    }
    let made = match make(&console, &name, &fields, Form::Html).await {
        Ok(made) => made,
        Err(refusal) => return console.refuse(Place::Reports, refusal).await,
    };
    let frame = match console.desk(Place::Reports).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let from = fields.one("from").and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
    match page(&console, frame, made, &fields, from).await {
        Ok(page) => console.page(StatusCode::OK, &page),
        Err(refusal) => console.refuse(Place::Reports, refusal).await,
    }
}

/// An address that asks for what no report takes.
async fn strange(console: &ConsolePerson, stranger: &str) -> Response {
    let sv = format!("Rapporter kan inte väljas efter {stranger:?}.");
    let en = format!("Reports cannot be narrowed by {stranger:?}.");
    console.misread(Place::Reports, sv, en).await
}

async fn make(console: &ConsolePerson, name: &str, fields: &Fields, form: Form) -> Result<Report, Refusal> {
    let asked = Asked {
        name,
        as_of: fields.one("as_of"),
        before: fields.one("before"),
        role: fields.one("role"),
        sector: fields.one("sector"),
        limited: fields.one("limited"),
        status: fields.one("status"),
        directory: fields.one("directory"),
        language: Some(console.frame.language),
        form,
    };
    let request = report::ask(&console.ports, asked).await?;
    report::produce(&console.ports, console.actor.reading(), &request).await
}

async fn page(
    console: &ConsolePerson,
    frame: Desk,
    mut made: Report,
    fields: &Fields,
    from: usize,
) -> Result<ReportPage, Refusal> {
    let found = made.rows(from.saturating_add(PAGE)).await?;
    let shown: Vec<usize> = made
        .columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.is_brief)
        .map(|(place, _)| place)
        .collect();
    let row = |cells: &Vec<Cell>| {
        let cell = |place: &usize| {
            let (column, cell) = (made.columns.get(*place)?, cells.get(*place)?);
            let is_number = matches!(cell, Cell::Count(_) | Cell::Hours(_));
            Some(TableCell { label: column.title.clone(), text: made.words(cell), is_number })
        };
        shown.iter().filter_map(cell).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<TableCell>> = found.iter().skip(from).map(row).collect();
    let head = made.head.iter().map(|(line, cell)| (line.title.clone(), made.words(cell)));
    let path = format!("/reports/{}", made.name);
    let kept = fields.without(&["from"]);
    let file = |form: &str| kept.with("format", form).at(&frame, &format!("{path}/file"));
    Ok(ReportPage {
        title: made.title.clone(),
        count: frame.count(made.count, ["rad", "rader"], ["row", "rows"]),
        address: frame.at(&path),
        files: vec![
            ("Excel (xlsx)", file("xlsx")),
            ("CSV", file("csv")),
            ("JSON", file("json")),
            (frame.t("Sida att skriva ut", "A page to print"), file("html")),
        ],
        takes_filters: made.name != ReportName::Runs.name(),
        takes_before: ReportName::from_name(made.name).is_some_and(ReportName::takes_before),
        as_of: fields.one("as_of").unwrap_or_default().to_owned(),
        before: fields.one("before").unwrap_or_default().to_owned(),
        selects: selects(console, &frame, fields),
        head: head.filter(|(_, text)| !text.is_empty()).collect(),
        titles: shown.iter().filter_map(|place| Some(made.columns.get(*place)?.title.clone())).collect(),
        rows,
        pager: pager(&frame, &path, &kept, from, made.count),
        nothing: Empty {
            title: frame.t("Ingen stämmer med urvalet", "Nobody matches").to_owned(),
            text: frame
                .t("Välj en annan dag eller ta bort ett filter.", "Choose another day or remove a filter.")
                .to_owned(),
            way: None,
        },
        frame,
    })
}

fn pager(frame: &Desk, path: &str, kept: &Fields, from: usize, total: usize) -> Option<Pager> {
    if total <= PAGE && from == 0 {
        return None;
    }
    let at = |from: usize| {
        if from == 0 { kept.at(frame, path) } else { kept.with("from", from).at(frame, path) }
    };
    let last = from.saturating_add(PAGE).min(total);
    let first = frame.number((from + 1).min(total));
    Some(Pager {
        frame: (**frame).clone(),
        words: format!("{first}–{} {} {}", frame.number(last), frame.t("av", "of"), frame.number(total)),
        back: (from > 0).then(|| at(from.saturating_sub(PAGE))),
        next: (last < total).then(|| at(last)),
    })
}

fn selects(console: &ConsolePerson, frame: &Desk, fields: &Fields) -> Vec<Select> {
    let policy = &console.person.compiled.policy;
    let select = |name: &'static str, label: &'static str, options: Vec<(String, String)>| {
        let chosen = fields.one(name);
        let options = options.into_iter().map(|(value, words)| {
            let is_chosen = chosen == Some(value.as_str());
            (value, words, is_chosen)
        });
        Select { name, label, options: options.collect() }
    };
    let roles = policy.roles.iter().map(|(id, role)| (id.to_string(), frame.text(&role.name).to_owned()));
    let sectors =
        policy.sectors.iter().map(|(id, sector)| (id.to_string(), frame.text(&sector.name).to_owned()));
    let flags = [("yes", frame.t("Ja", "Yes")), ("no", frame.t("Nej", "No"))];
    let statuses =
        Status::ALL.iter().map(|status| (status.to_string(), status_words(frame, *status).to_owned()));
    let directories = console.ports.settings.directories.iter();
    let directories = directories.map(|directory| (directory.id.to_string(), directory.name.clone()));
    vec![
        select("role", frame.t("Roll", "Role"), roles.collect()),
        select("sector", frame.t("Sektor", "Sector"), sectors.collect()),
        select(
            "limited",
            frame.t("Begränsad", "Limited"),
            flags.into_iter().map(|(value, words)| (value.to_owned(), words.to_owned())).collect(),
        ),
        select("status", frame.t("Status", "Status"), statuses.collect()),
        select("directory", frame.t("Katalog", "Directory"), directories.collect()),
    ]
}

/// `GET /reports/{name}/file?format=xlsx|csv|json|html&…`: the report as a file, whole.
async fn file(console: ConsolePerson, Path(name): Path<String>) -> Response {
    let fields = console.query.clone();
    if let Some(stranger) = fields.stranger(&[&ASKED[..], &["format"]].concat()) {
        return strange(&console, stranger).await;
    }
    let form = match fields.one("format").and_then(Form::from_name) {
        Some(form @ (Form::Csv | Form::Xlsx | Form::Json | Form::Html)) => form,
        Some(Form::Text) | None => {
            let sv = "Välj en form: xlsx, csv, json eller html.".to_owned();
            let en = "Choose a form: xlsx, csv, json or html.".to_owned();
            return console.misread(Place::Reports, sv, en).await;
        }
    };
    let layout = Layout { form, separator: separator(console.frame.language), with_head: false };
    let made = make(&console, &name, &fields, form).await;
    match made.and_then(|made| written(made, layout)) {
        Ok(answer) => answer,
        Err(refusal) => console.refuse(Place::Reports, refusal).await,
    }
}

/// What a spreadsheet in that language expects between the cells of CSV.
pub(super) const fn separator(language: Language) -> Separator {
    match language {
        Language::Sv => Separator::Semicolon,
        Language::En => Separator::Comma,
    }
}
