//! One turn of a job: under a lease, with its panics caught.
//!
//! Invariant: what a turn came to is logged and counted once, here.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::table::{Job, Work};
use crate::flows::lead::{self, Fence, PROLONG_EVERY};
use crate::flows::{Ports, Refusal};

/// What a job is given for one turn.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Everything a flow needs.
    pub ports: Arc<Ports>,
    /// The right to run, which every write shows.
    pub fence: Arc<Fence>,
    /// Cancelled when the daemon is to end: come to a good place and stop.
    pub end: CancellationToken,
}

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It came to its end, with this to say.
    Done(String),
    /// Another node has the job.
    Elsewhere,
    /// It was refused; it stays due.
    Failed(String),
    /// It panicked; it stays due.
    Panicked,
}

impl Ended {
    const fn name(&self) -> &'static str {
        match self {
            Self::Done(_) => "done",
            Self::Elsewhere => "elsewhere",
            Self::Failed(_) => "failed",
            Self::Panicked => "panicked",
        }
    }
}

/// Runs the job where it is due; nothing where it is not.
pub(super) async fn run_if_due(ports: &Arc<Ports>, job: &Job, end: &CancellationToken) -> Option<Ended> {
    let is_due = AssertUnwindSafe(async { job.is_due(ports).await }).catch_unwind().await;
    let ended = match is_due {
        Ok(Ok(false)) => return None,
        Ok(Ok(true)) => match run(ports, job, end).await {
            Ok(ended) => return Some(ended),
            Err(refusal) => Ended::Failed(refusal.to_string()),
        },
        Ok(Err(refusal)) => Ended::Failed(refusal.to_string()),
        Err(_) => Ended::Panicked,
    };
    report(job, &ended);
    Some(ended)
}

/// Runs the job now, where this node can take the lead.
///
/// # Errors
///
/// [`Refusal::Store`] when the lead cannot be taken or given back.
pub(super) async fn run(ports: &Arc<Ports>, job: &Job, end: &CancellationToken) -> Result<Ended, Refusal> {
    match job.what() {
        Work::Here(work) => {
            let ended = caught(async { work(Arc::clone(ports)).await }).await;
            report(job, &ended);
            Ok(ended)
        }
        Work::Led(work) => match lead::take(ports, job.name()).await? {
            Some(fence) => {
                let turn = Turn { ports: Arc::clone(ports), fence: Arc::new(fence), end: end.clone() };
                led(job, turn, |turn| work(turn)).await
            }
            None => Ok(Ended::Elsewhere),
        },
    }
}

/// Runs the work as long as this node has the lead, and gives the lead back.
async fn led<F>(job: &Job, turn: Turn, work: impl FnOnce(Turn) -> F) -> Result<Ended, Refusal>
where
    F: Future<Output = Result<String, Refusal>>,
{
    let (ports, fence) = (Arc::clone(&turn.ports), Arc::clone(&turn.fence));
    let ended = tokio::select! {
        ended = caught(async { work(turn).await }) => ended,
        () = lost(&ports, &fence) => Ended::Failed("another node has taken the job".to_owned()),
    };
    report(job, &ended);
    let (outcome, is_done) = match &ended {
        Ended::Done(said) => (said.as_str(), true),
        Ended::Failed(why) => (why.as_str(), false),
        Ended::Elsewhere | Ended::Panicked => (ended.name(), false),
    };
    lead::give_back(&ports, &fence, outcome, is_done).await?;
    Ok(ended)
}

/// Runs the work to its end, its panics caught.
async fn caught(work: impl Future<Output = Result<String, Refusal>>) -> Ended {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(said)) => Ended::Done(said),
        Ok(Err(refusal)) => Ended::Failed(refusal.to_string()),
        Err(_) => Ended::Panicked,
    }
}

/// Prolongs the lead; returns when another node has taken it.
async fn lost(ports: &Ports, fence: &Fence) {
    loop {
        sleep(PROLONG_EVERY).await;
        match lead::prolong(ports, fence).await {
            Ok(true) => {}
            Ok(false) => return,
            // The fence guards every write; whether the lead is lost will show when the database is back.
            Err(error) => {
                tracing::warn!(job = fence.job(), %error, "the lead of job {} could not be prolonged", fence.job());
            }
        }
    }
}

fn report(job: &Job, ended: &Ended) {
    let name = job.name();
    let labels = [("job", name.to_owned()), ("outcome", ended.name().to_owned())];
    metrics::counter!("portvakt_job_runs_total", &labels).increment(1);
    match ended {
        Ended::Done(said) => tracing::debug!(job = name, "job {name} is done: {said}"),
        Ended::Elsewhere => tracing::debug!(job = name, "job {name} runs on another node"),
        Ended::Failed(why) => {
            tracing::warn!(job = name, error = why, "job {name} failed and is tried again: {why}");
        }
        Ended::Panicked => tracing::error!(job = name, "job {name} panicked and is tried again"),
    }
}
