//! Records runs: when each began and ended, what it did, or why it did nothing.
//!
//! Invariant: a run without an end was broken off, and is finished by the next.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::ids::RunId;
use crate::domain::language::Language;
use crate::domain::plan::PlanState;
use crate::domain::safety::SafetyStop;
use crate::store::plan as table;
pub use crate::store::plan::Run;

/// The outcome under which the undoing of a run is recorded.
pub(super) const UNDONE: &str = "undone";

/// What is said of a run that has not ended.
pub(in crate::flows) const UNDER_WAY: &str = "under_way";

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum RunOutcome {
    /// Steps were taken, or skipped because they no longer held.
    Applied,
    /// No account needed a step.
    NothingToDo,
    /// The policy only observes: the plan is kept, nothing was done.
    Observed,
    /// The plan waits for a person's release; nothing was done.
    AwaitsRelease(Vec<SafetyStop>),
}

impl RunOutcome {
    /// The stable name of the outcome.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::NothingToDo => "nothing_to_do",
            Self::Observed => "observed",
            Self::AwaitsRelease(_) => "awaits_release",
        }
    }
}

/// How a run ended, or that it has not, in words.
#[must_use]
pub fn outcome_word(outcome: &str, language: Language) -> String {
    let (sv, en) = match outcome {
        "applied" => ("utförd", "applied"),
        "nothing_to_do" => ("inget att göra", "nothing to do"),
        "observed" => ("bara observerad", "only observed"),
        "awaits_release" => ("väntar på godkännande", "awaits release"),
        UNDONE => ("ångrade en körning", "undid a run"),
        UNDER_WAY => ("pågår eller avbruten", "under way or broken off"),
        other => (other, other),
    };
    match language {
        Language::Sv => sv.to_owned(),
        Language::En => en.to_owned(),
    }
}

/// What a run did.
#[derive(Debug, Clone, PartialEq)]
pub struct RunReport {
    /// The run.
    pub run: RunId,
    /// The plan's hash.
    pub plan: String,
    /// How many steps were taken.
    pub applied: u64,
    /// How many were skipped, because they no longer held or could not be taken.
    pub skipped: u64,
    /// How it ended.
    pub outcome: RunOutcome,
}

/// The newest runs, the newest first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn runs(ports: &Ports, limit: i64) -> Result<Vec<Run>, Refusal> {
    let mut c = ports.db.read().await?;
    Ok(table::runs(&mut c, limit).await?)
}

/// Notes that a run begins.
pub(super) async fn begin(ports: &Ports, act: &Act, hash: &str) -> Result<Run, Refusal> {
    let run = new(act, hash, None, UNDER_WAY);
    save(ports, run.clone()).await?;
    Ok(run)
}

/// Notes a run that did nothing.
pub(super) async fn idle(
    ports: &Ports,
    act: &Act,
    hash: &str,
    outcome: RunOutcome,
) -> Result<RunReport, Refusal> {
    let run = new(act, hash, Some(act.now), outcome.name());
    let report = RunReport { run: run.id, plan: hash.to_owned(), applied: 0, skipped: 0, outcome };
    close(ports, act, run).await?;
    Ok(report)
}

/// Notes how a run ended: what came of each step is counted from the steps themselves, so that a run that was broken
/// off and finished counts whole.
pub(super) async fn finish(
    ports: &Ports,
    act: &Act,
    mut run: Run,
    now: Timestamp,
) -> Result<RunReport, Refusal> {
    let mut c = ports.db.read().await?;
    run.applied = table::count_steps(&mut c, &run.plan, "applied").await?;
    run.skipped = table::count_steps(&mut c, &run.plan, "skipped").await?;
    drop(c);
    run.finished_at = Some(now);
    RunOutcome::Applied.name().clone_into(&mut run.outcome);
    let report = RunReport {
        run: run.id,
        plan: run.plan.clone(),
        applied: u64::try_from(run.applied).unwrap_or_default(),
        skipped: u64::try_from(run.skipped).unwrap_or_default(),
        outcome: RunOutcome::Applied,
    };
    close(ports, act, run).await?;
    Ok(report)
}

fn new(act: &Act, hash: &str, finished_at: Option<Timestamp>, outcome: &str) -> Run {
    Run {
        id: RunId::new(Uuid::now_v7()),
        plan: hash.to_owned(),
        by: act.actor.to_string(),
        started_at: act.now,
        finished_at,
        applied: 0,
        skipped: 0,
        outcome: outcome.to_owned(),
    }
}

async fn save(ports: &Ports, run: Run) -> Result<(), Refusal> {
    ports.db.write(move |c| Box::pin(async move { Ok::<_, Refusal>(table::save_run(c, &run).await?) })).await
}

/// Writes the end of a run, its audit entry, and that the plan is done where it was carried out.
async fn close(ports: &Ports, act: &Act, run: Run) -> Result<(), Refusal> {
    tracing::info!(run.id = %run.id, plan.hash = run.plan, applied = run.applied, skipped = run.skipped,
        outcome = run.outcome, "lifecycle run {} ended: {}", run.id, run.outcome);
    let act = act.clone();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                table::save_run(c, &run).await?;
                if matches!(run.outcome.as_str(), "applied" | "nothing_to_do") {
                    table::set_state(c, &run.plan, PlanState::Applied.name()).await?;
                }
                let after = json!({ "run": run.id, "outcome": run.outcome, "applied": run.applied,
                    "skipped": run.skipped });
                act.record(c, "lifecycle_run", Subject::new("plan", &run.plan), None, Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}
