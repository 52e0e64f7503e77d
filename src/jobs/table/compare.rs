//! The jobs that read each CRM back, by the schedule of its settings.
//!
//! Invariant: what is healed is what the settings say; the safety stop holds it back as it does everything else.

use super::super::turn::Turn;
use super::Job;
use crate::domain::actor::Actor;
use crate::domain::ids::TargetId;
use crate::flows::compare::{self, Asked};
use crate::flows::{Ports, Refusal};

/// A job for each target that has a schedule.
pub(super) fn jobs(ports: &Ports) -> Vec<Job> {
    let targets = ports.settings.targets.iter();
    let scheduled = targets.filter_map(|target| Some((target, target.comparing.schedule.as_ref()?)));
    scheduled
        .map(|(target, schedule)| {
            let id = target.id.clone();
            Job::at(&compare::job(&target.id), schedule, &target.comparing.timezone, move |turn| {
                Box::pin(compared(turn, id.clone()))
            })
        })
        .collect()
}

async fn compared(turn: Turn, target: TargetId) -> Result<String, Refusal> {
    let act = turn.ports.act(Actor::Job("compare".to_owned()), "schedule");
    let asked = Asked { heal: true, release: None };
    let found = compare::run(&turn.ports, &act, &target, &turn.fence, &asked).await?;
    let stop = found.stop.as_ref().map(|stop| format!("; held back: {stop}")).unwrap_or_default();
    Ok(format!(
        "{} users read: {} missing, {} extra, {} different, {} conflicting; {} told again{stop}",
        found.people, found.missing, found.extra, found.different, found.conflicting, found.healed
    ))
}
