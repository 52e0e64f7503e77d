//! `/queue/protection/{account}`: protection that one administrator asked for and another confirms.
//!
//! Invariant: nobody confirms what they asked for themselves.

use axum::extract::Path;
use axum::response::Response;

use super::super::parts::{Choices, status, status_words};
use super::super::words::who;
use super::super::{ConsolePerson, Desk, Fields, Place, Sent};
use super::matter::{HOME, Matter, Side, done};
use crate::flows::console::queue as flow;
use crate::flows::console::who::Names;
use crate::flows::protection::AskedProtection;

/// `GET /queue/protection/{account}`: what is asked for.
pub(super) async fn show(console: ConsolePerson, Path(account): Path<String>) -> Response {
    answer(&console, &account, None).await
}

async fn answer(console: &ConsolePerson, account: &str, failed: Option<&Fields>) -> Response {
    let frame = match console.desk(Place::Queue).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::asked_protection(&console.ports, account).await {
        Ok((asked, names)) => console.page(status(failed), &matter(frame, &asked, &names, failed)),
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}

/// What is asked for, in words.
pub(super) fn told(frame: &Desk, asked: &AskedProtection) -> &'static str {
    if asked.protects {
        frame.t("Skydda kontot", "Protect the account")
    } else {
        frame.t("Häv skyddet", "End the protection")
    }
}

fn matter(frame: Desk, asked: &AskedProtection, names: &Names, failed: Option<&Fields>) -> Matter {
    let account = &asked.account;
    let what = told(&frame, asked);
    let about = Side {
        title: account.display_name.clone(),
        facts: vec![
            (frame.t("Användarnamn", "User name"), account.user_name.clone()),
            (frame.t("Status", "Status"), status_words(&frame, account.standing.status).to_owned()),
        ],
    };
    let request = Side {
        title: what.to_owned(),
        facts: vec![
            (frame.t("Begärt av", "Asked for by"), who(&frame, names, &asked.by)),
            (frame.t("Skäl", "Reason"), asked.why.clone()),
            (frame.t("När", "When"), frame.when(asked.at)),
            (frame.t("Gäller till", "Good until"), frame.when(asked.until)),
        ],
    };
    let mut choices = Vec::new();
    if frame.may_change {
        let asks = Choices::new(&frame, &format!("{HOME}/protection/{}", account.id), HOME, failed);
        let text = if asked.protects {
            frame.t(
                "Ingen regel och ingen katalog rör sedan kontot. Någon annan än den som begärde det bekräftar.",
                "No rule and no directory then touches the account. Somebody else than whoever asked confirms it.",
            )
        } else {
            frame.t(
                "Det som skyddet höll tillbaka görs. Någon annan än den som begärde det bekräftar.",
                "What the protection held back is done. Somebody else than whoever asked confirms it.",
            )
        };
        let button = frame.t("Bekräfta", "Confirm");
        let choice = asks.choice("confirm", (what, text), button, Vec::new());
        choices.push(if asked.protects { choice } else { choice.taking() });
    }
    Matter {
        title: format!("{what}: {}", account.display_name),
        lead: String::new(),
        sides: vec![about, request],
        choices,
        frame,
    }
}

/// `POST /queue/protection/{account}`: confirms it.
pub(super) async fn confirm(Path(account): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse(Place::Queue, refusal).await;
    }
    let Some(reason) = fields.one("reason") else { return answer(&console, &account, Some(&fields)).await };
    match flow::confirm_protection(&console.ports, &console.actor, &account, reason).await {
        Ok(()) => done(&console, "Skyddet är ändrat", "The protection is changed"),
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}
