//! `/lifecycle/clock`: a clock that has jumped, and trusting it again.
//!
//! Invariant: it takes a reason and a sign-in of late.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::Decide;
use super::super::{ConsolePerson, Desk, Note, Place, Sent};
use super::HOME;
use crate::flows::console::lifecycle as flow;

#[derive(Template)]
#[template(path = "admin/lifecycle/clock.html")]
struct ClockPage {
    frame: Desk,
    jump: Option<String>,
    decide: Option<Decide>,
}

/// `GET /lifecycle/clock`: whether the clock jumped.
pub(super) async fn show(console: ConsolePerson) -> Response {
    if console.actor.administering().is_ok()
        && let Err(away) = console.require_fresh("/lifecycle/clock")
    {
        return away;
    }
    answer(&console, StatusCode::OK, None).await
}

async fn answer(console: &ConsolePerson, status: StatusCode, error: Option<String>) -> Response {
    let frame = match console.desk(Place::Lifecycle).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let jump = match flow::overview(&console.ports, &console.reading).await {
        Ok(overview) => overview.jump,
        Err(refusal) => return console.refuse(Place::Lifecycle, refusal).await,
    };
    let decide = (jump.is_some() && frame.may_change).then(|| Decide {
        address: frame.at("/lifecycle/clock"),
        hidden: Vec::new(),
        inputs: vec![Decide::reason(&frame).holding(None, error)],
        button: frame.t("Lita på klockan igen", "Trust the clock again").to_owned(),
        takes: false,
        cancel: frame.at(HOME),
        frame: frame.clone(),
    });
    console.page(status, &ClockPage { frame, jump, decide })
}

/// `POST /lifecycle/clock`: trusts it again.
pub(super) async fn trust(sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse(Place::Lifecycle, refusal).await;
    }
    if let Err(away) = console.require_fresh("/lifecycle/clock") {
        return away;
    }
    let frame = &console.frame;
    let Some(reason) = fields.one("reason") else {
        let error =
            frame.t("Skriv hur du vet att klockan går rätt.", "Write how you know that the clock is right.");
        return answer(&console, StatusCode::BAD_REQUEST, Some(error.to_owned())).await;
    };
    match flow::trust_clock(&console.ports, &console.actor, reason).await {
        Ok(true) => console.go(
            HOME,
            &Note::done(
                frame.t("Klockan gäller igen", "The clock is trusted again"),
                frame.t("Livscykeln fortsätter enligt schemat.", "The lifecycle goes on by its schedule."),
            ),
        ),
        Ok(false) => console
            .go(HOME, &Note::done(frame.t("Klockan var redan betrodd", "The clock was trusted already"), "")),
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}
