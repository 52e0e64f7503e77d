//! `portvakt policy …`: the policy in force.
//!
//! Invariant: a policy with mistakes changes nothing; every mistake is told.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use super::{exit, setup};
use crate::flows::{Refusal, policies};

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Put a policy file into force, at once and for a running daemon too. A file with mistakes changes nothing.
    Apply {
        /// The policy file.
        file: PathBuf,
    },
    /// Print the policy in force, with its version and checksum.
    Show,
}

pub(super) async fn run(config: &Path, command: PolicyCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    let code = match command {
        PolicyCommand::Apply { file } => {
            let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
            match policies::apply(&ports, &setup::act(&ports, "command"), &text).await {
                Ok(applied) if applied.is_new => {
                    println!(
                        "policy version {} is in force; {} account(s) changed",
                        applied.number, applied.changed
                    );
                    exit::DONE
                }
                Ok(applied) => {
                    println!("nothing to do: this text is in force already, as version {}", applied.number);
                    exit::DONE
                }
                Err(Refusal::Policy(mistakes)) => {
                    for mut mistake in mistakes {
                        mistake.file = file.display().to_string();
                        eprintln!("{mistake}");
                    }
                    exit::refused()
                }
                Err(other) => return Err(other.into()),
            }
        }
        PolicyCommand::Show => {
            print!("{}", policies::text(&ports).await?);
            exit::DONE
        }
    };
    ports.db.close().await;
    Ok(code)
}
