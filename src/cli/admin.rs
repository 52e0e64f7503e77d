//! `portvakt admin …`: the first administrator, and the way in when no provider answers.
//!
//! Invariant: `invite` prints the link and nothing else on standard output.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use secrecy::ExposeSecret;

use super::{PrintAs, exit, setup};
use crate::flows::Ports;
use crate::flows::invite::{self, Line, Wish};
use crate::flows::report::aligned;

#[derive(Debug, Subcommand)]
pub(super) enum AdminCommand {
    /// Print a one-time link that signs an administrator in: 15 minutes, once, in the browser that opens it first.
    /// Where nobody administers yet, an account of that name is made.
    Invite(InviteArgs),
    /// List the invitations: who made them, for whom, and what became of them.
    List {
        /// How to print.
        #[arg(long, value_enum, default_value_t = PrintAs::Text)]
        format: PrintAs,
    },
}

#[derive(Debug, Args)]
pub(super) struct InviteArgs {
    /// The account: its user name, id or the CRM's id.
    username: String,
    /// Give this role by hand, where the account administers nothing yet.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Make the account where there is none of that name, though somebody administers already.
    #[arg(long)]
    new: bool,
    /// Why, in a few words.
    #[arg(long, default_value = "invited from the command line")]
    reason: String,
}

pub(super) async fn run(config: &Path, command: AdminCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    match command {
        AdminCommand::Invite(args) => invite(&ports, args).await?,
        AdminCommand::List { format } => list(&invite::list(&ports).await?, format)?,
    }
    ports.db.close().await;
    Ok(exit::DONE)
}

async fn invite(ports: &Ports, args: InviteArgs) -> anyhow::Result<()> {
    let wish = Wish { user_name: args.username, role: args.role, is_new: args.new, reason: args.reason };
    let made = invite::make(ports, &setup::act(ports, "command"), wish).await?;
    println!("{}", made.link.expose_secret());
    if made.is_new {
        eprintln!(
            "the account {:?} was made; it is kept for when everything else fails (break_glass)",
            made.user_name
        );
    }
    eprintln!("good until {}, once, in the browser that opens it first", made.expires_at);
    if !made.is_protected {
        eprintln!(
            "protect the account in the settings file, so that nothing takes it away:\n[accounts]\nprotected = [{:?}]",
            made.user_name
        );
    }
    Ok(())
}

fn list(lines: &[Line], format: PrintAs) -> anyhow::Result<()> {
    if format == PrintAs::Json {
        println!("{}", serde_json::to_string_pretty(lines)?);
        return Ok(());
    }
    let titles = ["Made", "For", "By", "State", "Opened", "Used", "Break-glass"];
    let mut table = vec![titles.map(str::to_owned).to_vec()];
    let at = |at: Option<jiff::Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
    table.extend(lines.iter().map(|line| {
        vec![
            line.created_at.to_string(),
            line.user_name.clone(),
            line.created_by.clone(),
            line.state.to_owned(),
            at(line.opened_at),
            at(line.used_at),
            if line.is_break_glass { "yes".to_owned() } else { String::new() },
        ]
    }));
    for line in aligned(&table) {
        println!("{line}");
    }
    Ok(())
}
