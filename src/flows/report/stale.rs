//! The report `stale`: who has access and has not signed in since a day.
//!
//! Invariant: exceptions come first and say why they stay; where sources do not know, the report says so and proposes
//! nothing.

use jiff::{SignedDuration, Timestamp};

use super::super::Refusal;
use super::super::lifecycle::facts::Moment;
use super::people::{Person, Scene};
use super::{Cell, Report, ReportName, Term};
use crate::domain::account::AccountKind;
use crate::domain::days::earlier;
use crate::domain::evidence::idle_since;
use crate::domain::lifecycle::{Assessment, Exempt, Reason, Step, assess};
use crate::domain::name::sort_key;
use crate::domain::policy::Policy;

/// Where no rule has a limit, this is a long time.
const USUAL: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A row, before it is cells.
struct Quiet {
    person: Person,
    /// What the lifecycle says of it now; nothing for a past moment.
    assessment: Option<Assessment>,
    exception: Option<Term>,
}

pub(super) async fn report(mut scene: Scene, before: Option<Timestamp>) -> Result<Report, Refusal> {
    let limit = before.unwrap_or_else(|| earlier(scene.moment.at(), longest_limit(scene.policy())));
    let is_asked = before.is_some();
    let (people, population) = scene.people(|_, person| is_quiet(person, limit, is_asked)).await?;
    let mut quiet: Vec<Quiet> = people.into_iter().map(|person| judge(&scene, person)).collect();
    quiet.sort_by_cached_key(|one| {
        let account = &one.person.known.account;
        (one.exception.is_none(), one.person.seen_at(), sort_key(&account.display_name), account.id)
    });
    let words = scene.words();
    let exceptions = quiet.iter().filter(|one| one.exception.is_some()).count();
    let never = quiet.iter().filter(|one| one.person.seen.is_none()).count();
    let mut head = scene.head(&population);
    head.push((words.head("not_signed_in_since"), Cell::Instant(limit)));
    for (key, count) in [("rows", quiet.len()), ("exceptions", exceptions), ("never_signed_in", never)] {
        head.push((words.head(key), Cell::Count(i64::try_from(count).unwrap_or(i64::MAX))));
    }
    let columns = [
        "exception",
        "display_name",
        "user_name",
        "status",
        "last_seen",
        "last_seen_source",
        "days_since",
        "created_at",
        "roles",
        "limited",
        "sectors",
        "item_restricted",
        "next_step",
        "next_on",
        "why",
        "notices",
        "kind",
        "directories",
        "privileged",
        "account",
    ];
    Ok(Report {
        name: ReportName::Stale,
        title: words.title(ReportName::Stale).to_owned(),
        language: scene.reading.language,
        zone: scene.reading.zone.clone(),
        head,
        columns: columns.into_iter().map(|key| words.column(key)).collect(),
        rows: quiet.iter().map(|one| row(&scene, one)).collect(),
    })
}

/// The longest that any rule lets an account be idle.
fn longest_limit(policy: &Policy) -> SignedDuration {
    policy.lifecycle.rules.iter().filter_map(|rule| rule.inactive_after).max().unwrap_or(USUAL)
}

/// Whether the person has not signed in since `limit`. Asked for by day, that is meant to the letter, and who never
/// signed in is one of them; unasked, nobody is quiet who could not have signed in for that long.
fn is_quiet(person: &Person, limit: Timestamp, is_asked: bool) -> bool {
    let seen = person.seen.map(|seen| seen.at);
    let is_unseen = seen.is_none_or(|at| at < limit);
    is_unseen && (is_asked || idle_since(&person.known.account, seen).since < limit)
}

fn judge(scene: &Scene, person: Person) -> Quiet {
    let assessment = match scene.moment {
        Moment::Now(now) => Some(assess(scene.policy(), &person.known.facts(&scene.around), now)),
        // How fresh the sources were then is not kept: nothing can be said of what was due.
        Moment::Past(_) => None,
    };
    let exception = exception(scene, &person, assessment.as_ref());
    Quiet { person, assessment, exception }
}

