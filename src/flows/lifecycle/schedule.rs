//! Runs the lifecycle by its schedule.
//!
//! Invariant: a time of the schedule that was missed is caught up once; a clock that goes back makes nothing run
//! twice; of several nodes one runs.

use jiff::Timestamp;

use super::super::{Ports, Refusal, housekeeping};
use super::apply::under_lease;
use super::dates::follow_dates;
use super::lease::{JOB, Lease};
use super::run::RunReport;
use crate::config::next_time;
use crate::domain::actor::Actor;
use crate::store::{lease, policy};

/// What a tick came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Due {
    /// The policy has no schedule: runs happen only by command.
    Unscheduled,
    /// Not yet; then.
    NotYet(Timestamp),
    /// Another node, or a command, has the lease.
    Elsewhere,
    /// It ran.
    Ran(Box<RunReport>),
}

/// Follows what dates ask for, and runs the lifecycle where its schedule says so. `holder` names this node; every
/// node may call this as often as it likes.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first policy; [`Refusal::Store`] when the database cannot be reached.
pub async fn run_due(ports: &Ports, holder: &str) -> Result<Due, Refusal> {
    let act = ports.act(Actor::Job(JOB.to_owned()), "schedule");
    housekeeping::end_overdue(ports, &act).await?;
    follow_dates(ports, &act).await?;
    match next(ports).await? {
        None => return Ok(Due::Unscheduled),
        Some(at) if at > act.now => return Ok(Due::NotYet(at)),
        Some(_) => {}
    }
    let Some(lease) = Lease::take(ports, holder).await? else { return Ok(Due::Elsewhere) };
    // Another node may have run between the look at the schedule and the lease.
    match next(ports).await? {
        Some(at) if at <= act.now => Ok(Due::Ran(Box::new(under_lease(ports, &act, None, lease).await?))),
        later => {
            lease.let_go(ports).await?;
            Ok(later.map_or(Due::Unscheduled, Due::NotYet))
        }
    }
}

/// The first time of the schedule after the last run, and after the policy came into force.
async fn next(ports: &Ports) -> Result<Option<Timestamp>, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let lifecycle = &compiled.policy.lifecycle;
    let Some(schedule) = &lifecycle.schedule else { return Ok(None) };
    let last_run = lease::last_run(&mut c, JOB).await?;
    let applied_at = policy::current(&mut c, None).await?.map(|version| version.applied_at);
    let since = last_run.max(applied_at).unwrap_or(Timestamp::MIN);
    Ok(next_time(schedule, &lifecycle.timezone, since))
}
