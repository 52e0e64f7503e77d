//! `/`: how things stand, for whoever has a role at the console; for everybody else, who they are.
//!
//! Invariant: each number leads to the very list that it counted.

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::super::pages;
use super::super::sso::visitor;
use super::super::{House, RequestId};
use super::{ConsolePerson, Desk, Fields, Place};

#[derive(Template)]
#[template(path = "admin/start/start.html")]
struct StartPage {
    frame: Desk,
}

/// `GET /`: the person who is signed in; anybody else is sent to sign in.
pub(super) async fn show(
    State(house): State<House>,
    headers: HeaderMap,
    id: RequestId,
    RawQuery(query): RawQuery,
) -> Response {
    let person = match visitor::person(&house, &headers, &id, "/").await {
        Ok(person) => person,
        Err(answer) => return answer,
    };
    let fields = Fields::read(query.unwrap_or_default().as_bytes());
    match ConsolePerson::of(&house, &headers, id, ("/".to_owned(), fields), person) {
        Ok(console) => start(&console).await,
        Err(person) => pages::home(&house, &headers, &person),
    }
}

async fn start(console: &ConsolePerson) -> Response {
    match console.desk(Place::Start).await {
        Ok(frame) => console.page(StatusCode::OK, &StartPage { frame }),
        Err(answer) => answer,
    }
}
