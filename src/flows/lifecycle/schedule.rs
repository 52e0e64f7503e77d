//! Runs the lifecycle by its schedule.
//!
//! Invariant: a time of the schedule that was missed is caught up once; a clock that goes back makes nothing run
//! twice; of several nodes one runs.

use jiff::Timestamp;

use super::super::clock_watch::{self, Jump};
use super::super::lead::{self, Fence};
use super::super::{Ports, Refusal};
use super::apply::{JOB, under};
use super::run::RunReport;
use crate::config::next_time;
use crate::domain::actor::Actor;
use crate::store::{lease, policy};

/// What a look at the schedule came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Due {
    /// The policy has no schedule: runs happen only by command.
    Unscheduled,
    /// Not yet; then.
    NotYet(Timestamp),
    /// The clock has jumped, and nobody has released it.
    Stopped(Jump),
    /// Another node, or a command, is at it.
    Elsewhere,
    /// It ran.
    Ran(Box<RunReport>),
}

/// The first time of the schedule after the last run, and after the policy came into force; nothing without a schedule.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first policy; [`Refusal::Store`] when the database cannot be reached.
pub async fn next_run(ports: &Ports) -> Result<Option<Timestamp>, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let lifecycle = &compiled.policy.lifecycle;
    let Some(schedule) = &lifecycle.schedule else { return Ok(None) };
    let last_run = lease::last_run(&mut c, JOB).await?;
    let applied_at = policy::current(&mut c, None).await?.map(|version| version.applied_at);
    let since = last_run.max(applied_at).unwrap_or(Timestamp::MIN);
    Ok(next_time(schedule, &lifecycle.timezone, since))
}

/// Whether a time of the schedule has come, and the clock can be trusted. Before the first policy none has.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn is_due(ports: &Ports) -> Result<bool, Refusal> {
    match next_run(ports).await {
        Ok(next) if next.is_some_and(|at| at <= ports.clock.now()) => {
            Ok(clock_watch::look(ports).await?.is_none())
        }
        Ok(_) | Err(Refusal::NoPolicy) => Ok(false),
        Err(other) => Err(other),
    }
}

/// Runs the lifecycle for whoever has its lead.
///
/// # Errors
///
/// As [`apply`](super::apply()).
pub async fn run(ports: &Ports, fence: &Fence) -> Result<RunReport, Refusal> {
    under(ports, &ports.act(Actor::Job(JOB.to_owned()), "schedule"), None, fence).await
}

/// Runs the lifecycle where its schedule says so. Every node may ask as often as it likes.
///
/// # Errors
///
/// As [`apply`](super::apply()).
pub async fn run_due(ports: &Ports) -> Result<Due, Refusal> {
    if let Some(wait) = wait(ports).await? {
        return Ok(wait);
    }
    if let Some(jump) = clock_watch::look(ports).await? {
        return Ok(Due::Stopped(jump));
    }
    let Some(fence) = lead::take(ports, JOB).await? else { return Ok(Due::Elsewhere) };
    // Another node may have run between the look at the schedule and the lead.
    if let Some(wait) = wait(ports).await? {
        lead::give_back(ports, &fence, "not due", false).await?;
        return Ok(wait);
    }
    let result = run(ports, &fence).await;
    let outcome = result.as_ref().map_or("failed", |report| report.outcome.name());
    lead::give_back(ports, &fence, outcome, result.is_ok()).await?;
    Ok(Due::Ran(Box::new(result?)))
}

async fn wait(ports: &Ports) -> Result<Option<Due>, Refusal> {
    Ok(match next_run(ports).await? {
        None => Some(Due::Unscheduled),
        Some(at) if at > ports.clock.now() => Some(Due::NotYet(at)),
        Some(_) => None,
    })
}
