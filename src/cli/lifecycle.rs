//! `portvakt lifecycle …`: plan, apply, release, refuse, undo, runs.
//!
//! Invariant: a plan that the safety limits stopped ends with exit code 3, and says how it is released.

mod tools;
mod undo;

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use serde_json::json;

use super::shown::{Shown, json, minute, plain, table};
use super::{PrintAs, exit, setup};
use crate::domain::days::Reading;
use crate::domain::language::Language;
use crate::domain::lifecycle::kept_words;
use crate::domain::plan::PlanState;
use crate::flows::lifecycle::{self, PlanView, Proposal, Run, RunOutcome, RunReport};
use crate::flows::{Ports, Refusal, pull};

#[derive(Debug, Subcommand)]
pub(super) enum LifecycleCommand {
    /// Make a plan of what a run would do now; nothing is done. Exit code 3: it goes beyond the safety limits.
    Plan(Shown),
    /// Make a fresh plan and carry it out, or carry out the one with this hash. Exit code 3: it awaits release.
    Apply {
        /// The plan's hash, or the first characters of it.
        #[arg(long, value_name = "HASH")]
        plan: Option<String>,
        #[command(flatten)]
        printing: Shown,
    },
    /// Release a plan that the safety limits stopped, for exactly that list.
    Release {
        /// The plan's hash, or the first characters of it.
        hash: String,
        /// Why it may be carried out.
        #[arg(long)]
        reason: String,
    },
    /// Refuse a plan that the safety limits stopped: nothing of it is done, and the next run makes a plan anew.
    Refuse {
        /// The plan's hash, or the first characters of it.
        hash: String,
        /// Why it is not carried out.
        #[arg(long)]
        reason: String,
    },
    /// Undo a run: each account is as before, for exactly what the run did. What changed since is left alone and said.
    Undo(undo::UndoArgs),
    /// Try limits on the recorded past: how many each would have frozen, and how many of them came back soon.
    Backtest(tools::BacktestArgs),
    /// Say whether the clock has jumped, or trust it again. Exit code 3: it has, and no step is taken by itself.
    Clock(tools::ClockArgs),
    /// Believe the next list of people of a directory, although it is much shorter than the one before.
    Believe {
        /// The directory.
        directory: String,
        /// Why it is right.
        #[arg(long)]
        reason: String,
    },
    /// Show a plan that was made, with what came of its steps.
    Show {
        /// The plan's hash, or the first characters of it.
        hash: String,
        #[command(flatten)]
        printing: Shown,
    },
    /// List the newest runs, also those that did nothing.
    Runs {
        /// At most this many.
        #[arg(long, default_value_t = 20)]
        limit: u16,
        #[command(flatten)]
        printing: Shown,
    },
}

pub(super) async fn run(config: &Path, command: LifecycleCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    let act = setup::act(&ports, "command");
    let code = match command {
        LifecycleCommand::Plan(printing) => {
            let proposal = lifecycle::plan(&ports, &act).await?;
            show(&ports, &proposal, &printing).await?;
            code_of(&proposal)
        }
        LifecycleCommand::Show { hash, printing } => {
            show(&ports, &lifecycle::find(&ports, &hash).await?, &printing).await?;
            exit::DONE
        }
        LifecycleCommand::Apply { plan, printing } => {
            let report = lifecycle::apply(&ports, &act, plan.as_deref()).await?;
            applied(&ports, &report, &printing).await?
        }
        LifecycleCommand::Release { hash, reason } => {
            let released = lifecycle::release(&ports, &act, &hash, &reason).await?;
            println!("released: {} step(s) of plan {}", released.plan.steps.len(), released.hash);
            println!("carry it out: portvakt lifecycle apply --plan {}", released.hash);
            exit::DONE
        }
        LifecycleCommand::Refuse { hash, reason } => {
            let refused = lifecycle::refuse(&ports, &act, &hash, &reason).await?;
            println!(
                "refused: {} step(s) of plan {}; nothing was done",
                refused.plan.steps.len(),
                refused.hash
            );
            exit::DONE
        }
        LifecycleCommand::Undo(args) => undo::run(&ports, args).await?,
        LifecycleCommand::Believe { directory, reason } => {
            pull::believe(&ports, &act, &directory, &reason).await?;
            println!("noted; the next list of {directory} is believed");
            exit::DONE
        }
        LifecycleCommand::Backtest(args) => tools::backtest(&ports, args).await?,
        LifecycleCommand::Clock(args) => tools::clock(&ports, args).await?,
        LifecycleCommand::Runs { limit, printing } => {
            runs(&lifecycle::runs(&ports, i64::from(limit)).await?, &printing, &ports).await?;
            exit::DONE
        }
    };
    ports.db.close().await;
    Ok(code)
}

