//! `/connections/targets/{name}/compare`: what a CRM really holds, and putting it right.
//!
//! Invariant: the CRM is put right only where somebody asks for it with a reason and a sign-in of late; what the safety
//! stop held back is released by the hash of exactly that. Nobody waits longer than a moment for a long list.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use tokio::time::timeout;
use uuid::Uuid;

use super::super::parts::{Choice, Choices, Figure, Figures, status};
use super::super::words::who;
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::differences::{self, Difference};
use super::head::{Head, Tab, path};
use crate::domain::comparison::Class;
use crate::flows::Refusal;
use crate::flows::compare::{Attempt, ComparisonView};
use crate::flows::console::connections::compare::{self as flow, Compared, Wish};
use crate::flows::console::connections::tokens::Owner;

/// So long somebody waits for a comparison; a longer one goes on by itself.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Template)]
#[template(path = "admin/connections/compare.html")]
struct ComparePage {
    frame: Desk,
    head: Head,
    address: String,
    can: bool,
    schedule: Option<String>,
    /// Since when one goes on.
    reading: Option<String>,
    /// When the newest one failed, and why.
    failed: Option<(String, Option<String>)>,
    last: Option<Last>,
    lines: Vec<Difference>,
    next: Option<String>,
    choices: Vec<Choice>,
}

/// The last comparison that came to its end.
struct Last {
    when: String,
    by: String,
    figures: Figures,
    /// Accounts that were just being told.
    under_way: Option<String>,
    /// What became of what was to be put right.
    stopped: Option<String>,
    healed: Option<String>,
}

/// `GET /connections/targets/{name}/compare?after=`: what the last comparison found.
pub(super) async fn show(console: ConsolePerson, Path(name): Path<String>) -> Response {
    answer(&console, &name, None).await
}

async fn answer(console: &ConsolePerson, name: &str, failed: Option<&Fields>) -> Response {
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let after = match console.query.one("after").map(str::parse::<Uuid>) {
        None => None,
        Some(Ok(after)) => Some(after),
        Some(Err(_)) => {
            let (sv, en) = ("Det stället i listan finns inte.", "There is no such place in the list.");
            return console.misread(Place::Connections, sv.to_owned(), en.to_owned()).await;
        }
    };
    let owner = Owner::target(&console.ports, name);
    let compared = flow::compared(&console.ports, name, after).await;
    match (owner, compared) {
        (Ok(owner), Ok(compared)) => console.page(status(failed), &page(frame, &owner, &compared, failed)),
        (Err(refusal), _) | (_, Err(refusal)) => console.refuse(Place::Connections, refusal).await,
    }
}

fn page(frame: Desk, owner: &Owner, compared: &Compared, failed: Option<&Fields>) -> ComparePage {
    let own = format!("{}/compare", path(owner));
    let (reading, attempt) = match &compared.attempt {
        Attempt::Over => (None, None),
        Attempt::Reading { since } => (Some(frame.when(*since)), None),
        Attempt::Failed { at, why } => (None, Some((frame.when(*at), why.clone()))),
    };
    let choices = if frame.may_change && compared.can && reading.is_none() {
        choices(&frame, &own, compared.last.as_ref(), failed)
    } else {
        Vec::new()
    };
    ComparePage {
        head: Head::new(&frame, owner, owner.as_str(), Some(Tab::Compare)),
        address: frame.at(&own),
        can: compared.can,
        schedule: compared.schedule.clone(),
        reading,
        failed: attempt,
        last: compared.last.as_ref().map(|last| told(&frame, compared, last)),
        lines: compared.found.iter().map(|found| differences::line(&frame, found)).collect(),
        next: compared.next.map(|after| Fields::default().and("after", after).at(&frame, &own)),
        choices,
        frame,
    }
}

fn number(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default()
}

fn told(frame: &Desk, compared: &Compared, last: &ComparisonView) -> Last {
    let figure = |class: Class| Figure {
        number: frame.number(number(last.of(class))),
        words: differences::class(frame, class),
        small: String::new(),
        address: None,
    };
    let mut figures: Vec<Figure> = vec![Figure {
        number: frame.number(number(last.people)),
        words: frame.t("Användare i CRM:et", "Users of the CRM"),
        small: String::new(),
        address: None,
    }];
    figures.extend([Class::Different, Class::Missing, Class::Extra, Class::Conflicting].map(figure));
    let under_way = (last.under_way > 0).then(|| {
        frame.count(
            number(last.under_way),
            [
                "konto höll just på att skickas, och sägs inget om",
                "konton höll just på att skickas, och sägs inget om",
            ],
            [
                "account was just being told, and nothing is said of it",
                "accounts were just being told, and nothing is said of them",
            ],
        )
    });
    let healed = (last.healed > 0).then(|| {
        frame.count(
            number(last.healed),
            ["konto skickades om för att rättas", "konton skickades om för att rättas"],
            ["account was told again to be put right", "accounts were told again to be put right"],
        )
    });
    Last {
        when: frame.when(last.begun_at),
        by: who(frame, &compared.names, &last.by),
        figures: Figures { label: frame.t("Det som skiljer", "What differs"), figures },
        under_way,
        stopped: last.stop.as_deref().map(|stop| stop_words(frame, stop)),
        healed,
    }
}

