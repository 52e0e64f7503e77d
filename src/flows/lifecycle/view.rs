//! Shows a plan to people: names, sentences and dates instead of ids and instants.
//!
//! Invariant: shows the plan as it is kept; whatever came of its steps stands beside them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::super::{Compiled, Ports, Refusal, clock_watch, entitle};
use super::observe;
use super::plan::Proposal;
use super::step::Skipped;
use crate::domain::account::Account;
use crate::domain::days::Reading;
use crate::domain::evidence::LastSeen;
use crate::domain::grant::GrantKind;
use crate::domain::ids::{AccountId, RuleId};
use crate::domain::language::Language;
use crate::domain::lifecycle::Step;
use crate::domain::plan::{PlanState, PlannedStep};
use crate::domain::policy::EvidenceSource;
use crate::store::plan::StoredStep;
use crate::store::{Conn, account, entitlement, plan as table};

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
    let mut steps = Vec::with_capacity(plan.steps.len());
    let stored = table::steps(&mut c, &proposal.hash).await?;
    for (planned, stored) in plan.steps.iter().zip(stored) {
        steps.push(step(&mut c, &compiled, &reading, planned, stored).await?);
    }
    let mut exceptions = Vec::with_capacity(proposal.exceptions.len());
    for exception in &proposal.exceptions {
        let account = account::get(&mut c, exception.account).await?;
        let (user_name, display_name) = names(account);
        exceptions.push(ExceptionView {
            account: exception.account,
            user_name,
            display_name,
            reason: exception.because.name(),
            why: exception.because.sentence(&reading),
        });
    }
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

fn names(account: Option<Account>) -> (String, String) {
    account.map(|account| (account.user_name, account.display_name)).unwrap_or_default()
}

async fn step(
    c: &mut Conn,
    compiled: &Compiled,
    reading: &Reading,
    planned: &PlannedStep,
    stored: StoredStep,
) -> Result<StepView, Refusal> {
    let (user_name, display_name) = names(account::get(c, planned.account).await?);
    let seen = planned.evidence.iter().max_by_key(|(_, at)| **at);
    let seen = seen.map(|(source, at)| LastSeen { source: *source, at: *at });
    let skipped = stored.outcome.as_deref().and_then(|text| serde_json::from_str::<Skipped>(text).ok());
    Ok(StepView {
        account: planned.account,
        user_name,
        display_name,
        step: planned.step.name(),
        what: planned.step.sentence(reading),
        rule: planned.rule.clone(),
        reason: planned.because.name(),
        why: planned.because.sentence(reading),
        last_seen: seen.map(|seen| seen.at),
        last_seen_source: seen.map(|seen| seen.source),
        takes: taken_by(c, compiled, planned, reading.now).await?,
        state: stored.state,
        outcome: skipped.map(|why| why.sentence(&compiled.policy, reading)),
    })
}

/// The roles and sectors that a step takes away.
async fn taken_by(
    c: &mut Conn,
    compiled: &Compiled,
    planned: &PlannedStep,
    now: Timestamp,
) -> Result<Vec<String>, Refusal> {
    if planned.step == Step::TakeRights {
        let lost = entitle::losses(c, &compiled.policy, &[planned.account], now).await?;
        return Ok(lost.into_values().flatten().map(|kind| kind.value().to_owned()).collect());
    }
    if planned.step.takes_access() { takes(c, planned.account).await } else { Ok(Vec::new()) }
}

/// The roles and sectors that an account holds.
async fn takes(c: &mut Conn, id: AccountId) -> Result<Vec<String>, Refusal> {
    let held = entitlement::held(c, id).await?;
    let mut names: Vec<String> = held
        .iter()
        .filter(|grant| matches!(grant.kind, GrantKind::Role(_) | GrantKind::Sector(_)))
        .map(|grant| grant.kind.value().to_owned())
        .collect();
    names.sort();
    names.dedup();
    Ok(names)
}
