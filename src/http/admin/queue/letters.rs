//! `/queue/letters/{target}`: what a CRM would not take, account by account.
//!
//! Invariant: what is sent again is the present state; what is put away leaves an entry with its reason.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::super::parts::{Choice, Choices, Empty, status};
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::matter::HOME;
use crate::flows::console::queue as flow;
use crate::flows::targets::DeadLetter;

/// So many are shown; what is decided is decided about all of them.
const MOST: usize = 200;

#[derive(Template)]
#[template(path = "admin/queue/letters.html")]
struct LettersPage {
    frame: Desk,
    target: String,
    address: String,
    count: String,
    is_narrowed: bool,
    is_cut: bool,
    letters: Vec<Letter>,
    choices: Vec<Choice>,
    none: Empty,
}

/// One that was not taken.
struct Letter {
    person: String,
    only: String,
    user_name: String,
    since: String,
    attempts: usize,
    error: String,
}

/// `GET /queue/letters/{target}?account=`: all of a target, or an account's.
pub(super) async fn show(console: ConsolePerson, Path(target): Path<String>) -> Response {
    let account = console.query.one("account").map(str::to_owned);
    answer(&console, &target, account.as_deref(), None).await
}

async fn answer(
    console: &ConsolePerson,
    target: &str,
    account: Option<&str>,
    failed: Option<&Fields>,
) -> Response {
    let frame = match console.desk(Place::Queue).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::letters(&console.ports, target, account).await {
        Ok((target, letters)) => {
            let page = page(frame, target.as_str(), account, &letters, failed);
            console.page(status(failed), &page)
        }
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}

fn page(
    frame: Desk,
    target: &str,
    account: Option<&str>,
    letters: &[DeadLetter],
    failed: Option<&Fields>,
) -> LettersPage {
    let path = format!("{HOME}/letters/{target}");
    let count = frame.count(
        letters.len(),
        ["konto som inte togs emot", "konton som inte togs emot"],
        ["account that was not taken", "accounts that were not taken"],
    );
    let choices = if frame.may_change && !letters.is_empty() {
        choices(&frame, &path, account, failed)
    } else {
        Vec::new()
    };
    let shown = letters.iter().take(MOST).map(|letter| Letter {
        person: frame.at(&format!("/people/{}", letter.account)),
        only: Fields::default().and("account", letter.account).at(&frame, &path),
        user_name: if letter.user_name.is_empty() {
            letter.account.to_string()
        } else {
            letter.user_name.clone()
        },
        since: frame.when(letter.queued_at),
        attempts: usize::try_from(letter.attempts).unwrap_or_default(),
        error: letter.error.clone(),
    });
    LettersPage {
        target: target.to_owned(),
        address: frame.at(&path),
        count,
        is_narrowed: account.is_some(),
        is_cut: letters.len() > MOST,
        letters: shown.collect(),
        choices,
        none: Empty {
            title: frame.t("Inget väntar här", "Nothing waits here").to_owned(),
            text: frame.t("CRM:et har tagit emot allt.", "The CRM has taken everything.").to_owned(),
            way: None,
        },
        frame,
    }
}

fn choices(frame: &Desk, path: &str, account: Option<&str>, failed: Option<&Fields>) -> Vec<Choice> {
    let asks = Choices::new(frame, path, HOME, failed);
    let again = asks.choice(
        "resend",
        (
            frame.t("Skicka igen", "Send again"),
            frame.t(
                "CRM:et får kontots läge som det är nu.",
                "The CRM gets the account's state as it is now.",
            ),
        ),
        frame.t("Skicka igen", "Send again"),
        Vec::new(),
    );
    let away = asks.choice(
        "drop",
        (
            frame.t("Lägg undan", "Put away"),
            frame.t(
                "CRM:et får inte veta det här. Kontots nästa ändring skickas ändå.",
                "The CRM is not told of this. The account's next change is sent all the same.",
            ),
        ),
        frame.t("Lägg undan", "Put away"),
        Vec::new(),
    );
    let choices = [again, away.taking()].into_iter();
    match account {
        Some(id) => choices.map(|choice| choice.carrying("account", id)).collect(),
        None => choices.collect(),
    }
}

/// `POST /queue/letters/{target}`: sends them again, or puts them away.
pub(super) async fn decide(Path(target): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse(Place::Queue, refusal).await;
    }
    let (account, frame) = (fields.one("account"), &console.frame);
    let (ports, actor) = (&console.ports, &console.actor);
    let (result, sv, en) = match (fields.one("act"), fields.one("reason")) {
        (Some("resend"), Some(reason)) => {
            let sent = flow::resend(ports, actor, &target, account, reason).await;
            (sent, ["skickas igen", "skickas igen"], ["is sent again", "are sent again"])
        }
        (Some("drop"), Some(reason)) => {
            let dropped = flow::put_away(ports, actor, &target, account, reason).await;
            (dropped, ["är undanlagt", "är undanlagda"], ["is put away", "are put away"])
        }
        _ => return answer(&console, &target, account, Some(&fields)).await,
    };
    match result {
        Ok(count) => {
            let kept =
                frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
            console.go(HOME, &Note::done(frame.count(count, sv, en), kept))
        }
        Err(refusal) => console.refuse(Place::Queue, refusal).await,
    }
}
