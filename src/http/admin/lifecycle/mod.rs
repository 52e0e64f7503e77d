//! `/lifecycle`: what happens to accounts that nobody uses: the rules as pictures, what comes, what waits, what was done.
//!
//! Invariant: what takes access is shown person by person before anybody decides about it.

mod backtest;
mod clock;
mod decide;
mod file;
mod plan;
mod run;
mod words;

use askama::Template;
use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};

use super::super::House;
use super::parts::{Empty, Pill};
use super::words::who;
use super::{ConsolePerson, Desk, Place};
use crate::domain::plan::PlanState;
use crate::domain::policy::picture::{Picture, Stop, StopKind, pictures};
use crate::flows::console::lifecycle::{self as flow, Overview};
use crate::flows::lifecycle::{Proposal, Run, outcome_word};

/// Where it all begins.
const HOME: &str = "/lifecycle";

pub(super) fn routes() -> Router<House> {
    Router::new()
        .route("/lifecycle", get(show))
        .route("/lifecycle/backtest", get(backtest::show))
        .route("/lifecycle/clock", get(clock::show).post(clock::trust))
        .route("/lifecycle/plans", post(decide::make))
        .route("/lifecycle/plans/{hash}", get(plan::show))
        .route("/lifecycle/plans/{hash}/apply", post(decide::apply))
        .route("/lifecycle/plans/{hash}/file", get(file::plan))
        .route("/lifecycle/plans/{hash}/refuse", post(decide::refuse))
        .route("/lifecycle/plans/{hash}/release", post(decide::release))
        .route("/lifecycle/runs/{run}", get(run::show).post(run::undo))
}

#[derive(Template)]
#[template(path = "admin/lifecycle/overview.html")]
struct OverviewPage {
    frame: Desk,
    next_run: String,
    watch: Option<String>,
    jump: Option<String>,
    plans: Vec<PlanLine>,
    rules: Vec<Rule>,
    runs: Vec<RunLine>,
    nothing_yet: Empty,
    no_rules: Empty,
}

/// A plan in the overview.
struct PlanLine {
    address: String,
    pill: Pill,
    made: String,
    /// What it would do, in numbers.
    does: String,
    waits: bool,
}

/// A rule as a picture.
struct Rule {
    picture: Picture,
    /// Its steps, each with its tone.
    stops: Vec<(&'static str, Stop)>,
}

/// A run in the overview.
struct RunLine {
    address: Option<String>,
    when: String,
    datetime: String,
    by: String,
    outcome: String,
    applied: usize,
    skipped: usize,
}

/// `GET /lifecycle`: how the lifecycle stands.
async fn show(console: ConsolePerson) -> Response {
    let desk = match console.desk(Place::Lifecycle).await {
        Ok(desk) => desk,
        Err(answer) => return answer,
    };
    match flow::overview(&console.ports, &console.reading).await {
        Ok(overview) => console.page(StatusCode::OK, &page(&console, desk, &overview)),
        Err(refusal) => console.refuse(Place::Lifecycle, refusal).await,
    }
}

fn page(console: &ConsolePerson, frame: Desk, overview: &Overview) -> OverviewPage {
    let policy = &console.person.compiled.policy;
    let rules = pictures(policy, frame.language).into_iter().map(|picture| Rule {
        stops: picture.stops.iter().map(|stop| (tone(stop.kind), stop.clone())).collect(),
        picture,
    });
    let next_run = overview.next_run.map_or_else(
        || {
            frame
                .t("Bara på begäran: policyn har inget schema", "Only on demand: the policy has no schedule")
                .to_owned()
        },
        |at| frame.when(at),
    );
    OverviewPage {
        next_run,
        watch: overview.watch.sentence(&console.reading),
        jump: overview.jump.clone(),
        plans: overview.plans.iter().map(|plan| plan_line(&frame, plan)).collect(),
        rules: rules.collect(),
        runs: overview.runs.iter().map(|run| run_line(&frame, overview, run)).collect(),
        nothing_yet: Empty {
            title: frame.t("Ingenting har körts ännu", "Nothing has run yet").to_owned(),
            text: frame
                .t(
                    "Körningar visas här, även de som inte gjorde något.",
                    "Runs are shown here, also those that did nothing.",
                )
                .to_owned(),
            way: None,
        },
        no_rules: Empty {
            title: frame
                .t("Policyn har inga livscykelregler", "The policy has no lifecycle rules")
                .to_owned(),
            text: frame
                .t(
                    "Inget konto fryses eller avaktiveras för att det inte används.",
                    "No account is frozen or deactivated because it is not used.",
                )
                .to_owned(),
            way: None,
        },
        frame,
    }
}

const fn tone(kind: StopKind) -> &'static str {
    match kind {
        StopKind::InUse => "ok",
        StopKind::Reminder => "warn",
        StopKind::Freeze => "cold",
        StopKind::Deactivate => "bad",
        StopKind::Remove | StopKind::Nothing => "",
    }
}

/// How far a plan has come.
fn state(frame: &Desk, state: PlanState) -> Pill {
    let (tone, icon, words) = match state {
        PlanState::Proposed => ("", "clock", frame.t("Väntar på nästa körning", "Waits for the next run")),
        PlanState::Waiting => ("warn", "stop", frame.t("Väntar på beslut", "Waits for a decision")),
        PlanState::Released => ("ok", "check", frame.t("Godkänd", "Released")),
        PlanState::Applied => ("ok", "check", frame.t("Genomförd", "Carried out")),
        PlanState::Refused => ("", "x", frame.t("Avvisad", "Refused")),
    };
    Pill::new(frame, tone, icon, words)
}

fn plan_line(frame: &Desk, proposal: &Proposal) -> PlanLine {
    let counts = words::counts(proposal.plan.steps.iter().map(|step| step.step.name()));
    let told = counts
        .iter()
        .map(|(step, count)| format!("{} {}", frame.number(*count), words::step(frame, step, *count)));
    let told: Vec<String> = told.collect();
    PlanLine {
        address: frame.at(&format!("{HOME}/plans/{}", proposal.hash)),
        pill: state(frame, proposal.state),
        made: frame.when(proposal.plan.created_at),
        does: if told.is_empty() { frame.t("Inga steg", "No steps").to_owned() } else { told.join(", ") },
        waits: proposal.state == PlanState::Waiting,
    }
}

fn run_line(frame: &Desk, overview: &Overview, run: &Run) -> RunLine {
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    let is_done = run.finished_at.is_some() && run.outcome == "applied";
    RunLine {
        address: is_done.then(|| frame.at(&format!("{HOME}/runs/{}", run.id))),
        when: frame.when(run.started_at),
        datetime: run.started_at.to_string(),
        by: who(frame, &overview.names, &run.by),
        outcome: outcome_word(&run.outcome, frame.language),
        applied: number(run.applied),
        skipped: number(run.skipped),
    }
}
