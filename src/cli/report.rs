//! `portvakt report NAME`: who has access, who has gone quiet, now or as of a past day.
//!
//! Invariant: the report goes to standard output and nothing else does.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{exit, setup};
use crate::domain::language::Language;
use crate::flows::report::{self, Asked, ReportName};

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A table on the screen.
    Text,
    /// For spreadsheets, with every column.
    Csv,
    /// For programs, with exact values.
    Json,
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// access: who has access, and why. stale: who has access and has not signed in since a day.
    #[arg(value_name = "NAME", value_parser = named)]
    name: ReportName,
    /// As it was at the end of a past day (2026-03-01) or at an instant (2026-03-01T08:00:00Z).
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// For stale: who has not signed in since this day (2026-01-01). Without it: for longer than the policy's longest
    /// limit.
    #[arg(long, value_name = "DATE")]
    before: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Form::Text)]
    format: Form,
    /// The language: sv or en. Default: as the settings say.
    #[arg(long, value_parser = language, value_name = "LANG")]
    lang: Option<Language>,
}

/// Reads a language that Portvakt speaks.
///
/// # Errors
///
/// When it is another one.
pub(super) fn language(text: &str) -> Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "write sv or en".to_owned())
}

/// Reads the name of a report.
///
/// # Errors
///
/// When there is no such report.
fn named(text: &str) -> Result<ReportName, String> {
    ReportName::from_name(text).ok_or_else(|| {
        let known: Vec<&str> = ReportName::ALL.iter().map(|known| known.name()).collect();
        format!("there is no report of that name; there are: {}", known.join(", "))
    })
}

pub(super) async fn run(config: &Path, args: ReportArgs) -> anyhow::Result<ExitCode> {
    if args.before.is_some() && args.name != ReportName::Stale {
        eprintln!("error: --before is for the report stale");
        return Ok(exit::wrong_use());
    }
    let ports = setup::open(config).await?;
    let asked = Asked {
        name: args.name.name(),
        as_of: args.as_of.as_deref(),
        before: args.before.as_deref(),
        language: args.lang,
    };
    let request = report::ask(&ports, asked).await?;
    let made = report::produce(&ports, &setup::act(&ports, "command"), &request).await?;
    match args.format {
        Form::Text => print!("{}", report::text(&made)),
        Form::Csv => print!("{}", report::csv(&made)?),
        Form::Json => println!("{}", serde_json::to_string_pretty(&report::json(&made))?),
    }
    ports.db.close().await;
    Ok(exit::DONE)
}
