//! `/lifecycle/plans/{hash}`: a plan, person by person: what, why, by which rule, when they were seen, what they lose.
//!
//! Invariant: a list that somebody decides upon is shown whole, in parts where it is long; the forms stand on its last
//! part and on its first.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::file::files;
use super::super::parts::{Decide, Figure, Figures, Input, Pager, Pill};
use super::super::words::{right, who};
use super::super::{ConsolePerson, Desk, Fields, Place};
use super::{HOME, state, words};
use crate::domain::evidence::SourceHealth;
use crate::domain::lifecycle::kept_words;
use crate::domain::plan::PlanState;
use crate::domain::safety::SafetyStop;
use crate::flows::console::lifecycle as flow;
use crate::flows::lifecycle::{PlanView, Proposal, StepView};

/// So many people stand on one page.
const PAGE: usize = 500;

/// In this order steps are shown: first what takes.
const ORDER: [&str; 7] = ["remove", "deactivate", "freeze", "take_rights", "pause", "return", "notify"];

#[derive(Template)]
#[template(path = "admin/lifecycle/plan.html")]
struct PlanPage {
    frame: Desk,
    title: &'static str,
    pill: Pill,
    made: String,
    hash: String,
    short: String,
    waits: bool,
    files: Vec<(&'static str, String)>,
    notes: Vec<String>,
    stops: Vec<String>,
    figures: Figures,
    sources: Vec<SourceLine>,
    unknown: Vec<String>,
    ignored: String,
    groups: Vec<Group>,
    exceptions: Vec<Alone>,
    kept: Vec<(String, String)>,
    pager: Option<Pager>,
    released: Option<(String, String)>,
    forms: Forms,
}

/// A source as it stood when the plan was made.
struct SourceLine {
    name: String,
    read: String,
    pill: Pill,
}

/// Those to whom the same happens.
struct Group {
    id: &'static str,
    title: String,
    people: Vec<Person>,
}

/// Somebody in the plan.
struct Person {
    address: String,
    name: String,
    user_name: String,
    what: String,
    why: String,
    rule: String,
    seen: Option<(String, String, &'static str)>,
    takes: String,
    outcome: String,
}

/// Somebody who is left alone.
struct Alone {
    address: String,
    name: String,
    why: String,
}

/// What the reader may do with the plan.
enum Forms {
    /// Nothing: it does not wait, or they may not.
    None,
    /// They have to sign in anew first; there.
    SignIn(String),
    /// Release or refuse it.
    Decide(Box<Decision>),
    /// Carry it out: it is released.
    Apply(String),
}

/// The two forms of a plan that waits.
struct Decision {
    release: String,
    refuse: String,
    release_reason: Vec<Input>,
    refuse_reason: Vec<Input>,
    /// What is left without a holder; somebody has to say that they know.
    critical: Option<String>,
    critical_error: Option<&'static str>,
    taking: String,
}

/// What somebody sent that was not taken.
#[derive(Default)]
pub(super) struct Unread {
    pub(super) release_reason: Option<String>,
    pub(super) refuse_reason: Option<String>,
    pub(super) critical: bool,
}

/// `GET /lifecycle/plans/{hash}`: the plan; with `decide` only for somebody who signed in lately.
pub(super) async fn show(console: ConsolePerson, Path(hash): Path<String>) -> Response {
    let path = format!("{HOME}/plans/{hash}");
    if console.query.one("decide").is_some()
        && let Err(away) = console.require_fresh(&path)
    {
        return away;
    }
    answer(&console, &hash, StatusCode::OK, &Unread::default()).await
}

/// The page of a plan.
pub(super) async fn answer(
    console: &ConsolePerson,
    hash: &str,
    status: StatusCode,
    unread: &Unread,
) -> Response {
    let desk = match console.desk(Place::Lifecycle).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::plan(&console.ports, hash, desk.language).await {
        Ok((proposal, view, names)) => {
            let by = view.released_by.as_deref().map(|by| who(&desk, &names, by));
            console.page(status, &page(console, desk, &proposal, view, by, unread))
        }
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}

fn page(
    console: &ConsolePerson,
    frame: Desk,
    proposal: &Proposal,
    mut view: PlanView,
    by: Option<String>,
    unread: &Unread,
) -> PlanPage {
    let policy = &console.person.compiled.policy;
    let stale_after = policy.lifecycle.source_stale_after;
    let made = proposal.plan.created_at;
    let sources = proposal
        .plan
        .sources
        .iter()
        .map(|health| source_line(&frame, health, health.is_live(stale_after, made)));
    let sources = sources.collect();
    let figures = figures(&frame, &view);
    let steps = std::mem::take(&mut view.steps);
    let (groups, pager) = groups(console, &frame, &view.hash, steps);
    let exceptions = view.exceptions.into_iter().map(|one| Alone {
        address: frame.at(&format!("/people/{}", one.account)),
        name: if one.display_name.is_empty() { one.user_name } else { one.display_name },
        why: one.why,
    });
    let exceptions = exceptions.collect();
    let kept = view.kept.iter().map(|(name, count)| {
        let count = usize::try_from(*count).unwrap_or(usize::MAX);
        (kept_words(name, frame.reading()), frame.number(count))
    });
    let kept = kept.collect();
    let ignored: Vec<&str> = view.ignored.iter().map(|source| words::source(&frame, *source)).collect();
    PlanPage {
        title: title(&frame, view.state),
        pill: state(&frame, view.state),
        made: frame.when(made),
        short: view.hash.chars().take(12).collect(),
        waits: view.state == PlanState::Waiting,
        files: files(&Fields::default(), |fields| {
            fields.at(&frame, &format!("{HOME}/plans/{}/file", view.hash))
        }),
        notes: view.notes,
        stops: view.stops.clone(),
        figures,
        sources,
        unknown: view.unknown,
        ignored: ignored.join(", "),
        groups,
        exceptions,
        kept,
        pager,
        released: by.map(|by| (by, view.release_reason.unwrap_or_default())),
        forms: forms(console, &frame, proposal, unread),
        hash: view.hash,
        frame,
    }
}

fn title(frame: &Desk, state: PlanState) -> &'static str {
    match state {
        PlanState::Proposed => frame.t("Planen för nästa körning", "The plan for the next run"),
        PlanState::Waiting => frame.t("En plan väntar på beslut", "A plan waits for a decision"),
        PlanState::Released => frame.t("En godkänd plan", "A released plan"),
        PlanState::Applied => frame.t("En genomförd plan", "A plan that was carried out"),
        PlanState::Refused => frame.t("En avvisad plan", "A refused plan"),
    }
}

fn figures(frame: &Desk, view: &PlanView) -> Figures {
    let counts = words::counts(view.steps.iter().map(|step| step.step));
    let mut figures: Vec<Figure> = counts
        .iter()
        .map(|(step, count)| Figure {
            number: frame.number(*count),
            words: words::step(frame, step, *count),
            small: String::new(),
            address: Some(format!("#{step}")),
        })
        .collect();
    let kept = view.kept.values().sum::<u64>();
    figures.push(Figure {
        number: frame.number(usize::try_from(kept).unwrap_or(usize::MAX)),
        words: frame.t("lämnas orörda", "are left alone"),
        small: String::new(),
        address: Some("#alone".to_owned()),
    });
    Figures { label: frame.t("Planen i siffror", "The plan in numbers"), figures }
}

fn source_line(frame: &Desk, health: &SourceHealth, is_live: bool) -> SourceLine {
    let name = words::source(frame, health.source);
    let pill = if is_live {
        Pill::new(frame, "ok", "check", frame.t("Används", "Used"))
    } else {
        Pill::new(frame, "warn", "warn", frame.t("Okänt", "Unknown"))
    };
    SourceLine {
        name: health.directory.as_ref().map_or_else(|| name.to_owned(), |id| format!("{name}, {id}")),
        read: health
            .last_success
            .map_or_else(|| frame.t("aldrig läst", "never read").to_owned(), |at| frame.when(at)),
        pill,
    }
}

/// Everybody in the plan, by what happens to them and then the longest absent first; a page of them.
fn groups(
    console: &ConsolePerson,
    frame: &Desk,
    hash: &str,
    mut steps: Vec<StepView>,
) -> (Vec<Group>, Option<Pager>) {
    let rank = |step: &str| ORDER.iter().position(|known| *known == step).unwrap_or(ORDER.len());
    steps.sort_by(|a, b| {
        (rank(a.step), a.last_seen, &a.display_name).cmp(&(rank(b.step), b.last_seen, &b.display_name))
    });
    let whole: std::collections::BTreeMap<&'static str, usize> =
        words::counts(steps.iter().map(|one| one.step));
    let total = steps.len();
    let from = console.query.one("from").and_then(|text| text.parse::<usize>().ok()).unwrap_or_default();
    let mut groups: Vec<Group> = Vec::new();
    for step in steps.into_iter().skip(from).take(PAGE) {
        if groups.last().is_none_or(|group| group.id != step.step) {
            let count = whole.get(step.step).copied().unwrap_or_default();
            let title = format!("{} {}", frame.number(count), words::step(frame, step.step, count));
            groups.push(Group { id: step.step, title, people: Vec::new() });
        }
        if let Some(group) = groups.last_mut() {
            group.people.push(person(console, frame, step));
        }
    }
    (groups, pager(frame, hash, from, total))
}

fn pager(frame: &Desk, hash: &str, from: usize, total: usize) -> Option<Pager> {
    if total <= PAGE {
        return None;
    }
    let at = |from: usize| Fields::default().and("from", from).at(frame, &format!("{HOME}/plans/{hash}"));
    let last = from.saturating_add(PAGE).min(total);
    let shown = format!("{}–{}", frame.number((from + 1).min(total)), frame.number(last));
    let of = frame.t("av", "of");
    Some(Pager {
        frame: (**frame).clone(),
        words: format!("{shown} {of} {}", frame.number(total)),
        back: (from > 0).then(|| at(from.saturating_sub(PAGE))),
        next: (last < total).then(|| at(last)),
    })
}

fn person(console: &ConsolePerson, frame: &Desk, step: StepView) -> Person {
    let policy = &console.person.compiled.policy;
    let takes: Vec<String> = step.takes.iter().map(|id| right(frame, policy, id)).collect();
    let outcome = step.outcome.unwrap_or_else(|| match step.state.as_str() {
        "applied" => frame.t("Gjort", "Done").to_owned(),
        "planned" => String::new(),
        _ => frame.t("Överhoppat", "Skipped").to_owned(),
    });
    Person {
        address: frame.at(&format!("/people/{}", step.account)),
        name: if step.display_name.is_empty() { step.user_name.clone() } else { step.display_name },
        user_name: step.user_name,
        what: step.what,
        why: step.why,
        rule: step.rule.map(|rule| rule.to_string()).unwrap_or_default(),
        seen: step.last_seen.map(|at| {
            let source = step.last_seen_source.map_or("", |source| words::source(frame, source));
            (at.to_string(), frame.day(at), source)
        }),
        takes: takes.join(", "),
        outcome,
    }
}

fn forms(console: &ConsolePerson, frame: &Desk, proposal: &Proposal, unread: &Unread) -> Forms {
    if !frame.may_change {
        return Forms::None;
    }
    let path = format!("{HOME}/plans/{}", proposal.hash);
    match proposal.state {
        PlanState::Waiting if console.require_fresh(&path).is_err() => {
            Forms::SignIn(frame.at(&format!("{path}?decide=yes")))
        }
        PlanState::Waiting => Forms::Decide(Box::new(decision(console, frame, proposal, &path, unread))),
        PlanState::Released => Forms::Apply(frame.at(&format!("{path}/apply"))),
        PlanState::Proposed | PlanState::Applied | PlanState::Refused => Forms::None,
    }
}

fn decision(
    console: &ConsolePerson,
    frame: &Desk,
    proposal: &Proposal,
    path: &str,
    unread: &Unread,
) -> Decision {
    let policy = &console.person.compiled.policy;
    let missing = |said: &Option<String>, what: &str| {
        said.as_ref().filter(|said| said.trim().is_empty()).map(|_| what.to_owned())
    };
    let why_release =
        frame.t("Skriv varför planen ska genomföras.", "Write why the plan is to be carried out.");
    let why_refuse =
        frame.t("Skriv varför planen inte ska genomföras.", "Write why the plan is not to be carried out.");
    let (released, refused) =
        (missing(&unread.release_reason, why_release), missing(&unread.refuse_reason, why_refuse));
    let critical: Vec<String> =
        critical(proposal).map(|stop| stop.sentence(policy, frame.reading())).collect();
    Decision {
        release: frame.at(&format!("{path}/release")),
        refuse: frame.at(&format!("{path}/refuse")),
        release_reason: vec![
            Decide::reason(frame).under("release-reason").holding(unread.release_reason.as_deref(), released),
        ],
        refuse_reason: vec![
            Decide::reason(frame).under("refuse-reason").holding(unread.refuse_reason.as_deref(), refused),
        ],
        critical: (!critical.is_empty()).then(|| critical.join(" ")),
        critical_error: unread.critical.then(|| {
            frame.t("Markera att du vet det, eller avvisa planen.", "Mark that you know, or refuse the plan.")
        }),
        taking: frame.count(
            proposal.plan.taking_steps(),
            ["konto förlorar åtkomst", "konton förlorar åtkomst"],
            ["account loses access", "accounts lose access"],
        ),
    }
}

/// The stops that leave something critical without a holder.
pub(super) fn critical(proposal: &Proposal) -> impl Iterator<Item = &SafetyStop> {
    proposal.plan.stops.iter().filter(|stop| match stop {
        SafetyStop::CriticalEmpty { .. } => true,
        SafetyStop::TooMany { .. } | SafetyStop::NoAdministrator | SafetyStop::InputShrank { .. } => false,
    })
}
