//! `portvakt account …`: look at accounts, and change them by hand.
//!
//! Invariant: an account is named by its id, its user name or the CRM's id; a change prints how the account stands
//! afterwards.

mod leave;
mod print;
mod queue;
mod rights;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::compare::print_person;
use super::report::language;
use super::{PrintAs, day, exit, setup};
use crate::domain::account::{Account, AccountKind};
use crate::domain::ids::SessionId;
use crate::domain::language::Language;
use crate::flows::compare;
use crate::flows::people::{self, Dates};
use crate::flows::protection::{self, Agreed};
use crate::flows::session::{self, Which};
use crate::flows::{Ports, past};

#[derive(Debug, Subcommand)]
pub(super) enum AccountCommand {
    /// List every account.
    List {
        /// How to print.
        #[arg(long, value_enum, default_value_t = PrintAs::Text)]
        format: PrintAs,
    },
    /// Show one account: status and its history, last seen, what happens next.
    Show(One),
    /// Explain what an account holds: each grant, link and assignment, since when, by whom, through which group or rule.
    Explain(ExplainArgs),
    /// Compare what the directories say, what we say and what each CRM said when it was last read, and who is wrong.
    Compare(One),
    /// Give a role, a sector or a limit by hand. A limit has no end of itself, for its end would give access.
    Grant(rights::GrantArgs),
    /// Take a role, a sector or a limit that was given by hand.
    Revoke(rights::RevokeArgs),
    /// Link an account, or everybody with a role, to an item by hand.
    Link(rights::LinkArgs),
    /// Take a link that was made by hand.
    Unlink(rights::UnlinkArgs),
    /// Note an approved leave, or end it. Sign-in is paused from the first day to the last; nothing else is lost.
    Leave(leave::LeaveArgs),
    /// List the people who ask for leave themselves.
    LeaveRequests(leave::Shown),
    /// Approve what somebody asked for, or refuse it.
    LeaveAnswer(leave::AnswerArgs),
    /// List rights by hand of people who changed job; somebody must decide about each.
    Queue(leave::Shown),
    /// Decide about a right in the queue: it stays, until another day, or ends.
    Decide(queue::DecideArgs),
    /// Set the first and last day of an account.
    Dates(DatesArgs),
    /// Say what kind of account it is.
    Kind {
        /// The account.
        account: String,
        /// The kind.
        #[arg(value_name = "person|service|temporary|break_glass", value_parser = kind)]
        kind: AccountKind,
    },
    /// Freeze an account at once: nobody signs in to it, its sessions end, its rights are kept. Open it again with: activate
    Freeze(Decision),
    /// Deactivate an account at once. Its sessions end; its rights can be restored as they were.
    Deactivate(Decision),
    /// Make an account active again.
    Activate(Decision),
    /// List who is signed in as an account, and end sessions.
    Sessions(SessionsArgs),
    /// Protect an account from every path. One administrator asks for it, another confirms it with the same command.
    /// Without a reason: say how it is protected.
    ///
    /// Who the two are is what sudo calls them, or else the shell: let people come in by sudo under names of their own.
    Protect {
        /// The account.
        account: String,
        /// Why it is to be protected.
        #[arg(long)]
        reason: Option<String>,
    },
    /// End the protection that two administrators agreed on; two must agree on that too.
    Unprotect(Decision),
}

#[derive(Debug, Args)]
pub(super) struct One {
    /// The account: its id, user name or the CRM's id.
    account: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
    /// The language: sv or en. Default: as the settings say.
    #[arg(long, value_parser = language, value_name = "LANG")]
    lang: Option<Language>,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    #[command(flatten)]
    one: One,
    /// As it was at the end of a past day (2026-03-01) or at an instant (2026-03-01T08:00:00Z).
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Decision {
    /// The account: its id, user name or the CRM's id.
    account: String,
    /// Why, in a few words.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub(super) struct SessionsArgs {
    /// The account: its id, user name or the CRM's id.
    account: String,
    /// End this session, by the id that the list shows.
    #[arg(long, value_name = "ID", value_parser = session, requires = "reason")]
    end: Option<SessionId>,
    /// End every session of the account.
    #[arg(long, conflicts_with = "end", requires = "reason")]
    end_all: bool,
    /// Why, in a few words.
    #[arg(long)]
    reason: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(true).args(["valid_from", "valid_until"]))]
pub(super) struct DatesArgs {
    /// The account: its id, user name or the CRM's id.
    account: String,
    /// The first day, or never.
    #[arg(long, value_name = "DATE")]
    valid_from: Option<String>,
    /// The last day, or never.
    #[arg(long, value_name = "DATE")]
    valid_until: Option<String>,
    /// Why, in a few words.
    #[arg(long)]
    reason: String,
}

fn kind(text: &str) -> Result<AccountKind, String> {
    AccountKind::from_name(text).ok_or_else(|| {
        let known: Vec<&str> = AccountKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("write one of: {}", known.join(", "))
    })
}

fn session(text: &str) -> Result<SessionId, String> {
    SessionId::parse(text).map_err(|error| error.to_string())
}

