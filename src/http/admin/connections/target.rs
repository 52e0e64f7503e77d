//! `/connections/targets/{name}`: how a CRM fares, and setting it going again.
//!
//! Invariant: of an address only the host is shown, and of keys only the public half.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;
use jiff::Timestamp;

use super::super::parts::{Choice, Choices, Figure, Figures, status};
use super::super::words::who;
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::head::{Head, Tab, path};
use super::{HOME, differing, health, soon};
use crate::flows::console::connections::target::{self as flow, View};
use crate::flows::console::connections::tokens::Owner;
use crate::flows::targets::{ReplayView, TargetPortrait};

#[derive(Template)]
#[template(path = "admin/connections/target.html")]
struct TargetPage {
    frame: Desk,
    head: Head,
    rests: Option<String>,
    off: Option<String>,
    figures: Option<Figures>,
    facts: Vec<(&'static str, String)>,
    notes: Vec<(String, String)>,
    errors: Vec<(String, String)>,
    replays: Vec<(&'static str, String, String)>,
    keys: Vec<String>,
    choices: Vec<Choice>,
}

/// `GET /connections/targets/{name}`: how it fares.
pub(super) async fn show(console: ConsolePerson, Path(name): Path<String>) -> Response {
    answer(&console, &name, None).await
}

async fn answer(console: &ConsolePerson, name: &str, failed: Option<&Fields>) -> Response {
    let frame = match console.desk(Place::Connections).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::view(&console.ports, name).await {
        Ok(view) => console.page(status(failed), &page(frame, &view, failed)),
        Err(refusal) => console.refuse(Place::Connections, refusal).await,
    }
}

fn page(frame: Desk, view: &View, failed: Option<&Fields>) -> TargetPage {
    let portrait = &view.portrait;
    let standing = &portrait.standing;
    let owner = Owner::Target(standing.target.clone());
    let path = path(&owner);
    let is_told = standing.reading.is_none();
    let health = health::crm(&frame, standing);
    let mut head = Head::new(&frame, &owner, standing.target.as_str(), Some(Tab::Standing))
        .shown(health.pill)
        .led(health.text);
    if is_told && frame.may_change {
        head = head.offering(&frame, &format!("{path}/test"), "plug", frame.t("Prova", "Test")).offering(
            &frame,
            &format!("{path}/replay"),
            "cycle",
            frame.t("Skicka om", "Tell again"),
        );
    }
    let rests = standing.rests.as_ref().map(|rest| {
        let since = format!("{} {}", frame.t("Sedan", "Since"), frame.when(rest.since));
        let until = format!("{} {}", frame.t("nytt försök", "tried again"), frame.when(rest.until));
        format!("{since}, {until}. {}", rest.error)
    });
    let off = standing
        .off_since
        .as_deref()
        .map(|since| since.parse::<Timestamp>().map_or_else(|_| since.to_owned(), |at| frame.when(at)));
    let mut notes = Vec::new();
    if let Some(compared) = &view.compared {
        notes.push((frame.at(&format!("{path}/compare")), differing(&frame, compared)));
    }
    notes.extend(soon(&frame, view.ending).map(|words| (frame.at(&format!("{path}/tokens")), words)));
    TargetPage {
        rests,
        off,
        figures: is_told.then(|| figures(&frame, portrait)),
        facts: facts(&frame, portrait),
        notes,
        errors: portrait
            .errors
            .iter()
            .map(|(error, count)| {
                (error.clone(), frame.count(*count, ["konto", "konton"], ["account", "accounts"]))
            })
            .collect(),
        replays: portrait.replays.iter().map(|one| replayed(&frame, view, one)).collect(),
        keys: view.keys.clone(),
        choices: if frame.may_change { choices(&frame, &path, portrait, failed) } else { Vec::new() },
        head,
        frame,
    }
}

fn number(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default()
}

fn figures(frame: &Desk, portrait: &TargetPortrait) -> Figures {
    let standing = &portrait.standing;
    let figure = |count: i64, words, small: &str, address| Figure {
        number: frame.number(number(count)),
        words,
        small: small.to_owned(),
        address,
    };
    let letters = frame.at(&format!("/queue/letters/{}", standing.target));
    Figures {
        label: frame.t("Nyckeltal", "Key figures"),
        figures: vec![
            figure(
                standing.waiting - standing.again,
                frame.t("ändringar väntar", "changes waiting"),
                frame.t("på att skickas", "to be sent"),
                None,
            ),
            figure(
                standing.again,
                frame.t("skickas om", "told again"),
                frame.t("efter alla ändringar", "behind all changes"),
                None,
            ),
            figure(
                standing.dead,
                frame.t("gick inte fram", "failed"),
                frame.t("väntar på ett beslut", "waiting for a decision"),
                Some(letters),
            ),
        ],
    }
}

fn facts(frame: &Desk, portrait: &TargetPortrait) -> Vec<(&'static str, String)> {
    let standing = &portrait.standing;
    let can = (frame.t("Kan få veta", "Can be told"), portrait.can.join(", "));
    let kind = (frame.t("Slag", "Kind"), standing.kind.to_owned());
    if let Some(reading) = &standing.reading {
        let at = reading.at.map_or_else(|| frame.t("aldrig", "never").to_owned(), |at| frame.when(at));
        let behind = frame.number(number(reading.behind));
        return vec![
            kind,
            (frame.t("Kan läsa", "Can read"), portrait.can.join(", ")),
            (frame.t("Kom senast vidare", "Last came further"), at),
            (frame.t("Konton ändrade sedan dess", "Accounts changed since"), behind),
        ];
    }
    let or = |at: Option<Timestamp>, otherwise: &'static str| {
        at.map_or_else(|| otherwise.to_owned(), |at| frame.when(at))
    };
    let (never, none) = (frame.t("aldrig", "never"), frame.t("inget väntar", "none waits"));
    vec![
        kind,
        (frame.t("Tar emot på", "Listens at"), standing.host.clone()),
        can,
        (frame.t("Senaste leverans", "Last delivery"), or(standing.last_delivery, never)),
        (frame.t("Senaste svar", "Last answer"), or(portrait.last_answer, never)),
        (frame.t("Har väntat längst sedan", "Waiting the longest since"), or(standing.oldest, none)),
        (frame.t("Nästa försök", "Next attempt"), or(portrait.next_due, none)),
    ]
}

fn replayed(frame: &Desk, view: &View, one: &ReplayView) -> (&'static str, String, String) {
    let what = match one.kind {
        "backfill" => frame.t("Första gången", "The first time"),
        _ => frame.t("Skickas om", "Told again"),
    };
    let count = frame.count(number(one.queued), ["konto", "konton"], ["account", "accounts"]);
    let state = match one.ended_at {
        None => format!("{count}, {}", frame.t("pågår", "under way")),
        Some(at) => format!("{count}, {} {}", frame.t("klart", "done"), frame.when(at)),
    };
    let since = one.since.map(|at| format!("{} {}, ", frame.t("sedan", "since"), frame.when(at)));
    let by = who(frame, &view.names, &one.by);
    (what, format!("{}{}, {by}", since.unwrap_or_default(), frame.when(one.begun_at)), state)
}

fn choices(frame: &Desk, path: &str, portrait: &TargetPortrait, failed: Option<&Fields>) -> Vec<Choice> {
    let standing = &portrait.standing;
    let asks = Choices::new(frame, path, HOME, failed);
    let mut choices = Vec::new();
    if standing.off_since.is_some() {
        let title = frame.t("Slå på igen", "Switch on again");
        let text = frame.t(
            "CRM:et bad om att inte få veta mer. Det som väntar skickas igen.",
            "The CRM asked to be told no more. What waits is sent again.",
        );
        choices.push(asks.choice("resume", (title, text), title, Vec::new()));
    }
    if standing.reading.is_none() && standing.waiting > 0 {
        let title = frame.t("Försök nu", "Try now");
        let text = frame.t(
            "Det som väntar skickas genast, utan att vänta ut pauserna mellan försöken.",
            "What waits is sent at once, without the pauses between attempts.",
        );
        choices.push(asks.choice("hasten", (title, text), title, Vec::new()));
    }
    choices
}

/// `POST /connections/targets/{name}`: switches it on again, or hastens what waits.
pub(super) async fn decide(Path(name): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse(Place::Connections, refusal).await;
    }
    let (ports, actor, frame) = (&console.ports, &console.actor, &console.frame);
    let kept = frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
    let note = match (fields.one("act"), fields.one("reason")) {
        (Some("resume"), Some(reason)) => flow::resume(ports, actor, &name, reason).await.map(|was_off| {
            if was_off {
                Note::done(frame.t("CRM:et är på igen", "The CRM is on again"), kept)
            } else {
                Note::warning(frame.t("CRM:et var redan på", "The CRM was on already"), "")
            }
        }),
        (Some("hasten"), Some(reason)) => flow::hasten(ports, actor, &name, reason).await.map(|count| {
            let count = frame.count(
                usize::try_from(count).unwrap_or_default(),
                ["konto skickas nu", "konton skickas nu"],
                ["account is sent now", "accounts are sent now"],
            );
            Note::done(count, kept)
        }),
        _ => return answer(&console, &name, Some(&fields)).await,
    };
    match note {
        Ok(note) => console.go(&format!("{HOME}/targets/{name}"), &note),
        Err(refusal) => console.refuse(Place::Connections, refusal).await,
    }
}
