//! How two texts of the policy differ, in words and line by line; `/policy/compare` for two versions.
//!
//! Invariant: shows only.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::super::pages::Frame;
use super::super::{ConsolePerson, Desk, Place};
use super::HOME;
use crate::flows::console::policy as flow;
use crate::flows::policies::Comparison;

/// How two texts differ.
#[derive(Debug, Template)]
#[template(path = "admin/policy/changes.html")]
pub(super) struct Changes {
    frame: Frame,
    sentences: Vec<String>,
    lines: Vec<Line>,
}

impl HtmlSafe for Changes {}

/// A line of the comparison.
#[derive(Debug)]
enum Line {
    Kept(String),
    Removed(String),
    Added(String),
}

impl Changes {
    /// The comparison as a part of a page.
    pub(super) fn of(frame: &Desk, comparison: Comparison) -> Self {
        let line = |text: String| match text.chars().next() {
            Some('+') => Line::Added(text),
            Some('-') => Line::Removed(text),
            _ => Line::Kept(text),
        };
        Self {
            frame: (**frame).clone(),
            sentences: comparison.sentences,
            lines: comparison.lines.into_iter().map(line).collect(),
        }
    }
}

#[derive(Template)]
#[template(path = "admin/policy/compare.html")]
struct ComparePage {
    frame: Desk,
    versions: String,
    former: i64,
    new: i64,
    changes: Changes,
}

/// `GET /policy/compare?from=1&to=2`: how two versions differ.
pub(super) async fn show(console: ConsolePerson) -> Response {
    let number = |name: &str| console.query.one(name).and_then(|text| text.parse::<i64>().ok());
    let (Some(former), Some(new)) = (number("from"), number("to")) else {
        let sv = "Välj två versioner att jämföra.".to_owned();
        let en = "Choose two versions to compare.".to_owned();
        return console.misread(Place::Groups, sv, en).await;
    };
    let frame = match console.desk(Place::Groups).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let found = flow::compare(&console.ports, &console.actor, (former, new), frame.language).await;
    match found {
        Ok(comparison) => {
            let changes = Changes::of(&frame, comparison);
            let versions = frame.at(&format!("{HOME}/versions"));
            console.page(StatusCode::OK, &ComparePage { versions, former, new, changes, frame })
        }
        Err(refusal) => console.refuse_to(Place::Groups, "/policy/versions", refusal).await,
    }
}