pub(super) async fn run(config: &Path, command: AccountCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    let act = setup::act(&ports, "command");
    let code = match command {
        AccountCommand::List { format } => {
            print::list(&people::list(&ports).await?, format, &day::zone(&ports).await?)?;
            exit::DONE
        }
        AccountCommand::Show(one) => {
            let language = one.lang.unwrap_or(ports.settings.language);
            let portrait = people::show(&ports, &one.account, language).await?;
            print::portrait(&portrait, one.format, &day::zone(&ports).await?)?;
            exit::DONE
        }
        AccountCommand::Explain(args) => explain(&ports, args).await?,
        AccountCommand::Compare(one) => {
            let language = one.lang.unwrap_or(ports.settings.language);
            print_person(&compare::person(&ports, &one.account).await?, one.format, language)?;
            exit::DONE
        }
        AccountCommand::Grant(args) => rights::grant(&ports, args).await?,
        AccountCommand::Revoke(args) => rights::revoke(&ports, args).await?,
        AccountCommand::Link(args) => rights::link(&ports, args).await?,
        AccountCommand::Unlink(args) => rights::unlink(&ports, args).await?,
        AccountCommand::Leave(args) => done(&leave::note(&ports, args).await?),
        AccountCommand::LeaveRequests(shown) => leave::requests(&ports, &shown).await?,
        AccountCommand::LeaveAnswer(args) => done(&leave::answer(&ports, args).await?),
        AccountCommand::Queue(shown) => queue::list(&ports, &shown).await?,
        AccountCommand::Decide(args) => queue::decide(&ports, args).await?,
        AccountCommand::Dates(args) => done(&dates(&ports, args).await?),
        AccountCommand::Kind { account, kind } => {
            done(&people::set_kind(&ports, &act, &account, kind).await?)
        }
        AccountCommand::Freeze(Decision { account, reason }) => {
            done(&people::freeze(&ports, &act.because(reason.trim()), &account, &reason).await?)
        }
        AccountCommand::Deactivate(Decision { account, reason }) => {
            done(&people::deactivate(&ports, &act.because(reason.trim()), &account, &reason).await?)
        }
        AccountCommand::Activate(Decision { account, reason }) => {
            done(&people::activate(&ports, &act.because(reason.trim()), &account, &reason).await?)
        }
        AccountCommand::Sessions(args) => sessions(&ports, args).await?,
        AccountCommand::Protect { account, reason: None } => {
            protection_of(&people::find_one(&ports, &account).await?)
        }
        AccountCommand::Protect { account, reason: Some(reason) } => {
            agree(&ports, &Decision { account, reason }, true).await?
        }
        AccountCommand::Unprotect(decision) => agree(&ports, &decision, false).await?,
    };
    ports.db.close().await;
    Ok(code)
}

async fn explain(ports: &Ports, ExplainArgs { one, as_of }: ExplainArgs) -> anyhow::Result<ExitCode> {
    let language = one.lang.unwrap_or(ports.settings.language);
    let as_of = match as_of {
        None => None,
        Some(text) => Some(past::instant(ports, &text).await?),
    };
    let stories = people::explain_at(ports, &one.account, language, as_of).await?;
    print::stories(&stories, one.format, &day::zone(ports).await?)?;
    Ok(exit::DONE)
}

async fn agree(ports: &Ports, decision: &Decision, protects: bool) -> anyhow::Result<ExitCode> {
    let act = setup::act(ports, "command");
    let (account, reason) = (&decision.account, &decision.reason);
    match protection::propose(ports, &act, account, protects, reason).await? {
        Agreed::Done(account) => {
            println!("{}: {}", account.user_name, if protects { "protected" } else { "no longer protected" });
            Ok(exit::DONE)
        }
        Agreed::Waits => {
            println!("noted; it takes effect when another administrator says the same within seven days");
            Ok(exit::awaits_release())
        }
    }
}

fn done(account: &Account) -> ExitCode {
    println!("{}: {} ({})", account.user_name, account.standing.status, account.standing.reason);
    exit::DONE
}

async fn sessions(ports: &Ports, args: SessionsArgs) -> anyhow::Result<ExitCode> {
    let which = match (args.end, args.end_all) {
        (Some(id), _) => Some(Which::One(id)),
        (None, true) => Some(Which::All),
        (None, false) => None,
    };
    if let Some(which) = which {
        let act = setup::act(ports, args.reason.unwrap_or_default().trim());
        let ended = session::end_some(ports, &act, &args.account, which).await?;
        println!("{ended} session(s) ended");
        return Ok(exit::DONE);
    }
    print::sessions(&session::list(ports, &args.account).await?, args.format)?;
    Ok(exit::DONE)
}

async fn dates(ports: &Ports, args: DatesArgs) -> anyhow::Result<Account> {
    let zone = day::zone(ports).await?;
    let read = |text: Option<String>,
                day: fn(&str, &jiff::tz::TimeZone) -> anyhow::Result<jiff::Timestamp>| {
        let one = |text: String| if text == "never" { Ok(None) } else { day(&text, &zone).map(Some) };
        text.map(one).transpose()
    };
    let dates = Dates {
        valid_from: read(args.valid_from, day::start)?,
        valid_until: read(args.valid_until, day::after)?,
    };
    let act = setup::act(ports, args.reason.trim());
    Ok(people::set_dates(ports, &act, &args.account, dates, &args.reason).await?)
}

/// Says whether an account is protected, and how it can be.
fn protection_of(account: &Account) -> ExitCode {
    if account.is_protected {
        println!("{} is protected", account.user_name);
        return exit::DONE;
    }
    eprintln!(
        "{name} is not protected. Two administrators can protect it, each with:\n\n\
         portvakt account protect {name} --reason \"…\"\n\n\
         So can the settings file; then no command can lift it. Add the account there and start the daemon again:\n\n\
         [accounts]\nprotected = [{name:?}]",
        name = account.user_name
    );
    exit::refused()
}
