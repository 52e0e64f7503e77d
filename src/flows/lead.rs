//! One node leads a job at a time.
//!
//! Invariant: whoever holds a [`Fence`] is alone with the job in its process; a process that lost the job to another
//! node, asleep or cut off, is refused by its old fence before it tells or writes anything more.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::{Ports, Refusal};
use crate::store::{Conn, lease};

/// How long a lease is good for when nobody prolongs it.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// How often whoever leads prolongs the lease.
pub const PROLONG_EVERY: Duration = Duration::from_secs(10);

/// Longest outcome that is kept, in characters.
const KEPT: usize = 500;

type Turn = Arc<tokio::sync::Mutex<()>>;

/// Who this process is among the nodes, and which of its tasks has which job.
#[derive(Debug)]
pub struct Leadership {
    holder: String,
    turns: Mutex<BTreeMap<String, Turn>>,
}

impl Default for Leadership {
    fn default() -> Self {
        Self { holder: Uuid::new_v4().simple().to_string(), turns: Mutex::default() }
    }
}

impl Leadership {
    /// Who this process is.
    #[must_use]
    pub fn holder(&self) -> &str {
        &self.holder
    }

    /// The job's turn within this process: leases alone would let two of its tasks through.
    async fn turn(&self, job: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(job.to_owned()).or_default())
        };
        turn.lock_owned().await
    }
}

/// The right to run a job, under a number that only grows.
pub struct Fence {
    job: String,
    holder: String,
    number: i64,
    _turn: OwnedMutexGuard<()>,
}

impl fmt::Debug for Fence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fence").field("job", &self.job).field("number", &self.number).finish_non_exhaustive()
    }
}

impl Fence {
    /// The job.
    #[must_use]
    pub fn job(&self) -> &str {
        &self.job
    }

    /// The number.
    #[must_use]
    pub const fn number(&self) -> i64 {
        self.number
    }

    /// What a write transaction needs of it.
    #[must_use]
    pub fn claim(&self) -> Claim {
        Claim { job: self.job.clone(), number: self.number }
    }
}

/// A fence as a transaction shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    job: String,
    number: i64,
}

impl Claim {
    /// Refuses where another node has taken the job since.
    ///
    /// # Errors
    ///
    /// [`Refusal::Conflict`] when it has; [`Refusal::Store`] when the database cannot be reached.
    pub async fn check(&self, c: &mut Conn) -> Result<(), Refusal> {
        if lease::is_held(c, &self.job, self.number).await? { Ok(()) } else { Err(self.lost()) }
    }

    /// Refuses where another node has taken the job since; none can until the end of this write transaction.
    ///
    /// # Errors
    ///
    /// [`Refusal::Conflict`] when it has; [`Refusal::Store`] when the database cannot be reached.
    pub async fn hold(&self, c: &mut Conn) -> Result<(), Refusal> {
        if lease::hold(c, &self.job, self.number).await? { Ok(()) } else { Err(self.lost()) }
    }

    fn lost(&self) -> Refusal {
        Refusal::Conflict(format!(
            "another node has taken the job {}; fence {} is no longer good",
            self.job, self.number
        ))
    }
}

/// Takes the lead of a job; nothing when another node has it. Waits for whoever has it within this process.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn take(ports: &Ports, job: &str) -> Result<Option<Fence>, Refusal> {
    let turn = ports.leadership.turn(job).await;
    let holder = ports.holder().to_owned();
    let number = lease(ports, job, &holder).await?;
    Ok(number.map(|number| Fence { job: job.to_owned(), holder, number, _turn: turn }))
}

async fn lease(ports: &Ports, job: &str, holder: &str) -> Result<Option<i64>, Refusal> {
    let now = ports.clock.now();
    let until = now.saturating_add(LEASE).unwrap_or(Timestamp::MAX);
    let (job, holder) = (job.to_owned(), holder.to_owned());
    ports
        .db
        .write(move |c| Box::pin(async move { Ok(lease::take(c, &job, &holder, now, until).await?) }))
        .await
}

/// Prolongs the lead. Gives `false` when another node has taken it meanwhile.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn prolong(ports: &Ports, fence: &Fence) -> Result<bool, Refusal> {
    Ok(lease(ports, &fence.job, &fence.holder).await? == Some(fence.number))
}

/// Gives the lead back. A run that did not come to its end (`is_done` false) leaves the job due.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn give_back(ports: &Ports, fence: &Fence, outcome: &str, is_done: bool) -> Result<(), Refusal> {
    let now = ports.clock.now();
    let (job, holder, number) = (fence.job.clone(), fence.holder.clone(), fence.number);
    let outcome: String = outcome.chars().take(KEPT).collect();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                if is_done {
                    lease::finish(c, &job, &holder, number, &outcome, now).await?;
                } else {
                    lease::let_go(c, &job, &holder, number, &outcome, now).await?;
                }
                Ok(())
            })
        })
        .await
}

/// When a job last came to its end, on any node.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn last_run(ports: &Ports, job: &str) -> Result<Option<Timestamp>, Refusal> {
    let mut c = ports.db.read().await?;
    Ok(lease::last_run(&mut c, job).await?)
}
