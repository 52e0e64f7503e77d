//! `/policy/rules`: the rules in words: whom each is about, which groups it asks for, and what it gives.
//!
//! Invariant: each rule has an address of its own, `#rule-…`, to which other pages lead.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::Empty;
use super::super::{ConsolePerson, Desk, Fields, Place};
use super::Tabs;
use crate::domain::policy::rule_lines::RuleLine;
use crate::flows::console::groups::{self as flow, GroupRow};

#[derive(Template)]
#[template(path = "admin/policy/rules.html")]
struct RulesPage {
    frame: Desk,
    tabs: Tabs,
    edit: String,
    rules: Vec<RuleView>,
    nothing: Empty,
}

/// A rule in words.
struct RuleView {
    line: RuleLine,
    /// The groups that it asks for: address, name, how many are in it.
    groups: Vec<(String, String, String)>,
}

/// `GET /policy/rules`: every rule of the policy in force.
pub(super) async fn show(console: ConsolePerson) -> Response {
    let frame = match console.desk(Place::Groups).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::rules(&console.ports, &console.actor, &console.reading).await {
        Ok(rules) => console.page(StatusCode::OK, &page(frame, rules)),
        Err(refusal) => console.refuse(Place::Groups, refusal).await,
    }
}

fn page(frame: Desk, rules: Vec<(RuleLine, Vec<GroupRow>)>) -> RulesPage {
    let group = |row: GroupRow| {
        let members = usize::try_from(row.members).unwrap_or_default();
        let address = match row.id {
            Some(id) => frame.at(&format!("/groups/{id}")),
            None => Fields::default().with("q", &row.name).at(&frame, "/groups"),
        };
        (address, row.name, frame.count(members, ["medlem", "medlemmar"], ["member", "members"]))
    };
    let rules = rules
        .into_iter()
        .map(|(line, groups)| RuleView { line, groups: groups.into_iter().map(group).collect() });
    RulesPage {
        tabs: Tabs::of(&frame, "/policy/rules"),
        edit: frame.at("/policy/edit"),
        rules: rules.collect(),
        nothing: Empty {
            title: frame.t("Policyn har inga regler", "The policy has no rules").to_owned(),
            text: frame.t("Alla behörigheter ges för hand.", "Every right is given by hand.").to_owned(),
            way: None,
        },
        frame,
    }
}
