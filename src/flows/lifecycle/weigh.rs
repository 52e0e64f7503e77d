//! Weighs a plan as a whole: what stops its steps, all together.
//!
//! Invariant: whoever loses rights counts like whoever loses access, but leaves empty only what they lose.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::{Refusal, entitle, guard};
use crate::domain::ids::AccountId;
use crate::domain::lifecycle::Step;
use crate::domain::plan::PlannedStep;
use crate::domain::policy::Policy;
use crate::domain::safety::SafetyStop;
use crate::store::Conn;

/// What stops these steps now; empty: nothing does.
pub(super) async fn stops(
    c: &mut Conn,
    policy: &Policy,
    steps: &[PlannedStep],
    now: Timestamp,
) -> Result<Vec<SafetyStop>, Refusal> {
    let of = |wanted: fn(Step) -> bool| -> BTreeSet<AccountId> {
        steps.iter().filter(|step| wanted(step.step)).map(|step| step.account).collect()
    };
    let falls = of(|step| step.takes_access() && step != Step::TakeRights);
    let losers: Vec<AccountId> = of(|step| step == Step::TakeRights).into_iter().collect();
    let mut reasons = guard::stops_besides(c, policy, &falls, losers.len(), now).await?;
    for stop in entitle::stops(c, policy, &losers, &falls, now).await? {
        if !reasons.contains(&stop) {
            reasons.push(stop);
        }
    }
    Ok(reasons)
}