fn code_of(proposal: &Proposal) -> ExitCode {
    match proposal.state {
        PlanState::Waiting => exit::awaits_release(),
        PlanState::Proposed | PlanState::Released | PlanState::Applied | PlanState::Refused => exit::DONE,
    }
}

async fn show(ports: &Ports, proposal: &Proposal, printing: &Shown) -> anyhow::Result<()> {
    let language = printing.lang.unwrap_or(ports.settings.language);
    let view = lifecycle::view(ports, proposal, language).await?;
    match printing.format {
        PrintAs::Json => json(&view)?,
        PrintAs::Text => print_plan(&view, &reading(ports, proposal, language).await?),
    }
    Ok(())
}

async fn reading(ports: &Ports, proposal: &Proposal, language: Language) -> Result<Reading, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    Ok(Reading::of(&compiled.policy, language, proposal.plan.created_at))
}

fn print_plan(view: &PlanView, reading: &Reading) {
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    println!("{} {}", says("Plan", "Plan"), view.hash);
    println!(
        "{}: {} · policy {} · {}",
        says("Läge", "State"),
        state(view.state, reading),
        view.policy_version,
        view.created_at
    );
    for note in &view.notes {
        println!("{note}");
    }
    for stop in &view.stops {
        println!("{}: {stop}", says("Stannade", "Stopped"));
    }
    println!();
    print_steps(view, reading);
    println!();
    let kept: Vec<String> =
        view.kept.iter().map(|(why, count)| format!("{} {count}", kept_words(why, reading))).collect();
    if !kept.is_empty() {
        println!("{}: {}", says("Lämnas orörda", "Left alone"), kept.join(", "));
    }
    for one in &view.exceptions {
        println!("  {} ({}): {}", plain(&one.display_name), plain(&one.user_name), one.why);
    }
    for sentence in &view.unknown {
        println!("{}: {sentence}", says("Okänt", "Unknown"));
    }
    if !view.ignored.is_empty() {
        let names: Vec<&str> = view.ignored.iter().map(|source| source.name()).collect();
        println!("{}: {}", says("Källor som inte är anslutna", "Sources not connected"), names.join(", "));
    }
    if view.state == PlanState::Waiting {
        println!("\nportvakt lifecycle release {} --reason \"…\"", view.hash);
    }
}

/// How far a plan has come.
fn state(state: PlanState, reading: &Reading) -> String {
    match state {
        PlanState::Proposed => reading.pick("föreslagen", "proposed"),
        PlanState::Waiting => reading.pick("väntar på godkännande", "waiting for release"),
        PlanState::Released => reading.pick("godkänd", "released"),
        PlanState::Applied => reading.pick("genomförd", "applied"),
        PlanState::Refused => reading.pick("avvisad", "refused"),
    }
}

