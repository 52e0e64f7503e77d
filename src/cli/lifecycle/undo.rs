//! `portvakt lifecycle undo`: gives back what a run took.
//!
//! Invariant: what is left alone is named with why and how to mend it.

use std::process::ExitCode;

use clap::Args;

use crate::cli::shown::{Shown, json, table};
use crate::cli::{PrintAs, exit, setup};
use crate::domain::days::Reading;
use crate::flows::Ports;
use crate::flows::lifecycle::{self, UndoReport, UndoWish};

#[derive(Debug, Args)]
pub(in crate::cli) struct UndoArgs {
    /// The run's id, or the first characters of it; portvakt lifecycle runs lists them.
    run: String,
    /// Only this account, and it even where it has changed since. May be given several times.
    #[arg(long = "account", value_name = "ACCOUNT")]
    accounts: Vec<String>,
    /// Only show what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Why.
    #[arg(long)]
    reason: Option<String>,
    #[command(flatten)]
    printing: Shown,
}

pub(super) async fn run(ports: &Ports, args: UndoArgs) -> anyhow::Result<ExitCode> {
    let language = args.printing.lang.unwrap_or(ports.settings.language);
    let is_dry = args.dry_run;
    let is_named = !args.accounts.is_empty();
    let wish = UndoWish {
        run: args.run,
        accounts: args.accounts,
        dry_run: args.dry_run,
        reason: args.reason,
        language,
    };
    let act = setup::act(ports, "command");
    let report = lifecycle::undo(ports, &act, &wish).await?;
    match args.printing.format {
        PrintAs::Json => json(&report)?,
        PrintAs::Text => print(&report, is_dry, &args.printing.reading(ports).await),
    }
    // Whoever names a person wants to know by the exit code that nothing was done for them.
    let is_refused = is_named && report.steps.iter().any(|line| line.is_refused);
    Ok(if is_refused { exit::refused() } else { exit::DONE })
}

fn print(report: &UndoReport, is_dry: bool, reading: &Reading) {
    let says = |sv: &str, en: &str| reading.pick(sv, en);
    if report.steps.is_empty() {
        println!(
            "{}",
            says("Körningen gjorde inget som kan ångras.", "The run did nothing that can be undone.")
        );
        return;
    }
    let titles = [
        says("Namn", "Name"),
        says("Användarnamn", "User name"),
        says("Körningen", "The run"),
        says("Nu", "Now"),
    ];
    let rows = report.steps.iter().map(|line| {
        vec![line.display_name.clone(), line.user_name.clone(), line.did.clone(), line.what.clone()]
    });
    table(&titles, rows);
    let (undone, left) = (report.undone, report.steps.len() - report.undone);
    println!();
    if is_dry {
        let sv = format!("{undone} skulle återställas, {left} lämnas orörda. Inget är gjort.");
        let en = format!("{undone} would be undone, {left} left alone. Nothing was done.");
        println!("{}", says(&sv, &en));
    } else {
        let sv = format!("{undone} återställda, {left} lämnade orörda.");
        let en = format!("{undone} undone, {left} left alone.");
        println!("{}", says(&sv, &en));
    }
}
