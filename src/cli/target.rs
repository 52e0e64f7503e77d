//! `portvakt target …`: CRMs that are told about accounts.
//!
//! Invariant: `token create` prints the token and nothing else on standard output; what is printed of an address is
//! the host alone.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::shown::Shown as InWords;
use super::{PrintAs, exit, setup, tokens as lists};
use crate::flows::targets::{DeadLetter, TargetStanding};
use crate::flows::tokens::{self, TokenKind};
use crate::flows::{Ports, targets};

#[derive(Debug, Subcommand)]
pub(super) enum TargetCommand {
    /// The CRM's tokens for the APIs.
    #[command(subcommand)]
    Token(TokenCommand),
    /// How every target fares: backlog, dead letters, last delivery.
    List(Shown),
    /// List the dead letters: what a target will not take, and what it said.
    Dead {
        /// The target, as the settings name it.
        name: String,
        #[command(flatten)]
        shown: Shown,
    },
    /// Send dead letters again, as their accounts stand now.
    Resend {
        /// The target, as the settings name it.
        name: String,
        /// Only this account's: its id, its user name or the CRM's id.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
    },
    /// Switch a target on again that answered 410.
    Resume {
        /// The target, as the settings name it.
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token for the APIs. Only the token is printed, and only now.
    Create {
        /// The target, as the settings name it.
        name: String,
        /// How long it is good for: 12h, 90d, 2w.
        #[arg(long, default_value = "365d", value_name = "TIME", value_parser = setup::duration)]
        expires_in: jiff::SignedDuration,
        /// What to call it, in lists and in the audit.
        #[arg(long = "name", id = "token_name", default_value = "api", value_name = "TEXT")]
        token_name: String,
    },
    /// List the tokens of a target, also those that are over.
    List {
        /// The target, as the settings name it.
        name: String,
        #[command(flatten)]
        shown: InWords,
    },
    /// Revoke a token: from then on it opens nothing.
    Revoke {
        /// The target, as the settings name it.
        name: String,
        /// The id, as the list shows it, or the beginning of it.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Shown {
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
}

pub(super) async fn run(config: &Path, command: TargetCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    match command {
        TargetCommand::Token(command) => token(&ports, command).await?,
        TargetCommand::List(Shown { format }) => print(format, &targets::list(&ports).await?, standing)?,
        TargetCommand::Dead { name, shown } => {
            let target = targets::find(&ports, &name)?;
            print(shown.format, &targets::dead(&ports, &target).await?, letter)?;
        }
        TargetCommand::Resend { name, account } => resend(&ports, &name, account.as_deref()).await?,
        TargetCommand::Resume { name } => {
            let target = targets::find(&ports, &name)?;
            let was_off = targets::resume(&ports, &setup::act(&ports, "command"), &target).await?;
            println!("target {target} {}", if was_off { "is on again" } else { "was on already" });
        }
    }
    ports.db.close().await;
    Ok(exit::DONE)
}

async fn token(ports: &Ports, command: TokenCommand) -> anyhow::Result<()> {
    let kind = TokenKind::Target;
    match command {
        TokenCommand::Create { name, expires_in, token_name } => {
            let target = targets::find(ports, &name)?;
            let act = setup::act(ports, "command");
            let made = tokens::create(ports, &act, kind, target.as_str(), &token_name, expires_in);
            println!("{}", made.await?);
            Ok(())
        }
        TokenCommand::List { name, shown } => {
            lists::list(ports, kind, targets::find(ports, &name)?.as_str(), &shown).await
        }
        TokenCommand::Revoke { name, id } => {
            lists::revoke(ports, kind, targets::find(ports, &name)?.as_str(), &id).await
        }
    }
}

async fn resend(ports: &Ports, name: &str, account: Option<&str>) -> anyhow::Result<()> {
    let target = targets::find(ports, name)?;
    let count = targets::resend(ports, &setup::act(ports, "command"), &target, account).await?;
    println!("{count} dead letter(s) of target {target} are sent again, as their accounts stand now");
    Ok(())
}

fn print<T: Serialize>(format: PrintAs, rows: &[T], line: impl Fn(&T) -> String) -> anyhow::Result<()> {
    match format {
        PrintAs::Text => rows.iter().for_each(|row| println!("{}", line(row))),
        PrintAs::Json => println!("{}", serde_json::to_string_pretty(rows)?),
    }
    Ok(())
}

fn standing(row: &TargetStanding) -> String {
    let last = row.last_delivery.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let off = row.off_since.as_ref().map(|since| format!("  SWITCHED OFF since {since}")).unwrap_or_default();
    format!(
        "{}  {} to {}  waiting {}  dead letters {}  last delivery {last}{off}",
        row.target, row.kind, row.host, row.waiting, row.dead
    )
}

fn letter(row: &DeadLetter) -> String {
    format!(
        "{}  {}  version {}  since {}  attempts {}  {}",
        row.account, row.user_name, row.version, row.queued_at, row.attempts, row.error
    )
}
