//! `/groups/{id}`: one group: who is in it, which rules ask for it, and what it gives.
//!
//! Invariant: shows only; members are changed in the directory.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::{Empty, Pager, Pill};
use super::super::{ConsolePerson, Desk, Fields, Place};
use super::{PATH, directory_name, rule_address};
use crate::domain::ids::GroupId;
use crate::flows::Refusal;
use crate::flows::console::groups::{self as flow, GroupLook};
use crate::flows::people::roster::Cursor;

/// So many members stand on a page.
const PAGE: usize = 100;

#[derive(Template)]
#[template(path = "admin/groups/one.html")]
struct GroupPage {
    frame: Desk,
    list: String,
    name: String,
    directory: String,
    external_id: Option<String>,
    own_id: String,
    members: String,
    modified: String,
    awaited: Option<String>,
    rules: Vec<RuleView>,
    people: Vec<Person>,
    pager: Pager,
    nobody: Empty,
}

/// A rule that asks for the group.
struct RuleView {
    address: String,
    rule: String,
    who: String,
    gets: String,
}

/// Somebody in the group.
struct Person {
    address: String,
    name: String,
    user_name: String,
    status: Pill,
}

/// `GET /groups/{id}?after=&before=`: the group, with a page of its members.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let Ok(group) = GroupId::parse(&id) else {
        return console.refuse(Place::Groups, Refusal::not_found("group", id)).await;
    };
    let fields = &console.query;
    let cursor = |name: &str| fields.one(name).and_then(Cursor::parse);
    let (from, is_back) = match (cursor("after"), cursor("before")) {
        (Some(after), _) => (Some(after), false),
        (None, Some(before)) => (Some(before), true),
        (None, None) => (None, false),
    };
    let asked = (group, from.as_ref(), is_back);
    let found = flow::look(&console.ports, &console.actor, asked, (PAGE, &console.reading)).await;
    let look = match found {
        Ok(look) => look,
        Err(refusal) => return console.refuse(Place::Groups, refusal).await,
    };
    match console.desk(Place::Groups).await {
        Ok(desk) => console.page(StatusCode::OK, &page(&console, desk, &id, look)),
        Err(answer) => answer,
    }
}

fn page(console: &ConsolePerson, frame: Desk, id: &str, look: GroupLook) -> GroupPage {
    let path = format!("{PATH}/{id}");
    let at = |name: &str, cursor: Cursor| Fields::default().with(name, cursor).at(&frame, &path);
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    let rules = look.rules.into_iter().map(|line| RuleView {
        address: rule_address(&frame, &line.rule),
        rule: line.rule.to_string(),
        who: line.who,
        gets: line.gets,
    });
    let people: Vec<Person> = look
        .members
        .into_iter()
        .map(|member| Person {
            address: frame.at(&format!("/people/{}", member.account)),
            status: Pill::status(&frame, member.status),
            name: member.name,
            user_name: member.user_name,
        })
        .collect();
    let members = frame.count(number(look.group.members), ["medlem", "medlemmar"], ["member", "members"]);
    let words = format!(
        "{} {} {} {members}",
        frame.t("Visar", "Showing"),
        frame.number(people.len()),
        frame.t("av", "of")
    );
    GroupPage {
        list: frame.at(PATH),
        name: look.group.name,
        directory: directory_name(console, &look.group.directory),
        external_id: look.group.external_id,
        own_id: id.to_owned(),
        modified: frame.when(look.modified_at),
        awaited: (look.awaited > 0).then(|| {
            frame.count(
                number(look.awaited),
                ["medlem som ännu inte har kommit hit", "medlemmar som ännu inte har kommit hit"],
                ["member who has not come here yet", "members who have not come here yet"],
            )
        }),
        rules: rules.collect(),
        people,
        pager: Pager {
            frame: (*frame).clone(),
            words,
            back: look.before.map(|cursor| at("before", cursor)),
            next: look.after.map(|cursor| at("after", cursor)),
        },
        nobody: nobody(&frame),
        members,
        frame,
    }
}

fn nobody(frame: &Desk) -> Empty {
    let text = frame.t(
        "Medlemmar läggs till i katalogen och syns sedan här.",
        "Members are added in the directory and are then seen here.",
    );
    Empty {
        title: frame.t("Ingen är med i gruppen", "Nobody is in the group").to_owned(),
        text: text.to_owned(),
        way: None,
    }
}