/// Why an account stays although it is quiet.
fn exception(scene: &Scene, person: &Person, assessment: Option<&Assessment>) -> Option<Term> {
    let account = &person.known.account;
    match assessment.and_then(Assessment::exempt) {
        Some(
            exempt @ (Exempt::Protected
            | Exempt::BreakGlass
            | Exempt::OnLeave { .. }
            | Exempt::NotYetValid { .. }
            | Exempt::Unknown { .. }
            | Exempt::SeenSince { .. }
            | Exempt::NeedsAttention { .. }
            | Exempt::DecidedByPerson
            | Exempt::NoRule
            | Exempt::NoLimit),
        ) => Some(Term { id: exempt.name().to_owned(), words: exempt.sentence(&scene.reading) }),
        Some(
            Exempt::Removed
            | Exempt::Deactivated
            | Exempt::InUse { .. }
            | Exempt::Told { .. }
            | Exempt::CalmDay { .. }
            | Exempt::Frozen { .. },
        )
        | None => {
            let is_machine = account.kind == AccountKind::Service;
            let words = || scene.words().kind(account.kind).to_owned();
            is_machine.then(|| Term { id: account.kind.name().to_owned(), words: words() })
        }
    }
}

fn row(scene: &Scene, one: &Quiet) -> Vec<Cell> {
    let (known, words) = (&one.person.known, scene.words());
    let account = &known.account;
    let status = account.standing.status;
    let [last_seen, source, days_since] = scene.last_seen(one.person.seen);
    let (next_step, next_on) = next(scene, one.assessment.as_ref());
    let notices = known.notices.iter().map(|notice| scene.reading.date(notice.sent_at));
    let notices = notices.map(|day| Term { id: day.clone(), words: day });
    vec![
        one.exception.clone().map_or(Cell::Nothing, Cell::Term),
        Cell::Text(account.display_name.clone()),
        Cell::Text(account.user_name.clone()),
        Cell::Term(Term { id: status.name().to_owned(), words: words.status(status).to_owned() }),
        last_seen,
        source,
        days_since,
        Cell::Instant(account.created_at),
        scene.roles(known),
        Cell::Flag(known.limited),
        scene.sectors(known),
        Cell::Flag(scene.item_restricted(known)),
        next_step,
        next_on,
        why(scene, one),
        Cell::Terms(notices.collect()),
        Cell::Term(Term { id: account.kind.name().to_owned(), words: words.kind(account.kind).to_owned() }),
        one.person.directories(),
        Cell::Flag(scene.is_privileged(known)),
        Cell::Text(account.id.to_string()),
    ]
}

/// Why it is in the report: what the lifecycle says, or since when nobody was seen.
fn why(scene: &Scene, one: &Quiet) -> Cell {
    match &one.assessment {
        Some(assessment) => Cell::Text(assessment.because.sentence(&scene.reading)),
        None => Cell::Text(scene.words().quiet(one.person.seen.map(|seen| scene.reading.date(seen.at)))),
    }
}

/// What happens next to an account, and when at the earliest.
fn next(scene: &Scene, assessment: Option<&Assessment>) -> (Cell, Cell) {
    let Some(assessment) = assessment else { return (Cell::Nothing, Cell::Nothing) };
    let on = match &assessment.because {
        Reason::Kept {
            exempt:
                Exempt::InUse { due: at }
                | Exempt::Told { not_before: at }
                | Exempt::Frozen { until: at }
                | Exempt::CalmDay { until: at }
                | Exempt::NotYetValid { from: at },
        } => Some(*at),
        Reason::Kept { exempt: Exempt::OnLeave { until } } => *until,
        Reason::Kept { .. } => None,
        Reason::Inactive { .. }
        | Reason::NeverSignedIn { .. }
        | Reason::Departed { .. }
        | Reason::ActiveAgain { .. }
        | Reason::Expired { .. }
        | Reason::FrozenLongEnough { .. }
        | Reason::DeactivatedLongEnough { .. }
        | Reason::LeaveBegan { .. }
        | Reason::LeaveEnded { .. }
        | Reason::NoLongerGiven { .. } => Some(scene.moment.at()),
    };
    let step = match assessment.step {
        Step::Keep => Cell::Nothing,
        step => Cell::Term(Term { id: step.name().to_owned(), words: step.sentence(&scene.reading) }),
    };
    (step, on.map_or(Cell::Nothing, Cell::Instant))
}
