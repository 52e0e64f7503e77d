//! Random lives, day by day: whatever happens, what must never happen does not.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::domain::account::Standing;
use crate::domain::evidence::{Evidence, SourceHealth};
use crate::domain::ids::DirectoryId;
use crate::domain::policy::EvidenceSource;
use crate::domain::sample::{self, days};
use crate::domain::undo::{Done, LeftAlone, undo};

#[derive(Debug, Clone)]
enum Event {
    Days(i64),
    SignIn,
    LogStops(bool),
    MailFails(bool),
    Leave(i64),
    Directory(Presence),
    Reactivated,
    Tighten(i64),
    LatePing(i64),
    RightsHeld,
    WeekendsFree(bool),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        8 => (1_i64..45).prop_map(Event::Days),
        1 => Just(Event::SignIn),
        1 => any::<bool>().prop_map(Event::LogStops),
        1 => any::<bool>().prop_map(Event::MailFails),
        1 => (1_i64..120).prop_map(Event::Leave),
        1 => prop_oneof![Just(Presence::Active), Just(Presence::Inactive), Just(Presence::Gone)]
            .prop_map(Event::Directory),
        1 => Just(Event::Reactivated),
        1 => (5_i64..120).prop_map(Event::Tighten),
        1 => (0_i64..40).prop_map(Event::LatePing),
        1 => Just(Event::RightsHeld),
        1 => any::<bool>().prop_map(Event::WeekendsFree),
    ]
}

struct Life {
    policy: Policy,
    account: Account,
    identities: Vec<IdentityState>,
    evidence: Evidence,
    notices: Vec<Notice>,
    leave: Option<Leave>,
    held: Option<Timestamp>,
    documents: Vec<serde_json::Value>,
    log_read: Timestamp,
    log_stopped: bool,
    mail_fails: bool,
    mail_configured: bool,
    /// The day that the latest notice promised; a sign-in or a return makes it void.
    promised: Option<Timestamp>,
    now: Timestamp,
}

impl Life {
    fn new(is_protected: bool, mail_configured: bool) -> Self {
        let now = sample::at("2024-01-01T02:00:00Z");
        let mut policy = sample::policy();
        policy.lifecycle.rules[1].remove_after = Some(days(200));
        let directory = DirectoryId::parse("entra").unwrap();
        Self {
            policy,
            account: Account { is_protected, ..sample::account(1, now) },
            identities: vec![IdentityState { directory, presence: Presence::Active, since: now }],
            evidence: Evidence::new(),
            notices: Vec::new(),
            leave: None,
            held: None,
            documents: Vec::new(),
            log_read: now,
            log_stopped: false,
            mail_fails: false,
            mail_configured,
            promised: None,
            now,
        }
    }

    fn assess(&self) -> Assessment {
        self.with_facts(assess)
    }

    fn with_facts<T>(&self, ask: impl FnOnce(&Policy, &Facts<'_>, Timestamp) -> T) -> T {
        let sources = [
            SourceHealth::own(EvidenceSource::Sso, None, self.now),
            SourceHealth::own(EvidenceSource::Crm, None, self.log_read),
        ];
        let nothing = BTreeSet::new();
        let facts = Facts {
            account: &self.account,
            roles: &BTreeSet::new(),
            sectors: &nothing,
            limited: false,
            identities: &self.identities,
            documents: &self.documents,
            evidence: &self.evidence,
            sources: &sources,
            notices: &self.notices,
            mail_configured: self.mail_configured,
            held: self.held,
            leave: self.leave,
        };
        ask(&self.policy, &facts, self.now)
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::SignIn if self.account.standing.status == Status::Active => {
                self.evidence.insert(EvidenceSource::Sso, self.now);
                self.promised = None;
            }
            Event::SignIn | Event::Days(_) => {}
            Event::LogStops(stops) => self.log_stopped = *stops,
            Event::MailFails(fails) => self.mail_fails = *fails,
            Event::Leave(count) => {
                self.leave =
                    Some(Leave { from: self.now, until: self.now + days(*count), keeps_sign_in: false });
            }
            Event::Directory(presence) => {
                self.identities[0].presence = *presence;
                self.identities[0].since = self.now;
            }
            Event::Reactivated => {
                if matches!(self.account.standing.status, Status::Frozen | Status::Deactivated) {
                    self.account.standing = sample::standing(Status::Active, StatusReason::Manual, self.now);
                    self.account.activated_at = Some(self.now);
                    self.promised = None;
                }
            }
            Event::Tighten(limit) => self.policy.lifecycle.rules[1].inactive_after = Some(days(*limit)),
            Event::RightsHeld => self.held = Some(self.now),
            Event::WeekendsFree(free) => self.policy.lifecycle.no_steps_on.weekends = *free,
            Event::LatePing(age) => {
                let seen = self.now - days(*age);
                let known = self.evidence.entry(EvidenceSource::Crm).or_insert(seen);
                *known = seen.max(*known);
                self.promised = None;
            }
        }
    }

