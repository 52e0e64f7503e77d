//! Throws away what has served its time.
//!
//! Invariant: only what nothing can ask for any more goes: void sign-in attempts, sessions long ended, days of
//! evidence beyond those that back-tests read.

use jiff::{SignedDuration, Timestamp};

use super::lead::Fence;
use super::{Ports, Refusal};
use crate::store::{evidence, login, session};

/// Ended sessions are kept this long, so that somebody can still look into a sign-in.
const SESSIONS: SignedDuration = SignedDuration::from_hours(24 * 90);

/// Days of evidence are kept this long: thirteen months.
const EVIDENCE: SignedDuration = SignedDuration::from_hours(24 * 400);

/// How much went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tidied {
    /// Sign-in attempts that nobody can finish any more.
    pub attempts: u64,
    /// Sessions that ended long ago.
    pub sessions: u64,
    /// Days of evidence.
    pub days: u64,
}

/// Throws away what has served its time by now.
///
/// # Errors
///
/// [`Refusal::Conflict`] when another node has taken the job; [`Refusal::Store`] when the database cannot be reached.
pub async fn run(ports: &Ports, fence: &Fence) -> Result<Tidied, Refusal> {
    let (now, claim) = (ports.clock.now(), fence.claim());
    let before = move |age| now.saturating_sub(age).unwrap_or(Timestamp::MIN);
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                claim.hold(c).await?;
                Ok(Tidied {
                    attempts: login::forget(c, now).await?,
                    sessions: session::forget(c, before(SESSIONS)).await?,
                    days: evidence::forget_days(c, before(EVIDENCE)).await?,
                })
            })
        })
        .await
}
