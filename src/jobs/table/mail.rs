//! The jobs that have to do with mail: sending what is due.
//!
//! Invariant: without a mail server none of them is there.

use std::sync::Arc;
use std::time::Duration;

use super::super::turn::Turn;
use super::{Job, Work};
use crate::flows::{Ports, Refusal, post};

/// How often letters that wait are looked for.
const LOOK_AT_LETTERS: Duration = Duration::from_secs(5);

/// The jobs that mail needs; none where there is no mail server.
pub(super) fn jobs(ports: &Ports) -> Vec<Job> {
    if ports.mailer.is_none() {
        return Vec::new();
    }
    vec![sending()]
}

fn sending() -> Job {
    Job {
        name: "mail".to_owned(),
        tick: LOOK_AT_LETTERS,
        pause: Duration::from_secs(30),
        check: Arc::new(|ports| Box::pin(async move { post::is_due(&ports).await })),
        work: Work::Led(Arc::new(|turn: Turn| Box::pin(send_all(turn)))),
    }
}

/// Round after round, until nothing is due or the mail server takes nothing.
async fn send_all(turn: Turn) -> Result<String, Refusal> {
    let mut sum = post::Round::default();
    while !turn.end.is_cancelled() {
        let round = post::send_due(&turn.ports, &turn.fence).await?;
        sum.sent += round.sent;
        sum.again += round.again;
        sum.refused += round.refused;
        sum.dropped += round.dropped;
        if round.sent == 0 {
            break;
        }
    }
    Ok(format!(
        "{} letters sent, {} to be tried again, {} refused, {} no longer wanted",
        sum.sent, sum.again, sum.refused, sum.dropped
    ))
}