    /// One day: the night's run is assessed, checked against the rules, and carried out.
    fn night(&mut self) -> Result<(), TestCaseError> {
        self.now += days(1);
        if !self.log_stopped {
            self.log_read = self.now;
        }
        let found = self.assess();
        prop_assert_eq!(&found, &self.assess(), "the same facts give the same step");
        self.check(&found)?;
        let before = self.account.standing.clone();
        self.carry_out(&found);
        self.check_undo(&found, before)?;
        let again = self.assess();
        let is_repeat = again.step != Step::Keep && again.step == found.step && !self.mail_fails;
        prop_assert!(!is_repeat, "done twice: {:?}", again);
        Ok(())
    }

    fn check(&self, found: &Assessment) -> Result<(), TestCaseError> {
        let forced = matches!(found.because, Reason::Departed { .. } | Reason::Expired { .. });
        let is_unasked = found.step.takes_access() && !forced;
        if self.account.is_protected {
            prop_assert_eq!(found.step, Step::Keep);
        }
        let on_leave = self.leave.is_some_and(|leave| leave.from <= self.now && self.now < leave.until);
        prop_assert!(!(on_leave && is_unasked), "on leave: {:?}", found);
        if found.step == Step::TakeRights {
            prop_assert_eq!(self.account.standing.status, Status::Active);
            prop_assert!(self.held.is_some() && !on_leave);
        }
        let zone = crate::domain::days::zone_of(&self.policy);
        let is_free = self.policy.lifecycle.no_steps_on.ends(self.now, &zone).is_some();
        let asked = matches!(
            found.because,
            Reason::LeaveBegan { .. } | Reason::LeaveEnded { .. } | Reason::ActiveAgain { .. }
        );
        prop_assert!(!is_free || forced || asked || found.step == Step::Keep, "on a free day: {:?}", found);
        let is_blind = self.log_read + days(7) < self.now;
        let of_silence = matches!(
            found.because,
            Reason::Inactive { .. } | Reason::NeverSignedIn { .. } | Reason::FrozenLongEnough { .. }
        );
        prop_assert!(!(is_blind && of_silence), "unknown evidence led to {:?}", found);
        let returned = self.account.returned_at.max(self.account.activated_at);
        if let (Some(returned), Reason::Inactive { limit, .. } | Reason::NeverSignedIn { limit, .. }) =
            (returned, &found.because)
        {
            let is_notice = matches!(found.step, Step::Notify { .. });
            prop_assert!(is_notice || returned + *limit <= self.now, "freshly returned: {:?}", found);
        }
        if found.step == Step::Freeze {
            self.check_freeze(found)?;
        }
        if let Reason::FrozenLongEnough { since } = found.because {
            prop_assert!(since + days(14) <= self.now);
        }
        Ok(())
    }

