//! What the lifecycle says of an account in a report: an exception, a next step, and why.
//!
//! Invariant: the very assessment that a plan makes. Of a past moment only that is told which its history keeps.

use jiff::Timestamp;

use super::super::lifecycle::facts::{Known, Moment};
use super::field::Field;
use super::person::Person;
use super::scene::Scene;
use super::{Cell, ReportName, Term};
use crate::domain::account::{AccountKind, Status, StatusReason};
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::lifecycle::{Assessment, Exempt, Reason, Step, assess};

/// What the lifecycle says of an account.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// What it says of it now; nothing for a past moment: how fresh the sources were then is not kept.
    assessment: Option<Assessment>,
    /// Why the account stays although others would not.
    pub(super) exception: Option<Term>,
}

impl Verdict {
    /// Judges an account, where the report asks for it.
    pub(super) fn of(scene: &Scene, known: &Known) -> Self {
        if matches!(scene.name, ReportName::Access | ReportName::Privileged | ReportName::Limited) {
            return Self::default();
        }
        let assessment = match scene.moment {
            Moment::Now(now) => Some(assess(scene.policy(), &known.facts(&scene.around), now)),
            Moment::Past(_) => None,
        };
        let exception = exception(scene, known, assessment.as_ref());
        Self { assessment, exception }
    }

    /// What a column says of it.
    pub(super) fn cell(&self, scene: &Scene, person: &Person, field: Field) -> Cell {
        let known = &person.known;
        match field {
            Field::Exception => self.exception.clone().map_or(Cell::Nothing, Cell::Term),
            Field::NextStep => self.next_step(scene),
            Field::NextOn => Cell::day(self.due(scene)),
            Field::Reason => self
                .assessment
                .as_ref()
                .map_or(Cell::Nothing, |found| Cell::Term(Term::plain(found.because.name()))),
            Field::Notices => {
                // One notice may stand for several deadlines that fall on the same day.
                let mut days: Vec<Timestamp> = known.notices.iter().map(|notice| notice.sent_at).collect();
                days.dedup();
                let term = |at: Timestamp| Term::new(&at, scene.reading.date(at));
                Cell::Terms(days.into_iter().map(term).collect())
            }
            Field::ExemptBy => Cell::text(known.leave.as_ref().map(|leave| leave.approver.as_str())),
            Field::ExemptUntil => Cell::day(self.exempt_until(known)),
            Field::Why => self.why(scene, person),
            _ => Cell::Nothing,
        }
    }

    fn why(&self, scene: &Scene, person: &Person) -> Cell {
        let known = &person.known;
        match scene.name {
            ReportName::Access => scene.origins(known, |_| true),
            ReportName::Limited => {
                scene.origins(known, |g| matches!(g.kind, GrantKind::Limited | GrantKind::ItemRestricted))
            }
            ReportName::Privileged => scene.origins(known, |grant| opens_administration(scene, grant)),
            _ => match &self.assessment {
                Some(assessment) => Cell::Text(assessment.because.sentence(&scene.reading)),
                None => Cell::Text(scene.words().quiet(person.seen.map(|seen| scene.reading.date(seen.at)))),
            },
        }
    }

    fn next_step(&self, scene: &Scene) -> Cell {
        match self.assessment.as_ref().map(|found| found.step) {
            None | Some(Step::Keep) => Cell::Nothing,
            Some(step) => Cell::Term(Term::new(&step.name(), step.sentence(&scene.reading))),
        }
    }

    /// When the next step comes, at the earliest.
    fn due(&self, scene: &Scene) -> Option<Timestamp> {
        match &self.assessment.as_ref()?.because {
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
        }
    }

    fn exempt_until(&self, known: &Known) -> Option<Timestamp> {
        match self.assessment.as_ref().and_then(Assessment::exempt) {
            Some(Exempt::OnLeave { until }) => *until,
            Some(Exempt::NotYetValid { from }) => Some(*from),
            _ => known.leave.as_ref().map(|leave| leave.until),
        }
    }
}

/// Whether a grant is of a role that opens administration.
fn opens_administration(scene: &Scene, grant: &Grant) -> bool {
    let GrantKind::Role(id) = &grant.kind else { return false };
    scene.policy().roles.get(id).is_some_and(|role| scene.policy().is_administrator_role(role))
}

/// Why an account stays although it is quiet.
fn exception(scene: &Scene, known: &Known, assessment: Option<&Assessment>) -> Option<Term> {
    let account = &known.account;
    let term = |exempt: &Exempt| Some(Term::new(&exempt.name(), exempt.sentence(&scene.reading)));
    let known_then = || match account {
        account if account.is_protected => term(&Exempt::Protected),
        account if account.kind == AccountKind::BreakGlass => term(&Exempt::BreakGlass),
        account if account.standing.status == Status::Paused => {
            term(&Exempt::OnLeave { until: known.leave.as_ref().map(|leave| leave.until) })
        }
        _ if decided_by_person(known) => term(&Exempt::DecidedByPerson),
        _ => None,
    };
    let told = match assessment.map(Assessment::exempt) {
        Some(Some(
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
        )) => term(exempt),
        Some(
            Some(
                Exempt::Removed
                | Exempt::Deactivated
                | Exempt::InUse { .. }
                | Exempt::Told { .. }
                | Exempt::CalmDay { .. }
                | Exempt::Frozen { .. },
            )
            | None,
        ) => None,
        // Of the past is known what the history keeps.
        None => known_then(),
    };
    told.or_else(|| machine(scene, known))
}

/// A machine is no person who could sign in.
fn machine(scene: &Scene, known: &Known) -> Option<Term> {
    let kind = known.account.kind;
    (kind == AccountKind::Service).then(|| Term::new(&kind, scene.words().kind(kind)))
}

fn decided_by_person(known: &Known) -> bool {
    let standing = &known.account.standing;
    standing.status == Status::Frozen
        && matches!(standing.reason, StatusReason::Manual | StatusReason::Review)
}
