//! `portvakt client …`: CRMs that sign people in through Portvakt, and the keys that sign for them.
//!
//! Invariant: a private key is never printed.

use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;

use super::{PrintAs, exit, setup};
use crate::flows::provider::{self, Key};

#[derive(Debug, Subcommand)]
pub(super) enum ClientCommand {
    /// List the keys that are published: which signs, and since when or from when.
    Keys {
        /// How to print.
        #[arg(long, value_enum, default_value_t = PrintAs::Text)]
        format: PrintAs,
    },
    /// Replace every key at once, because somebody else may have one. Running nodes follow within a minute; ID tokens
    /// of the old keys are believed no longer, while sessions and refresh tokens live on.
    ReplaceKeys {
        /// Why, for the audit.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

pub(super) async fn run(config: &Path, command: ClientCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    match command {
        ClientCommand::Keys { format } => {
            let keys = provider::list_keys(&ports).await?;
            match format {
                PrintAs::Text => keys.iter().for_each(|key| println!("{}", line(key))),
                PrintAs::Json => println!("{}", serde_json::to_string_pretty(&keys)?),
            }
        }
        ClientCommand::ReplaceKeys { reason } => {
            let kept = provider::replace_keys(&ports, &setup::act(&ports, reason)).await?;
            println!("{} key(s) were made and sign from now on, {} are gone", kept.made, kept.removed);
        }
    }
    ports.db.close().await;
    Ok(exit::DONE)
}

fn line(key: &Key) -> String {
    format!("{}  {}  made {}  signs from {}", key.id, key.algorithm, key.made_at, key.signs_from)
}
