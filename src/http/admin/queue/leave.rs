//! `/queue/leave/{account}`: somebody who asks for leave.
//!
//! Invariant: nobody approves their own; only the days are kept.

use axum::extract::Path;
use axum::response::Response;

use super::super::parts::{Choices, status};
use super::super::{ConsolePerson, Desk, Fields, Place, Sent};
use super::matter::{HOME, Matter, Side, done};
use crate::flows::console::queue as flow;
use crate::flows::people::AskedLeave;

/// `GET /queue/leave/{account}`: the request.
pub(super) async fn show(console: ConsolePerson, Path(account): Path<String>) -> Response {
    answer(&console, &account, None).await
}

async fn answer(console: &ConsolePerson, account: &str, failed: Option<&Fields>) -> Response {
    let frame = match console.desk(Place::Queue).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::leave(&console.ports, account).await {
        Ok(asked) => console.page(status(failed), &matter(console, frame, &asked, failed)),
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}

fn matter(console: &ConsolePerson, frame: Desk, asked: &AskedLeave, failed: Option<&Fields>) -> Matter {
    let person = Side {
        title: asked.display_name.clone(),
        facts: vec![
            (frame.t("Användarnamn", "User name"), asked.user_name.clone()),
            (frame.t("Frågade", "Asked"), frame.when(asked.asked_at)),
        ],
    };
    let leave = Side {
        title: frame.t("Ledigheten", "The leave").to_owned(),
        facts: vec![
            (frame.t("Första dagen", "First day"), frame.day(asked.from)),
            (frame.t("Sista dagen", "Last day"), frame.last_day(asked.until)),
        ],
    };
    let mut choices = Vec::new();
    if console.actor.reviewing().is_ok() {
        let asks = Choices::new(&frame, &format!("{HOME}/leave/{}", asked.account), HOME, failed);
        let approve = frame.t("Godkänn ledigheten", "Approve the leave");
        choices.push(asks.choice(
            "approve",
            (
                approve,
                frame.t(
                    "Kontot pausas under tiden och öppnas igen av sig självt. Behörigheterna finns kvar.",
                    "The account is paused meanwhile and opens again by itself. The rights are kept.",
                ),
            ),
            approve,
            Vec::new(),
        ));
        let refuse = frame.t("Avslå", "Refuse");
        let text =
            frame.t("Personen får veta det, men inte skälet.", "The person is told, but not the reason.");
        choices.push(asks.choice("refuse", (refuse, text), refuse, Vec::new()).taking());
    }
    Matter {
        title: format!("{} {}", asked.display_name, frame.t("vill vara ledig", "asks for leave")),
        lead: String::new(),
        sides: vec![person, leave],
        choices,
        frame,
    }
}

/// `POST /queue/leave/{account}`: approves or refuses it.
pub(super) async fn decide(Path(account): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.reviewing() {
        return console.refuse(Place::Queue, refusal).await;
    }
    let is_approved = match fields.one("act") {
        Some("approve") => Some(true),
        Some("refuse") => Some(false),
        _ => None,
    };
    let (Some(is_approved), Some(reason)) = (is_approved, fields.one("reason")) else {
        return answer(&console, &account, Some(&fields)).await;
    };
    match flow::answer_leave(&console.ports, &console.actor, &account, is_approved, reason).await {
        Ok(()) if is_approved => done(&console, "Ledigheten är godkänd", "The leave is approved"),
        Ok(()) => done(&console, "Ledigheten är avslagen", "The leave is refused"),
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}
