//! The table of jobs, and the ticker that runs them.
//!
//! Invariant: a job takes no input beyond the clock and the database, may run twice, and finds its own work. One node
//! runs a job at a time, unless the job is each node's own.

mod table;
mod turn;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use table::{Job, table};
pub use turn::{Ended, Turn};

use crate::flows::{Ports, Refusal};

/// The jobs that run, until the daemon ends.
#[derive(Debug)]
pub struct Running {
    tasks: TaskTracker,
    cut: CancellationToken,
    grace: Duration,
}

/// Starts every job. After `end` none begins, and those that run come to a good place to stop.
#[must_use]
pub fn start(ports: &Arc<Ports>, end: &CancellationToken) -> Running {
    let grace = Duration::try_from(ports.settings.server.shutdown_grace).unwrap_or(Duration::from_secs(20));
    let running = Running { tasks: TaskTracker::new(), cut: CancellationToken::new(), grace };
    for job in table(ports) {
        let ticking = tick(Arc::clone(ports), job, end.clone());
        running.tasks.spawn(running.cut.clone().run_until_cancelled_owned(ticking));
    }
    running
}

/// Runs the jobs of that name once, due or not: `deliver` runs `deliver:crm` and its like, one after the other.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is none; [`Refusal::Store`] when the database cannot be reached.
pub async fn run_once(ports: &Arc<Ports>, name: &str) -> Result<Vec<(String, Ended)>, Refusal> {
    let mut ended = Vec::new();
    for job in table(ports).into_iter().filter(|job| job.answers_to(name)) {
        let how = run(ports, &job).await?;
        ended.push((job.name().to_owned(), how));
    }
    if ended.is_empty() { Err(Refusal::not_found("job", name)) } else { Ok(ended) }
}

/// Runs one job once, due or not, where this node can take the lead.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn run(ports: &Arc<Ports>, job: &Job) -> Result<Ended, Refusal> {
    turn::run(ports, job, &CancellationToken::new()).await
}

/// Looks again and again whether the job is due, and runs it when it is.
async fn tick(ports: Arc<Ports>, job: Job, end: CancellationToken) {
    let mut ticker = interval(job.tick());
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = end.cancelled() => return,
            _ = ticker.tick() => {}
        }
        match turn::run_if_due(&ports, &job, &end).await {
            None | Some(Ended::Done(_) | Ended::Elsewhere) => {}
            Some(Ended::Failed(_) | Ended::Panicked) => {
                let _ = end.run_until_cancelled(sleep(job.pause())).await;
            }
        }
    }
}

impl Running {
    /// Waits until every job has come to its end; one that takes longer than `server.shutdown_grace` is broken off.
    /// What it had not finished is due again after the next start.
    pub async fn finish(self) {
        self.tasks.close();
        if timeout(self.grace, self.tasks.wait()).await.is_err() {
            tracing::warn!("some jobs did not finish within server.shutdown_grace and were broken off");
            self.cut.cancel();
            self.tasks.wait().await;
        }
    }
}
