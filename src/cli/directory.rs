//! `portvakt directory …`: connections to identity providers.
//!
//! Invariant: `token create` prints the token and nothing else on standard output; a private key is never printed.

use std::path::Path;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;

use super::{exit, setup};
use crate::flows::tokens::{self, TokenKind};

#[derive(Debug, Subcommand)]
pub(super) enum DirectoryCommand {
    /// Tokens for SCIM.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Print the public half of the key that Portvakt proves itself with there, to be registered at the provider.
    Key {
        /// The directory, as the settings name it.
        directory: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token that the identity provider pushes with. Only the token is printed, and only now.
    Create {
        /// The directory, as the settings name it.
        directory: String,
        /// How long it is good for: 12h, 90d, 2w.
        #[arg(long, default_value = "365d", value_name = "TIME", value_parser = setup::duration)]
        expires_in: jiff::SignedDuration,
        /// What to call it, for the audit.
        #[arg(long, default_value = "scim")]
        name: String,
    },
}

pub(super) async fn run(config: &Path, command: DirectoryCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    let TokenCommand::Create { directory, expires_in, name } = match command {
        DirectoryCommand::Token(command) => command,
        DirectoryCommand::Key { directory } => {
            println!("{}", serde_json::to_string_pretty(&ports.parties.public_keys(&directory)?)?);
            ports.db.close().await;
            return Ok(exit::DONE);
        }
    };
    if !ports.settings.directories.iter().any(|known| known.id.as_str() == directory) {
        let known: Vec<&str> = ports.settings.directories.iter().map(|d| d.id.as_str()).collect();
        bail!("the settings have no directory {directory:?}; they have: {}", known.join(", "));
    }
    let act = setup::act(&ports, "command");
    let token = tokens::create(&ports, &act, TokenKind::Directory, &directory, &name, expires_in).await?;
    println!("{token}");
    ports.db.close().await;
    Ok(exit::DONE)
}
