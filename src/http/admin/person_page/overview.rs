//! `/people/{id}`: what has happened, what comes next, and what waits for an answer.
//!
//! Invariant: the line of time is told as it was written down.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::{Event, Timeline, status_words};
use super::super::words::act_words;
use super::super::{ConsolePerson, Desk, Place};
use super::who::{Met, Tab, Who, meet};
use super::words;
use crate::domain::account::Status;
use crate::domain::grant::Origin;
use crate::domain::policy::Policy;
use crate::flows::console::person::history::{self, Happened, What};
use crate::flows::people::Names;
use crate::flows::report::status_reason;

#[derive(Template)]
#[template(path = "admin/person_page/overview.html")]
struct OverviewPage {
    frame: Desk,
    who: Who,
    timeline: Timeline,
    /// What the lifecycle would do.
    next: String,
    facts: Vec<(String, String)>,
    waits: Vec<Waits>,
}

/// Something that waits for an answer.
struct Waits {
    text: String,
    /// Address, words, whether it takes something away.
    ways: Vec<(String, &'static str, bool)>,
}

/// `GET /people/{id}`.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let met = match meet(&console, &id, Some(Tab::Overview)).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let (line, names) = match history::history(&console.ports, &console.actor, met.id).await {
        Ok(found) => found,
        Err(refusal) => return console.refuse_to(Place::People, Place::People.path(), refusal).await,
    };
    let policy = &console.person.compiled.policy;
    let page = OverviewPage {
        timeline: Timeline { events: line.iter().map(|one| event(&met.desk, policy, &names, one)).collect() },
        next: met.look.portrait.next.clone(),
        facts: facts(&met),
        waits: waits(&met),
        frame: met.desk,
        who: met.who,
    };
    console.page(StatusCode::OK, &page)
}

const fn tone(status: Status) -> &'static str {
    match status {
        Status::Invited | Status::Paused => "rest",
        Status::Active => "ok",
        Status::Frozen => "cold",
        Status::Deactivated | Status::Removed => "",
    }
}

fn event(desk: &Desk, policy: &Policy, names: &Names, one: &Happened) -> Event {
    let mut text: Vec<String> = Vec::new();
    let (tone, what) = match &one.what {
        What::Became(status, reason) => {
            text.push(status_reason(*reason, desk.language).to_owned());
            (tone(*status), status_words(desk, *status).to_owned())
        }
        What::Gained(kind, origin) => {
            text.push(from(desk, origin));
            ("ok", format!("{} {}", desk.t("Fick", "Was given"), words::kind_of(desk, policy, kind)))
        }
        What::Lost { kind, by_date } => {
            if *by_date {
                text.push(desk.t("slutdatumet passerade", "its end date passed").to_owned());
            }
            ("bad", format!("{} {}", desk.t("Blev av med", "Lost"), words::kind_of(desk, policy, kind)))
        }
        What::Noticed { days_before, was_sent } => {
            let days = usize::try_from(*days_before).unwrap_or_default();
            let days = desk.count(days, ["dag", "dagar"], ["day", "days"]);
            let what = if *was_sent {
                desk.t("Påminnelse", "Notice")
            } else {
                desk.t("Påminnelse som inte gick att skicka", "Notice that could not be sent")
            };
            ("warn", format!("{what}: {days} {}", desk.t("före frysning", "before the freeze")))
        }
        What::Done { action, item, from, until } => {
            text.extend(item.clone());
            text.extend(until.map(|until| match from {
                Some(from) => format!("{} – {}", desk.day(*from), desk.last_day(until)),
                None => format!("{} {}", desk.t("till och med", "until and including"), desk.last_day(until)),
            }));
            ("", capital(act_words(desk, action)))
        }
    };
    // What a rule gave was given by nobody in particular.
    let is_by_rule = matches!(&one.what, What::Gained(_, Origin::Rule(_)));
    text.extend(one.by.as_deref().filter(|_| !is_by_rule).map(|by| names.of(by).to_owned()));
    text.extend(one.why.as_ref().map(|why| desk.quoted(why)));
    Event { tone, datetime: one.at.to_string(), when: desk.when(one.at), what, text: text.join(" · ") }
}

/// With a capital, at the beginning of a line.
fn capital(text: &str) -> String {
    let mut signs = text.chars();
    let first = signs.next();
    first.into_iter().flat_map(char::to_uppercase).chain(signs).collect()
}

fn from(desk: &Desk, origin: &Origin) -> String {
    match origin {
        Origin::Rule(rule) => format!("{} {rule}", desk.t("regeln", "the rule")),
        Origin::Manual => desk.t("för hand", "by hand").to_owned(),
        Origin::Review => desk.t("i en översyn", "in a review").to_owned(),
        Origin::Deputy(_) => desk.t("som ställföreträdare", "as a deputy").to_owned(),
    }
}

/// What there is to know beside the head.
fn facts(met: &Met) -> Vec<(String, String)> {
    let (desk, portrait) = (&met.desk, &met.look.portrait);
    let line = &portrait.line;
    let mut facts = Vec::new();
    let mut add = |words: &str, value: String| facts.push((words.to_owned(), value));
    add(desk.t("Kontot finns sedan", "The account exists since"), desk.day(portrait.created_at));
    if let Some(from) = line.valid_from {
        add(desk.t("Gäller från", "Valid from"), desk.day(from));
    }
    let end = line.valid_until.map_or_else(|| desk.t("inget", "none").to_owned(), |end| desk.last_day(end));
    add(desk.t("Slutdatum", "End date"), end);
    if let Some(leave) = &portrait.leave {
        let days = format!("{} – {}", desk.day(leave.from), desk.last_day(leave.until));
        add(desk.t("Ledighet", "Leave"), days);
        add(desk.t("Beviljad av", "Approved by"), leave.approver.clone());
    }
    if let Some(email) = &portrait.email {
        add(desk.t("E-post", "E-mail"), email.clone());
    }
    add(desk.t("Konto-id", "Account id"), line.account.to_string());
    facts
}

fn waits(met: &Met) -> Vec<Waits> {
    let (desk, look) = (&met.desk, &met.look);
    let way = |deed: &str| desk.at(&format!("{}/change/{deed}", met.path));
    let may = desk.may_change && !look.is_self && !look.is_removed();
    let mut waits = Vec::new();
    if let Some(asked) = &look.asked_leave {
        let days = format!("{} – {}", desk.day(asked.from), desk.last_day(asked.until));
        let mut ways = Vec::new();
        if may {
            ways.push((way("approve-leave"), desk.t("Bevilja …", "Grant …"), false));
            ways.push((way("refuse-leave"), desk.t("Avslå …", "Refuse …"), true));
        }
        let text = format!("{} {days}.", desk.t("Söker ledigt", "Asks for leave"));
        waits.push(Waits { text, ways });
    }
    if let Some(asked) = &look.protection {
        let what = if asked.protects {
            desk.t("vill att kontot skyddas", "wants the account to be protected")
        } else {
            desk.t("vill att skyddet hävs", "wants the protection to end")
        };
        let deed = if asked.protects { "protect" } else { "unprotect" };
        let mut ways = Vec::new();
        if may && !asked.is_own {
            ways.push((way(deed), desk.t("Bekräfta …", "Confirm …"), false));
        }
        let other = if asked.is_own {
            desk.t(" En annan administratör behöver bekräfta.", " Another administrator has to confirm it.")
        } else {
            ""
        };
        let text =
            format!("{} {what}, {}: {}{other}", asked.by, desk.when(asked.at), desk.quoted(&asked.why));
        waits.push(Waits { text, ways });
    }
    waits
}