/// Why the CRM was not put right.
fn stop_words(frame: &Desk, stops: &str) -> String {
    let word = |stop: &str| match stop {
        "too_many" => frame.t("för många skulle mista åtkomst", "too many would lose access").to_owned(),
        "list_shrank" => frame
            .t("CRM:ets lista är mycket kortare än sist", "the CRM’s list is much shorter than before")
            .to_owned(),
        other => other.to_owned(),
    };
    stops.split(", ").map(word).collect::<Vec<_>>().join(", ")
}

fn choices(frame: &Desk, own: &str, last: Option<&ComparisonView>, failed: Option<&Fields>) -> Vec<Choice> {
    let Some(last) = last.filter(|last| last.to_heal > last.healed) else { return Vec::new() };
    let asks = Choices::new(frame, own, own, failed);
    let count = number(last.to_heal);
    if let (Some(_), Some(hash)) = (&last.stop, &last.hash) {
        let button = frame.count(
            count,
            ["konto: rätta ändå", "konton: rätta ändå"],
            ["account: put right all the same", "accounts: put right all the same"],
        );
        let title = frame.t("Släpp det som säkerhetsstoppet höll", "Release what the safety stop held");
        let text = frame.t(
            "CRM:et läses en gång till. Bara om precis detsamma fortfarande skiljer skickas det.",
            "The CRM is read once more. It is told only where exactly the same still differs.",
        );
        return vec![
            asks.choice("release", (title, text), button, Vec::new()).carrying("hash", hash).taking(),
        ];
    }
    let button = frame.count(
        count,
        ["konto: rätta i CRM:et", "konton: rätta i CRM:et"],
        ["account: put right in the CRM", "accounts: put right in the CRM"],
    );
    let title = frame.t("Rätta det som skiljer", "Put right what differs");
    let text = frame.t(
        "CRM:et läses en gång till, och får på nytt veta hur kontona ser ut. Säkerhetsstoppet gäller.",
        "The CRM is read once more, and told again how the accounts stand. The safety stop holds.",
    );
    vec![asks.choice("heal", (title, text), button, Vec::new())]
}

/// `POST /connections/targets/{name}/compare`: compares now, and puts right where that is asked for.
pub(super) async fn run(Path(name): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse(Place::Connections, refusal).await;
    }
    let wish = match (fields.one("act"), fields.one("reason"), fields.one("hash")) {
        (Some("look"), ..) => Wish::Look,
        (Some("heal"), Some(reason), _) => Wish::Heal { reason: reason.to_owned() },
        (Some("release"), Some(reason), Some(hash)) => {
            Wish::Release { hash: hash.to_owned(), reason: reason.to_owned() }
        }
        _ => return answer(&console, &name, Some(&fields)).await,
    };
    let back = format!("{}/targets/{name}/compare", super::HOME);
    if wish != Wish::Look
        && let Err(away) = console.require_fresh(&back)
    {
        return away;
    }
    // It goes on where nobody waits for it any more: what was read is of use all the same.
    let (ports, actor) = (Arc::clone(&console.ports), console.actor.clone());
    let work = tokio::spawn(async move { flow::run(&ports, &actor, &name, wish).await });
    let frame = &console.frame;
    let note = match timeout(PATIENCE, work).await {
        Ok(Ok(Ok(found))) => done(&console, &found),
        Ok(Ok(Err(Refusal::Outside(why)))) => {
            Note::warning(frame.t("CRM:et gick inte att läsa", "The CRM could not be read"), why)
        }
        Ok(Ok(Err(refusal))) => return console.refuse(Place::Connections, refusal).await,
        Ok(Err(_)) => Note::warning(frame.t("Jämförelsen bröts av", "The comparison was broken off"), ""),
        Err(_) => Note::done(
            frame.t("Jämförelsen pågår", "The comparison goes on"),
            frame.t(
                "Den blir klar av sig själv. Öppna sidan igen om en stund.",
                "It comes to its end by itself. Open the page again in a while.",
            ),
        ),
    };
    console.go(&back, &note)
}

fn done(console: &ConsolePerson, found: &ComparisonView) -> Note {
    let frame = &console.frame;
    if found.stop.is_some() {
        let text = frame.t(
            "Ingenting har skickats. Se över det som skiljer, och släpp det om det stämmer.",
            "Nothing was told. Look at what differs, and release it if it is right.",
        );
        return Note::warning(
            frame.t("Säkerhetsstoppet höll tillbaka rättningen", "The safety stop held it back"),
            text,
        );
    }
    if found.healed > 0 {
        let count = frame.count(
            number(found.healed),
            ["konto rättas i CRM:et", "konton rättas i CRM:et"],
            ["account is put right in the CRM", "accounts are put right in the CRM"],
        );
        let text = frame.t(
            "De skickas efter alla ändringar. Skälet är sparat i granskningsloggen.",
            "They are sent behind all changes. The reason is kept in the audit log.",
        );
        return Note::done(count, text);
    }
    let read = frame.count(
        number(found.people),
        ["användare lästes", "användare lästes"],
        ["user was read", "users were read"],
    );
    Note::done(frame.t("CRM:et är jämfört", "The CRM is compared"), read)
}
