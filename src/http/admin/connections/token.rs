//! `/connections/…/tokens/{id}`: one token or client secret: made anew beside itself, or revoked.
//!
//! Invariant: it takes a sign-in of late; the old one is good until somebody revokes it, and a revocation has a reason.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use uuid::Uuid;

use super::super::parts::{Choice, Choices, Decide, Pill, status};
use super::super::words::who;
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::head::{Head, Tab, path};
use super::tokens::{admitted, days, days_input, kind_words, name_of, scope_words, shown};
use super::words;
use crate::domain::ids::TokenId;
use crate::flows::Refusal;
use crate::flows::console::connections::tokens::{self as flow, Owner};
use crate::flows::console::who::Names;
use crate::flows::tokens::roster::Line;

#[derive(Template)]
#[template(path = "admin/connections/token.html")]
struct TokenPage {
    frame: Desk,
    head: Head,
    name: String,
    pill: Pill,
    facts: Vec<(&'static str, String)>,
    /// The form for a new one beside it; without a reason, for it takes nothing away.
    renew: Decide,
    choices: Vec<Choice>,
}

/// `GET /connections/directories/{name}/tokens/{id}`.
pub(super) async fn of_directory(
    console: ConsolePerson,
    Path((name, id)): Path<(String, String)>,
) -> Response {
    let owner = Owner::directory(&console.ports, &name);
    answer(&console, owner, &id, None).await
}

/// `GET /connections/targets/{name}/tokens/{id}`.
pub(super) async fn of_target(console: ConsolePerson, Path((name, id)): Path<(String, String)>) -> Response {
    let owner = Owner::target(&console.ports, &name);
    answer(&console, owner, &id, None).await
}

async fn answer(
    console: &ConsolePerson,
    owner: Result<Owner, Refusal>,
    id: &str,
    failed: Option<&Fields>,
) -> Response {
    let owner = match owner {
        Ok(owner) => owner,
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    let found = match flow::one(&console.ports, &owner, id).await {
        Ok(found) => found,
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    if let Err(away) = admitted(console, &format!("{}/tokens/{}", path(&owner), found.0.id)).await {
        return away;
    }
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let title = name_of(console, &owner);
    console.page(status(failed), &page(frame, &owner, &title, &found, failed))
}

fn page(
    frame: Desk,
    owner: &Owner,
    title: &str,
    (line, names): &(Line, Names),
    failed: Option<&Fields>,
) -> TokenPage {
    let own = format!("{}/tokens/{}", path(owner), line.id);
    let list = format!("{}/tokens", path(owner));
    let used = line.last_used_at.map_or_else(|| frame.t("aldrig", "never").to_owned(), |at| frame.when(at));
    let facts = vec![
        (frame.t("Sort", "Kind"), kind_words(&frame, line)),
        (frame.t("Öppnar", "Opens"), scope_words(&frame, line)),
        (frame.t("Går ut", "Ends"), frame.day(line.expires_at)),
        (frame.t("Senast använd", "Last used"), used),
        (frame.t("Skapad", "Made"), frame.when(line.created_at)),
        (frame.t("Av", "By"), who(&frame, names, &line.created_by)),
        ("Id", line.id.to_string()),
    ];
    let renewed = failed.filter(|fields| fields.one("act") == Some("renew"));
    let renew = Decide {
        frame: frame.clone(),
        address: frame.at(&own),
        hidden: vec![("act".to_owned(), "renew".to_owned()), ("id".to_owned(), Uuid::now_v7().to_string())],
        inputs: vec![days_input(&frame, renewed)],
        button: frame.t("Skapa en ny bredvid", "Make a new one beside it").to_owned(),
        takes: false,
        cancel: frame.at(&list),
    };
    let choices = if line.is_valid() {
        choices(&Choices::new(&frame, &own, &list, failed), &frame, line)
    } else {
        Vec::new()
    };
    TokenPage {
        head: Head::new(&frame, owner, title, Some(Tab::Tokens)),
        name: line.name.clone(),
        pill: words::token_pill(&frame, line),
        facts,
        renew,
        choices,
        frame,
    }
}

fn choices(asks: &Choices<'_>, frame: &Desk, line: &Line) -> Vec<Choice> {
    let revoke = frame.t("Återkalla", "Revoke");
    let text = frame.t(
        "Den öppnar ingenting från och med nu, och inte heller det som har lämnats ut med den.",
        "It opens nothing from now on, nor does what was given out for it.",
    );
    let mut choices = vec![asks.choice("revoke", (revoke, text), revoke, Vec::new()).taking()];
    if line.client_id.is_some() {
        let whole = frame.t("Återkalla hela klienten", "Revoke the whole client");
        let text = frame.t(
            "Alla klientens hemligheter slutar gälla, även de som skapats bredvid.",
            "Every secret of the client ends, also those that were made beside it.",
        );
        choices.push(asks.choice("revoke-client", (whole, text), whole, Vec::new()).taking());
    }
    choices
}

/// `POST /connections/directories/{name}/tokens/{id}`.
pub(super) async fn decide_of_directory(Path((name, id)): Path<(String, String)>, sent: Sent) -> Response {
    let owner = Owner::directory(&sent.console.ports, &name);
    decide(sent, owner, &id).await
}

/// `POST /connections/targets/{name}/tokens/{id}`.
pub(super) async fn decide_of_target(Path((name, id)): Path<(String, String)>, sent: Sent) -> Response {
    let owner = Owner::target(&sent.console.ports, &name);
    decide(sent, owner, &id).await
}

/// Makes a new one beside it, or revokes it.
async fn decide(sent: Sent, owner: Result<Owner, Refusal>, id: &str) -> Response {
    let Sent { console, fields } = sent;
    let owner = match owner {
        Ok(owner) => owner,
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    if let Err(away) = admitted(&console, &format!("{}/tokens", path(&owner))).await {
        return away;
    }
    let (act, reason) = (fields.one("act"), fields.one("reason"));
    match (act, reason) {
        (Some("renew"), _) => {
            let new = fields.one("id").and_then(|id| TokenId::parse(id).ok());
            let Some(wanted) = new.zip(days(&fields)) else {
                return answer(&console, Ok(owner), id, Some(&fields)).await;
            };
            match flow::renew(&console.ports, &console.actor, &owner, id, wanted).await {
                Ok(made) => shown(&console, &owner, &made, Some(id)).await,
                Err(refusal) => console.refuse(Place::Connections, refusal).await,
            }
        }
        (Some(act @ ("revoke" | "revoke-client")), Some(reason)) => {
            let which = (id, act == "revoke-client");
            match flow::revoke(&console.ports, &console.actor, &owner, which, reason).await {
                Ok(revoked) => told(&console, &owner, revoked.was_done),
                Err(refusal) => console.refuse(Place::Connections, refusal).await,
            }
        }
        _ => answer(&console, Ok(owner), id, Some(&fields)).await,
    }
}

fn told(console: &ConsolePerson, owner: &Owner, was_done: bool) -> Response {
    let frame = &console.frame;
    let note = if was_done {
        Note::warning(frame.t("Den var redan återkallad", "It was revoked already"), "")
    } else {
        let kept = frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
        Note::done(
            frame.t("Återkallad: den öppnar ingenting mer", "Revoked: it opens nothing any more"),
            kept,
        )
    };
    console.go(&format!("{}/tokens", path(owner)), &note)
}
