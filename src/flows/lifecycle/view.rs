//! Shows a plan to people: names, sentences and dates instead of ids and instants.
//!
//! Invariant: shows the plan as it is kept; whatever came of its steps stands beside them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::super::{Compiled, Ports, Refusal, clock_watch, entitle};
use super::observe;
use super::plan::Proposal;
use super::step::Skipped;
use crate::domain::days::Reading;
use crate::domain::evidence::LastSeen;
use crate::domain::grant::GrantKind;
use crate::domain::ids::{AccountId, RuleId};
use crate::domain::language::Language;
use crate::domain::lifecycle::Step;
use crate::domain::plan::{Plan, PlanState, PlannedStep};
use crate::domain::policy::EvidenceSource;
use crate::store::plan::StoredStep;
use crate::store::{Conn, account, entitlement, plan as table};

/// So many accounts are read at once.
const AT_ONCE: usize = 1000;

/// A plan, as people read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanView {
    /// SHA-256 of its substance, hexadecimal.
    pub hash: String,
    /// How far it has come.
    pub state: PlanState,
    /// When it was made.
    pub created_at: Timestamp,
    /// By which version of the policy.
    pub policy_version: i64,
    /// The steps, by account.
    pub steps: Vec<StepView>,
    /// How many accounts are left alone, by reason.
    pub kept: BTreeMap<String, u64>,
    /// Who is left alone for a reason of their own.
    pub exceptions: Vec<ExceptionView>,
    /// The sources that did not know, a sentence each with how many accounts that covers.
    pub unknown: Vec<String>,
    /// Sources that rules name but nobody configured.
    pub ignored: Vec<EvidenceSource>,
    /// Why nothing is done now whatever the plan says: it is only observed, the clock has jumped. A sentence each.
    pub notes: Vec<String>,
    /// Why it waits for release, a sentence each.
    pub stops: Vec<String>,
    /// Who released it.
    pub released_by: Option<String>,
    /// Why it was released.
    pub release_reason: Option<String>,
}

/// A step, as people read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepView {
    /// The account.
    pub account: AccountId,
    /// Its sign-in name.
    pub user_name: String,
    /// The person's name.
    pub display_name: String,
    /// The stable name of the step.
    pub step: &'static str,
    /// What happens.
    pub what: String,
    /// The rule that decided.
    pub rule: Option<RuleId>,
    /// The stable name of the reason.
    pub reason: &'static str,
    /// Why.
    pub why: String,
    /// When the person was last seen, by any source.
    pub last_seen: Option<Timestamp>,
    /// Which source that was.
    pub last_seen_source: Option<EvidenceSource>,
    /// The roles and sectors that the step would take away.
    pub takes: Vec<String>,
    /// `planned`, `applied` or `skipped`.
    pub state: String,
    /// Why it was skipped.
    pub outcome: Option<String>,
}

/// Somebody who is left alone, as people read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExceptionView {
    /// The account.
    pub account: AccountId,
    /// Its sign-in name.
    pub user_name: String,
    /// The person's name.
    pub display_name: String,
    /// The stable name of the reason.
    pub reason: &'static str,
    /// Why.
    pub why: String,
}

/// Shows a plan in `language`.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn view(ports: &Ports, proposal: &Proposal, language: Language) -> Result<PlanView, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let reading = Reading::of(&compiled.policy, language, proposal.plan.created_at);
    let plan = &proposal.plan;
    let stored = table::steps(&mut c, &proposal.hash).await?;
    let whom = plan.steps.iter().map(|step| step.account);
    let names = names(&mut c, whom.chain(proposal.exceptions.iter().map(|one| one.account))).await?;
    let takes = takes(&mut c, &compiled, plan, reading.now).await?;
    let beside = Beside { compiled: &compiled, reading: &reading, names: &names, takes: &takes };
    let steps =
        plan.steps.iter().zip(stored).map(|(planned, stored)| beside.step(planned, &stored)).collect();
    let exceptions = proposal.exceptions.iter().map(|exception| {
        let (user_name, display_name) = beside.names_of(exception.account);
        ExceptionView {
            account: exception.account,
            user_name,
            display_name,
            reason: exception.because.name(),
            why: exception.because.sentence(&reading),
        }
    });
    let exceptions = exceptions.collect();
    let now = Reading::of(&compiled.policy, language, ports.clock.now());
    let watch = observe::watch(&mut c, &compiled.policy, now.now).await?;
    let mut notes: Vec<String> = watch.sentence(&now).into_iter().collect();
    notes.extend(clock_watch::stopped(&mut c).await?.map(|jump| jump.sentence(&now)));
    let unknown = plan.unknown.iter().map(|source| {
        let covers = reading.pick(
            format!("Gäller {} konton.", source.accounts),
            format!("Covers {} accounts.", source.accounts),
        );
        format!("{} {covers}", source.unknown.sentence(&reading))
    });
    Ok(PlanView {
        hash: proposal.hash.clone(),
        state: proposal.state,
        created_at: plan.created_at,
        policy_version: plan.policy_version,
        steps,
        kept: plan.kept.clone(),
        exceptions,
        unknown: unknown.collect(),
        ignored: plan.ignored.iter().copied().collect(),
        notes,
        stops: plan.stops.iter().map(|stop| stop.sentence(&compiled.policy, &reading)).collect(),
        released_by: proposal.released_by.clone(),
        release_reason: proposal.release_reason.clone(),
    })
}

