//! The lifecycle at the console: what comes, what waits, what was done; and who may decide about it.
//!
//! Invariant: reading makes no plan and changes nothing; whoever decides is an administrator of the console.

use jiff::Timestamp;
use serde_json::json;

use super::super::lifecycle::{
    self, PlanView, Proposal, Run, RunReport, StepView, UndoReport, UndoWish, Watch, latest, next_run,
};
use super::super::report::{Separator, csv_lines};
use super::super::{Act, Ports, Refusal, clock_watch};
use super::ConsoleActor;
use super::file::{Form, csv_begins, workbook};
use super::who::{self, Names};
use crate::domain::actor::Subject;
use crate::domain::days::Reading;
use crate::domain::language::Language;

/// How many runs are shown.
const RUNS: i64 = 20;

/// How the lifecycle stands.
#[derive(Debug, Clone)]
pub struct Overview {
    /// When it runs next; nothing: only by command.
    pub next_run: Option<Timestamp>,
    /// Whether it acts.
    pub watch: Watch,
    /// Why no step is taken by itself: the clock jumped.
    pub jump: Option<String>,
    /// The plans that were made last.
    pub plans: Vec<Proposal>,
    /// The newest runs, the newest first.
    pub runs: Vec<Run>,
    /// The names of those who began them.
    pub names: Names,
}

/// How the lifecycle stands, with sentences for `reading`.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn overview(ports: &Ports, reading: &Reading) -> Result<Overview, Refusal> {
    let next_run = next_run(ports).await?;
    let plans = latest(ports).await?;
    let runs = lifecycle::runs(ports, RUNS).await?;
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let watch = lifecycle::watch(&mut c, &compiled.policy, reading.now).await?;
    let jump = clock_watch::stopped(&mut c).await?.map(|jump| jump.sentence(reading));
    let names = who::names(&mut c, runs.iter().filter_map(|run| who::account_of(&run.by))).await?;
    Ok(Overview { next_run, watch, jump, plans, runs, names })
}

/// A plan with what people read of it, and the name of whoever released it.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is no such plan; [`Refusal::Store`] when the database cannot be reached.
pub async fn plan(
    ports: &Ports,
    hash: &str,
    language: Language,
) -> Result<(Proposal, PlanView, Names), Refusal> {
    let proposal = lifecycle::find(ports, hash).await?;
    let view = lifecycle::view(ports, &proposal, language).await?;
    let mut c = ports.db.read().await?;
    let by = proposal.released_by.as_deref().and_then(who::account_of);
    let names = who::names(&mut c, by.into_iter()).await?;
    Ok((proposal, view, names))
}

/// A plan as a file with every step, and a note that it was fetched. CSV and Excel have titles in the language.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is no such plan; [`Refusal::Invalid`] for more steps than a sheet of Excel holds;
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn plan_file(
    ports: &Ports,
    actor: &ConsoleActor,
    hash: &str,
    (form, language, separator): (Form, Language, Separator),
) -> Result<(String, Vec<u8>), Refusal> {
    let proposal = lifecycle::find(ports, hash).await?;
    let view = lifecycle::view(ports, &proposal, language).await?;
    let titles = match language {
        Language::Sv => {
            ["Namn", "Användarnamn", "Steg", "Skäl", "Regel", "Senast sedd", "Källa", "Förlorar", "Utfall"]
        }
        Language::En => {
            ["Name", "User name", "Step", "Reason", "Rule", "Last seen", "Source", "Loses", "Outcome"]
        }
    };
    let steps = view.steps.iter().map(cells);
    let file = match form {
        Form::Csv => [csv_begins(&titles, separator)?, csv_lines(steps, separator)?].concat(),
        Form::Xlsx => workbook(&titles, steps, actor.reading().now).await?,
        Form::Json => serde_json::to_vec(&view).map_err(|error| Refusal::Outside(error.to_string()))?,
    };
    note(ports, actor.reading(), &view, form).await?;
    Ok((view.hash, file))
}

fn cells(step: &StepView) -> Vec<String> {
    vec![
        step.display_name.clone(),
        step.user_name.clone(),
        step.what.clone(),
        step.why.clone(),
        step.rule.as_ref().map(ToString::to_string).unwrap_or_default(),
        step.last_seen.map(|at| at.to_string()).unwrap_or_default(),
        step.last_seen_source.map(|source| source.to_string()).unwrap_or_default(),
        step.takes.join(", "),
        step.outcome.clone().unwrap_or_else(|| step.state.clone()),
    ]
}

/// Who reads what of whom belongs in the audit, like any change.
async fn note(ports: &Ports, act: &Act, view: &PlanView, form: Form) -> Result<(), Refusal> {
    let (act, subject) = (act.clone(), Subject::new("plan", &view.hash));
    let read = json!({ "form": form.name(), "steps": view.steps.len() });
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                act.record(c, "plan_read", subject, None, Some(read)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}

/// Makes a plan of what a run would do now. Gives its hash.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; as [`lifecycle::plan`].
pub async fn make(ports: &Ports, actor: &ConsoleActor) -> Result<String, Refusal> {
    Ok(lifecycle::plan(ports, actor.administering()?).await?.hash)
}

/// Releases a plan that stopped. It is carried out by [`carry_out`], or by the next run.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; as [`lifecycle::release`].
pub async fn release(ports: &Ports, actor: &ConsoleActor, hash: &str, reason: &str) -> Result<(), Refusal> {
    lifecycle::release(ports, actor.administering()?, hash, reason).await.map(drop)
}

/// Turns a plan down that stopped.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; as [`lifecycle::refuse`].
pub async fn refuse(ports: &Ports, actor: &ConsoleActor, hash: &str, reason: &str) -> Result<(), Refusal> {
    lifecycle::refuse(ports, actor.administering()?, hash, reason).await.map(drop)
}

/// Carries a plan out. Each account is read again first.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; as [`lifecycle::apply`](fn@lifecycle::apply).
pub async fn carry_out(ports: &Ports, actor: &ConsoleActor, hash: &str) -> Result<RunReport, Refusal> {
    lifecycle::apply(ports, actor.administering()?, Some(hash)).await
}

/// What undoing a run would do; nothing of it is done.
///
/// # Errors
///
/// As [`lifecycle::undo`](fn@lifecycle::undo).
pub async fn preview_undo(
    ports: &Ports,
    actor: &ConsoleActor,
    mut wish: UndoWish,
) -> Result<UndoReport, Refusal> {
    wish.dry_run = true;
    lifecycle::undo(ports, actor.reading(), &wish).await
}

/// Undoes a run.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] without a reason; as [`lifecycle::undo`](fn@lifecycle::undo).
pub async fn undo(ports: &Ports, actor: &ConsoleActor, mut wish: UndoWish) -> Result<UndoReport, Refusal> {
    let act = actor.administering()?;
    if wish.reason.as_deref().is_none_or(|reason| reason.trim().is_empty()) {
        return Err(Refusal::invalid("reason", "say why the run is undone"));
    }
    wish.dry_run = false;
    lifecycle::undo(ports, act, &wish).await
}

/// Trusts the clock again after a jump. Gives `false` where nothing was stopped.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; as [`clock_watch::release`].
pub async fn trust_clock(ports: &Ports, actor: &ConsoleActor, reason: &str) -> Result<bool, Refusal> {
    clock_watch::release(ports, actor.administering()?, reason).await
}
