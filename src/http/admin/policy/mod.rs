//! `/policy`: the policy as people read it, its rules, its text and what another text would do, its versions, and where
//! people hold something else.
//!
//! Invariant: nothing is put into force but a plan that was shown, by its hash, with a reason and a sign-in of late.

mod compare;
mod decide;
mod drift;
mod edit;
mod moves;
mod plan;
mod rules;
mod tested;
mod versions;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::super::House;
use super::{ConsolePerson, Desk, Place};
use crate::domain::policy::document::Block;
use crate::flows::console::policy as flow;
use crate::flows::policies::Form;

/// Where it all begins.
const HOME: &str = "/policy";

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/policy", get(show))
        .route("/policy/check", post(edit::check))
        .route("/policy/compare", get(compare::show))
        .route("/policy/drift", get(drift::show))
        .route("/policy/edit", get(edit::show))
        .route("/policy/file", get(file))
        .route("/policy/plans", post(edit::plan))
        .route("/policy/plans/{hash}", get(plan::show).post(decide::apply))
        .route("/policy/rules", get(rules::show))
        .route("/policy/versions", get(versions::list))
        .route("/policy/versions/{number}", get(versions::show).post(versions::go_back))
}

/// Path, Swedish, English.
const TABS: &[(&str, &str, &str)] = &[
    ("/groups", "Grupper", "Groups"),
    ("/policy/rules", "Regler", "Rules"),
    ("/policy", "Policyn", "The policy"),
    ("/policy/versions", "Versioner", "Versions"),
    ("/policy/drift", "Avvikelser", "Differences"),
];

/// The way between the pages about groups and rules.
#[derive(Debug, Template)]
#[template(path = "admin/policy/tabs.html")]
pub(super) struct Tabs {
    label: &'static str,
    /// Address, words, whether it is here.
    tabs: Vec<(String, &'static str, bool)>,
}

impl HtmlSafe for Tabs {}

impl Tabs {
    /// The tabs on the page at `here`.
    pub(super) fn of(frame: &Desk, here: &str) -> Self {
        let tabs = TABS.iter().map(|(path, sv, en)| (frame.at(path), frame.t(sv, en), *path == here));
        Self { label: frame.t("Grupper och regler", "Groups and rules"), tabs: tabs.collect() }
    }
}

#[derive(Template)]
#[template(path = "admin/policy/document.html")]
struct DocumentPage {
    frame: Desk,
    tabs: Tabs,
    edit: String,
    files: Vec<(&'static str, String)>,
    blocks: Vec<Block>,
}

/// `GET /policy`: the policy in force, as a document.
async fn show(console: ConsolePerson) -> Response {
    let frame = match console.desk(Place::Groups).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let blocks = match flow::document(&console.ports, &console.actor, frame.language).await {
        Ok(blocks) => blocks,
        Err(refusal) => return console.refuse(Place::Groups, refusal).await,
    };
    let file = |form: &str| frame.at(&format!("{HOME}/file?format={form}"));
    let page = DocumentPage {
        tabs: Tabs::of(&frame, HOME),
        edit: frame.at(&format!("{HOME}/edit")),
        files: vec![
            (frame.t("Sida att skriva ut (html)", "A page to print (html)"), file("html")),
            ("Markdown", file("markdown")),
            (frame.t("Policyns text (toml)", "The policy’s text (toml)"), file("toml")),
        ],
        blocks,
        frame,
    };
    console.page(StatusCode::OK, &page)
}

/// `GET /policy/file?format=html|markdown|toml`: the policy in force, to take along.
async fn file(console: ConsolePerson) -> Response {
    let language = console.frame.language;
    let paper = |form| flow::paper(&console.ports, &console.actor, (language, form));
    let (kind, ending, text) = match console.query.one("format") {
        Some("html") => ("text/html; charset=utf-8", "html", paper(Form::Html).await),
        Some("markdown") => ("text/markdown; charset=utf-8", "md", paper(Form::Markdown).await),
        Some("toml") => {
            let version = flow::written(&console.ports, &console.actor).await;
            ("text/plain; charset=utf-8", "toml", version.map(|version| version.text))
        }
        Some(_) | None => {
            let sv = "Välj en form: html, markdown eller toml.".to_owned();
            let en = "Choose a form: html, markdown or toml.".to_owned();
            return console.misread(Place::Groups, sv, en).await;
        }
    };
    match text {
        Ok(text) => {
            let name = format!("attachment; filename=\"policy.{ending}\"");
            let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, name)];
            (headers, text).into_response()
        }
        Err(refusal) => console.refuse(Place::Groups, refusal).await,
    }
}