type Names = BTreeMap<AccountId, (String, String)>;

/// The sign-in names and the names of these accounts.
async fn names(c: &mut Conn, ids: impl Iterator<Item = AccountId>) -> Result<Names, Refusal> {
    let ids: Vec<AccountId> = ids.collect::<BTreeSet<_>>().into_iter().collect();
    let mut names = Names::new();
    for page in ids.chunks(AT_ONCE) {
        let accounts = account::of_ids(c, page).await?.into_iter();
        names.extend(accounts.map(|one| (one.id, (one.user_name, one.display_name))));
    }
    Ok(names)
}

/// The roles and sectors that each step of a plan takes away.
async fn takes(
    c: &mut Conn,
    compiled: &Compiled,
    plan: &Plan,
    now: Timestamp,
) -> Result<BTreeMap<AccountId, Vec<String>>, Refusal> {
    let of = |wanted: fn(Step) -> bool| -> Vec<AccountId> {
        plan.steps.iter().filter(|one| wanted(one.step)).map(|one| one.account).collect()
    };
    let mut takes = BTreeMap::new();
    for page in of(|step| step.takes_access() && step != Step::TakeRights).chunks(AT_ONCE) {
        for (id, held) in entitlement::held_by(c, page).await? {
            let kinds = held.into_iter().map(|grant| grant.kind);
            let kinds = kinds.filter(|kind| matches!(kind, GrantKind::Role(_) | GrantKind::Sector(_)));
            let names: BTreeSet<String> = kinds.map(|kind| kind.value().to_owned()).collect();
            takes.insert(id, names.into_iter().collect());
        }
    }
    let losing = of(|step| step == Step::TakeRights);
    for (id, lost) in entitle::losses(c, &compiled.policy, &losing, now).await? {
        takes.insert(id, lost.into_iter().map(|kind| kind.value().to_owned()).collect());
    }
    Ok(takes)
}

/// What the steps of a plan have in common.
struct Beside<'a> {
    compiled: &'a Compiled,
    reading: &'a Reading,
    names: &'a Names,
    takes: &'a BTreeMap<AccountId, Vec<String>>,
}

impl Beside<'_> {
    fn names_of(&self, id: AccountId) -> (String, String) {
        self.names.get(&id).cloned().unwrap_or_default()
    }

    fn step(&self, planned: &PlannedStep, stored: &StoredStep) -> StepView {
        let (user_name, display_name) = self.names_of(planned.account);
        let seen = planned.evidence.iter().max_by_key(|(_, at)| **at);
        let seen = seen.map(|(source, at)| LastSeen { source: *source, at: *at });
        let skipped = stored.outcome.as_deref().and_then(|text| serde_json::from_str::<Skipped>(text).ok());
        StepView {
            account: planned.account,
            user_name,
            display_name,
            step: planned.step.name(),
            what: planned.step.sentence(self.reading),
            rule: planned.rule.clone(),
            reason: planned.because.name(),
            why: planned.because.sentence(self.reading),
            last_seen: seen.map(|seen| seen.at),
            last_seen_source: seen.map(|seen| seen.source),
            takes: self.takes.get(&planned.account).cloned().unwrap_or_default(),
            state: stored.state.clone(),
            outcome: skipped.map(|why| why.sentence(&self.compiled.policy, self.reading)),
        }
    }
}
