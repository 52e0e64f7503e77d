//! `/queue`: what waits for somebody, and where each is decided.
//!
//! Invariant: nothing is decided in the list; each matter has a page with both sides and the reason.

mod leave;
mod letters;
mod link;
mod matter;
mod protection;
mod right;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;

use super::super::House;
use super::parts::Empty;
use super::words::right as right_name;
use super::{ConsolePerson, Desk, Place};
use crate::flows::console::queue::{self as flow, HeldRights, Queue};

/// So many people whose rights are held are named here; the plan names all.
const SHOWN: usize = 50;

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/queue", get(show))
        .route("/queue/leave/{account}", get(leave::show).post(leave::decide))
        .route("/queue/letters/{target}", get(letters::show).post(letters::decide))
        .route("/queue/links/{reference}", get(link::show).post(link::decide))
        .route("/queue/protection/{account}", get(protection::show).post(protection::confirm))
        .route("/queue/rights/{id}", get(right::show).post(right::decide))
}

#[derive(Template)]
#[template(path = "admin/queue/list.html")]
struct QueuePage {
    frame: Desk,
    parts: Vec<Part>,
    nothing: Empty,
}

/// What waits of one kind.
struct Part {
    id: &'static str,
    title: String,
    text: &'static str,
    icon: &'static str,
    lines: Vec<Line>,
}

/// One that waits.
struct Line {
    address: String,
    title: String,
    text: String,
}

/// `GET /queue`: everything that waits.
async fn show(console: ConsolePerson) -> Response {
    let frame = match console.desk(Place::Queue).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    let queue = match flow::waiting(&console.ports).await {
        Ok(queue) => queue,
        Err(refusal) => return console.refuse(Place::Queue, refusal).await,
    };
    let mut parts = vec![
        links(&frame, &queue),
        held(&console, &frame, &queue),
        rights(&console, &frame, &queue),
        leaves(&frame, &queue),
        protections(&frame, &queue),
        dead(&frame, &queue),
        refused(&frame, &queue),
    ];
    parts.retain(|part| !part.lines.is_empty());
    let nothing = Empty {
        title: frame.t("Inget väntar på dig", "Nothing waits for you").to_owned(),
        text: frame
            .t(
                "Det som någon behöver ta ställning till visas här.",
                "What somebody has to decide about is shown here.",
            )
            .to_owned(),
        way: None,
    };
    console.page(StatusCode::OK, &QueuePage { frame, parts, nothing })
}

fn at(frame: &Desk, kind: &str, id: impl std::fmt::Display) -> String {
    frame.at(&format!("{}/{kind}/{id}", matter::HOME))
}

fn links(frame: &Desk, queue: &Queue) -> Part {
    let line = |view: &crate::flows::linking::View| {
        let came = &view.came;
        let name = [&came.name, &came.user_name, &came.email].into_iter().find_map(Clone::clone);
        let proposal = view.proposal.as_ref().map_or_else(
            || frame.t("inget konto stämmer", "no account fits").to_owned(),
            |side| format!("{} {}", frame.t("kan vara", "may be"), side.display_name),
        );
        Line {
            address: at(frame, "links", &view.reference),
            title: name.unwrap_or_else(|| came.subject.clone()),
            text: format!("{}, {} · {proposal}", view.directory, frame.when(view.last_at)),
        }
    };
    Part {
        id: "links",
        title: frame.count(
            queue.links.len(),
            ["inloggning utan konto", "inloggningar utan konto"],
            ["sign-in without an account", "sign-ins without an account"],
        ),
        text: frame.t(
            "De kom från katalogen, men ingen vet vilket konto de hör till.",
            "They came from the directory, but nobody knows which account they belong to.",
        ),
        icon: "link",
        lines: queue.links.iter().map(line).collect(),
    }
}

fn held(console: &ConsolePerson, frame: &Desk, queue: &Queue) -> Part {
    let policy = &console.person.compiled.policy;
    let line = |one: &HeldRights| {
        let kinds: Vec<String> =
            one.kinds.iter().map(|kind| right_name(frame, policy, kind.value())).collect();
        let why = if one.why == "critical_empty" {
            frame.t("ingen annan har det", "nobody else holds it")
        } else {
            frame.t("för många på en gång", "too many at once")
        };
        Line {
            address: frame.at(&format!("/people/{}", one.account)),
            title: queue.names.of(one.account).unwrap_or_default().to_owned(),
            text: format!("{} · {why}, {}", kinds.join(", "), frame.when(one.since)),
        }
    };
    let mut lines: Vec<Line> = Vec::new();
    let departed = queue.plan.as_ref().filter(|(_, departed)| *departed > 0 || !queue.held.is_empty());
    if let Some((hash, departed)) = departed {
        let leaving = frame.count(
            *departed,
            ["person som har slutat väntar i planen", "personer som har slutat väntar i planen"],
            ["person who has left waits in the plan", "people who have left wait in the plan"],
        );
        lines.push(Line {
            address: frame.at(&format!("/lifecycle/plans/{hash}")),
            title: frame.t("Besluta i livscykelns plan", "Decide in the plan of the lifecycle").to_owned(),
            text: leaving,
        });
    } else if !queue.held.is_empty() {
        lines.push(Line {
            address: frame.at("/lifecycle"),
            title: frame.t("Gör en plan och besluta i den", "Make a plan and decide in it").to_owned(),
            text: frame.t("Nästa körning gör annars en.", "Otherwise the next run makes one.").to_owned(),
        });
    }
    lines.extend(queue.held.iter().take(SHOWN).map(line));
    Part {
        id: "held",
        title: frame.t("Stora ändringar som hålls", "Large changes that are held").to_owned(),
        text: frame.t(
            "En katalog tog behörigheter från fler än gränsen tillåter. Alla har kvar sina tills någon beslutar.",
            "A directory took rights from more people than the limit allows. Everybody keeps theirs until somebody decides.",
        ),
        icon: "stop",
        lines,
    }
}

