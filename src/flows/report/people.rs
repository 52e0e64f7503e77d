//! The reports whose rows are accounts: who is in each, in which order, and with which columns.
//!
//! Invariant: exceptions come first and say why they stay; where sources do not know, the report says so and proposes
//! nothing.

use jiff::{SignedDuration, Timestamp};

use super::super::Refusal;
use super::field::Field as F;
use super::list::{List, Rank, digest, row};
use super::person::Person;
use super::scene::{Population, Scene};
use super::stranger::Strangers;
use super::{Cell, Report, ReportName, Term};
use crate::domain::days::earlier;
use crate::domain::evidence::idle_since;
use crate::domain::name::sort_key;
use crate::domain::policy::Policy;
use crate::store::comparison::Comparison;

/// Where no rule has a limit, this is a long time.
const USUAL: SignedDuration = SignedDuration::from_hours(90 * 24);

#[rustfmt::skip]
const ACCESS: &[F] = &[
    F::DisplayName, F::UserName, F::Status, F::CanSignIn, F::LastSeen, F::LastSeenSource, F::DaysSince, F::Roles,
    F::Limited, F::Sectors, F::ItemRestricted, F::Why, F::Kind, F::Directories, F::Privileged, F::CreatedAt,
    F::ValidUntil, F::Account,
];

#[rustfmt::skip]
const STALE: &[F] = &[
    F::Exception, F::DisplayName, F::UserName, F::Status, F::LastSeen, F::LastSeenSource, F::DaysSince, F::CreatedAt,
    F::Roles, F::Limited, F::Sectors, F::ItemRestricted, F::NextStep, F::NextOn, F::Why, F::Reason, F::Notices,
    F::StatusSince, F::StatusWhy, F::StatusBy, F::ExemptBy, F::ExemptUntil, F::Crm, F::Kind, F::Directories,
    F::Privileged, F::Account,
];

#[rustfmt::skip]
const NEVER_SIGNED_IN: &[F] = &[
    F::Exception, F::DisplayName, F::UserName, F::Email, F::Status, F::CreatedAt, F::ActivatedAt, F::Roles, F::Limited,
    F::Sectors, F::NextStep, F::NextOn, F::Why, F::Reason, F::Kind, F::Directories, F::Privileged, F::Account,
];

#[rustfmt::skip]
const PRIVILEGED: &[F] = &[
    F::DisplayName, F::UserName, F::Status, F::CanSignIn, F::Roles, F::Why, F::LastSeen, F::LastSeenSource,
    F::DaysSince, F::Kind, F::Protected, F::Directories, F::ValidUntil, F::CreatedAt, F::Account,
];

#[rustfmt::skip]
const LIMITED: &[F] = &[
    F::DisplayName, F::UserName, F::Status, F::Sectors, F::ItemRestricted, F::Items, F::Roles, F::Why, F::LastSeen,
    F::LastSeenSource, F::DaysSince, F::ValidUntil, F::Kind, F::Directories, F::Account,
];

#[rustfmt::skip]
const ORPHANS: &[F] = &[
    F::DisplayName, F::UserName, F::Status, F::Kind, F::Protected, F::CrmIds, F::Crm, F::Directories, F::GoneSince,
    F::Roles, F::LastSeen, F::LastSeenSource, F::DaysSince, F::CreatedAt, F::Account,
];

#[rustfmt::skip]
const EXCEPTIONS: &[F] = &[
    F::Exception, F::DisplayName, F::UserName, F::Status, F::StatusSince, F::StatusWhy, F::StatusBy, F::ExemptBy,
    F::ExemptUntil, F::Why, F::Reason, F::Roles, F::Privileged, F::LastSeen, F::LastSeenSource, F::DaysSince, F::Kind,
    F::Directories, F::Account,
];

const fn fields(name: ReportName) -> &'static [F] {
    match name {
        ReportName::Stale => STALE,
        ReportName::NeverSignedIn => NEVER_SIGNED_IN,
        ReportName::Privileged => PRIVILEGED,
        ReportName::Limited => LIMITED,
        ReportName::Orphans => ORPHANS,
        ReportName::Exceptions => EXCEPTIONS,
        ReportName::Access | ReportName::Departed | ReportName::Expiring | ReportName::Runs => ACCESS,
    }
}

/// What is counted on the way.
#[derive(Debug, Default)]
struct Tally {
    able: usize,
    never: usize,
    exceptions: usize,
}

impl Tally {
    fn count(&mut self, scene: &Scene, person: &Person) {
        self.able += usize::from(person.can_sign_in(scene.moment));
        self.never += usize::from(person.seen.is_none());
        self.exceptions += usize::from(person.verdict.exception.is_some());
    }
}

