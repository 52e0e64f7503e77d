//! What a run would do, person by person with reasons, frozen under a hash.
//!
//! Invariant: the hash covers the substance and nothing else. Two plans over the same world have the same hash
//! whenever they were made and in whatever order the accounts were read; a released hash is a released list.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::evidence::{Evidence, SourceHealth, Unknown};
use super::ids::{AccountId, RuleId};
use super::lifecycle::{Assessment, Exempt, Facts, Reason, Step};
use super::named::named;
use super::policy::EvidenceSource;
use super::safety::SafetyStop;

/// One step for one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The account.
    pub account: AccountId,
    /// What is to be done.
    pub step: Step,
    /// The lifecycle rule that decided; nothing where none was needed.
    pub rule: Option<RuleId>,
    /// Why.
    pub because: Reason,
    /// When each source last saw the person, as it stood then.
    pub evidence: Evidence,
}

impl PlannedStep {
    /// Whether a fresh look at the account still asks for this step.
    #[must_use]
    pub fn still_holds(&self, fresh: &Assessment) -> bool {
        match (self.step, fresh.step) {
            (Step::Notify { lead: planned, .. }, Step::Notify { lead, .. }) => planned == lead,
            (planned, found) => planned == found,
        }
    }
}

/// How far a plan has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanState {
    /// Made; it may be carried out.
    Proposed,
    /// Stopped by the safety limits; it waits for a person's release.
    Waiting,
    /// Released by a person, for exactly this list.
    Released,
    /// Carried out.
    Applied,
    /// Turned down by a person; what a later plan asks for is put to somebody again.
    Refused,
}

named!(
    PlanState,
    Proposed = "proposed",
    Waiting = "waiting",
    Released = "released",
    Applied = "applied",
    Refused = "refused"
);

/// A source that did not know, and how many accounts were left alone because of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownSource {
    /// The source and why it does not know.
    #[serde(flatten)]
    pub unknown: Unknown,
    /// So many accounts.
    pub accounts: u64,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// When it was made.
    pub created_at: Timestamp,
    /// By which version of the policy.
    pub policy_version: i64,
    /// The steps, by account.
    pub steps: Vec<PlannedStep>,
    /// How many accounts are left alone, by the name of the [`Exempt`].
    pub kept: BTreeMap<String, u64>,
    /// The sources that did not know.
    pub unknown: Vec<UnknownSource>,
    /// Sources that rules name but nobody configured: they were ignored.
    pub ignored: BTreeSet<EvidenceSource>,
    /// The configured sources as they stood.
    pub sources: Vec<SourceHealth>,
    /// Why it waits for release; empty: it may be carried out.
    pub stops: Vec<SafetyStop>,
}

impl Plan {
    /// A plan without any account yet.
    #[must_use]
    pub const fn new(created_at: Timestamp, policy_version: i64, sources: Vec<SourceHealth>) -> Self {
        Self {
            created_at,
            policy_version,
            steps: Vec::new(),
            kept: BTreeMap::new(),
            unknown: Vec::new(),
            ignored: BTreeSet::new(),
            sources,
            stops: Vec::new(),
        }
    }

    /// Takes in what was found about one account. Accounts may come in any order, page by page.
    pub fn add(&mut self, facts: &Facts<'_>, assessment: Assessment) {
        self.ignored.extend(assessment.ignored.iter().copied());
        if let Some(exempt) = assessment.exempt() {
            *self.kept.entry(exempt.name().to_owned()).or_default() += 1;
            if let Exempt::Unknown { sources } = exempt {
                for unknown in sources {
                    self.count_unknown(unknown);
                }
            }
            return;
        }
        self.steps.push(PlannedStep {
            account: facts.account.id,
            step: assessment.step,
            rule: assessment.rule,
            because: assessment.because,
            evidence: facts.evidence.clone(),
        });
    }

    /// Ends the plan: sorts its steps and notes what stops it.
    pub fn seal(&mut self, stops: Vec<SafetyStop>) {
        self.steps.sort_by_key(|step| step.account);
        self.unknown.sort_by(|a, b| a.unknown.cmp(&b.unknown));
        self.stops = stops;
    }

