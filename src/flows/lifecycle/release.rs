//! Releases a plan that the safety limits stopped.
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
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(Refusal::invalid("reason", "say why the plan may be carried out although it stopped"));
    }
    let proposal = find(ports, hash).await?;
    if proposal.state != PlanState::Waiting {
        return Err(Refusal::Conflict(format!(
            "the plan {} does not wait for release; it is {}",
            proposal.hash, proposal.state
        )));
    }
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
    if !is_released {
        return Err(Refusal::Conflict(format!(
            "the plan {} does not wait for release any more",
            proposal.hash
        )));
    }
    find(ports, &proposal.hash).await
}
