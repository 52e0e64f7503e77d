//! `portvakt import FILE.csv --target NAME`: who of a CRM's users is whom.
//!
//! Invariant: without `--apply` nothing is changed but the file of the matching, and a file that is there is never
//! written over: somebody may have decided in it.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, ValueEnum};
use serde_json::json;

use super::{PrintAs, exit, setup};
use crate::domain::language::{Language, Text};
use crate::flows::import::{self, Applied, Asked, Count, Encoding, Failure, Sheet};
use crate::flows::{Ports, targets};

/// What stands between the cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Between {
    /// ,
    Comma,
    /// ;
    Semicolon,
    /// A tabulator.
    Tab,
}

/// How the bytes are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Bytes {
    /// As every program of today writes them.
    #[default]
    #[value(name = "utf-8")]
    Utf8,
    /// ISO 8859-1, as an older Windows or Excel writes them.
    #[value(name = "latin-1")]
    Latin1,
}

#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct ImportArgs {
    /// The CRM's users, a line each below a line of titles.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The target, as the settings name it.
    #[arg(long, value_name = "NAME")]
    target: String,
    /// Only match, and write the matching down. So it is without --apply too.
    #[arg(long, conflicts_with = "apply")]
    dry_run: bool,
    /// Take in what is matched: ids, ages, last sign-ins. Who is in doubt waits. Nobody loses anything.
    #[arg(long)]
    apply: bool,
    /// The title of a column, where it has another: see below.
    #[arg(long = "column", value_name = "COLUMN=TITLE")]
    columns: Vec<String>,
    /// What stands between the cells; without it: what the titles show.
    #[arg(long, value_enum)]
    separator: Option<Between>,
    /// How the bytes are to be read.
    #[arg(long, value_enum, default_value_t = Bytes::Utf8)]
    encoding: Bytes,
    /// Where to write the matching; without it: beside FILE, as FILE.matching.csv.
    #[arg(long, value_name = "FILE")]
    matching: Option<PathBuf>,
    /// The matching of before, in which a person has decided.
    #[arg(long, value_name = "FILE")]
    resolved: Option<PathBuf>,
    /// How to print what it came to.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    format: PrintAs,
}

const AFTER: &str = "\
Columns: crm_id, user_name, external_id, email, name, created, last_login. Only crm_id must be there. Usual titles are
known, in Swedish and English; name others: --column crm_id=\"Medlems-id\".
In the matching, write into the column decision: link (koppla) on the line of the account that it is, no (nej) where it
is none of them. An account may be named by its id or its user name, also on a line that had none.
Days are 2026-03-01, instants 2026-03-01 08:00 (the policy's time zone) or 2026-03-01T08:00:00Z.";

pub(super) async fn run(config: &Path, args: &ImportArgs) -> anyhow::Result<ExitCode> {
    let asked = match asked(args) {
        Ok(asked) => asked,
        Err(Wrong::Use(what)) => {
            eprintln!("{what}");
            return Ok(exit::wrong_use());
        }
        Err(Wrong::File(error)) => return Err(error),
    };
    let ports = setup::open(config).await?;
    let done = matched(&ports, args, &asked).await;
    ports.db.close().await;
    done
}

async fn matched(ports: &Ports, args: &ImportArgs, asked: &Asked) -> anyhow::Result<ExitCode> {
    let target = targets::find(ports, &args.target)?;
    let language = ports.settings.language;
    let matching = match import::look(ports, &target, asked).await {
        Ok(matching) => matching,
        Err(Failure::Faults(faults)) => {
            for fault in &faults {
                eprintln!("{fault}");
            }
            let count = faults.len();
            let text = Text::new(
                format!("{count} fel; ingenting är gjort."),
                format!("{count} mistakes; nothing was done."),
            );
            eprintln!("{}", text.get(language));
            return Ok(exit::refused());
        }
        Err(Failure::Refused(refusal)) => return Err(refusal.into()),
    };
    let count = matching.count();
    // Written before anything is taken in, so that a full disk stops both; once all are known, nothing is left to decide.
    let path = if args.apply && count.doubtful == 0 {
        None
    } else {
        let path = args.matching.clone().unwrap_or_else(|| args.file.with_extension("matching.csv"));
        let bytes = import::paper(&matching, separator(args).unwrap_or(b';'), language)?;
        write_new(&path, &bytes, language)?;
        Some(path)
    };
    let applied = if args.apply {
        let act = setup::act(ports, format!("import {}", args.file.display()));
        Some(import::apply(ports, &act, &matching).await?)
    } else {
        None
    };
    match args.format {
        PrintAs::Json => {
            let told = json!({ "matching": count, "applied": applied, "written": path });
            println!("{}", serde_json::to_string_pretty(&told)?);
        }
        PrintAs::Text => print(count, applied, path.as_deref(), language),
    }
    Ok(exit::DONE)
}

enum Wrong {
    Use(String),
    File(anyhow::Error),
}

fn asked(args: &ImportArgs) -> Result<Asked, Wrong> {
    let columns = import::columns(args.columns.iter().map(String::as_str)).map_err(Wrong::Use)?;
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display())).map_err(Wrong::File)
    };
    let sheet = |path: &Path, separator, encoding| {
        Ok(Sheet { name: path.display().to_string(), bytes: read(path)?, separator, encoding })
    };
    let encoding = match args.encoding {
        Bytes::Utf8 => Encoding::Utf8,
        Bytes::Latin1 => Encoding::Latin1,
    };
    // The matching is written by us; a spreadsheet that has it open may save it with another separator.
    let resolved = args.resolved.as_deref().map(|path| sheet(path, None, Encoding::Utf8)).transpose()?;
    Ok(Asked { users: sheet(&args.file, separator(args), encoding)?, columns, resolved })
}

