//! Takes one step for one account, if it still holds.
//!
//! Invariant: facts are read again, judged and acted upon in one transaction, with what came of the step; a protected
//! account and the last administrator are safe from every plan, also from a released one.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::lead::Claim;
use super::super::{Act, Compiled, Ports, Refusal, depart, entitle, guard, people, stand};
use super::facts::{self, Known, Surroundings};
use crate::domain::account::Account;
use crate::domain::days::Reading;
use crate::domain::ids::{GrantId, RunId};
use crate::domain::lifecycle::{Assessment, Reason, Step, assess};
use crate::domain::plan::PlannedStep;
use crate::domain::policy::Policy;
use crate::domain::safety::SafetyStop;
use crate::domain::undo::Done;
use crate::store::{Conn, account, erasure, held_right, leave, plan as table, run_step};

/// Why a step was not taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "skipped", rename_all = "snake_case")]
pub(super) enum Skipped {
    /// A fresh look at the account asks for something else, or for nothing.
    NoLongerHolds {
        /// What it found.
        found: Reason,
    },
    /// The safety limits hold it.
    Held {
        /// Which.
        stops: Vec<SafetyStop>,
    },
    /// The notice could not be sent; the deadline waits for it.
    NotSent {
        /// What the mail server said.
        said: String,
    },
    /// Nobody can be told: no address, or mail comes back, and nobody else hears of it. The step waits.
    Unreachable,
    /// The account's data cannot be read: a person must look at it.
    NeedsAttention {
        /// What is wrong.
        said: String,
    },
}

impl Skipped {
    /// Why, as people read it.
    pub(super) fn sentence(&self, policy: &Policy, reading: &Reading) -> String {
        match self {
            Self::NoLongerHolds { found } => {
                let found = found.sentence(reading);
                reading.pick(format!("Gäller inte längre: {found}"), format!("No longer holds: {found}"))
            }
            Self::Held { stops } => {
                let why: Vec<String> = stops.iter().map(|stop| stop.sentence(policy, reading)).collect();
                why.join(" ")
            }
            Self::NotSent { said } => reading.pick(
                format!("Påminnelsen kunde inte skickas: {said}"),
                format!("The notice could not be sent: {said}"),
            ),
            Self::Unreachable => reading.pick(
                "Ingen kan få påminnelsen: det finns ingen adress som fungerar. Steget väntar.",
                "Nobody can be sent the notice: there is no address that works. The step waits.",
            ),
            Self::NeedsAttention { said } => reading.pick(
                format!("Någon behöver titta på det: {said}"),
                format!("Somebody needs to look: {said}"),
            ),
        }
    }
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Taken {
    /// It was taken; the account as it was before.
    Done(Box<Account>),
    /// It was not.
    Skipped(Skipped),
}

impl Taken {
    /// The state of the step, and what came of it, as the plan keeps them.
    pub(super) fn noted(&self) -> (&'static str, String) {
        match self {
            Self::Done(_) => ("applied", String::new()),
            // Writing these few fields as JSON cannot fail.
            Self::Skipped(why) => ("skipped", serde_json::to_string(why).unwrap_or_default()),
        }
    }
}

/// What all steps of a run have in common.
#[derive(Debug)]
pub(super) struct Taking {
    /// Who acts, when.
    pub(super) act: Act,
    /// By which policy.
    pub(super) compiled: Arc<Compiled>,
    /// What all accounts have in common.
    pub(super) around: Surroundings,
    /// In which run.
    pub(super) run: RunId,
    /// Of which plan.
    pub(super) hash: String,
    /// A person released exactly this plan.
    pub(super) is_released: bool,
    /// The right to run, which every write shows.
    pub(super) claim: Claim,
}

/// What a fresh look at an account says of a planned step.
pub(super) enum Judged {
    /// It still holds.
    Holds(Box<Known>, Box<Assessment>),
    /// It does not.
    Not(Skipped),
}

impl Taking {
    /// Takes the step, and notes what came of it, in one transaction.
    pub(super) async fn take(
        self: &Arc<Self>,
        ports: &Ports,
        position: i64,
        planned: PlannedStep,
    ) -> Result<Taken, Refusal> {
        let taking = Arc::clone(self);
        ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    taking.claim.hold(c).await?;
                    let taken = match taking.judge(c, &planned).await? {
                        Judged::Holds(known, fresh) => {
                            let act = taking.act.because(cause(&fresh, &taking.hash));
                            let policy = &taking.compiled.policy;
                            let ended =
                                carry_out(c, &act, policy, &known, planned.step, &fresh.because).await?;
                            taking.note_done(c, &known, &planned, &fresh, ended).await?;
                            Taken::Done(Box::new(known.account))
                        }
                        Judged::Not(why) => Taken::Skipped(why),
                    };
                    taking.note(c, position, &taken).await?;
                    Ok(taken)
                })
            })
            .await
    }

    /// Looks at the account again. Inside a write it is locked first, and counted under the guard's lock.
    pub(super) async fn judge(&self, c: &mut Conn, planned: &PlannedStep) -> Result<Judged, Refusal> {
        let id = planned.account;
        let account = account::lock(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
        let (policy, now) = (&self.compiled.policy, self.act.now);
        let known = facts::one(c, policy, &self.around, account, now).await?;
        let known = known.ok_or_else(|| Refusal::not_found("account", id))?;
        let mut facts = known.facts(&self.around);
        if planned.step == Step::TakeRights {
            // What waited when the run began may be given again by now.
            facts.held = held_right::among(c, &[id]).await?.get(&id).map(|held| held.since);
        }
        let fresh = assess(policy, &facts, now);
        if !planned.still_holds(&fresh) {
            return Ok(Judged::Not(Skipped::NoLongerHolds { found: fresh.because }));
        }
        if planned.step == Step::TakeRights {
            guard::hold(c).await?;
            let stops = entitle::stops(c, policy, &[id], &BTreeSet::new(), now).await?;
            let stops = if self.is_released { never_released(stops) } else { stops };
            return Ok(if stops.is_empty() {
                Judged::Holds(Box::new(known), Box::new(fresh))
            } else {
                Judged::Not(Skipped::Held { stops })
            });
        }
        // Leave takes nothing that does not come back, but the last administrator stays for it too.
        let pauses = planned.step == Step::Pause && !policy.leave_sign_in;
        if planned.step.takes_access() || pauses {
            people::hold_deputies(c, &[id]).await?;
            guard::hold(c).await?;
            let stops = guard::stops(c, policy, &BTreeSet::from([id]), now).await?;
            let stops = if self.is_released || pauses { never_released(stops) } else { stops };
            if !stops.is_empty() {
                return Ok(Judged::Not(Skipped::Held { stops }));
            }
        }
        Ok(Judged::Holds(Box::new(known), Box::new(fresh)))
    }

    /// Notes how the account stood before, so that the step can be undone.
    pub(super) async fn note_done(
        &self,
        c: &mut Conn,
        known: &Known,
        planned: &PlannedStep,
        fresh: &Assessment,
        (ended, given): (Vec<GrantId>, Vec<GrantId>),
    ) -> Result<(), Refusal> {
        let done = Done {
            step: planned.step,
            because: fresh.because.clone(),
            at: self.act.now,
            before: known.account.standing.clone(),
            ended,
            given,
        };
        let document = super::plan::as_json(&done)?;
        Ok(run_step::note(c, self.run, planned.account, &document).await?)
    }

    /// Notes what came of a step.
    pub(super) async fn note(&self, c: &mut Conn, position: i64, taken: &Taken) -> Result<(), Refusal> {
        let (state, outcome) = taken.noted();
        Ok(table::step_done(c, &self.hash, position, state, &outcome).await?)
    }
}

