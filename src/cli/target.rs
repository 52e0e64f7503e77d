//! `portvakt target …`: CRMs that are told about accounts.
//!
//! Invariant: `token create` prints the token and nothing else on standard output.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;

use super::{exit, setup};
use crate::flows::tokens::{self, TokenKind};

#[derive(Debug, Subcommand)]
pub(super) enum TargetCommand {
    /// The CRM's tokens for the APIs.
    #[command(subcommand)]
    Token(TokenCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token; it is shown only now.
    Create {
        /// The target, as the settings name it.
        name: String,
        /// How long it is good for.
        #[arg(long, default_value = "365d", value_name = "TIME")]
        expires_in: String,
    },
}

pub(super) async fn run(config: &Path, command: TargetCommand) -> anyhow::Result<ExitCode> {
    let TargetCommand::Token(TokenCommand::Create { name, expires_in }) = command;
    let lifetime = setup::duration(&expires_in)?;
    let ports = setup::open(config).await?;
    if !ports.settings.targets.iter().any(|known| known.id.as_str() == name) {
        let known: Vec<&str> = ports.settings.targets.iter().map(|t| t.id.as_str()).collect();
        bail!("the settings have no target {name:?}; they have: {}", known.join(", "));
    }
    let act = setup::act(&ports, "command");
    let token = tokens::create(&ports, &act, TokenKind::Target, &name, "api", lifetime).await?;
    println!("{token}");
    ports.db.close().await;
    Ok(exit::DONE)
}
