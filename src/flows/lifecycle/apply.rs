//! Carries out a plan: a fresh one, or one that somebody names by its hash.
//!
//! Invariant: what the limits stop is not begun; each step is judged anew in the transaction that takes it, which few
//! others share; a run that was broken off is finished before anything new begins.

use std::sync::Arc;

use jiff::SignedDuration;

use super::super::lead::{self, Fence};
use super::super::{Act, Compiled, Ports, Refusal, clock_watch};
use super::alarm;
use super::chunk::{self, Chunk};
use super::facts;
use super::letters::{self, Post};
use super::observe;
use super::plan::{self, Proposal};
use super::run::{self, Run, RunOutcome, RunReport};
use super::step::{Skipped, Taken, Taking};
use super::told;
use super::weigh;
use crate::domain::days::Reading;
use crate::domain::lifecycle::Step;
use crate::domain::plan::{PlanState, PlannedStep};
use crate::domain::safety::SafetyStop;
use crate::store::plan::StoredStep;
use crate::store::{StoreError, plan as table};

/// The name of the job, and of its lead.
pub const JOB: &str = "lifecycle";

/// The lead is prolonged this often while steps are taken.
pub(super) const PROLONG_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// Carries out the plan `hash`, or makes a fresh one and carries that out.
///
/// A plan that the safety limits stop is kept, waits for release, and nothing is done. So is every plan while the
/// policy only observes.
///
/// # Errors
///
/// [`Refusal::Conflict`] when the clock has jumped, another run is under way or the plan was carried out already; [`Refusal::NotFound`] when
/// there is no such plan; [`Refusal::Store`] when the database cannot be reached. A run that this breaks off is
/// finished by the next.
pub async fn apply(ports: &Ports, act: &Act, hash: Option<&str>) -> Result<RunReport, Refusal> {
    if clock_watch::look(ports).await?.is_some() {
        return Err(Refusal::Conflict(
            "the clock jumped, and no step is taken; check it, then say: portvakt lifecycle clock --release --reason \"…\""
                .to_owned(),
        ));
    }
    let Some(fence) = lead::take(ports, JOB).await? else {
        return Err(Refusal::Conflict(
            "a lifecycle run is under way; try again when it has ended".to_owned(),
        ));
    };
    let result = under(ports, act, hash, &fence).await;
    let outcome = result.as_ref().map_or("failed", |report| report.outcome.name());
    lead::give_back(ports, &fence, outcome, result.is_ok()).await?;
    result
}

/// As [`apply`], for whoever has the lead.
pub(super) async fn under(
    ports: &Ports,
    act: &Act,
    hash: Option<&str>,
    fence: &Fence,
) -> Result<RunReport, Refusal> {
    finish_broken_off(ports, act, fence).await?;
    carry_out(ports, act, hash, fence).await
}

async fn carry_out(
    ports: &Ports,
    act: &Act,
    hash: Option<&str>,
    fence: &Fence,
) -> Result<RunReport, Refusal> {
    let proposal = match hash {
        None => plan::plan(ports, act).await?,
        Some(hash) => plan::find(ports, hash).await?,
    };
    if hash.is_some() && proposal.state == PlanState::Applied {
        return Err(Refusal::Conflict(format!("the plan {} was carried out already", proposal.hash)));
    }
    if hash.is_some() && proposal.state == PlanState::Refused {
        return Err(Refusal::Conflict(format!(
            "the plan {} was refused; make a new one to see what holds now",
            proposal.hash
        )));
    }
    let compiled = current(ports).await?;
    if is_observing(ports, act).await? {
        return run::idle(ports, act, &proposal.hash, RunOutcome::Observed).await;
    }
    let is_released = proposal.state == PlanState::Released;
    if !is_released {
        let stops = stops_now(ports, act, &compiled, &proposal, hash.is_some()).await?;
        if !stops.is_empty() {
            let waits = stopped(ports, act, &proposal, stops).await?;
            if hash.is_none() && proposal.plan.steps.iter().any(|one| one.step == Step::TakeRights) {
                the_rest(ports, act, fence).await?;
            }
            return Ok(waits);
        }
    }
    if proposal.plan.steps.is_empty() {
        return run::idle(ports, act, &proposal.hash, RunOutcome::NothingToDo).await;
    }
    from_the_first(ports, act, &proposal, fence).await
}

