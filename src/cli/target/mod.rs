//! `portvakt target …`: CRMs that are told about accounts.
//!
//! Invariant: `token create` prints the token and nothing else on standard output; what is printed of an address is
//! the host alone.

mod print;
mod work;

use std::path::Path;
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use jiff::{SignedDuration, Timestamp};

use super::shown::Shown as InWords;
use super::{PrintAs, exit, setup, tokens as lists};
use crate::domain::scope::{Scope, Scopes};
use crate::flows::targets::Which;
use crate::flows::targets::replays::Again;
use crate::flows::tokens::{self, TokenKind};
use crate::flows::{Ports, targets};

#[derive(Debug, Subcommand)]
pub(super) enum TargetCommand {
    /// The CRM's tokens for the APIs.
    #[command(subcommand)]
    Token(TokenCommand),
    /// How every target fares: backlog, dead letters, last delivery, whether it is left alone.
    List(Shown),
    /// Everything about one target: what stands in the way, how far a replay is, what it can be told.
    Show {
        /// The target, as the settings name it.
        name: String,
        #[command(flatten)]
        shown: Shown,
    },
    /// Try a target now: reach it, sign in, read; to a webhook, send a signed test message. Nothing is changed.
    Test {
        /// The target, as the settings name it.
        name: String,
        #[command(flatten)]
        shown: Shown,
    },
    /// Print what a CRM checks the signatures with, where the target signs by a key of its own (whsk_).
    Key {
        /// The target, as the settings name it.
        name: String,
    },
    /// Tell a target again how accounts stand, behind everything that changed.
    Replay {
        /// The target, as the settings name it.
        name: String,
        #[command(flatten)]
        again: Accounts,
        /// Only say how many accounts it would be.
        #[arg(long)]
        dry_run: bool,
    },
    /// Deliver everything that waits now, whatever pause was to be kept; ends when nothing waits any more.
    Drain {
        /// The target, as the settings name it.
        name: String,
        /// How long to go on at most: 30s, 5m, 1h.
        #[arg(long, default_value = "5m", value_name = "TIME", value_parser = setup::duration)]
        within: SignedDuration,
    },
    /// List the dead letters: what a target will not take, and what it said.
    Dead {
        /// The target, as the settings name it.
        name: String,
        #[command(flatten)]
        which: Letters,
        #[command(flatten)]
        shown: Shown,
    },
    /// Send dead letters again, as their accounts stand now: all, or those that are meant.
    Resend {
        /// The target, as the settings name it.
        name: String,
        #[command(flatten)]
        which: Letters,
        /// Only list them.
        #[arg(long)]
        dry_run: bool,
    },
    /// Put dead letters away for good: those that are meant, or all with --all.
    Drop {
        /// The target, as the settings name it.
        name: String,
        #[command(flatten)]
        which: Letters,
        /// All of them.
        #[arg(long)]
        all: bool,
        /// Why, for the audit.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Only list them.
        #[arg(long)]
        dry_run: bool,
    },
    /// Switch a target on again that answered 410.
    Resume {
        /// The target, as the settings name it.
        name: String,
    },
}

/// Which dead letters.
#[derive(Debug, Args)]
pub(super) struct Letters {
    /// Only this account's: its id, its user name or the CRM's id.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// Only those whose last answer contains this text.
    #[arg(long, value_name = "TEXT")]
    error: Option<String>,
    /// Only those that have waited since before this instant: 2026-03-01T08:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    before: Option<Timestamp>,
}

impl From<Letters> for Which {
    fn from(Letters { account, error, before }: Letters) -> Self {
        Self { account, error, before }
    }
}

/// Which accounts.
#[derive(Debug, Args)]
pub(super) struct Accounts {
    /// Only this one: its id, its user name or the CRM's id.
    #[arg(long, value_name = "ID", conflicts_with = "since")]
    account: Option<String>,
    /// Only those that the target was told of since this instant, or never: what a CRM has lost that was restored
    /// from a backup of then. 2026-03-01T08:00:00Z.
    #[arg(long, value_name = "INSTANT")]
    since: Option<Timestamp>,
}

impl From<Accounts> for Again {
    fn from(Accounts { account, since }: Accounts) -> Self {
        Self { account, since }
    }
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
        /// What it opens; several times, or with commas between. Without it: everything.
        #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', value_parser = scopes())]
        scopes: Vec<String>,
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
    let mut done = exit::DONE;
    match command {
        TargetCommand::Token(command) => token(&ports, command).await?,
        TargetCommand::List(Shown { format }) => {
            print::rows(format, &targets::list(&ports).await?, print::standing)?;
        }
        TargetCommand::Show { name, shown } => {
            let target = targets::find(&ports, &name)?;
            print::portrait(shown.format, &targets::show(&ports, &target).await?)?;
        }
        TargetCommand::Test { name, shown } => done = work::test(&ports, &name, shown.format).await?,
        TargetCommand::Key { name } => {
            let target = targets::find(&ports, &name)?;
            targets::public_keys(&ports, &target)?.iter().for_each(|key| println!("{key}"));
        }
        TargetCommand::Replay { name, again, dry_run } => {
            work::replay(&ports, &name, &again.into(), dry_run).await?;
        }
        TargetCommand::Drain { name, within } => done = work::drain(&ports, &name, within).await?,
        TargetCommand::Dead { name, which, shown } => {
            let target = targets::find(&ports, &name)?;
            print::rows(shown.format, &targets::dead(&ports, &target, &which.into()).await?, print::letter)?;
        }
        TargetCommand::Resend { name, which, dry_run } => {
            work::resend(&ports, &name, &which.into(), dry_run).await?;
        }
        TargetCommand::Drop { name, which, all, reason, dry_run } => {
            let which = Which::from(which);
            if !all && which == Which::default() {
                eprintln!("say which: --account, --error or --before; or --all");
                return Ok(exit::wrong_use());
            }
            work::drop_letters(&ports, &name, &which, &reason, dry_run).await?;
        }
        TargetCommand::Resume { name } => {
            let target = targets::find(&ports, &name)?;
            let was_off = targets::resume(&ports, &setup::act(&ports, "command"), &target).await?;
            println!("target {target} {}", if was_off { "is on again" } else { "was on already" });
        }
    }
    ports.db.close().await;
    Ok(done)
}

/// The names of the scopes, for the help as for the check.
fn scopes() -> PossibleValuesParser {
    PossibleValuesParser::new(Scope::ALL.iter().map(|scope| scope.name()))
}

async fn token(ports: &Ports, command: TokenCommand) -> anyhow::Result<()> {
    let kind = TokenKind::Target;
    match command {
        TokenCommand::Create { name, expires_in, token_name, scopes } => {
            let target = targets::find(ports, &name)?;
            let act = setup::act(ports, "command");
            let scopes = Scopes::parse(scopes.iter().map(String::as_str))?;
            let owner = (kind, target.as_str());
            let made = tokens::create_for(ports, &act, owner, &token_name, expires_in, scopes);
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
