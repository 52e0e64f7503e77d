//! `portvakt access …`: may somebody do something, and why.
//!
//! Invariant: says the same as the daemon answers a CRM; changes nothing. Exit code 0 allowed, 1 refused.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use super::report::language;
use super::{PrintAs, exit, setup};
use crate::domain::language::Language;
use crate::flows::decide::why::{self, Explained};
use crate::flows::decide::{Answer, Question, Who};
use crate::flows::{Ports, past};

#[derive(Debug, Subcommand)]
pub(super) enum AccessCommand {
    /// May this account do that? Exit code 0: yes; 1: no.
    Check(CheckArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct CheckArgs {
    /// The account: its id, user name or the id that a CRM has for it.
    account: String,
    /// view, create, edit, delete, assign or administer.
    action: String,
    /// The component, or one item of it.
    #[arg(value_name = "COMPONENT[/ITEM]")]
    component: String,
    /// As it was at the end of a past day (2026-03-01) or at an instant (2026-03-01T08:00:00Z).
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// The language: sv or en. Default: as the settings say.
    #[arg(long, value_parser = language, value_name = "LANG")]
    lang: Option<Language>,
    /// How the answer is printed.
    #[arg(long, value_enum, default_value_t)]
    format: PrintAs,
}

pub(super) async fn run(config: &Path, command: AccessCommand) -> anyhow::Result<ExitCode> {
    let AccessCommand::Check(args) = command;
    let ports = setup::open(config).await?;
    let language = args.lang.unwrap_or(ports.settings.language);
    let answer = check(&ports, &args, language).await;
    ports.db.close().await;
    let answer = answer?;
    match args.format {
        PrintAs::Text => print!("{}{}", in_words(&answer.answer), behind(&answer, language)),
        PrintAs::Json => {
            println!("{}", serde_json::to_string_pretty(&answer).context("the answer cannot be written")?);
        }
    }
    Ok(if answer.answer.decision { exit::DONE } else { exit::refused() })
}

async fn check(ports: &Ports, args: &CheckArgs, language: Language) -> anyhow::Result<Explained> {
    let as_of = match args.as_of.as_deref() {
        None => None,
        Some(text) => Some(past::instant(ports, text).await?),
    };
    // An item's id may hold a slash of its own; a component's never does.
    let (component, item) = match args.component.split_once('/') {
        Some((component, item)) => (component, Some(item.to_owned())),
        None => (args.component.as_str(), None),
    };
    let question = Question {
        who: Who::Account(args.account.clone()),
        action: args.action.clone(),
        component: component.to_owned(),
        item,
        language: args.lang,
        as_of,
        min_version: None,
    };
    Ok(why::explained(ports, &question, language).await?)
}

/// What the answer rests on, and what would make it a yes.
fn behind(explained: &Explained, language: Language) -> String {
    let (because, would_give) = match language {
        Language::Sv => ("därför att", "det här skulle ge åtkomst"),
        Language::En => ("because", "this would give it"),
    };
    let part = |title: &str, lines: Vec<String>| match lines.as_slice() {
        [] => String::new(),
        lines => format!("{title}:\n  - {}\n", lines.join("\n  - ")),
    };
    let stories = explained.because.iter().map(|story| story.sentence(language)).collect();
    part(because, stories) + &part(would_give, explained.would_give.clone())
}

fn in_words(answer: &Answer) -> String {
    let verdict = if answer.decision { "allowed" } else { "refused" };
    let version = answer.account_version.map(|version| format!(" version {version}")).unwrap_or_default();
    let account = answer.account.map_or_else(|| "none".to_owned(), |id| format!("{id}{version}"));
    format!(
        "{verdict} ({})\n{}\naccount: {account}\ntrace:   {}\n",
        answer.code, answer.reason_user, answer.reason_admin
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_stands_first_and_the_reason_below_it() {
        let answer = Answer {
            decision: false,
            code: "unknown_account",
            narrowed: false,
            account: None,
            account_version: None,
            reason_user: "Du har inget konto i CRM:et. Kontakta styrelsen.".to_owned(),
            reason_admin: "unknown_account: no such account".to_owned(),
            rule: None,
            trace: Vec::new(),
        };
        let text = in_words(&answer);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "refused (unknown_account)");
        assert!(lines[1].ends_with("Kontakta styrelsen."));
        assert_eq!(lines[2], "account: none");
    }
}
