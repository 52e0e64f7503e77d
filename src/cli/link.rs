//! `portvakt link …`: sign-ins that lead to no account, and whose they are.
//!
//! Invariant: both sides are printed before anybody is asked to decide, and after a decision what became of it.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::report::language;
use super::{PrintAs, exit, setup};
use crate::domain::language::Language;
use crate::flows::linking::{self, Approval, LinkState, Onto, Side, View};
use crate::flows::report::aligned;

/// Which requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum State {
    /// Nobody has decided yet.
    Waiting,
    /// Tied to an account.
    Approved,
    /// Turned down.
    Rejected,
}

#[derive(Debug, Subcommand)]
pub(super) enum LinkCommand {
    /// List the sign-ins that wait for a decision.
    List {
        /// Others than those that wait.
        #[arg(long, value_enum, default_value_t = State::Waiting)]
        state: State,
        #[command(flatten)]
        shown: Shown,
    },
    /// Show one with both its sides: what the provider said, and the account that it may belong to.
    Show {
        /// The reference, as it stands on the person's page.
        reference: String,
        #[command(flatten)]
        shown: Shown,
    },
    /// Tie a sign-in to an account. The next time, the person gets in.
    Approve(ApproveArgs),
    /// Turn a sign-in down. It stays turned down however often it comes.
    Reject {
        /// The reference, as it stands on the person's page.
        reference: String,
        /// Why, in a few words.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        shown: Shown,
    },
}

#[derive(Debug, Args)]
pub(super) struct Shown {
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
    /// The language: sv or en. Default: as the settings say.
    #[arg(long, value_parser = language, value_name = "LANG")]
    lang: Option<Language>,
}

#[derive(Debug, Args)]
pub(super) struct ApproveArgs {
    /// The reference, as it stands on the person's page.
    reference: String,
    /// The account: its id, user name or the CRM's id. Default: the one that is proposed.
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Make a new account of what the provider said.
    #[arg(long, conflicts_with = "account")]
    new_account: bool,
    /// Untie the sign-in that the account has in this directory now, and end its sessions.
    #[arg(long)]
    replace: bool,
    /// Why, in a few words.
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    shown: Shown,
}

pub(super) async fn run(config: &Path, command: LinkCommand) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    let act = setup::act(&ports, "command");
    let own = ports.settings.language;
    match command {
        LinkCommand::List { state, shown } => {
            let state = match state {
                State::Waiting => LinkState::Waiting,
                State::Approved => LinkState::Approved,
                State::Rejected => LinkState::Rejected,
            };
            list(&linking::list(&ports, state).await?, &shown, own)?;
        }
        LinkCommand::Show { reference, shown } => {
            show(&linking::show(&ports, &reference).await?, &shown, own)?;
        }
        LinkCommand::Approve(args) => {
            let onto = match (args.account, args.new_account) {
                (Some(text), _) => Onto::Account(text),
                (None, true) => Onto::New,
                (None, false) => Onto::Proposed,
            };
            let approval = Approval { onto, replace: args.replace, reason: args.reason };
            show(&linking::approve(&ports, &act, &args.reference, approval).await?, &args.shown, own)?;
        }
        LinkCommand::Reject { reference, reason, shown } => {
            show(&linking::reject(&ports, &act, &reference, &reason).await?, &shown, own)?;
        }
    }
    ports.db.close().await;
    Ok(exit::DONE)
}

/// The Swedish or the English text.
fn t(language: Language, sv: &str, en: &str) -> String {
    match language {
        Language::Sv => sv.to_owned(),
        Language::En => en.to_owned(),
    }
}

/// Why a sign-in leads to no account, as people read it.
fn why(code: &str, l: Language) -> String {
    match code {
        "not_provisioned" => {
            t(l, "Katalogen har inte berättat om personen", "The directory has not told of the person")
        }
        "already_linked" => {
            t(l, "Kontot hör ihop med en annan inloggning", "The account belongs to another sign-in")
        }
        "other_issuer" => t(
            l,
            "Inloggningen kom från en annan utfärdare förut",
            "The sign-in came from another issuer before",
        ),
        "awaits_approval" => {
            t(l, "Katalogen kopplar ingen av sig själv", "The directory links nobody by itself")
        }
        "name_taken" => {
            t(l, "Namnet eller adressen finns på ett konto", "The name or address is on an account")
        }
        other => other.to_owned(),
    }
}

/// What speaks for a proposal, as people read it.
fn speaks(by: &str, l: Language) -> String {
    match by {
        "immutable_id" => t(l, "samma id i katalogen", "the same id in the directory"),
        "same_subject" => t(l, "samma inloggning, annan utfärdare", "the same sign-in, another issuer"),
        "verified_address" => t(l, "bekräftad adress; ingen nyckel", "a verified address; no key"),
        other => other.to_owned(),
    }
}

