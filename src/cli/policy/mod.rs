//! `portvakt policy …`: plan, put into force, test, print, compare and roll back the policy.
//!
//! Invariant: a policy with mistakes, or with a case that does not hold, changes nothing, and every mistake is told; one
//! that goes beyond the safety limits ends with exit code 3.

mod plan;
mod versions;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};

use super::report::language;
use super::shown::Shown;
use super::{exit, setup};
use crate::config::{Mistake, judge_cases, parse_policy, read_case_files};
use crate::domain::language::Language;
use crate::flows::policies::{self, Form, Outcome};
use crate::flows::{Ports, Refusal};

#[derive(Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Show what putting a policy file into force would do, to whom; nothing is done. Exit code 3: it would need release.
    Plan {
        /// The policy file.
        file: PathBuf,
        #[command(flatten)]
        shown: Shown,
    },
    /// Put a policy file into force, at once and for a running daemon too; or exactly the plan with this hash.
    /// Exit code 3: it goes beyond the safety limits and awaits release.
    Apply(ApplyArgs),
    /// Run given/when/then cases against the policy in force, or against a policy file. Exit code 1: one does not hold.
    Test {
        /// The files with cases.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The policy file. Without it, the policy in force.
        #[arg(long, value_name = "FILE")]
        policy: Option<PathBuf>,
    },
    /// Print the policy as people read it: what a board decides on.
    Document {
        /// The language: sv or en. Default: as the settings say.
        #[arg(long, value_parser = language, value_name = "LANG")]
        lang: Option<Language>,
        /// The form.
        #[arg(long, value_enum, default_value_t)]
        format: PageForm,
        /// A policy file instead of the policy in force.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List the versions that were in force, the newest first.
    List {
        /// At most this many.
        #[arg(long, default_value_t = 20)]
        limit: u16,
        #[command(flatten)]
        shown: Shown,
    },
    /// Print a version as it was written, with its number and checksum.
    Show {
        /// The version. Without it, the one in force.
        number: Option<i64>,
    },
    /// Tell how two versions differ: in words, and line by line.
    Compare {
        /// The earlier version.
        former: i64,
        /// The later version.
        new: i64,
        #[command(flatten)]
        shown: Shown,
    },
    /// Put an earlier version into force again, as a new one. Exit code 3: it goes beyond the safety limits.
    Rollback {
        /// The version that comes back.
        number: i64,
        /// Why.
        #[arg(long)]
        reason: String,
        /// Do so although it goes beyond the safety limits.
        #[arg(long)]
        release: bool,
        #[command(flatten)]
        shown: Shown,
    },
    /// Show where what people hold differs from what the rules say: grants by hand, and what is held back.
    Drift(Shown),
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// The policy file.
    #[arg(required_unless_present = "plan", conflicts_with = "plan")]
    file: Option<PathBuf>,
    /// The hash of a plan that was looked at, or the first characters of it.
    #[arg(long, value_name = "HASH")]
    plan: Option<String>,
    /// Do so although it goes beyond the safety limits.
    #[arg(long, requires = "reason")]
    release: bool,
    /// Why it may be, for the audit.
    #[arg(long, requires = "release")]
    reason: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

/// The form of the printed policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum PageForm {
    /// Markdown.
    #[default]
    Markdown,
    /// One HTML file that can be printed.
    Html,
}

pub(super) async fn run(config: &Path, command: PolicyCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    let done = carry_out(&ports, command).await;
    ports.db.close().await;
    match done {
        Err(error) => match error.downcast::<Refusal>() {
            Ok(Refusal::Policy(mistakes)) => Ok(told(&mistakes)),
            Ok(other) => Err(other.into()),
            Err(error) => Err(error),
        },
        Ok(code) => Ok(code),
    }
}

/// Tells every mistake.
fn told(mistakes: &[Mistake]) -> ExitCode {
    for mistake in mistakes {
        eprintln!("{mistake}");
    }
    exit::refused()
}

