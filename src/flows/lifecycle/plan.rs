//! Makes plans: every account is assessed, the whole is checked against the safety limits, and kept under its hash.
//!
//! Invariant: making a plan changes no account.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Act, Compiled, Ports, Refusal, entitle};
use super::facts::{self, Known, Moment, PAGE, Surroundings};
use super::weigh;
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::domain::ids::AccountId;
use crate::domain::lifecycle::{Assessment, Exempt, Reason, assess};
use crate::domain::plan::{Plan, PlanState, PlannedStep};
use crate::domain::policy::Policy;
use crate::store::plan::{StoredPlan, StoredStep};
use crate::store::{Conn, StoreError, account, plan as table};

/// So many exceptions are listed by name; the counts hold all of them.
const LISTED: usize = 1000;

/// An account that a plan leaves alone for a reason of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// The account.
    pub account: AccountId,
    /// Why.
    pub because: Reason,
}

/// A plan as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// SHA-256 of its substance, hexadecimal.
    pub hash: String,
    /// How far it has come.
    pub state: PlanState,
    /// What it would do.
    pub plan: Plan,
    /// Who is protected, on leave or decided upon by a person, at most 1,000 of them.
    pub exceptions: Vec<Exception>,
    /// Who released it, as [`Actor`](crate::domain::actor::Actor) writes itself.
    pub released_by: Option<String>,
    /// Why it was released.
    pub release_reason: Option<String>,
}

/// Makes a plan of what a run would do now, and keeps it.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first policy; [`Refusal::Store`] when the database cannot be reached.
pub async fn plan(ports: &Ports, act: &Act) -> Result<Proposal, Refusal> {
    entitle::forget_resolved(ports, act).await?;
    make(ports, act, |around| around).await
}

/// The same without the rights that wait for a release.
pub(super) async fn besides_rights(ports: &Ports, act: &Act) -> Result<Proposal, Refusal> {
    make(ports, act, Surroundings::without_held).await
}

async fn make(ports: &Ports, act: &Act, seen: fn(Surroundings) -> Surroundings) -> Result<Proposal, Refusal> {
    // One moment for the whole plan, however long the reading takes.
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let around = seen(facts::surroundings(&mut c, &ports.settings, &compiled.policy, act.now).await?);
    let (plan, exceptions) = draft(&mut c, act, &compiled, &around).await?;
    drop(c);
    let (stored, steps) = write_down(&plan, &exceptions)?;
    let hash = stored.hash.clone();
    let act = act.clone();
    let kept = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                table::save(c, &stored, &steps).await?;
                let kept = table::get(c, &stored.hash).await?;
                let after = json!({ "steps": steps.len(), "state": stored.state });
                act.record(c, "plan_made", Subject::new("plan", &stored.hash), None, Some(after)).await?;
                Ok::<_, Refusal>(kept)
            })
        })
        .await?;
    // The steps are at hand; only what the plan has become since an earlier making is read.
    let mut proposal = read_back(kept.ok_or_else(|| Refusal::not_found("plan", hash))?, Vec::new())?;
    proposal.plan.steps = plan.steps;
    Ok(proposal)
}

async fn draft(
    c: &mut Conn,
    act: &Act,
    compiled: &Compiled,
    around: &Surroundings,
) -> Result<(Plan, Vec<Exception>), Refusal> {
    let mut plan = Plan::new(act.now, compiled.number, around.sources.clone());
    let mut exceptions = Vec::new();
    let mut after = None;
    loop {
        let accounts = account::page(c, after, PAGE).await?;
        let Some(last) = accounts.last() else { break };
        after = Some(last.id);
        let (page, unreadable) = readable(c, &compiled.policy, around, accounts, act.now).await?;
        for exception in unreadable {
            *plan.kept.entry(exception.because.name().to_owned()).or_default() += 1;
            exceptions.push(exception);
        }
        for known in page {
            let facts = known.facts(around);
            let assessment = assess(&compiled.policy, &facts, act.now);
            if is_exception(&assessment) && exceptions.len() < LISTED {
                exceptions.push(Exception { account: known.account.id, because: assessment.because.clone() });
            }
            plan.add(&facts, assessment);
        }
    }
    let stops = weigh::stops(c, &compiled.policy, &plan.steps, act.now).await?;
    plan.seal(stops);
    Ok((plan, exceptions))
}

/// What is known about a page of accounts. One that cannot be read keeps nobody else from being assessed.
async fn readable(
    c: &mut Conn,
    policy: &Policy,
    around: &Surroundings,
    accounts: Vec<Account>,
    now: Timestamp,
) -> Result<(Vec<Known>, Vec<Exception>), Refusal> {
    match facts::page(c, policy, around, accounts.clone(), Moment::Now(now)).await {
        Err(Refusal::Store(StoreError::Corrupt { .. })) => {}
        other => return other.map(|page| (page, Vec::new())),
    }
    let (mut page, mut unreadable) = (Vec::with_capacity(accounts.len()), Vec::new());
    for account in accounts {
        let id = account.id;
        match facts::one(c, policy, around, account, now).await {
            Ok(known) => page.extend(known),
            Err(Refusal::Store(error @ StoreError::Corrupt { .. })) => {
                tracing::error!(account.id = %id, %error, "account {id} is left alone: {error}");
                let exempt = Exempt::NeedsAttention { said: error.to_string() };
                unreadable.push(Exception { account: id, because: Reason::Kept { exempt } });
            }
            Err(other) => return Err(other),
        }
    }
    Ok((page, unreadable))
}

