use std::collections::BTreeSet;

use jiff::tz::TimeZone;

use super::*;
use crate::domain::account::StatusReason;
use crate::domain::evidence::{Evidence, SourceHealth};
use crate::domain::ids::DirectoryId;
use crate::domain::language::Language;
use crate::domain::lifecycle::{IdentityState, Presence};
use crate::domain::policy::EvidenceSource;
use crate::domain::sample::{self, at, days, standing};

const NOW: &str = "2025-10-07T02:00:00Z";

/// Frozen five days ago by a run, after a hundred days of silence.
struct Case {
    account: Account,
    presence: Presence,
    done: Done,
}

fn case() -> Case {
    let (now, before) = (at(NOW), standing(Status::Active, StatusReason::SignedIn, at(NOW) - days(400)));
    let mut account = sample::account(1, now - days(400));
    account.standing = standing(Status::Frozen, StatusReason::Inactive, now - days(5));
    let because = Reason::DeactivatedLongEnough { since: now };
    let done =
        Done { step: Step::Freeze, because, at: now - days(5), before, ended: Vec::new(), given: Vec::new() };
    Case { account, presence: Presence::Active, done }
}

impl Case {
    fn undo(&self, is_named: bool) -> Result<Standing, LeftAlone> {
        let now = at(NOW);
        let identities = [IdentityState {
            directory: DirectoryId::parse("entra").unwrap(),
            presence: self.presence,
            since: now - days(5),
        }];
        let nothing = BTreeSet::new();
        let facts = Facts {
            account: &self.account,
            roles: &BTreeSet::new(),
            sectors: &nothing,
            limited: false,
            identities: &identities,
            documents: &[],
            evidence: &Evidence::from([(EvidenceSource::Sso, now - days(100))]),
            sources: &[SourceHealth::own(EvidenceSource::Sso, None, now)],
            notices: &[],
            mail_configured: false,
            held: None,
            leave: None,
        };
        undo(&sample::policy(), &self.done, &facts, is_named, "operator:karin", now)
    }

    fn why(&self) -> &'static str {
        self.undo(false).unwrap_err().name()
    }
}

#[test]
fn who_was_frozen_is_active_again_as_before_and_the_time_begins_anew() {
    let back = case().undo(false).unwrap();
    assert_eq!((back.status, back.reason), (Status::Active, StatusReason::SignedIn));
    assert_eq!((back.since, back.by.as_str()), (at(NOW), "operator:karin"));
}

#[test]
fn who_changed_since_is_left_alone_unless_named() {
    let mut changed = case();
    changed.account.standing = standing(Status::Deactivated, StatusReason::Manual, at(NOW) - days(1));
    assert_eq!(changed.why(), "changed_since");
    assert_eq!(changed.undo(true).unwrap().status, Status::Active);
    // Frozen again by a later run: the same state, and yet not what this run did.
    changed.account.standing = standing(Status::Frozen, StatusReason::Inactive, at(NOW) - days(1));
    assert_eq!(changed.why(), "changed_since");
}

#[test]
fn what_is_erased_protected_as_before_or_would_be_done_again_is_left_alone() {
    let mut one = case();
    one.account.standing.status = Status::Removed;
    assert_eq!(one.undo(true).unwrap_err(), LeftAlone::Removed);
    let mut one = case();
    one.account.is_protected = true;
    assert_eq!(one.undo(true).unwrap_err(), LeftAlone::Protected);
    let mut one = case();
    one.account.standing = one.done.before.clone();
    assert_eq!(one.why(), "as_before");
    let mut one = case();
    one.account.standing = standing(Status::Deactivated, StatusReason::Departed, at(NOW) - days(5));
    one.done.step = Step::Deactivate;
    one.presence = Presence::Inactive;
    let Err(LeftAlone::StillHolds { because }) = one.undo(true) else { panic!("it was undone") };
    assert!(matches!(because, Reason::Departed { .. }));
    one.presence = Presence::Active;
    assert_eq!(one.undo(false).unwrap().status, Status::Active);
}

#[test]
fn each_reason_to_leave_alone_is_told_in_both_languages() {
    let now = at(NOW);
    let all = [
        LeftAlone::UndoneAlready,
        LeftAlone::AsBefore,
        LeftAlone::Removed,
        LeftAlone::Protected,
        LeftAlone::ChangedSince { status: Status::Active, at: now, by: "job:x".to_owned() },
        LeftAlone::StillHolds { because: Reason::Expired { until: now } },
        LeftAlone::LastAdministrator,
    ];
    for one in all {
        let told = |language| one.sentence(&Reading { language, now, zone: TimeZone::UTC });
        assert_ne!(told(Language::Sv), told(Language::En));
    }
}