fn state(name: &str, l: Language) -> String {
    match name {
        "waiting" => t(l, "väntar", "waiting"),
        "approved" => t(l, "godkänd", "approved"),
        "rejected" => t(l, "avslagen", "rejected"),
        other => other.to_owned(),
    }
}

fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

fn list(views: &[View], shown: &Shown, own: Language) -> anyhow::Result<()> {
    if shown.format == PrintAs::Json {
        return json(&views);
    }
    let l = shown.lang.unwrap_or(own);
    let titles = [
        t(l, "Referens", "Reference"),
        t(l, "Katalog", "Directory"),
        t(l, "Varför", "Why"),
        t(l, "Kom som", "Came as"),
        t(l, "Kan vara", "May be"),
        t(l, "Först", "First"),
        t(l, "Senast", "Last"),
        t(l, "Gånger", "Times"),
    ];
    let mut table = vec![titles.to_vec()];
    table.extend(views.iter().map(|view| {
        let came = &view.came;
        let came = came.email.as_ref().or(came.user_name.as_ref()).or(came.name.as_ref());
        vec![
            view.reference.clone(),
            view.directory.to_string(),
            why(&view.code, l),
            came.cloned().unwrap_or_default(),
            view.proposal.as_ref().map(|side| side.user_name.clone()).unwrap_or_default(),
            view.first_at.to_string(),
            view.last_at.to_string(),
            view.attempts.to_string(),
        ]
    }));
    for line in aligned(&table) {
        println!("{line}");
    }
    Ok(())
}

fn show(view: &View, shown: &Shown, own: Language) -> anyhow::Result<()> {
    if shown.format == PrintAs::Json {
        return json(view);
    }
    let l = shown.lang.unwrap_or(own);
    println!("{}: {}", view.reference, state(view.state, l));
    facts(&[
        (t(l, "katalog", "directory"), view.directory.to_string()),
        (t(l, "varför", "why"), format!("{} ({})", why(&view.code, l), view.code)),
        (t(l, "först", "first"), view.first_at.to_string()),
        (t(l, "senast", "last"), format!("{} ({})", view.last_at, view.attempts)),
    ]);
    println!("\n{}", t(l, "Den som loggade in:", "Who signed in:"));
    let came = &view.came;
    let verified = if came.email_verified {
        t(l, "bekräftad", "verified")
    } else {
        t(l, "inte bekräftad", "not verified")
    };
    facts(&[
        (t(l, "namn", "name"), came.name.clone().unwrap_or_default()),
        (t(l, "användarnamn", "user name"), came.user_name.clone().unwrap_or_default()),
        (
            t(l, "e-post", "e-mail"),
            came.email.as_ref().map(|e| format!("{e} ({verified})")).unwrap_or_default(),
        ),
        (t(l, "id hos utfärdaren", "id at the issuer"), came.subject.clone()),
        (t(l, "utfärdare", "issuer"), view.issuer.clone()),
        (t(l, "grupper", "groups"), came.groups.as_ref().map(groups).unwrap_or_default()),
    ]);
    println!("\n{}", t(l, "Kontot det kan vara:", "The account it may be:"));
    match &view.proposal {
        None => println!("  {}", t(l, "inget föreslås", "none is proposed")),
        Some(side) => proposed(side, l),
    }
    if let Some(decided) = &view.decided {
        println!("\n{}", t(l, "Beslut:", "Decision:"));
        facts(&[
            (t(l, "när", "when"), decided.at.to_string()),
            (t(l, "av", "by"), decided.by.clone()),
            (t(l, "varför", "why"), decided.why.clone()),
            (t(l, "konto", "account"), decided.account.map(|id| id.to_string()).unwrap_or_default()),
        ]);
    }
    Ok(())
}

fn proposed(side: &Side, l: Language) {
    let taken = if side.signs_in_already {
        t(l, "ja, med en annan inloggning; kräver --replace", "yes, by another sign-in; needs --replace")
    } else {
        t(l, "nej", "no")
    };
    facts(&[
        (t(l, "namn", "name"), side.display_name.clone()),
        (t(l, "användarnamn", "user name"), side.user_name.clone()),
        (t(l, "e-post", "e-mail"), side.email.clone().unwrap_or_default()),
        (t(l, "konto", "account"), side.account.to_string()),
        (t(l, "status", "status"), side.status.to_string()),
        (t(l, "talar för", "speaks for it"), speaks(&side.by, l)),
        (t(l, "loggar redan in", "signs in already"), taken),
    ]);
}

fn groups(value: &Value) -> String {
    match value {
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn facts(facts: &[(String, String)]) {
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        println!("  {name:<20}{value}");
    }
}