fn separator(args: &ImportArgs) -> Option<u8> {
    args.separator.map(|between| match between {
        Between::Comma => b',',
        Between::Semicolon => b';',
        Between::Tab => b'\t',
    })
}

fn write_new(path: &Path, bytes: &[u8], language: Language) -> anyhow::Result<()> {
    let opened = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = opened.with_context(|| {
        let name = path.display();
        let text = Text::new(
            format!("{name} kan inte skrivas; finns den redan kan någon ha avgjort i den: ge den med --resolved, eller skriv en annan med --matching"),
            format!("{name} cannot be written; where it is there already somebody may have decided in it: give it with --resolved, or write another with --matching"),
        );
        text.get(language).to_owned()
    })?;
    Ok(file.write_all(bytes)?)
}

fn print(count: Count, applied: Option<Applied>, path: Option<&Path>, language: Language) {
    let says = |sv: String, en: String| println!("{}", Text::new(sv, en).get(language));
    let Count { linked, known, doubtful, only_in_crm, only_in_directory } = count;
    says(
        format!("Kopplade: {linked} (varav {known} sedan förut)"),
        format!("Linked: {linked} ({known} of them since before)"),
    );
    says(format!("Tveksamma: {doubtful}"), format!("Doubtful: {doubtful}"));
    says(format!("Bara i CRM:et: {only_in_crm}"), format!("Only in the CRM: {only_in_crm}"));
    says(
        format!("Bara i katalogen: {only_in_directory}"),
        format!("Only in the directory: {only_in_directory}"),
    );
    match applied {
        Some(Applied { crm_ids, created, seen }) => says(
            format!(
                "Infört: {crm_ids} id:n, {created} skapandedagar, {seen} senaste inloggningar. Ingen har förlorat något."
            ),
            format!(
                "Taken in: {crm_ids} ids, {created} days of creation, {seen} last sign-ins. Nobody has lost anything."
            ),
        ),
        None => says(
            "Ingenting är infört; det gör --apply.".to_owned(),
            "Nothing was taken in; --apply does.".to_owned(),
        ),
    }
    if let Some(path) = path {
        let path = path.display();
        says(
            format!("Matchningen står i {path}. Avgör de tveksamma där och ge den tillbaka med --resolved."),
            format!(
                "The matching stands in {path}. Decide about the doubtful there and give it back with --resolved."
            ),
        );
    }
}
