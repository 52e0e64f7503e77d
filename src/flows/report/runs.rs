//! The report `runs`: every run of the lifecycle, also those that did nothing.
//!
//! Invariant: the newest first; a run without an end was broken off.

use super::super::Refusal;
use super::field::Field as F;
use super::list::List;
use super::scene::{Population, Scene};
use super::{Cell, Report, Term};
use crate::domain::safety::SafetyStop;
use crate::flows::lifecycle::UNDER_WAY;
use crate::store::run_list::{self, Listed};

/// So many runs are read at once.
const PAGE: i64 = 250;

#[rustfmt::skip]
const FIELDS: &[F] = &[
    F::StartedAt, F::FinishedAt, F::Outcome, F::Applied, F::Skipped, F::Steps, F::By, F::Stops, F::ReleasedBy,
    F::ReleaseReason, F::PolicyVersion, F::Plan, F::Run,
];

pub(super) async fn report(mut scene: Scene) -> Result<Report, Refusal> {
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = run_list::page(&mut scene.conn, scene.moment.at(), after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.run.started_at, last.run.id));
        rows.extend(page.iter().map(|listed| row(&scene, listed)));
    }
    let words = scene.words();
    scene.report(&Population::default(), Vec::new(), FIELDS, |_| List::made(FIELDS, rows, words)).await
}

fn row(scene: &Scene, listed: &Listed) -> Vec<Cell> {
    let (run, words) = (&listed.run, scene.words());
    // What became of it after the moment was not known then.
    let at = scene.moment.at();
    let is_over = run.finished_at.is_some_and(|end| end <= at);
    let outcome = if is_over { run.outcome.as_str() } else { UNDER_WAY };
    let ended = |count: i64| if is_over { Cell::Count(count) } else { Cell::Nothing };
    let stop = |stop: &SafetyStop| Term::new(&stop.name(), stop.sentence(scene.policy(), &scene.reading));
    let cell = |field: &F| match field {
        F::StartedAt => Cell::Minute(run.started_at),
        F::FinishedAt => Cell::minute(run.finished_at.filter(|end| *end <= at)),
        F::Outcome => Cell::Term(Term::new(&outcome, words.outcome(outcome))),
        F::Applied => ended(run.applied),
        F::Skipped => ended(run.skipped),
        F::Steps => Cell::Count(listed.steps),
        F::By => Cell::Text(run.by.clone()),
        F::Stops => Cell::Terms(listed.stops.iter().map(stop).collect()),
        F::ReleasedBy => Cell::text(listed.released_by.as_deref()),
        F::ReleaseReason => Cell::text(listed.release_reason.as_deref()),
        F::PolicyVersion => Cell::Count(listed.policy_version),
        F::Plan => Cell::Text(run.plan.clone()),
        F::Run => Cell::Text(run.id.to_string()),
        _ => Cell::Nothing,
    };
    FIELDS.iter().map(cell).collect()
}
