//! `/policy/plans/{hash}`: what a policy would do: who gains and loses what, who keeps what and why, what stops it, how its
//! text differs.
//!
//! Invariant: everybody is judged anew when the page is shown; a plan that no longer holds says what moved and has no
//! button that puts it into force.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::{Decide, Figures, Input, Pager};
use super::super::words::who;
use super::super::{ConsolePerson, Desk, Fields, Note, Place};
use super::compare::Changes;
use super::moves::{Moves, held_back, moves};
use super::{HOME, tested};
use crate::domain::policy::Policy;
use crate::flows::Refusal;
use crate::flows::console::policy::{self as flow, PlanFound, PlanLook};
use crate::flows::policies::{Moved, Person, Touched};

/// So many people stand on one page.
const PAGE: usize = 500;

#[derive(Template)]
#[template(path = "admin/policy/plan.html")]
struct PlanPage {
    frame: Desk,
    lead: String,
    short: String,
    edit: String,
    plans: String,
    text: String,
    is_in_force: bool,
    /// What moved since.
    moved: Option<Vec<String>>,
    figures: Figures,
    parts: Vec<Part>,
    pager: Option<Pager>,
    alone: Vec<Alone>,
    tested: Vec<tested::Line>,
    changes: Changes,
    decision: Decision,
}

/// Those who are touched by the same change.
struct Part {
    title: String,
    people: Vec<Row>,
}

/// Somebody who is touched.
struct Row {
    address: String,
    name: String,
    user_name: String,
    moves: Moves,
}

/// Somebody who keeps what the policy would take.
struct Alone {
    address: String,
    name: String,
    why: String,
}

/// What the reader may do with the plan.
enum Decision {
    /// Nothing: it no longer holds, is in force already, or they may not.
    None,
    /// They would gain by it: somebody else must.
    Own,
    /// They have to sign in anew first; there.
    SignIn(String),
    /// Put it into force.
    Apply(Box<Apply>),
}

/// The form that puts the plan into force.
struct Apply {
    address: String,
    title: String,
    after: String,
    reason: Vec<Input>,
    /// Why it goes beyond the safety limits; somebody has to say that they know.
    stops: Option<String>,
    stops_error: Option<&'static str>,
    button: String,
}

/// What somebody sent that was not taken.
#[derive(Default)]
pub(super) struct Unread {
    pub(super) reason: Option<String>,
    pub(super) stops: bool,
}

/// The path of a plan.
pub(super) fn path(hash: &str) -> String {
    format!("{HOME}/plans/{hash}")
}

/// `GET /policy/plans/{hash}`: the plan; with `decide` only for somebody who signed in lately.
pub(super) async fn show(console: ConsolePerson, Path(hash): Path<String>) -> Response {
    if console.query.one("decide").is_some()
        && let Err(away) = console.require_fresh(&path(&hash))
    {
        return away;
    }
    answer(&console, &hash, StatusCode::OK, &Unread::default()).await
}

/// The page of a plan; one that was carried out leads to its version.
pub(super) async fn answer(
    console: &ConsolePerson,
    hash: &str,
    status: StatusCode,
    unread: &Unread,
) -> Response {
    let frame = match console.desk(Place::Groups).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::plan(&console.ports, &console.actor, hash, frame.language).await {
        Ok(PlanFound::Open(found)) => console.page(status, &page(console, frame, found, unread)),
        Ok(PlanFound::Applied(number)) => {
            let title = frame.t("Planen är redan genomförd", "The plan is carried out already");
            let text = format!("{} {number}.", frame.t("Den blev version", "It became version"));
            console.go(&format!("{HOME}/versions/{number}"), &Note::done(title, text))
        }
        Err(Refusal::Policy(_)) if frame.may_change => {
            let title = frame.t("Texten håller inte längre", "The text does not hold any more");
            let text =
                frame.t("Se över felen och gör en ny plan.", "Look at the mistakes and make a new plan.");
            console.go(&format!("{HOME}/edit?plan={hash}"), &Note::warning(title, text))
        }
        Err(refusal) => console.refuse_to(Place::Groups, HOME, refusal).await,
    }
}

fn page(console: &ConsolePerson, frame: Desk, found: PlanLook, unread: &Unread) -> PlanPage {
    let decision = decision(console, &frame, &found, unread);
    let PlanLook { look, comparison, names, .. } = found;
    let plan = &look.proposal.plan;
    let by = who(&frame, &names, &look.by);
    let lead = format!(
        "{} {}, {} {by} {}. {}",
        frame.t("Följer på version", "Follows version"),
        plan.follows,
        frame.t("gjord av", "made by"),
        frame.when(look.made_at),
        frame.t("Gäller inte förrän den är införd.", "Not in force until it is applied.")
    );
    let policies = [&look.proposal.policy, &console.person.compiled.policy];
    let name =
        |person: &Person| names.of(person.account).map_or_else(|| person.user_name.clone(), str::to_owned);
    let alone = look.proposal.people.iter().filter(|person| !person.held_back.is_empty());
    let alone = alone.map(|person| Alone {
        address: frame.at(&format!("/people/{}", person.account)),
        name: name(person),
        why: person.held_back.iter().map(|by| held_back(&frame, by)).collect::<Vec<_>>().join(" "),
    });
    let alone = alone.collect();
    let moved = look.moved.as_ref().map(|moved| moved_words(&frame, moved, |by| who(&frame, &names, by)));
    let (parts, pager) = parts(console, &frame, &policies, (&look.hash, &look.proposal.people), name);
    PlanPage {
        lead,
        short: look.hash.chars().take(12).collect(),
        edit: frame.at(&format!("{HOME}/edit?plan={}", look.hash)),
        plans: frame.at(&format!("{HOME}/plans")),
        is_in_force: plan.is_in_force,
        moved,
        figures: tested::figures(&frame, &look.proposal),
        parts,
        pager,
        alone,
        tested: tested::lines(&frame, &look.proposal),
        changes: Changes::of(&frame, comparison),
        decision,
        text: look.text,
        frame,
    }
}