/// Rights that wait for a release keep nothing else waiting: a plan of everything but them, where nothing stops that.
async fn the_rest(ports: &Ports, act: &Act, fence: &Fence) -> Result<(), Refusal> {
    let rest = plan::besides_rights(ports, act).await?;
    if rest.plan.is_stopped() || rest.plan.steps.is_empty() {
        return Ok(());
    }
    from_the_first(ports, act, &rest, fence).await.map(drop)
}

async fn from_the_first(
    ports: &Ports,
    act: &Act,
    proposal: &Proposal,
    fence: &Fence,
) -> Result<RunReport, Refusal> {
    let begun = run::begin(ports, act, &proposal.hash).await?;
    let is_released = proposal.state == PlanState::Released;
    let taking = taking(ports, act, &begun, is_released, fence).await?;
    take_steps(ports, &taking, fence).await?;
    run::finish(ports, act, begun, ports.clock.now()).await
}

async fn is_observing(ports: &Ports, act: &Act) -> Result<bool, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    Ok(observe::watch(&mut c, &compiled.policy, act.now).await?.is_observing())
}

async fn current(ports: &Ports) -> Result<Arc<Compiled>, Refusal> {
    let mut c = ports.db.read().await?;
    ports.policies.current(&mut c).await
}

/// What stops the plan. One that was made earlier is counted again: others may have lost access since.
async fn stops_now(
    ports: &Ports,
    act: &Act,
    compiled: &Compiled,
    proposal: &Proposal,
    was_made_earlier: bool,
) -> Result<Vec<SafetyStop>, Refusal> {
    if proposal.plan.is_stopped() || !was_made_earlier {
        return Ok(proposal.plan.stops.clone());
    }
    let mut c = ports.db.snapshot().await?;
    weigh::stops(&mut c, &compiled.policy, &proposal.plan.steps, act.now).await
}

/// Notes that the plan waits. Somebody is alerted once for each plan, however often it comes back.
async fn stopped(
    ports: &Ports,
    act: &Act,
    proposal: &Proposal,
    stops: Vec<SafetyStop>,
) -> Result<RunReport, Refusal> {
    let outcome = RunOutcome::AwaitsRelease(stops);
    let (hash, name) = (proposal.hash.clone(), outcome.name());
    let known = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                table::set_state(c, &hash, PlanState::Waiting.name()).await?;
                Ok::<_, Refusal>(table::count_runs(c, &hash, name).await?)
            })
        })
        .await?;
    if known == 0
        && let RunOutcome::AwaitsRelease(stops) = &outcome
    {
        alert(ports, act, proposal, stops).await?;
        alarm::plan_stopped(ports, act, proposal, stops).await?;
    }
    run::idle(ports, act, &proposal.hash, outcome).await
}

async fn alert(ports: &Ports, act: &Act, proposal: &Proposal, stops: &[SafetyStop]) -> Result<(), Refusal> {
    let compiled = current(ports).await?;
    let reading = Reading::of(&compiled.policy, crate::domain::language::Language::En, act.now);
    let why: Vec<String> = stops.iter().map(|stop| stop.sentence(&compiled.policy, &reading)).collect();
    metrics::counter!("portvakt_plans_stopped_total").increment(1);
    tracing::error!(
        plan.hash = proposal.hash,
        steps = proposal.plan.steps.len(),
        "the lifecycle plan {} stopped by itself and nothing was done: {} Look at it and release it with: \
         portvakt lifecycle release {} --reason \"…\"",
        proposal.hash,
        why.join(" "),
        proposal.hash
    );
    Ok(())
}

/// Finishes runs that were broken off: the steps that are left, judged anew.
async fn finish_broken_off(ports: &Ports, act: &Act, fence: &Fence) -> Result<(), Refusal> {
    let mut c = ports.db.read().await?;
    let broken_off = table::unfinished(&mut c).await?;
    drop(c);
    for begun in broken_off {
        tracing::warn!(run.id = %begun.id, "the lifecycle run {} was broken off and is finished now", begun.id);
        let proposal = plan::find(ports, &begun.plan).await?;
        if !is_observing(ports, act).await? {
            let is_released = proposal.state == PlanState::Released;
            let taking = taking(ports, act, &begun, is_released, fence).await?;
            take_steps(ports, &taking, fence).await?;
        }
        run::finish(ports, act, begun, ports.clock.now()).await?;
    }
    Ok(())
}

