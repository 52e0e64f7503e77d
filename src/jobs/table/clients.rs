//! The jobs for clients: their keys, and telling them of sessions that have ended.
//!
//! Invariant: a job per client, so that one that hangs keeps no other from hearing.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::super::turn::Turn;
use super::{Job, LOOK, LOOK_AT_OUTBOX, Work};
use crate::domain::actor::Actor;
use crate::domain::ids::ClientId;
use crate::flows::{Ports, Refusal, provider};

/// The jobs that the settings' clients need; none where there are none.
pub(super) fn jobs(ports: &Ports) -> Vec<Job> {
    let settings = &ports.settings;
    if settings.clients.is_empty() {
        return Vec::new();
    }
    let mut jobs = vec![
        Job::every("signing-keys", SignedDuration::from_hours(1), |turn| Box::pin(keys(turn))),
        ended_by_itself(),
    ];
    jobs.extend(settings.clients.iter().map(|client| telling(&client.id)));
    jobs
}

async fn keys(turn: Turn) -> Result<String, Refusal> {
    let act = turn.ports.act(Actor::Job("signing-keys".to_owned()), "rotation");
    let kept = provider::keep_keys(&turn.ports, &act).await?;
    Ok(format!("{} keys were made, {} are published no longer", kept.made, kept.removed))
}

/// Sessions that ran out: nobody ends them, so nobody has queued their clients.
fn ended_by_itself() -> Job {
    Job {
        name: "client-sessions".to_owned(),
        tick: LOOK,
        pause: Duration::from_mins(1),
        check: Arc::new(|ports| Box::pin(async move { provider::has_ended(&ports).await })),
        work: Work::Led(Arc::new(|turn: Turn| {
            Box::pin(async move {
                let queued = provider::queue_ended(&turn.ports).await?;
                Ok(format!("{queued} client sessions have ended with theirs"))
            })
        })),
    }
}

fn telling(client: &ClientId) -> Job {
    let (looked_at, told) = (client.clone(), client.clone());
    Job {
        name: format!("logout:{client}"),
        tick: LOOK_AT_OUTBOX,
        pause: Duration::from_secs(5),
        check: Arc::new(move |ports| {
            let client = looked_at.clone();
            Box::pin(async move { provider::is_due(&ports, &client).await })
        }),
        work: Work::Led(Arc::new(move |turn| Box::pin(tell_all(turn, told.clone())))),
    }
}

/// Round after round, until nothing is due.
async fn tell_all(turn: Turn, client: ClientId) -> Result<String, Refusal> {
    let mut sum = provider::Told::default();
    while !turn.end.is_cancelled() {
        let round = provider::tell(&turn.ports, &client, &turn.fence).await?;
        sum = sum.and(round);
        if round.tried() == 0 {
            break;
        }
    }
    Ok(format!("{} heard, {} to be told again, {} dropped", sum.heard, sum.again, sum.dropped))
}