/// What no release waives: the last administrator stays.
pub(super) fn never_released(stops: Vec<SafetyStop>) -> Vec<SafetyStop> {
    stops.into_iter().filter(|stop| *stop == SafetyStop::NoAdministrator).collect()
}

/// The cause that the audit keeps: by which rule, of which plan.
pub(super) fn cause(assessment: &Assessment, hash: &str) -> String {
    match &assessment.rule {
        Some(rule) => format!("rule {rule}, plan {hash}"),
        None => format!("{}, plan {hash}", assessment.because.name()),
    }
}

/// Does what a step says. The caller holds the account's lock. Gives the grants that it ended, and
/// those that it gave instead.
pub(super) async fn carry_out(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    known: &Known,
    step: Step,
    because: &Reason,
) -> Result<(Vec<GrantId>, Vec<GrantId>), Refusal> {
    if step == Step::TakeRights {
        return entitle::take_held(c, act, policy, known.account.id).await;
    }
    let Some(status) = step.status() else { return Ok(Default::default()) };
    let mut account = known.account.clone();
    match because {
        Reason::LeaveBegan { until } => {
            account.leave_until = Some(*until);
            account::set_terms(c, &account).await?;
        }
        Reason::LeaveEnded { .. } => end_of_leave(c, act, &mut account).await?,
        Reason::Kept { .. }
        | Reason::Inactive { .. }
        | Reason::NeverSignedIn { .. }
        | Reason::Departed { .. }
        | Reason::ActiveAgain { .. }
        | Reason::Expired { .. }
        | Reason::FrozenLongEnough { .. }
        | Reason::DeactivatedLongEnough { .. }
        | Reason::NoLongerGiven { .. } => {}
    }
    if matches!(because, Reason::ActiveAgain { .. }) {
        depart::restore(c, act, &account).await?;
    } else {
        let reason = because.status_reason(account.standing.reason);
        stand::change(c, act, &account, status, reason, None).await?;
    }
    match step {
        Step::Return => {
            entitle::accounts(c, act, policy, &[account.id]).await?;
        }
        Step::Remove => erasure::erase(c, account.id, act.now).await?,
        Step::Keep
        | Step::Notify { .. }
        | Step::Freeze
        | Step::Deactivate
        | Step::Pause
        | Step::TakeRights => {}
    }
    Ok(Default::default())
}

/// Ends the leave of an account: from now on its clock runs again.
pub(in crate::flows) async fn end_of_leave(
    c: &mut Conn,
    act: &Act,
    account: &mut Account,
) -> Result<(), Refusal> {
    leave::end(c, account.id, act.now).await?;
    people::end_deputies(c, act, account.id).await?;
    account.returned_at = Some(act.now);
    account.leave_until = account.leave_until.map(|until| until.min(act.now));
    Ok(account::set_terms(c, account).await?)
}
