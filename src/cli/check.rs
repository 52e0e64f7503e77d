//! `portvakt check`: settings and policy, every mistake at once.
//!
//! Invariant: reads only; opens no database and calls nobody.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::{PrintAs, exit};
use crate::config::{self, Mistake, Severity};
use crate::flows::{Crms, Parties};

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
}

pub(super) fn run(config: &Path, args: &CheckArgs) -> ExitCode {
    let mut report = config::check(config, std::env::vars());
    if let Some(settings) = &report.settings {
        let parties = Parties::new(settings).err().map(|error| ("directory.oidc", error.to_string()));
        let crms = Crms::new(settings).err().map(|error| ("target", error.to_string()));
        for (key, what) in parties.into_iter().chain(crms) {
            report.mistakes.push(Mistake {
                severity: Severity::Error,
                file: config.display().to_string(),
                line: None,
                column: None,
                key_path: key.to_owned(),
                what,
                fix: "mend it; the daemon would not start".to_owned(),
            });
        }
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