/// Goes through everybody once and keeps who is in the report, in order; what is said of each is read when its turn comes.
pub(super) async fn report(mut scene: Scene) -> Result<Report, Refusal> {
    let fields = fields(scene.name);
    let columns: Vec<_> = fields.iter().map(|field| field.column(scene.words())).collect();
    let limit = scene.before.unwrap_or_else(|| earlier(scene.moment.at(), longest_limit(scene.policy())));
    let (mut found, mut population, mut tally) = (Vec::new(), Population::default(), Tally::default());
    let mut after = None;
    while let Some((last, people)) = scene.next(after).await? {
        after = Some(last);
        for person in people {
            population.count(&person);
            if !scene.filters.keeps(&person) || !is_in(&scene, &person, limit) {
                continue;
            }
            tally.count(&scene, &person);
            found.push((rank(&scene, &person), digest(&columns, &row(&scene, &person, fields))));
        }
        // Others wait for this thread as well.
        tokio::task::yield_now().await;
    }
    let mut lines = lines(&scene, limit, &tally);
    let mut strangers = Strangers::of(&scene);
    let digests = strangers.digests(&mut scene, fields, &columns).await?;
    if !scene.comparisons.is_empty() {
        lines.push(("strangers", Cell::count(digests.len())));
        lines.push(("compared", compared(&scene)));
    }
    scene
        .report(&population, lines, fields, |scene| List::people(scene, fields, found, strangers, &digests))
        .await
}

/// When each CRM was last read.
fn compared(scene: &Scene) -> Cell {
    let term = |last: &Comparison| {
        let (target, at) = (&last.target, last.begun_at);
        Term::new(&format!("{target}: {at}"), format!("{target}: {}", scene.reading.date(at)))
    };
    Cell::Terms(scene.comparisons.iter().map(term).collect())
}

/// What the head says besides.
fn lines(scene: &Scene, limit: Timestamp, tally: &Tally) -> Vec<(&'static str, Cell)> {
    match scene.name {
        ReportName::Stale => vec![
            ("not_signed_in_since", Cell::Day(limit)),
            ("exceptions", Cell::count(tally.exceptions)),
            ("never_signed_in", Cell::count(tally.never)),
        ],
        ReportName::NeverSignedIn => {
            let mut lines = vec![("exceptions", Cell::count(tally.exceptions))];
            lines.extend(scene.before.map(|at| ("made_before", Cell::Day(at))));
            lines
        }
        ReportName::Access | ReportName::Privileged => vec![("can_sign_in", Cell::count(tally.able))],
        ReportName::Limited
        | ReportName::Orphans
        | ReportName::Exceptions
        | ReportName::Departed
        | ReportName::Expiring
        | ReportName::Runs => Vec::new(),
    }
}

/// The longest that any rule lets an account be idle.
fn longest_limit(policy: &Policy) -> SignedDuration {
    policy.lifecycle.rules.iter().filter_map(|rule| rule.inactive_after).max().unwrap_or(USUAL)
}

fn is_in(scene: &Scene, person: &Person, limit: Timestamp) -> bool {
    match scene.name {
        ReportName::Access => true,
        ReportName::Stale => is_quiet(person, limit, scene.before.is_some()),
        ReportName::NeverSignedIn => {
            let created = person.known.account.created_at;
            person.known.evidence.is_empty() && scene.before.is_none_or(|before| created < before)
        }
        ReportName::Privileged => scene.is_privileged(&person.known),
        ReportName::Limited => person.known.limited,
        ReportName::Orphans => person.is_orphan(),
        ReportName::Exceptions => person.verdict.exception.is_some(),
        ReportName::Departed | ReportName::Expiring | ReportName::Runs => false,
    }
}

/// Whether the person has not signed in since `limit`. Asked for by day, that is meant to the letter, and who never
/// signed in is one of them; unasked, nobody is quiet who could not have signed in for that long.
fn is_quiet(person: &Person, limit: Timestamp, is_asked: bool) -> bool {
    let seen = person.seen.map(|seen| seen.at);
    let is_unseen = seen.is_none_or(|at| at < limit);
    is_unseen && (is_asked || idle_since(&person.known.account, seen).since < limit)
}

/// Where a person stands. In `stale` the exceptions come first: those that somebody must look at before all others.
fn rank(scene: &Scene, person: &Person) -> Rank {
    let account = &person.known.account;
    let name = sort_key(&account.display_name);
    let (group, at) = match scene.name {
        ReportName::Stale => (urgency(person), person.seen_at().as_microsecond()),
        ReportName::NeverSignedIn => (urgency(person), account.created_at.as_microsecond()),
        ReportName::Exceptions => (urgency(person), 0),
        ReportName::Access
        | ReportName::Privileged
        | ReportName::Limited
        | ReportName::Orphans
        | ReportName::Departed
        | ReportName::Expiring
        | ReportName::Runs => (0, 0),
    };
    Rank { group, at, name: format!("{name}\u{0}{}", sort_key(&account.user_name)).into(), id: account.id }
}

/// What failed, then where sources do not know, then what no directory knows, then the other exceptions, then the rest.
fn urgency(person: &Person) -> u8 {
    match &person.verdict.exception {
        _ if person.has_failed() => 0,
        Some(Term { id, .. }) if id == "unknown" => 1,
        _ if person.is_orphan() && person.verdict.exception.is_some() => 2,
        Some(_) => 3,
        None => 4,
    }
}
