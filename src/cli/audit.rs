//! `portvakt audit …`: who changed what, when and why.
//!
//! Invariant: reads only.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{PrintAs, exit, setup};
use crate::flows::records::{self, Entry};

#[derive(Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Show what a reference stands for: the one on the page of somebody who did not get in, or any entry's id.
    Show(ShowArgs),
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The reference, as it stands on the page.
    reference: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
}

pub(super) async fn run(config: &Path, command: AuditCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    let AuditCommand::Show(args) = command;
    let entries = records::show(&ports, &args.reference).await?;
    match args.format {
        PrintAs::Json => println!("{}", serde_json::to_string_pretty(&entries)?),
        PrintAs::Text => entries.iter().for_each(print),
    }
    ports.db.close().await;
    Ok(exit::DONE)
}

fn print(entry: &Entry) {
    println!("{}  {}  {} {}", entry.at, entry.action, entry.subject_kind, entry.subject_id);
    let facts = [
        ("entry", entry.id.to_string()),
        ("who", entry.who.clone().unwrap_or_default()),
        ("by", entry.actor.clone()),
        ("cause", entry.cause.clone()),
        ("before", entry.before.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("after", entry.after.as_ref().map(ToString::to_string).unwrap_or_default()),
        ("request", entry.request_id.clone().unwrap_or_default()),
    ];
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        println!("  {name:<10}{value}");
    }
}