    /// Whether it waits for a person's release.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        !self.stops.is_empty()
    }

    /// How many steps take access: what the safety limits count.
    #[must_use]
    pub fn taking_steps(&self) -> usize {
        self.steps.iter().filter(|step| step.step.takes_access()).count()
    }

    /// SHA-256, in hex, over policy version, accounts, steps, rules and reasons; not over times of day, evidence
    /// that changes nothing, or stops.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut steps: Vec<&PlannedStep> = self.steps.iter().collect();
        steps.sort_by_key(|step| step.account);
        let mut hasher = Sha256::new();
        feed(&mut hasher, &format!("portvakt plan 1, policy {}", self.policy_version));
        for planned in steps {
            feed(&mut hasher, &planned.account.to_string());
            feed(&mut hasher, &substance(planned.step));
            feed(&mut hasher, planned.rule.as_ref().map_or("", RuleId::as_str));
            feed(&mut hasher, &grounds(&planned.because));
        }
        hasher.finalize().iter().fold(String::with_capacity(64), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    fn count_unknown(&mut self, unknown: &Unknown) {
        match self.unknown.iter_mut().find(|known| known.unknown == *unknown) {
            Some(known) => known.accounts += 1,
            None => self.unknown.push(UnknownSource { unknown: unknown.clone(), accounts: 1 }),
        }
    }
}

/// Length first, so that no two lists of texts run together into the same bytes.
fn feed(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

fn substance(step: Step) -> String {
    match step {
        Step::Notify { lead, not_before } => {
            format!("notify {} {}", lead.as_secs(), not_before.as_microsecond())
        }
        Step::Keep
        | Step::Freeze
        | Step::Deactivate
        | Step::Remove
        | Step::Pause
        | Step::Return
        | Step::TakeRights => step.name().to_owned(),
    }
}

fn grounds(because: &Reason) -> String {
    let name = because.name();
    match because {
        Reason::Kept { .. } => name.to_owned(),
        Reason::Inactive { since, limit, .. } | Reason::NeverSignedIn { since, limit, .. } => {
            format!("{name} {} {}", since.as_microsecond(), limit.as_secs())
        }
        Reason::Departed { directory, since, .. } => format!("{name} {directory} {}", since.as_microsecond()),
        Reason::ActiveAgain { directory } => format!("{name} {directory}"),
        Reason::Expired { until: at }
        | Reason::LeaveBegan { until: at }
        | Reason::LeaveEnded { at }
        | Reason::FrozenLongEnough { since: at }
        | Reason::DeactivatedLongEnough { since: at }
        | Reason::NoLongerGiven { since: at } => format!("{name} {}", at.as_microsecond()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::ids::DirectoryId;
    use crate::domain::lifecycle::Presence;
    use crate::domain::sample::{account_id, at};

    fn step(number: u128, step: Step) -> PlannedStep {
        let because = Reason::Departed {
            directory: DirectoryId::parse("entra").unwrap(),
            presence: Presence::Inactive,
            since: at("2025-10-01T00:00:00Z"),
        };
        PlannedStep { account: account_id(number), step, rule: None, because, evidence: Evidence::new() }
    }

    fn plan(steps: Vec<PlannedStep>) -> Plan {
        Plan { steps, ..Plan::new(at("2025-10-07T00:00:00Z"), 14, Vec::new()) }
    }

    #[test]
    fn the_hash_is_the_same_on_every_machine_and_in_every_release() {
        let hash = plan(vec![step(1, Step::Deactivate), step(2, Step::Freeze)]).hash();
        assert_eq!(hash, "6e277e2b2d9a23b4bf2060fe73f829618a8074a4508ab1a9f0702511f87caa7f");
    }

    #[test]
    fn a_plan_comes_back_whole_from_json() {
        let mut plan = plan(vec![step(2, Step::Deactivate), step(1, Step::Return)]);
        plan.seal(vec![SafetyStop::NoAdministrator]);
        let text = serde_json::to_string(&plan).unwrap();
        let back: Plan = serde_json::from_str(&text).unwrap();
        assert_eq!(back, plan);
        assert_eq!(back.hash(), plan.hash());
        assert_eq!((plan.taking_steps(), plan.is_stopped()), (1, true));
    }

    proptest! {
        #[test]
        fn the_hash_follows_the_substance_and_neither_time_nor_order(
            numbers in proptest::collection::btree_set(0_u128..50, 1..12), seconds in 0_i64..1_000_000,
        ) {
            let steps: Vec<PlannedStep> = numbers.iter().map(|n| step(*n, Step::Freeze)).collect();
            let first = plan(steps.clone());
            let mut other = plan(steps.iter().rev().cloned().collect());
            other.created_at = Timestamp::from_second(seconds).unwrap();
            other.steps[0].evidence.insert(EvidenceSource::Sso, other.created_at);
            prop_assert_eq!(first.hash(), other.hash());
            let fewer = plan(steps[1..].to_vec());
            prop_assert_ne!(first.hash(), fewer.hash());
            let mut harder = first.clone();
            harder.steps[0].step = Step::Remove;
            prop_assert_ne!(first.hash(), harder.hash());
            prop_assert_ne!(first.hash(), Plan { policy_version: 15, ..first.clone() }.hash());
        }
    }
}
