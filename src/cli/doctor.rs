//! `portvakt doctor [DIRECTORY]`: checks the set-up end to end, and tells what to type into the provider.
//!
//! Invariant: whatever cannot be read or reached is a finding and no crash. Exit code 1 where there is a mistake.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::shown::{self, plain};
use super::{PrintAs, exit, report::language};
use crate::config::{self, Directory, Settings};
use crate::domain::language::Language;
use crate::flows::doctor::{self, Finding, Level, guide};
use crate::flows::{Clock, Parties, Ports, SystemClock};
use crate::store::Db;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Only this directory. Default: every one.
    directory: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
    /// The language: sv or en. Default: as the settings say.
    #[arg(long, value_parser = language, value_name = "LANG")]
    lang: Option<Language>,
}

pub(super) async fn run(config: &Path, args: &DoctorArgs) -> anyhow::Result<ExitCode> {
    let report = config::check(config, std::env::vars());
    let mut findings = doctor::of_files(&report);
    let settings = report.settings.map(Arc::new);
    let language = args.lang.or(settings.as_ref().map(|settings| settings.language)).unwrap_or_default();
    let mut looked_at = Vec::new();
    if let Some(settings) = &settings {
        let Some(wanted) = wanted(settings, args.directory.as_deref()) else { return Ok(exit::refused()) };
        looked_at = wanted;
        findings.push(doctor::of_address(settings));
        findings.extend(of_house(settings, report.policy_text.as_deref(), &looked_at).await);
    }
    let guides = settings.iter().flat_map(|settings| {
        looked_at.iter().map(|directory| (directory, guide(settings, directory, language)))
    });
    let guides: Vec<(&Directory, Vec<doctor::Instruction>)> = guides.collect();
    match args.format {
        PrintAs::Json => {
            let told: Vec<_> = findings.iter().map(|finding| finding.told(language)).collect();
            let typed: serde_json::Map<String, serde_json::Value> =
                guides.iter().map(|(directory, steps)| (directory.id.to_string(), json!(steps))).collect();
            shown::json(&json!({ "findings": told, "type_in": typed }))?;
        }
        PrintAs::Text => print(&findings, &guides, language),
    }
    let is_wrong = findings.iter().any(|finding| finding.level == Level::Mistake);
    Ok(if is_wrong { exit::refused() } else { exit::DONE })
}

/// The directories that are looked at; nothing, said on standard error, where there is none of that name.
fn wanted(settings: &Settings, name: Option<&str>) -> Option<Vec<Directory>> {
    let Some(name) = name else { return Some(settings.directories.clone()) };
    let found: Vec<Directory> =
        settings.directories.iter().filter(|known| known.id.as_str() == name).cloned().collect();
    if found.is_empty() {
        let names: Vec<&str> = settings.directories.iter().map(|known| known.id.as_str()).collect();
        eprintln!("the settings have no directory {name:?}; they have: {}", names.join(", "));
        return None;
    }
    Some(found)
}

async fn of_house(settings: &Arc<Settings>, policy: Option<&str>, wanted: &[Directory]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let ports = match open(settings).await {
        Ok(ports) => {
            findings.push(doctor::database_answers(settings));
            findings.push(doctor::of_policy(&ports, policy).await);
            findings.extend(doctor::of_lifecycle(&ports).await);
            Some(ports)
        }
        Err(finding) => {
            findings.push(finding);
            None
        }
    };
    // Without a database the providers can be asked all the same.
    let own = if ports.is_some() { None } else { Parties::new(settings).ok() };
    let parties = ports.as_ref().map(|ports| &*ports.parties).or(own.as_ref());
    for directory in wanted {
        findings.push(doctor::of_way_in(settings, directory).await);
        if let Some(ports) = &ports {
            findings.extend(doctor::of_directory(ports, directory).await);
        }
        if let Some(parties) = parties {
            findings.push(doctor::of_sign_in(settings, parties, directory, SystemClock.now()).await);
        }
    }
    if let Some(ports) = ports {
        ports.db.close().await;
    }
    findings
}

/// Opens the database, but makes none where there is none.
async fn open(settings: &Arc<Settings>) -> Result<Ports, Finding> {
    if let config::Engine::Sqlite(path) = &settings.database.engine
        && !path.exists()
    {
        return Err(doctor::database_is_not_there(settings));
    }
    let url = settings.database.engine.expose_url();
    let failed = |error: &dyn std::fmt::Display| doctor::database_does_not(settings, &error.to_string());
    let db = Db::open(&url, 2).await.map_err(|error| failed(&error))?;
    db.ping().await.map_err(|error| failed(&error))?;
    Ports::new(db, Arc::new(SystemClock), Arc::clone(settings)).map_err(|refusal| doctor::unusable(&refusal))
}

fn print(findings: &[Finding], guides: &[(&Directory, Vec<doctor::Instruction>)], language: Language) {
    let says = |sv: &'static str, en: &'static str| match language {
        Language::Sv => sv,
        Language::En => en,
    };
    let house = findings.iter().filter(|finding| finding.directory.is_none());
    house.for_each(|finding| line(finding, language));
    for (directory, steps) in guides {
        println!("\n{} ({}, {})", plain(&directory.name), directory.id, directory.kind.name());
        let own = findings.iter().filter(|finding| finding.directory.as_ref() == Some(&directory.id));
        own.for_each(|finding| line(finding, language));
        println!("  {}", says("Att skriva in hos leverantören:", "To type into the provider:"));
        for step in steps {
            println!("    {}\n      {}", step.place, step.what);
        }
    }
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (mistakes, warnings) = (count(Level::Mistake), count(Level::Warning));
    println!();
    match language {
        Language::Sv => println!("Fel: {mistakes}, varningar: {warnings}"),
        Language::En => println!("Mistakes: {mistakes}, warnings: {warnings}"),
    }
}

fn line(finding: &Finding, language: Language) {
    let level = match (finding.level, language) {
        (Level::Ok, _) => "ok     ",
        (Level::Warning, Language::Sv) => "varning",
        (Level::Warning, Language::En) => "warning",
        (Level::Mistake, Language::Sv) => "FEL    ",
        (Level::Mistake, Language::En) => "MISTAKE",
    };
    let told = finding.told(language);
    println!("{level}  {}", plain(&told.says));
    if let Some(mend) = told.mend {
        println!("         → {}", plain(&mend));
    }
}