fn moved_words(frame: &Desk, moved: &Moved, who: impl Fn(&str) -> String) -> Vec<String> {
    let version = moved.version.as_ref().map(|(number, at, by)| {
        let (when, by) = (frame.when(*at), who(by));
        match frame.tag() {
            "sv" => format!(
                "Version {number} infördes {when} av {by}, och planen följer på version {}.",
                moved.follows
            ),
            _ => format!(
                "Version {number} was applied {when} by {by}, and the plan follows version {}.",
                moved.follows
            ),
        }
    });
    let some = |touched: &Touched, (sv, en): (&'static str, &'static str)| {
        let more = if touched.count > touched.named.len() { " …" } else { "" };
        let people = frame.count(touched.count, ["konto", "konton"], ["account", "accounts"]);
        let named = touched.named.join(", ");
        (touched.count > 0).then(|| format!("{people} {}: {named}{more}", frame.t(sv, en)))
    };
    let came = some(&moved.came, ("skulle nu också beröras", "would now be touched too"));
    let went = some(&moved.went, ("skulle inte längre beröras", "would not be touched any more"));
    let differ = some(&moved.differ, ("skulle beröras på ett annat sätt", "would be touched otherwise"));
    [version, came, went, differ].into_iter().flatten().collect()
}

/// A page of everybody who is touched, under the first change that has a part in it, and then by name.
fn parts(
    console: &ConsolePerson,
    frame: &Desk,
    policies: &[&Policy],
    (hash, people): (&str, &[Person]),
    name: impl Fn(&Person) -> String,
) -> (Vec<Part>, Option<Pager>) {
    let mut sorted: Vec<(String, &Person)> = people.iter().map(|person| (name(person), person)).collect();
    sorted.sort_by_cached_key(|(name, person)| {
        (person.causes.first().cloned(), crate::domain::name::sort_key(name), person.account)
    });
    let from = console.query.one("from").and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
    let mut parts: Vec<Part> = Vec::new();
    for (name, person) in sorted.into_iter().skip(from).take(PAGE) {
        let causes = person.causes.iter().map(|cause| cause.words(frame.reading())).collect::<Vec<_>>();
        let title = causes.first().cloned().unwrap_or_else(|| {
            frame.t("Samma behörigheter av en annan regel", "The same rights by another rule").to_owned()
        });
        let row = Row {
            address: frame.at(&format!("/people/{}", person.account)),
            user_name: person.user_name.clone(),
            moves: moves(frame, policies, person),
            name,
        };
        match parts.last_mut().filter(|part| part.title == title) {
            Some(part) => part.people.push(row),
            None => parts.push(Part { title, people: vec![row] }),
        }
    }
    let at = |from: usize| Fields::default().with("from", from).at(frame, &path(hash));
    let last = from.saturating_add(PAGE).min(people.len());
    let pager = (people.len() > PAGE).then(|| Pager {
        frame: (**frame).clone(),
        words: format!(
            "{}–{} {} {}",
            frame.number((from + 1).min(people.len())),
            frame.number(last),
            frame.t("av", "of"),
            frame.number(people.len())
        ),
        back: (from > 0).then(|| at(from.saturating_sub(PAGE))),
        next: (last < people.len()).then(|| at(last)),
    });
    (parts, pager)
}

fn decision(console: &ConsolePerson, frame: &Desk, found: &PlanLook, unread: &Unread) -> Decision {
    let (look, plan) = (&found.look, &found.look.proposal.plan);
    let address = path(&look.hash);
    if !frame.may_change || look.moved.is_some() || plan.is_in_force {
        return Decision::None;
    }
    if found.is_own {
        return Decision::Own;
    }
    if console.require_fresh(&address).is_err() {
        return Decision::SignIn(frame.at(&format!("{address}?decide=yes")));
    }
    let number = plan.follows + 1;
    let people = look.proposal.people.len();
    let why = frame.t("Skriv varför policyn införs.", "Write why the policy is applied.");
    let missing = unread.reason.as_ref().filter(|said| said.trim().is_empty()).map(|_| why.to_owned());
    let stops: Vec<String> =
        plan.stops.iter().map(|stop| stop.sentence(&look.proposal.policy, frame.reading())).collect();
    Decision::Apply(Box::new(Apply {
        address: frame.at(&address),
        title: format!("{} {number}", frame.t("Inför version", "Apply version")),
        after: match frame.tag() {
            "sv" => format!(
                "CRM:et får veta strax efter. Du kan gå tillbaka till version {} på samma sätt.",
                plan.follows
            ),
            _ => format!(
                "The CRM is told right after. You can go back to version {} in the same way.",
                plan.follows
            ),
        },
        reason: vec![Decide::reason(frame).holding(unread.reason.as_deref(), missing)],
        stops: (!stops.is_empty()).then(|| stops.join(" ")),
        stops_error: unread.stops.then(|| {
            frame.t(
                "Markera att du vet det, eller ändra policyn.",
                "Mark that you know, or change the policy.",
            )
        }),
        button: match (people, frame.tag()) {
            (0, "sv") => format!("Inför version {number}"),
            (0, _) => format!("Apply version {number}"),
            (_, "sv") => format!("Inför för {}", frame.count(people, ["person", "personer"], ["", ""])),
            _ => format!("Apply to {}", frame.count(people, ["", ""], ["person", "people"])),
        },
    }))
}
