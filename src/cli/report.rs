//! `portvakt report NAME`: who has access, who has gone quiet, who left, now or as of a past day.
//!
//! Invariant: the report goes to standard output and nothing else does.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::{exit, setup};
use crate::domain::language::Language;
use crate::flows::report::{self, Asked, Form, Layout, ReportName, Separator, Writer};

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PrintForm {
    /// A table on the screen.
    Text,
    /// For spreadsheets and programs, with every column.
    Csv,
    /// An Excel workbook; send it to a file.
    Xlsx,
    /// For programs, with exact values.
    Json,
    /// A page to print.
    Html,
}

impl PrintForm {
    const fn form(self) -> Form {
        match self {
            Self::Text => Form::Text,
            Self::Csv => Form::Csv,
            Self::Xlsx => Form::Xlsx,
            Self::Json => Form::Json,
            Self::Html => Form::Html,
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// access:          who has access, and why
    /// stale:           who has not signed in since a day
    /// never-signed-in: who has access, and was never seen
    /// departed:        who left, and when the CRM knew
    /// privileged:      who administers
    /// limited:         who is limited to what
    /// orphans:         accounts that no directory knows
    /// expiring:        what ends soon
    /// exceptions:      whom the lifecycle leaves alone
    /// runs:            what the lifecycle did
    #[arg(value_name = "NAME", value_parser = named, verbatim_doc_comment)]
    name: ReportName,
    /// As it was at the end of a past day (2026-03-01) or at an instant (2026-03-01T08:00:00Z).
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// stale: not signed in since this day (2026-01-01); without it, for longer than the policy's longest limit.
    /// never-signed-in: made before it. departed: left before it. expiring: ends before it; without it, within 90 days.
    #[arg(long, value_name = "DATE")]
    before: Option<String>,
    /// Only who holds this role.
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// Only who holds this sector.
    #[arg(long, value_name = "SECTOR")]
    sector: Option<String>,
    /// Only who is limited, or with no only who is not.
    #[arg(long, value_name = "yes|no", num_args = 0..=1, default_missing_value = "yes")]
    limited: Option<String>,
    /// Only who has this status: invited, active, paused, frozen, deactivated or removed.
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only whom this directory knows.
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintForm::Text)]
    format: PrintForm,
    /// For csv: what stands between the cells. A Swedish Excel expects semicolon.
    #[arg(long, value_parser = separator, value_name = "comma|semicolon", default_value = "comma")]
    separator: Separator,
    /// For csv: begin with the head of the report, and then an empty line.
    #[arg(long)]
    with_head: bool,
    /// The language: sv or en. Default: as the settings say.
    #[arg(long, value_parser = language, value_name = "LANG")]
    lang: Option<Language>,
}

/// Reads a language that Portvakt speaks.
///
/// # Errors
///
/// When it is another one.
pub(super) fn language(text: &str) -> Result<Language, String> {
    Language::from_tag(text).ok_or_else(|| "write sv or en".to_owned())
}

fn separator(text: &str) -> Result<Separator, String> {
    match text {
        "," => Ok(Separator::Comma),
        ";" => Ok(Separator::Semicolon),
        name => Separator::from_name(name).ok_or_else(|| "write comma or semicolon".to_owned()),
    }
}

/// Reads the name of a report.
///
/// # Errors
///
/// When there is no such report.
fn named(text: &str) -> Result<ReportName, String> {
    ReportName::from_name(text).ok_or_else(|| {
        let known: Vec<&str> = ReportName::ALL.iter().map(|known| known.name()).collect();
        format!("there is no report of that name; there are: {}", known.join(", "))
    })
}

pub(super) async fn run(config: &Path, args: ReportArgs) -> anyhow::Result<ExitCode> {
    let form = args.format.form();
    if form != Form::Csv && (args.with_head || args.separator != Separator::Comma) {
        eprintln!("error: --separator and --with-head are for --format csv");
        return Ok(exit::wrong_use());
    }
    if form == Form::Xlsx && std::io::stdout().is_terminal() {
        eprintln!(
            "error: a workbook is nothing for a screen; write it to a file: portvakt report … > report.xlsx"
        );
        return Ok(exit::wrong_use());
    }
    let ports = setup::open(config).await?;
    let asked = Asked {
        name: args.name.name(),
        as_of: args.as_of.as_deref(),
        before: args.before.as_deref(),
        role: args.role.as_deref(),
        sector: args.sector.as_deref(),
        limited: args.limited.as_deref(),
        status: args.status.as_deref(),
        directory: args.directory.as_deref(),
        language: args.lang,
        form,
    };
    let request = report::ask(&ports, asked).await?;
    let made = report::produce(&ports, &setup::act(&ports, "command"), &request).await?;
    let layout = Layout { form, separator: args.separator, with_head: args.with_head };
    let mut writer = Writer::new(made, layout)?;
    let mut out = std::io::stdout().lock();
    while let Some(piece) = writer.next().await? {
        out.write_all(&piece)?;
    }
    out.flush()?;
    drop(writer);
    ports.db.close().await;
    Ok(exit::DONE)
}