    /// What was done can be undone: the account is as before, unless the ground for the step still stands.
    fn check_undo(&self, found: &Assessment, before: Standing) -> Result<(), TestCaseError> {
        if found.step.status().is_none() {
            return Ok(());
        }
        let (step, because, at) = (found.step, found.because.clone(), self.now);
        let done = Done { step, because, at, before: before.clone(), ended: Vec::new(), given: Vec::new() };
        match self.with_facts(|policy, facts, now| undo(policy, &done, facts, false, "operator:karin", now)) {
            Ok(after) => {
                prop_assert_eq!(
                    (after.status, after.reason, after.note),
                    (before.status, before.reason, before.note)
                );
            }
            Err(LeftAlone::Removed) => prop_assert_eq!(found.step, Step::Remove),
            Err(LeftAlone::StillHolds { because }) => {
                let of_silence = matches!(because, Reason::Inactive { .. } | Reason::NeverSignedIn { .. });
                prop_assert!(!of_silence, "inactivity would be done again at once: {:?}", because);
            }
            Err(other) => prop_assert!(false, "left alone: {:?}", other),
        }
        Ok(())
    }

    fn check_freeze(&self, found: &Assessment) -> Result<(), TestCaseError> {
        prop_assert!(self.promised.is_none_or(|day| day <= self.now), "a promised day came earlier");
        let idle = found.idle.unwrap().since;
        if !self.mail_configured {
            return Ok(());
        }
        for lead in [14, 7, 1].map(days) {
            let had_its_time = |notice: &Notice| {
                notice.lead == lead && notice.sent_at >= idle && notice.sent_at + lead <= self.now
            };
            prop_assert!(self.notices.iter().any(had_its_time), "frozen without the notice {lead:?} before");
        }
        Ok(())
    }

    fn carry_out(&mut self, found: &Assessment) {
        if let (Step::Notify { lead, not_before }, false) = (found.step, self.mail_fails) {
            self.notices.push(Notice { lead, sent_at: self.now });
            self.promised = self.promised.max(Some(not_before.max(self.now + lead)));
        }
        if found.step == Step::TakeRights {
            self.held = None;
        }
        let Some(status) = found.step.status() else { return };
        let reason = found.because.status_reason(self.account.standing.reason);
        match found.because {
            Reason::LeaveBegan { until } => self.account.leave_until = Some(until),
            Reason::LeaveEnded { .. } => {
                self.account.returned_at = Some(self.now);
                self.promised = None;
            }
            Reason::ActiveAgain { .. } => {
                self.account.activated_at = Some(self.now);
                self.promised = None;
            }
            Reason::Kept { .. }
            | Reason::Inactive { .. }
            | Reason::NeverSignedIn { .. }
            | Reason::Departed { .. }
            | Reason::Expired { .. }
            | Reason::FrozenLongEnough { .. }
            | Reason::DeactivatedLongEnough { .. }
            | Reason::NoLongerGiven { .. } => {}
        }
        self.account.standing = sample::standing(status, reason, self.now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_life_loses_access_by_accident(
        is_protected in proptest::bool::weighted(0.1), mail in proptest::bool::weighted(0.7), events in vec(event(), 1..25),
    ) {
        let mut life = Life::new(is_protected, mail);
        for event in &events {
            life.happens(event);
            let nights = if let Event::Days(count) = event { *count } else { 1 };
            for _ in 0..nights {
                life.night()?;
            }
        }
        prop_assert!(!is_protected || life.account.standing.status == Status::Active);
    }

    #[test]
    fn whoever_stays_away_for_good_is_deactivated_in_the_end(mail in any::<bool>(), first in 0_i64..60) {
        let mut life = Life::new(false, mail);
        life.happens(&Event::LatePing(0));
        for _ in 0..first + 90 + 14 + 14 + 5 {
            life.night()?;
        }
        prop_assert_eq!(life.account.standing.status, Status::Deactivated);
        prop_assert_eq!(life.account.standing.reason, StatusReason::Inactive);
        let frozen_after: SignedDuration = life.account.standing.since.duration_since(life.account.created_at);
        prop_assert!(frozen_after >= days(104));
    }
}
