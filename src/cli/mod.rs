//! The command line: one file per command.
//!
//! Invariant: exit code 0 done, 1 refused or failed, 2 wrong use, 3 a plan awaits release. Every command works while
//! the daemon runs. Data go to standard output, everything else to standard error.

mod access;
mod account;
mod admin;
mod audit;
mod check;
mod client;
mod compare;
mod day;
mod demo;
mod directory;
mod doctor;
mod import;
mod lifecycle;
mod link;
mod mail;
mod migrate;
mod policy;
mod report;
mod serve;
mod setup;
mod shown;
mod target;
mod tokens;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use crate::telemetry::LogFormat;

/// What a command ends with.
pub mod exit {
    use std::process::ExitCode;

    /// Done.
    pub const DONE: ExitCode = ExitCode::SUCCESS;

    /// Refused or failed.
    #[must_use]
    pub fn refused() -> ExitCode {
        ExitCode::from(1)
    }

    /// Wrong use, as clap says it of arguments that do not go together.
    #[must_use]
    pub fn wrong_use() -> ExitCode {
        ExitCode::from(2)
    }

    /// A plan awaits release.
    #[must_use]
    pub fn awaits_release() -> ExitCode {
        ExitCode::from(3)
    }
}

/// What stands below the help of the program.
const AFTER: &str = "\
Exit codes: 0 done, 1 refused or failed, 2 wrong use, 3 a plan awaits release.
Every command works while the daemon runs. Data go to standard output, everything else to standard error.
PORTVAKT_LOG says what is logged: error, warn, info (default), debug, or by part: info,portvakt::http=debug.";

/// Gatekeeper between an organisation's identity provider and its CRM.
#[derive(Debug, Parser)]
#[command(name = "portvakt", version, about, max_term_width = 110, after_help = AFTER)]
pub struct Arguments {
    /// The settings file.
    #[arg(
        long,
        global = true,
        env = "PORTVAKT_CONFIG",
        default_value = "portvakt.toml",
        value_name = "FILE"
    )]
    config: PathBuf,
    /// How log lines look, on standard error.
    #[arg(long, global = true, value_enum, default_value_t = LogAs::Text)]
    log_format: LogAs,
    #[command(subcommand)]
    command: Command,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogAs {
    /// For people.
    Text,
    /// One JSON object per line.
    Json,
}

/// How a command prints data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum PrintAs {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon. SIGTERM ends it in order with exit code 0, a second one at once.
    Serve,
    /// Show everything on an invented association: one command, no set-up.
    Demo(demo::DemoArgs),
    /// Check settings and policy; every mistake at once. Opens no database and calls nobody.
    Check(check::CheckArgs),
    /// Check the set-up of the directories end to end, and tell what to type into the provider. Exit code 1: a mistake.
    Doctor(doctor::DoctorArgs),
    /// Bring the database to the present schema. Every other command that opens it does so too.
    Migrate,
    /// Directories: connections to identity providers.
    #[command(subcommand)]
    Directory(directory::DirectoryCommand),
    /// Clients: CRMs that sign people in through Portvakt, and the keys that sign for them.
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Targets: CRMs that are told about accounts.
    #[command(subcommand)]
    Target(target::TargetCommand),
    /// Read a CRM back and say what differs: missing, extra, different, conflicting; put it right with --heal.
    Compare(compare::CompareArgs),
    /// Match the users that a CRM has already with the accounts, and take in their ids, ages and last sign-ins.
    Import(import::ImportArgs),
    /// The policy: try a change, put it into force, go back.
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// May somebody do something, and why.
    #[command(subcommand)]
    Access(access::AccessCommand),
    /// The lifecycle: plan, apply, release, runs.
    #[command(subcommand)]
    Lifecycle(lifecycle::LifecycleCommand),
    /// Reports: who has access, who has gone quiet.
    Report(report::ReportArgs),
    /// Accounts: look at them, and change them by hand.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Sign-ins that lead to no account: look at them, and say whose they are.
    #[command(subcommand)]
    Link(link::LinkCommand),
    /// Mail: try it, see what became of letters, take what came back.
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// Administrators: the first one, and the way in when no provider answers.
    #[command(subcommand)]
    Admin(admin::AdminCommand),
    /// The audit: who changed what, when and why.
    #[command(subcommand)]
    Audit(audit::AuditCommand),
}

/// Runs the command that the arguments name.
///
/// # Errors
///
/// What the command failed for, in words for the operator.
pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let log_format = match arguments.log_format {
        LogAs::Text => LogFormat::Text,
        LogAs::Json => LogFormat::Json,
    };
    // The demo's log goes into its folder: the screen is the story's.
    if !matches!(arguments.command, Command::Demo(_)) {
        crate::telemetry::start_log(log_format);
    }
    let config = arguments.config;
    match arguments.command {
        Command::Demo(args) => demo::run(log_format, args).await,
        Command::Serve => serve::run(&config).await,
        Command::Check(args) => Ok(check::run(&config, &args)),
        Command::Doctor(args) => doctor::run(&config, &args).await,
        Command::Migrate => migrate::run(&config).await,
        Command::Directory(command) => directory::run(&config, command).await,
        Command::Client(command) => client::run(&config, command).await,
        Command::Target(command) => target::run(&config, command).await,
        Command::Compare(args) => compare::run(&config, args).await,
        Command::Import(args) => import::run(&config, &args).await,
        Command::Policy(command) => policy::run(&config, command).await,
        Command::Access(command) => access::run(&config, command).await,
        Command::Lifecycle(command) => lifecycle::run(&config, command).await,
        Command::Report(args) => report::run(&config, args).await,
        Command::Account(command) => account::run(&config, command).await,
        Command::Link(command) => link::run(&config, command).await,
        Command::Mail(command) => mail::run(&config, command).await,
        Command::Admin(command) => admin::run(&config, command).await,
        Command::Audit(command) => audit::run(&config, command).await,
    }
}

/// An error with its causes, each said once: many errors tell their cause in their own words already.
#[must_use]
pub fn told(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string).filter(|cause| !cause.is_empty()) {
        if said.contains(&cause) {
            continue;
        }
        if !said.is_empty() {
            said.push_str(": ");
        }
        said.push_str(&cause);
    }
    said
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_contradict_nothing() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_cause_that_was_told_is_not_told_again() {
        let inner = anyhow::anyhow!("connection refused");
        let error = inner.context("unavailable: connection refused").context("database x");
        assert_eq!(told(&error), "database x: unavailable: connection refused");
    }
}