fn print_steps(view: &PlanView, reading: &Reading) {
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    if view.steps.is_empty() {
        println!("{}", says("Inga steg.", "No steps."));
    } else {
        let titles = [
            says("Namn", "Name"),
            says("Användarnamn", "User name"),
            says("Steg", "Step"),
            says("Varför", "Why"),
            says("Senast sedd", "Last seen"),
            says("Regel", "Rule"),
            says("Förlorar", "Takes away"),
            says("Utfall", "Outcome"),
        ];
        let rows = view.steps.iter().map(|step| {
            let seen = step.last_seen.map(|at| reading.date(at)).unwrap_or_default();
            let outcome = step.outcome.clone().unwrap_or_else(|| match step.state.as_str() {
                "applied" => says("gjort", "done"),
                "planned" => String::new(),
                other => other.to_owned(),
            });
            let rule = step.rule.as_ref().map(ToString::to_string).unwrap_or_default();
            let takes = step.takes.join(", ");
            let texts = [&step.display_name, &step.user_name, &step.what, &step.why];
            texts.into_iter().cloned().chain([seen, rule, takes, outcome]).collect()
        });
        table(&titles, rows);
    }
}

async fn applied(ports: &Ports, report: &RunReport, printing: &Shown) -> anyhow::Result<ExitCode> {
    let proposal = lifecycle::find(ports, &report.plan).await?;
    let language = printing.lang.unwrap_or(ports.settings.language);
    let view = lifecycle::view(ports, &proposal, language).await?;
    if printing.format == PrintAs::Json {
        json(&json!({ "run": report.run, "outcome": report.outcome.name(), "applied": report.applied,
            "skipped": report.skipped, "plan": view }))?;
    } else {
        let reading = reading(ports, &proposal, language).await?;
        print_plan(&view, &reading);
        println!("\n{}", ending(report, &reading));
    }
    Ok(match &report.outcome {
        RunOutcome::AwaitsRelease(_) => exit::awaits_release(),
        RunOutcome::Applied | RunOutcome::NothingToDo | RunOutcome::Observed => exit::DONE,
    })
}

/// How a run ended, in a line. Why a plan is only observed stands among the plan's notes.
fn ending(report: &RunReport, reading: &Reading) -> String {
    let (run, taken, skipped) = (report.run, report.applied, report.skipped);
    let (sv, en) = match &report.outcome {
        RunOutcome::Applied => (
            format!("{taken} steg tagna, {skipped} överhoppade"),
            format!("{taken} step(s) taken, {skipped} skipped"),
        ),
        RunOutcome::NothingToDo => ("inget att göra".to_owned(), "nothing to do".to_owned()),
        RunOutcome::Observed => {
            ("bara observerad, inget är gjort".to_owned(), "only observed, nothing was done".to_owned())
        }
        RunOutcome::AwaitsRelease(_) => (
            "planen stannade och väntar på godkännande, inget är gjort".to_owned(),
            "the plan stopped and awaits release, nothing was done".to_owned(),
        ),
    };
    reading.pick(format!("körning {run}: {sv}"), format!("run {run}: {en}"))
}

async fn runs(runs: &[Run], printing: &Shown, ports: &Ports) -> anyhow::Result<()> {
    if printing.format == PrintAs::Json {
        let listed: Vec<_> = runs
            .iter()
            .map(|run| {
                json!({ "run": run.id, "plan": run.plan, "by": run.by, "started_at": run.started_at.to_string(),
                    "finished_at": run.finished_at.map(|at| at.to_string()), "applied": run.applied,
                    "skipped": run.skipped, "outcome": run.outcome })
            })
            .collect();
        return json(&listed);
    }
    let reading = printing.reading(ports).await;
    let titles = [
        reading.pick("Körning", "Run"),
        reading.pick("Började", "Started"),
        reading.pick("Av", "By"),
        reading.pick("Utfall", "Outcome"),
        reading.pick("Tagna", "Taken"),
        reading.pick("Överhoppade", "Skipped"),
        reading.pick("Plan", "Plan"),
    ];
    let rows = runs.iter().map(|run| {
        let outcome = if run.finished_at.is_some() { run.outcome.as_str() } else { "under_way" };
        let (started, outcome) =
            (minute(run.started_at, &reading), lifecycle::outcome_word(outcome, reading.language));
        let plan: String = run.plan.chars().take(12).collect();
        let first = [run.id.to_string(), started, run.by.clone(), outcome];
        first.into_iter().chain([run.applied.to_string(), run.skipped.to_string(), plan]).collect()
    });
    table(&titles, rows);
    Ok(())
}
