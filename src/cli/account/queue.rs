//! `portvakt account queue` and `decide`: rights by hand of people who changed job.
//!
//! Invariant: a decision names the right by the id that the queue shows, and says why.

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::cli::shown::{Shown, json, table};
use crate::cli::{PrintAs, day, exit, setup};
use crate::domain::days::Reading;
use crate::flows::Ports;
use crate::flows::mover::{self, AskedRight, Verdict};
use crate::flows::people::Lasting;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Decision {
    /// It stays.
    Keep,
    /// It ends.
    End,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct DecideArgs {
    /// The right: its id in the queue, or the beginning of it.
    id: String,
    /// What is decided.
    #[arg(value_enum)]
    decision: Decision,
    /// The last day, where it stays. Default: as the policy says of rights by hand.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// Why, in a few words.
    #[arg(long)]
    reason: String,
}

pub(super) async fn list(ports: &Ports, shown: &Shown) -> anyhow::Result<ExitCode> {
    let asked = mover::questions(ports).await?;
    if shown.format == PrintAs::Json {
        json(&asked)?;
        return Ok(exit::DONE);
    }
    let reading = shown.reading(ports).await;
    let titles = [
        reading.pick("Id", "Id"),
        reading.pick("Namn", "Name"),
        reading.pick("Behörighet", "Right"),
        reading.pick("Given av", "Given by"),
        reading.pick("Varför", "Why"),
        reading.pick("Ändrat", "Changed"),
        reading.pick("Svar före", "Answer before"),
    ];
    table(&titles, asked.iter().map(|one| row(one, &reading)));
    Ok(exit::DONE)
}

fn row(one: &AskedRight, reading: &Reading) -> Vec<String> {
    let changed = match one.changed.as_str() {
        "department" => reading.pick("avdelning", "department"),
        "manager" => reading.pick("chef", "manager"),
        _ => reading.pick("grupper", "groups"),
    };
    let late = if one.answer_by <= reading.now { " !" } else { "" };
    vec![
        one.id.to_string(),
        one.display_name.clone(),
        format!("{} {}", one.kind, one.value),
        one.given_by.clone(),
        one.given_why.clone().unwrap_or_default(),
        changed,
        format!("{}{late}", reading.date(one.answer_by)),
    ]
}

pub(super) async fn decide(ports: &Ports, args: DecideArgs) -> anyhow::Result<ExitCode> {
    let act = setup::act(ports, args.reason.trim());
    let verdict = match (args.decision, args.until) {
        (Decision::End, _) => Verdict::End,
        (Decision::Keep, None) => Verdict::Keep(Lasting::AsUsual),
        (Decision::Keep, Some(until)) => {
            Verdict::Keep(Lasting::Until(day::after(&until, &day::zone(ports).await?)?))
        }
    };
    let said = if verdict == Verdict::End { "ended" } else { "kept" };
    let right = mover::answer(ports, &act, &args.id, verdict, &args.reason).await?;
    println!("{}: {} {} {said}", right.user_name, right.kind, right.value);
    Ok(exit::DONE)
}