fn rights(console: &ConsolePerson, frame: &Desk, queue: &Queue) -> Part {
    let line = |one: &crate::flows::mover::AskedRight| Line {
        address: at(frame, "rights", one.id),
        title: format!("{}: {}", one.display_name, right::told(console, frame, one)),
        text: format!(
            "{} · {} {}",
            right::changed(frame, &one.changed),
            frame.t("svar väntas före", "an answer is due before"),
            frame.day(one.answer_by)
        ),
    };
    Part {
        id: "rights",
        title: frame.count(
            queue.rights.len(),
            ["behörighet hos någon som bytt jobb", "behörigheter hos dem som bytt jobb"],
            ["right of somebody who changed job", "rights of people who changed job"],
        ),
        text: frame
            .t("De gavs för hand. Behövs de fortfarande?", "They were given by hand. Are they needed still?"),
        icon: "people",
        lines: queue.rights.iter().map(line).collect(),
    }
}

fn leaves(frame: &Desk, queue: &Queue) -> Part {
    let line = |one: &crate::flows::people::AskedLeave| Line {
        address: at(frame, "leave", one.account),
        title: one.display_name.clone(),
        text: format!("{} – {}", frame.day(one.from), frame.last_day(one.until)),
    };
    Part {
        id: "leave",
        title: frame.count(
            queue.leaves.len(),
            ["vill vara ledig", "vill vara lediga"],
            ["asks for leave", "ask for leave"],
        ),
        text: frame.t("Kontot pausas under ledigheten.", "The account is paused during the leave."),
        icon: "pause",
        lines: queue.leaves.iter().map(line).collect(),
    }
}

fn protections(frame: &Desk, queue: &Queue) -> Part {
    let line = |one: &crate::flows::protection::AskedProtection| Line {
        address: at(frame, "protection", one.account.id),
        title: format!("{}: {}", one.account.display_name, protection::told(frame, one)),
        text: format!("{} · {}", super::words::who(frame, &queue.names, &one.by), one.why),
    };
    Part {
        id: "protection",
        title: frame.count(
            queue.protections.len(),
            ["skydd att bekräfta", "skydd att bekräfta"],
            ["protection to confirm", "protections to confirm"],
        ),
        text: frame.t(
            "En annan administratör än den som begärde det bekräftar.",
            "Another administrator than whoever asked confirms it.",
        ),
        icon: "shield",
        lines: queue.protections.iter().map(line).collect(),
    }
}

fn dead(frame: &Desk, queue: &Queue) -> Part {
    let line = |one: &crate::flows::targets::TargetStanding| {
        let count = usize::try_from(one.dead).unwrap_or_default();
        Line {
            address: at(frame, "letters", &one.target),
            title: one.target.to_string(),
            text: frame.count(
                count,
                ["konto som inte togs emot", "konton som inte togs emot"],
                ["account that was not taken", "accounts that were not taken"],
            ),
        }
    };
    Part {
        id: "letters",
        title: frame.t("CRM:et tog inte emot", "The CRM did not take it").to_owned(),
        text: frame.t(
            "Försöken är slut. Skicka igen eller lägg undan.",
            "The attempts are used up. Send again or put away.",
        ),
        icon: "mail",
        lines: queue.letters.iter().map(line).collect(),
    }
}

fn refused(frame: &Desk, queue: &Queue) -> Part {
    let line = |one: &crate::flows::directories::Row| Line {
        address: frame.at(&format!("/connections/directories/{}#refused", one.directory)),
        title: one.name.clone(),
        text: frame.count(
            one.refused_changes,
            ["ändring som nekades", "ändringar som nekades"],
            ["change that was refused", "changes that were refused"],
        ),
    };
    Part {
        id: "refused",
        title: frame.t("Katalogen fick inte igenom det", "The directory did not get it through").to_owned(),
        text: frame.t(
            "Det rättas hos leverantören, och försvinner härifrån när samma ändring lyckas.",
            "It is mended at the provider, and goes away when the same change succeeds.",
        ),
        icon: "plug",
        lines: queue.refused.iter().map(line).collect(),
    }
}
