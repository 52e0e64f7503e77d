//! The jobs that have to do with mail: sending what is due, the digest, ends that are near.
//!
//! Invariant: without a mail server none of them is there.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::super::turn::Turn;
use super::{Job, LOOK, Work};
use crate::domain::actor::Actor;
use crate::flows::{Ports, Refusal, lead, post};

/// How often letters that wait are looked for.
const LOOK_AT_LETTERS: Duration = Duration::from_secs(5);

/// The name of the digest's job.
const DIGEST: &str = "digest";

/// The jobs that mail needs; none where there is no mail server.
pub(super) fn jobs(ports: &Ports) -> Vec<Job> {
    if ports.mailer.is_none() {
        return Vec::new();
    }
    vec![sending(), digest(), Job::every("ends", SignedDuration::from_hours(1), |turn| Box::pin(ends(turn)))]
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

/// The daily digest, by the time of day that the settings name.
fn digest() -> Job {
    Job {
        name: DIGEST.to_owned(),
        tick: LOOK,
        pause: Duration::from_mins(5),
        check: Arc::new(|ports| {
            Box::pin(async move {
                let last = lead::last_run(&ports, DIGEST).await?;
                post::digest::is_due(&ports, last).await
            })
        }),
        work: Work::Led(Arc::new(|turn: Turn| {
            Box::pin(async move {
                let act = turn.ports.act(Actor::Job(DIGEST.to_owned()), "digest");
                let last = lead::last_run(&turn.ports, DIGEST).await?;
                let sent = post::digest::send(&turn.ports, &act, last).await?;
                Ok(format!("{sent} digests sent"))
            })
        })),
    }
}

async fn ends(turn: Turn) -> Result<String, Refusal> {
    let act = turn.ports.act(Actor::Job("ends".to_owned()), "end date");
    let told = post::tell_of_ends(&turn.ports, &act).await?;
    Ok(format!("{told} letters about ends"))
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