/// Whether somebody reading the plan would ask why this account is not in it.
fn is_exception(assessment: &Assessment) -> bool {
    match assessment.exempt() {
        Some(
            Exempt::Protected
            | Exempt::BreakGlass
            | Exempt::OnLeave { .. }
            | Exempt::NotYetValid { .. }
            | Exempt::SeenSince { .. }
            | Exempt::NeedsAttention { .. }
            | Exempt::DecidedByPerson,
        ) => true,
        Some(
            Exempt::Removed
            | Exempt::Deactivated
            | Exempt::NoRule
            | Exempt::NoLimit
            | Exempt::Unknown { .. }
            | Exempt::InUse { .. }
            | Exempt::Told { .. }
            | Exempt::Frozen { .. }
            | Exempt::CalmDay { .. },
        )
        | None => false,
    }
}

fn write_down(plan: &Plan, exceptions: &[Exception]) -> Result<(StoredPlan, Vec<StoredStep>), Refusal> {
    let state = if plan.is_stopped() { PlanState::Waiting } else { PlanState::Proposed };
    let head = Plan { steps: Vec::new(), ..plan.clone() };
    let mut document = as_json(&head)?;
    if let Some(fields) = document.as_object_mut() {
        fields.insert("exceptions".to_owned(), as_json(&exceptions)?);
    }
    let stored = StoredPlan {
        hash: plan.hash(),
        created_at: plan.created_at,
        policy_version: plan.policy_version,
        state: state.name().to_owned(),
        document,
        released_by: None,
        release_reason: None,
    };
    let steps = (0_i64..).zip(&plan.steps).map(|(position, step)| {
        Ok(StoredStep {
            position,
            account: step.account,
            document: as_json(step)?,
            state: "planned".to_owned(),
            outcome: None,
        })
    });
    Ok((stored, steps.collect::<Result<_, Refusal>>()?))
}

pub(super) fn as_json(value: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value)
        .map_err(|error| Refusal::Store(StoreError::corrupt("plan", "new", format!("not written: {error}"))))
}

/// A plan by its hash, or by the first characters of it where only one plan begins so.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is none.
pub async fn find(ports: &Ports, hash: &str) -> Result<Proposal, Refusal> {
    if hash.is_empty() || !hash.chars().all(|c| c.is_ascii_digit() || matches!(c, 'a'..='f')) {
        return Err(Refusal::not_found("plan", hash));
    }
    let mut c = ports.db.read().await?;
    let stored = table::get(&mut c, hash).await?.ok_or_else(|| Refusal::not_found("plan", hash))?;
    let steps = table::steps(&mut c, &stored.hash).await?;
    read_back(stored, steps)
}

/// The plans that were made last, with their steps: one, or two where rights that wait were left out of the second.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached or a plan cannot be read.
pub async fn latest(ports: &Ports) -> Result<Vec<Proposal>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let mut found = Vec::new();
    for stored in table::latest(&mut c).await? {
        let steps = table::steps(&mut c, &stored.hash).await?;
        found.push(read_back(stored, steps)?);
    }
    Ok(found)
}

fn read_back(mut stored: StoredPlan, steps: Vec<StoredStep>) -> Result<Proposal, Refusal> {
    let corrupt = |reason: String| Refusal::Store(StoreError::corrupt("plan", &stored.hash, reason));
    let exceptions = match stored.document.as_object_mut().and_then(|fields| fields.remove("exceptions")) {
        Some(value) => serde_json::from_value(value).map_err(|error| corrupt(error.to_string()))?,
        None => Vec::new(),
    };
    let state = PlanState::from_name(&stored.state)
        .ok_or_else(|| corrupt(format!("unknown state {:?}", stored.state)))?;
    let mut plan: Plan =
        serde_json::from_value(stored.document.take()).map_err(|error| corrupt(error.to_string()))?;
    plan.steps = steps.into_iter().map(planned).collect::<Result<_, _>>()?;
    Ok(Proposal {
        state,
        plan,
        exceptions,
        released_by: stored.released_by,
        release_reason: stored.release_reason,
        hash: stored.hash,
    })
}

/// A step as the domain wrote it.
pub(super) fn planned(step: StoredStep) -> Result<PlannedStep, Refusal> {
    serde_json::from_value(step.document)
        .map_err(|error| Refusal::Store(StoreError::corrupt("plan_step", step.position, error)))
}
