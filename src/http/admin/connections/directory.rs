//! `/connections/directories/{name}`: how a directory stands, and pausing it.
//!
//! Invariant: a change that was refused stands with what the directory sent, what we answered and what resolves it; who
//! it is about is named only where the record says so.

use askama::Template;
use axum::extract::Path;
use axum::response::Response;

use super::super::parts::{Choice, Choices, Figure, Figures, Plot, status};
use super::super::words::who;
use super::super::{ConsolePerson, Desk, Fields, Note, Place, Sent};
use super::counts::{self, CountLine};
use super::head::{Head, Tab, path};
use super::{HOME, health, words};
use crate::domain::ids::AccountId;
use crate::flows::console::connections::directory::{self as flow, View};
use crate::flows::console::connections::tokens::Owner;
use crate::flows::directories::{RefusedChange, Standing};

#[derive(Template)]
#[template(path = "admin/connections/directory.html")]
struct DirectoryPage {
    frame: Desk,
    head: Head,
    pause: Option<String>,
    figures: Figures,
    facts: Vec<(&'static str, String)>,
    plot: Option<Plot>,
    counts: Vec<CountLine>,
    refused: Vec<Refused>,
    mended: Vec<(String, usize, String)>,
    pending: Vec<(String, usize, String)>,
    keys: Option<String>,
    choices: Vec<Choice>,
}

/// A change that was refused, with both sides.
struct Refused {
    what: String,
    reference: String,
    /// The person whom it is about: address and name.
    person: Option<(String, String)>,
    answer: String,
    detail: String,
    times: String,
    first: String,
    last: String,
    resolved_by: &'static str,
}

/// `GET /connections/directories/{name}`: how it stands.
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

fn page(frame: Desk, view: &View, failed: Option<&Fields>) -> DirectoryPage {
    let standing = &view.standing;
    let row = &standing.row;
    let owner = Owner::Directory(row.directory.clone());
    let health = health::directory(&frame, row);
    let head = Head::new(&frame, &owner, &row.name, Some(Tab::Standing)).shown(health.pill).led(health.text);
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    let pause = standing.pause.as_ref().map(|pause| {
        let by = who(&frame, &view.names, &pause.by);
        format!("{} {}, {by}: {}", frame.t("Sedan", "Since"), frame.when(pause.since), pause.reason)
    });
    DirectoryPage {
        head,
        pause,
        figures: figures(&frame, standing),
        facts: facts(&frame, standing),
        plot: counts::plot(&frame, &standing.counts),
        counts: counts::lines(&frame, &standing.counts),
        refused: refused(&frame, view),
        mended: standing
            .repairs
            .iter()
            .map(|one| {
                (words::repair(&frame, &one.repair).to_owned(), number(one.times), frame.when(one.last_at))
            })
            .collect(),
        pending: standing
            .pending
            .iter()
            .map(|one| (one.name.clone(), number(one.members), frame.when(one.since)))
            .collect(),
        keys: view.keys.as_ref().map(|keys| format!("{keys:#}")),
        choices: choices(&frame, &owner, standing, failed),
        frame,
    }
}

fn figures(frame: &Desk, standing: &Standing) -> Figures {
    let row = &standing.row;
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    let people = Fields::default().and("directory", &row.directory).and("who", "all");
    let figure = |count: usize, words, small: &str, address| Figure {
        number: frame.number(count),
        words,
        small: small.to_owned(),
        address,
    };
    let here = |anchor: &str| Some(format!("#{anchor}"));
    Figures {
        label: frame.t("Nyckeltal", "Key figures"),
        figures: vec![
            figure(
                number(row.people),
                frame.t("personer", "people"),
                frame.t("som katalogen har nu", "that the directory has now"),
                Some(people.at(frame, Place::People.path())),
            ),
            figure(number(row.groups), frame.t("grupper", "groups"), "", None),
            figure(
                row.refused_changes,
                frame.t("nekade ändringar", "refused changes"),
                frame.t("som inte har gått igenom sedan", "that have not gone through since"),
                here("refused"),
            ),
            figure(
                number(row.pending_members),
                frame.t("väntande medlemmar", "awaited members"),
                frame.t("i grupper, som ingen känner än", "of groups, whom nobody knows yet"),
                here("pending"),
            ),
        ],
    }
}

fn facts(frame: &Desk, standing: &Standing) -> Vec<(&'static str, String)> {
    let row = &standing.row;
    let when = |at: Option<jiff::Timestamp>| {
        at.map_or_else(|| frame.t("aldrig", "never").to_owned(), |at| frame.when(at))
    };
    let mut facts = vec![
        (frame.t("Senaste anrop", "Last request"), when(row.last_request)),
        (frame.t("Senaste ändring", "Last change"), when(row.last_change)),
    ];
    let error = standing.last_error.as_ref().map_or_else(
        || frame.t("inget", "none").to_owned(),
        |error| {
            let resource = error.resource.as_deref().unwrap_or_default();
            let kind = error.scim_type.as_deref().unwrap_or_default();
            let said = format!("{} {resource} → {} {kind}", error.method, error.status);
            let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{}: {said}", frame.when(error.at))
        },
    );
    facts.push((frame.t("Senaste fel", "Last error"), error));
    if let (Some(at), why) = (standing.last_denied, standing.last_denied_why.as_deref()) {
        let why = words::denied(frame, why.unwrap_or_default());
        facts.push((
            frame.t("Token som inte gällde", "Token turned away"),
            format!("{}: {why}", frame.when(at)),
        ));
    }
    let until = row
        .access_until
        .map_or_else(|| frame.t("ingen token gäller", "no token is valid").to_owned(), |at| frame.day(at));
    facts.push((frame.t("Kommer in till", "Can come in until"), until));
    facts.push((frame.t("Leverantör", "Provider"), row.kind.to_owned()));
    facts
}

fn refused(frame: &Desk, view: &View) -> Vec<Refused> {
    let line = |(change, account): &(RefusedChange, Option<AccountId>)| {
        let kind = change.scim_type.as_deref().map(|kind| format!(" {kind}")).unwrap_or_default();
        Refused {
            what: words::tried(frame, change),
            reference: change.reference.clone(),
            person: account.map(|id| {
                let name = view.names.of(id).map_or_else(|| id.to_string(), str::to_owned);
                (frame.at(&format!("/people/{id}")), name)
            }),
            answer: format!("{}{kind}", change.status),
            detail: change.detail.clone(),
            times: frame.count(
                usize::try_from(change.times).unwrap_or_default(),
                ["gång", "gånger"],
                ["time", "times"],
            ),
            first: frame.when(change.first_at),
            last: frame.when(change.last_at),
            resolved_by: words::resolved_by(frame, change),
        }
    };
    view.refused.iter().map(line).collect()
}

fn choices(frame: &Desk, owner: &Owner, standing: &Standing, failed: Option<&Fields>) -> Vec<Choice> {
    if !frame.may_change {
        return Vec::new();
    }
    let asks = Choices::new(frame, &path(owner), HOME, failed);
    if standing.pause.is_some() {
        let text = frame.t(
            "Katalogen kommer in igen. Det som leverantören försökt under pausen skickar den själv på nytt, eller så står det bland nekade ändringar.",
            "The directory comes in again. What the provider tried meanwhile it sends again by itself, or it stands among the refused changes.",
        );
        let title = frame.t("Släpp in katalogen igen", "Let the directory in again");
        return vec![asks.choice("resume", (title, text), title, Vec::new())];
    }
    let text = frame.t(
        "Allt som katalogen skickar avvisas tills vidare, även läsning. Inloggningar fortsätter, och ingen mister något.",
        "Everything that the directory sends is turned away for now, reading too. Sign-ins go on, and nobody loses anything.",
    );
    let title = frame.t("Pausa katalogen", "Pause the directory");
    vec![asks.choice("pause", (title, text), title, Vec::new()).taking()]
}

/// `POST /connections/directories/{name}`: pauses it, or lets it in again.
pub(super) async fn decide(Path(name): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    if let Err(refusal) = console.actor.administering() {
        return console.refuse(Place::Connections, refusal).await;
    }
    let (ports, actor, frame) = (&console.ports, &console.actor, &console.frame);
    let (result, done, already) = match (fields.one("act"), fields.one("reason")) {
        (Some("pause"), Some(reason)) => (
            flow::pause(ports, actor, &name, reason).await,
            frame.t("Katalogen är pausad", "The directory is paused"),
            frame.t("Katalogen var redan pausad", "The directory was paused already"),
        ),
        (Some("resume"), Some(reason)) => (
            flow::resume(ports, actor, &name, reason).await,
            frame.t("Katalogen är insläppt igen", "The directory is let in again"),
            frame.t("Katalogen var inte pausad", "The directory was not paused"),
        ),
        _ => return answer(&console, &name, Some(&fields)).await,
    };
    let kept = frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
    let note = match result {
        Ok(true) => Note::done(done, kept),
        Ok(false) => Note::warning(already, ""),
        Err(refusal) => return console.refuse(Place::Connections, refusal).await,
    };
    console.go(&format!("{HOME}/directories/{name}"), &note)
}