async fn carry_out(ports: &Ports, command: PolicyCommand) -> anyhow::Result<ExitCode> {
    match command {
        PolicyCommand::Plan { file, shown } => {
            let (text, name) = read(&file)?;
            let proposal = policies::plan(ports, &setup::act(ports, "command"), &text, &name).await?;
            plan::show(&proposal, &shown, &shown.reading(ports).await)?;
            Ok(if proposal.plan.is_stopped() { exit::awaits_release() } else { exit::DONE })
        }
        PolicyCommand::Apply(args) => apply(ports, &args).await,
        PolicyCommand::Rollback { number, reason, release, shown } => {
            let act = setup::act(ports, "command");
            let outcome = policies::rollback(ports, &act, number, &reason, release).await?;
            came_to(ports, &outcome, &shown).await
        }
        PolicyCommand::Test { files, policy } => test(ports, &files, policy.as_deref()).await,
        PolicyCommand::Document { lang, format, file } => {
            let draft = file.as_deref().map(read).transpose()?;
            let draft = draft.as_ref().map(|(text, name)| (text.as_str(), name.as_str()));
            let form = if format == PageForm::Html { Form::Html } else { Form::Markdown };
            let language = lang.unwrap_or(ports.settings.language);
            print!("{}", policies::document(ports, draft, language, form).await?);
            Ok(exit::DONE)
        }
        PolicyCommand::List { limit, shown } => versions::list(ports, i64::from(limit), &shown).await,
        PolicyCommand::Show { number } => versions::show(ports, number).await,
        PolicyCommand::Compare { former, new, shown } => versions::compare(ports, former, new, &shown).await,
        PolicyCommand::Drift(shown) => versions::drift(ports, &shown).await,
    }
}

fn read(file: &Path) -> anyhow::Result<(String, String)> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).with_context(|| name.clone())?;
    Ok((text, name))
}

async fn apply(ports: &Ports, args: &ApplyArgs) -> anyhow::Result<ExitCode> {
    let act = setup::act(ports, "command");
    let release = args.reason.as_deref().filter(|_| args.release);
    let outcome = match (&args.plan, &args.file) {
        (Some(hash), _) => policies::apply_plan(ports, &act, hash, release).await?,
        (None, Some(file)) => {
            let (text, name) = read(file)?;
            policies::apply_text(ports, &act, &text, &name, release).await?
        }
        (None, None) => return Ok(exit::wrong_use()),
    };
    came_to(ports, &outcome, &args.shown).await
}

/// Says what came of putting a policy into force.
async fn came_to(ports: &Ports, outcome: &Outcome, shown: &Shown) -> anyhow::Result<ExitCode> {
    match outcome {
        Outcome::AwaitsRelease(proposal) => {
            plan::show(proposal, shown, &shown.reading(ports).await)?;
            Ok(exit::awaits_release())
        }
        Outcome::InForce(applied) => {
            plan::applied(applied, shown)?;
            Ok(exit::DONE)
        }
    }
}

async fn test(ports: &Ports, files: &[PathBuf], policy: Option<&Path>) -> anyhow::Result<ExitCode> {
    let (text, name) = if let Some(file) = policy {
        read(file)?
    } else {
        let version = policies::show(ports, None).await?;
        (version.text, format!("policy version {}", version.number))
    };
    let policy = parse_policy(&text, &name).map_err(Refusal::Policy)?;
    let cases = read_case_files(files).map_err(Refusal::Policy)?;
    let failed = judge_cases(&policy, &cases);
    if failed.is_empty() {
        println!("{name}: {} case(s) hold", cases.len());
        return Ok(exit::DONE);
    }
    let lines: std::collections::BTreeSet<_> = failed.iter().map(|one| (&one.file, one.line)).collect();
    told(&failed);
    eprintln!("{name}: {} of {} case(s) do not hold", lines.len(), cases.len());
    Ok(exit::refused())
}
