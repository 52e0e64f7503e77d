//! The table of jobs, and the ticker that runs them.
//!
//! Invariant: a job takes no input beyond the clock and the database, may run twice, and finds its own work.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::flows::Ports;

/// The jobs that run, until the daemon ends.
#[derive(Debug)]
pub struct Running {
    tasks: TaskTracker,
}

/// Starts every job.
#[must_use]
pub fn start(_ports: Arc<Ports>, _end: CancellationToken) -> Running {
    Running { tasks: TaskTracker::new() }
}

impl Running {
    /// Waits until every job has come to its end.
    pub async fn finish(self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
