//! Takes many steps that close accounts in one transaction.
//!
//! Invariant: as one by one: each account is locked, its facts are read again and judged, and what came of each step
//! is noted with it. What the limits would stop for the chunk as a whole is left to be judged one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::stand::{self, Closing};
use super::super::{Ports, Refusal, guard, people};
use super::facts::{self, Known};
use super::step::{Skipped, Taken, Taking, cause, never_released};
use crate::domain::ids::AccountId;
use crate::domain::lifecycle::{Assessment, Reason, Step, assess};
use crate::domain::plan::PlannedStep;
use crate::store::{Conn, account, plan as table};

/// So many steps share a transaction: so few that nobody who also wants to write waits long.
pub(super) const MOST: usize = 100;

/// Whether a step may be taken together with others: it closes an account and does nothing else.
pub(super) const fn may_share(step: Step) -> bool {
    match step {
        Step::Freeze | Step::Deactivate => true,
        Step::Keep | Step::Notify { .. } | Step::Remove | Step::Pause | Step::Return | Step::TakeRights => {
            false
        }
    }
}

/// What came of a chunk.
pub(super) enum Chunk {
    /// Each step, in its order.
    Taken(Vec<Taken>),
    /// Nothing was done: they must be judged one by one.
    OneByOne,
}

impl Taking {
    /// Takes the steps of a chunk, and notes what came of each, in one transaction.
    pub(super) async fn take_chunk(
        self: &Arc<Self>,
        ports: &Ports,
        steps: Vec<(i64, PlannedStep)>,
    ) -> Result<Chunk, Refusal> {
        let taking = Arc::clone(self);
        ports.db.write(move |c| Box::pin(async move { taking.chunk(c, &steps).await })).await
    }

    async fn chunk(&self, c: &mut Conn, steps: &[(i64, PlannedStep)]) -> Result<Chunk, Refusal> {
        self.claim.hold(c).await?;
        let (mut known, policy) = (self.know(c, steps).await?, &self.compiled.policy);
        let mut judged: Vec<Result<(Known, Assessment), Skipped>> = Vec::with_capacity(steps.len());
        for (_, planned) in steps {
            let id = planned.account;
            // An account twice in a plan, or one that is gone, is no case for a chunk.
            let Some(known) = known.remove(&id) else { return Ok(Chunk::OneByOne) };
            let fresh = assess(policy, &known.facts(&self.around), self.act.now);
            let is_new = planned.step.status() != Some(known.account.standing.status);
            judged.push(match planned.still_holds(&fresh) {
                true if is_new => Ok((known, fresh)),
                true => return Ok(Chunk::OneByOne),
                false => Err(Skipped::NoLongerHolds { found: fresh.because }),
            });
        }
        let closing: BTreeSet<AccountId> =
            judged.iter().flatten().map(|(known, _)| known.account.id).collect();
        if self.is_stopped(c, &closing).await? {
            return Ok(Chunk::OneByOne);
        }
        self.close(c, steps, &judged).await?;
        for ((_, planned), judged) in steps.iter().zip(&judged) {
            if let Ok((known, fresh)) = judged {
                self.note_done(c, known, planned, fresh, (Vec::new(), Vec::new())).await?;
            }
        }
        let taken = judged.into_iter().map(|one| match one {
            Ok((known, _)) => Taken::Done(Box::new(known.account)),
            Err(why) => Taken::Skipped(why),
        });
        let taken: Vec<Taken> = taken.collect();
        let notes = steps.iter().zip(&taken).map(|((position, _), taken)| {
            let (state, outcome) = taken.noted();
            (*position, state, outcome)
        });
        table::steps_done(c, &self.hash, &notes.collect::<Vec<_>>()).await?;
        Ok(Chunk::Taken(taken))
    }

    /// The accounts of the steps as they are now, locked.
    async fn know(
        &self,
        c: &mut Conn,
        steps: &[(i64, PlannedStep)],
    ) -> Result<BTreeMap<AccountId, Known>, Refusal> {
        let ids: Vec<AccountId> = steps.iter().map(|(_, planned)| planned.account).collect();
        let accounts = account::lock_all(c, &ids).await?;
        let moment = facts::Moment::Now(self.act.now);
        let known = facts::listed(c, &self.compiled.policy, &self.around, accounts, moment).await?;
        Ok(known.into_iter().map(|known| (known.account.id, known)).collect())
    }

    async fn is_stopped(&self, c: &mut Conn, takes: &BTreeSet<AccountId>) -> Result<bool, Refusal> {
        if takes.is_empty() {
            return Ok(false);
        }
        let ids: Vec<AccountId> = takes.iter().copied().collect();
        people::hold_deputies(c, &ids).await?;
        guard::hold(c).await?;
        let stops = guard::stops(c, &self.compiled.policy, takes, self.act.now).await?;
        let stops = if self.is_released { never_released(stops) } else { stops };
        Ok(!stops.is_empty())
    }

    async fn close(
        &self,
        c: &mut Conn,
        steps: &[(i64, PlannedStep)],
        judged: &[Result<(Known, Assessment), Skipped>],
    ) -> Result<(), Refusal> {
        let closings: Vec<Closing<'_>> = steps
            .iter()
            .zip(judged)
            .filter_map(|((_, planned), judged)| {
                let (known, fresh) = judged.as_ref().ok()?;
                let account = &known.account;
                let reason = fresh.because.status_reason(account.standing.reason);
                let status = planned.step.status()?;
                Some(Closing { account, status, reason, cause: cause(fresh, &self.hash), note: None })
            })
            .collect();
        debug_assert!(
            judged.iter().flatten().all(|(_, fresh)| !matches!(fresh.because, Reason::LeaveBegan { .. })),
            "leave is begun one by one"
        );
        stand::close_all(c, &self.act, &closings).await
    }
}