async fn taking(
    ports: &Ports,
    act: &Act,
    begun: &Run,
    is_released: bool,
    fence: &Fence,
) -> Result<Arc<Taking>, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let around = facts::surroundings(&mut c, &ports.settings, &compiled.policy, act.now).await?;
    Ok(Arc::new(Taking {
        act: act.clone(),
        compiled,
        around,
        run: begun.id,
        hash: begun.plan.clone(),
        is_released,
        claim: fence.claim(),
    }))
}

/// Takes the steps that are left of a plan. What gives back goes first, then what takes; letters wait for a mail
/// server, and nobody's access waits for letters.
async fn take_steps(ports: &Ports, taking: &Arc<Taking>, fence: &Fence) -> Result<(), Refusal> {
    let post = Post::open(ports, &taking.compiled.policy);
    let mut c = ports.db.read().await?;
    let mut left: Vec<(i64, PlannedStep)> = Vec::new();
    for stored in table::steps(&mut c, &taking.hash).await? {
        if stored.state == "planned" {
            left.push(read(stored)?);
        }
    }
    drop(c);
    left.sort_by_key(|(position, planned)| (rank(planned.step), *position));
    let mut prolonged = ports.clock.now();
    let mut left = left.as_slice();
    while let [(_, first), ..] = left {
        if ports.clock.now().duration_since(prolonged) >= PROLONG_AFTER {
            // Whether it is lost shows in the next transaction, which asks for it.
            lead::prolong(ports, fence).await?;
            prolonged = ports.clock.now();
        }
        let alike = left.iter().take(chunk::MOST).take_while(|(_, planned)| chunk::may_share(planned.step));
        let count = if chunk::may_share(first.step) { alike.count() } else { 1 };
        let (now, later) = left.split_at(count);
        left = later;
        several(ports, taking, post.as_ref(), now).await?;
    }
    Ok(())
}

const fn rank(step: Step) -> u8 {
    match step {
        Step::Keep | Step::Pause | Step::Return => 0,
        Step::Freeze | Step::Deactivate | Step::Remove | Step::TakeRights => 1,
        Step::Notify { .. } => 2,
    }
}

/// Takes a few steps: together where that can be, else one by one.
async fn several(
    ports: &Ports,
    taking: &Arc<Taking>,
    post: Option<&Post>,
    steps: &[(i64, PlannedStep)],
) -> Result<(), Refusal> {
    if steps.len() > 1 {
        match taking.take_chunk(ports, steps.to_vec()).await {
            Ok(Chunk::Taken(taken)) => {
                for ((_, planned), taken) in steps.iter().zip(&taken) {
                    tell(ports, taking, post, taken, planned).await?;
                }
                return Ok(());
            }
            // One account that cannot be read keeps nobody else's step from being taken.
            Ok(Chunk::OneByOne) | Err(Refusal::Store(StoreError::Corrupt { .. })) => {}
            Err(other) => return Err(other),
        }
    }
    for (position, planned) in steps {
        let taken = one(ports, taking, post, *position, planned.clone()).await?;
        tell(ports, taking, post, &taken, planned).await?;
    }
    Ok(())
}

async fn tell(
    ports: &Ports,
    taking: &Arc<Taking>,
    post: Option<&Post>,
    taken: &Taken,
    planned: &PlannedStep,
) -> Result<(), Refusal> {
    if let (Taken::Done(before), Some(post)) = (taken, post) {
        told::tell(ports, taking, post, before, planned).await?;
    }
    Ok(())
}

fn read(stored: StoredStep) -> Result<(i64, PlannedStep), Refusal> {
    Ok((stored.position, plan::planned(stored)?))
}

async fn one(
    ports: &Ports,
    taking: &Arc<Taking>,
    post: Option<&Post>,
    position: i64,
    planned: PlannedStep,
) -> Result<Taken, Refusal> {
    let account = planned.account;
    let result = if matches!(planned.step, Step::Notify { .. }) {
        letters::notify(ports, taking, post, position, planned).await
    } else {
        taking.take(ports, position, planned).await
    };
    match result {
        // One account that cannot be read keeps nobody else's step from being taken.
        Err(Refusal::Store(error @ StoreError::Corrupt { .. })) => {
            tracing::error!(account.id = %account, %error, "account {account} is left alone: {error}");
            let skipped = Skipped::NeedsAttention { said: error.to_string() };
            letters::skip(ports, taking, position, skipped).await
        }
        other => other,
    }
}
