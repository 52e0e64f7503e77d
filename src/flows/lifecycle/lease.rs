//! The lease under which runs work: one node, and one run at a time.
//!
//! Invariant: every step asks, inside its own transaction, whether the lease is still held under the same fence; who
//! was stopped and woke up again takes none.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::super::{Ports, Refusal};
use crate::store::{Conn, lease};

/// The name of the job.
pub(super) const JOB: &str = "lifecycle";

/// Whoever does not say for this long that they are still at work has lost the lease.
const LASTS: SignedDuration = SignedDuration::from_secs(60);

/// It is renewed when this much of it has gone.
const RENEW_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// A lease that was taken.
#[derive(Debug, Clone)]
pub(super) struct Lease {
    holder: String,
    fence: i64,
    renewed_at: Arc<Mutex<Timestamp>>,
}

impl Lease {
    /// Takes the lease; nothing when somebody else has it.
    pub(super) async fn take(ports: &Ports, holder: &str) -> Result<Option<Self>, Refusal> {
        let now = ports.clock.now();
        let fence = write_lease(ports, holder, now).await?;
        let renewed_at = Arc::new(Mutex::new(now));
        Ok(fence.map(|fence| Self { holder: holder.to_owned(), fence, renewed_at }))
    }

    /// Says that work goes on, when it is time to say so.
    pub(super) async fn renew(&self, ports: &Ports) -> Result<(), Refusal> {
        let now = ports.clock.now();
        let renewed_at = *self.renewed_at.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(renewed_at) < RENEW_AFTER {
            return Ok(());
        }
        if write_lease(ports, &self.holder, now).await? != Some(self.fence) {
            return Err(lost());
        }
        *self.renewed_at.lock().unwrap_or_else(PoisonError::into_inner) = now;
        Ok(())
    }

    /// Refuses when the lease is lost. Stands in the transaction of each effect.
    pub(super) async fn check(&self, c: &mut Conn) -> Result<(), Refusal> {
        if lease::is_held(c, JOB, self.fence).await? { Ok(()) } else { Err(lost()) }
    }

    /// Ends it, and notes when and how the run ended.
    pub(super) async fn finish(self, ports: &Ports, outcome: &str) -> Result<(), Refusal> {
        let (now, outcome) = (ports.clock.now(), outcome.to_owned());
        ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    lease::finish(c, JOB, &self.holder, self.fence, &outcome, now).await?;
                    Ok::<_, Refusal>(())
                })
            })
            .await
    }

    /// Ends it without a run to note.
    pub(super) async fn let_go(self, ports: &Ports) -> Result<(), Refusal> {
        let now = ports.clock.now();
        ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    lease::let_go(c, JOB, &self.holder, self.fence, "given back", now).await?;
                    Ok::<_, Refusal>(())
                })
            })
            .await
    }
}

fn lost() -> Refusal {
    Refusal::Conflict("this run lost its lease to another; that one finishes the plan".to_owned())
}

async fn write_lease(ports: &Ports, holder: &str, now: Timestamp) -> Result<Option<i64>, Refusal> {
    let until = now.saturating_add(LASTS).unwrap_or(Timestamp::MAX);
    let holder = holder.to_owned();
    ports
        .db
        .write(move |c| {
            Box::pin(async move { Ok::<_, Refusal>(lease::take(c, JOB, &holder, now, until).await?) })
        })
        .await
}
