//! Releases a plan that the safety limits stopped, or turns it down.
//!
//! Invariant: by a named person, with a reason, and for exactly the list under that hash.

use serde_json::json;

use super::super::{Act, Ports, Refusal};
use super::plan::{Proposal, find};
use crate::domain::actor::Subject;
use crate::domain::plan::PlanState;
use crate::store::plan as table;

/// Releases the plan `hash`, so that the next run may carry it out. Nothing is done yet.
///
/// # Errors
///
/// [`Refusal::Invalid`] without a reason; [`Refusal::NotFound`] when there is no such plan; [`Refusal::Conflict`] when
/// it does not wait.
pub async fn release(ports: &Ports, act: &Act, hash: &str, reason: &str) -> Result<Proposal, Refusal> {
    let (proposal, reason) =
        stopped(ports, hash, reason, "say why the plan may be carried out although it stopped").await?;
    let (act, hash, steps) = (act.clone(), proposal.hash.clone(), proposal.plan.steps.len());
    let is_released = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                if !table::release(c, &hash, &act.actor.to_string(), &reason, act.now).await? {
                    return Ok(false);
                }
                let before = json!({ "state": PlanState::Waiting });
                let after = json!({ "state": PlanState::Released, "reason": reason, "steps": steps });
                act.record(c, "plan_released", Subject::new("plan", &hash), Some(before), Some(after))
                    .await?;
                Ok::<_, Refusal>(true)
            })
        })
        .await?;
    decided(ports, &proposal, is_released).await
}

/// Turns the plan `hash` down: nothing of it is done. The next run makes a plan of what holds then.
///
/// # Errors
///
/// As [`release`].
pub async fn refuse(ports: &Ports, act: &Act, hash: &str, reason: &str) -> Result<Proposal, Refusal> {
    let (proposal, reason) =
        stopped(ports, hash, reason, "say why the plan is not to be carried out").await?;
    let (act, hash, steps) = (act.clone(), proposal.hash.clone(), proposal.plan.steps.len());
    let is_refused = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                if !table::refuse(c, &hash).await? {
                    return Ok(false);
                }
                let before = json!({ "state": PlanState::Waiting });
                let after = json!({ "state": PlanState::Refused, "reason": reason, "steps": steps });
                act.record(c, "plan_refused", Subject::new("plan", &hash), Some(before), Some(after)).await?;
                Ok::<_, Refusal>(true)
            })
        })
        .await?;
    decided(ports, &proposal, is_refused).await
}

/// The plan, which waits, and the reason, which is given.
async fn stopped(
    ports: &Ports,
    hash: &str,
    reason: &str,
    missing: &str,
) -> Result<(Proposal, String), Refusal> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Refusal::invalid("reason", missing));
    }
    let proposal = find(ports, hash).await?;
    if proposal.state != PlanState::Waiting {
        return Err(Refusal::Conflict(format!(
            "the plan {} does not wait for release; it is {}",
            proposal.hash, proposal.state
        )));
    }
    Ok((proposal, reason))
}

async fn decided(ports: &Ports, proposal: &Proposal, is_decided: bool) -> Result<Proposal, Refusal> {
    if !is_decided {
        return Err(Refusal::Conflict(format!(
            "the plan {} does not wait for release any more",
            proposal.hash
        )));
    }
    find(ports, &proposal.hash).await
}
