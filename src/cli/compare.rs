//! `portvakt compare TARGET`: reads a CRM back and says what differs.
//!
//! Invariant: without --heal nothing is changed but the record of what was found.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{PrintAs, exit, setup, shown};
use crate::domain::language::Language;
use crate::flows::compare::{self, Asked, ComparisonView, Listed, Release, ThreeWays};
use crate::flows::{Ports, targets};

#[derive(Debug, Args)]
pub(super) struct CompareArgs {
    /// The target, as the settings name it.
    target: String,
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
    /// Tell the CRM again of what [target.compare] says is to be healed. Exit code 3: the safety stop held it back.
    #[arg(long)]
    heal: bool,
    /// Release what was held back, by the hash that was printed.
    #[arg(long, value_name = "HASH", requires = "heal", requires = "reason")]
    release: Option<String>,
    /// Why it may be told, for the audit.
    #[arg(long, value_name = "TEXT", requires = "release")]
    reason: Option<String>,
}

pub(super) async fn run(config: &Path, args: CompareArgs) -> anyhow::Result<ExitCode> {
    let CompareArgs { target, format, heal, release, reason } = args;
    let reason = reason.unwrap_or_default().trim().to_owned();
    anyhow::ensure!(release.is_none() || !reason.is_empty(), "the reason is empty; the audit keeps it");
    let ports = setup::open(config).await?;
    let id = targets::find(&ports, &target)?;
    let asked = Asked { heal, release: release.map(|hash| Release { hash, reason }) };
    let found = compare::run_alone(&ports, &setup::act(&ports, "command"), &id, &asked).await?;
    print(&ports, &found, format).await?;
    ports.db.close().await;
    Ok(if found.stop.is_some() { exit::awaits_release() } else { exit::DONE })
}

/// Prints what was found, page by page.
async fn print(ports: &Ports, found: &ComparisonView, format: PrintAs) -> anyhow::Result<()> {
    if format == PrintAs::Json {
        // One object, written as it is read: a list of all differences would have to be held.
        let head = serde_json::to_string(found)?;
        println!("{{\"comparison\": {head},\n\"differences\": [");
    }
    let (mut last, mut is_first): (Option<Listed>, bool) = (None, true);
    loop {
        let page = compare::differences(ports, found, last.as_ref()).await?;
        for one in &page {
            match format {
                PrintAs::Text => println!("{}", shown::plain(&line(one))),
                PrintAs::Json => {
                    let comma = if is_first { "" } else { ",\n" };
                    print!("{comma}{}", serde_json::to_string(one)?);
                }
            }
            is_first = false;
        }
        match page.into_iter().last() {
            Some(one) => last = Some(one),
            None => break,
        }
    }
    match format {
        PrintAs::Json => println!("\n]}}"),
        PrintAs::Text => summary(found),
    }
    Ok(())
}

fn line(one: &Listed) -> String {
    let who = one.user_name.clone().or_else(|| one.crm_id.as_ref().map(|id| format!("user {id}")));
    let what = one.attribute.map(|attribute| format!(" {attribute}")).unwrap_or_default();
    let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    let (class, treatment) = (one.class, one.treatment);
    format!(
        "{class:<12}{}{what}: ours {} · theirs {}  ({treatment})",
        who.unwrap_or_default(),
        said(&one.ours),
        said(&one.theirs)
    )
}

fn summary(found: &ComparisonView) {
    println!(
        "{}: {} users read; {} missing, {} extra, {} different, {} conflicting; {} just being told",
        found.target,
        found.people,
        found.missing,
        found.extra,
        found.different,
        found.conflicting,
        found.under_way
    );
    match (&found.stop, &found.hash) {
        (Some(stop), Some(hash)) => eprintln!(
            "the safety stop held back {} account(s): {stop}. Look at them; then release exactly these with:\n\
             portvakt compare {} --heal --release {hash} --reason \"…\"",
            found.to_heal, found.target
        ),
        _ if found.healed > 0 => println!("{} account(s) are told again", found.healed),
        _ if found.to_heal > 0 => println!("{} account(s) would be told again with --heal", found.to_heal),
        _ => {}
    }
}

/// Prints a person three ways.
pub(super) fn print_person(ways: &ThreeWays, format: PrintAs, language: Language) -> anyhow::Result<()> {
    if format == PrintAs::Json {
        let sentences: Vec<&str> = ways.crms.iter().map(|crm| crm.wrong.sentence(language)).collect();
        return shown::json(&json!({ "person": ways, "sentences": sentences }));
    }
    let pick = |sv: &'static str, en: &'static str| if language == Language::Sv { sv } else { en };
    let may =
        |active: bool| if active { pick("får logga in", "may sign in") } else { pick("stängd", "closed") };
    println!("{}", shown::plain(&ways.user_name));
    if ways.directories.is_empty() {
        println!(
            "  {:<12}{}",
            pick("katalog", "directory"),
            pick("ingen känner personen", "none knows the person")
        );
    }
    for one in &ways.directories {
        let name = shown::plain(one.user_name.as_deref().unwrap_or("–"));
        println!("  {:<12}{}, {name}", one.directory.to_string(), may(one.active));
    }
    println!("  {:<12}{} ({})", "portvakt", ways.status, ways.reason);
    for crm in &ways.crms {
        let read = crm.read_at.map_or_else(
            || pick("aldrig läst", "never read").to_owned(),
            |at| format!("{} {at}", pick("läst", "read")),
        );
        println!("  {:<12}{read}", crm.target.to_string());
        for held in &crm.held {
            let name = shown::plain(held.user_name.as_deref().unwrap_or("–"));
            let active = held.active.map_or("–", may);
            println!(
                "  {:<12}{} {}, {name}, {active}",
                "",
                pick("användare", "user"),
                shown::plain(&held.crm_id)
            );
        }
        for one in &crm.differences {
            println!("  {:<12}{}", "", shown::plain(&line(one)));
        }
        println!("  {:<12}{}", "", crm.wrong.sentence(language));
    }
    Ok(())
}
