//! `portvakt check`: settings and policy, every mistake at once.
//!
//! Invariant: reads only; opens no database and calls nobody.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{PrintAs, exit};
use crate::config::{self, Mistake, Severity};
use crate::flows::Parties;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
}

pub(super) fn run(config: &Path, args: &CheckArgs) -> ExitCode {
    let mut report = config::check(config, std::env::vars());
    if let Some(settings) = &report.settings
        && let Err(error) = Parties::new(settings)
    {
        let fix = "mend it; the daemon would not start";
        report.mistakes.push(Mistake {
            severity: Severity::Error,
            file: config.display().to_string(),
            line: None,
            column: None,
            key_path: "directory.oidc".to_owned(),
            what: error.to_string(),
            fix: fix.to_owned(),
        });
    }
    match args.format {
        PrintAs::Text => {
            for mistake in &report.mistakes {
                println!("{mistake}");
            }
            match (report.has_errors(), report.mistakes.len()) {
                (true, count) => eprintln!("{count} finding(s); the daemon would not start"),
                (false, 0) => println!("settings and policy are fine"),
                (false, count) => eprintln!("{count} warning(s); the daemon would start"),
            }
        }
        PrintAs::Json => match serde_json::to_string_pretty(&report.mistakes) {
            Ok(json) => println!("{json}"),
            Err(error) => eprintln!("{error}"),
        },
    }
    if report.has_errors() { exit::refused() } else { exit::DONE }
}
