//! `portvakt demo`: an invented association around a real daemon, on this machine only.
//!
//! Invariant: it touches nothing but its own folder and, where one is named, an empty database. SIGTERM and SIGINT
//! end it in order.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::report::language;
use super::{exit, serve};
use crate::demo::stage::{self, Options};
use crate::domain::language::Language;
use crate::telemetry::LogFormat;

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// End after the show: with 0, or with 1 if any step did not end as it should.
    #[arg(long)]
    once: bool,
    /// The address of an empty database. Default: SQLite in the folder.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// The folder for settings, policy, log and database; it stays. Default: a temporary one that goes away.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Portvakt's port on 127.0.0.1. Default: any that is free.
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    port: u16,
    /// The language: sv or en. Default: as the shell speaks.
    #[arg(long, value_parser = language, value_name = "LANG")]
    lang: Option<Language>,
}

pub(super) async fn run(log_format: LogFormat, args: DemoArgs) -> anyhow::Result<ExitCode> {
    let options = Options {
        once: args.once,
        database: args.database,
        data: args.data,
        port: args.port,
        language: args.lang.unwrap_or_else(spoken),
        log_format,
    };
    let end = CancellationToken::new();
    serve::end_on_signal(end.clone())?;
    Ok(if stage::run(options, end).await? { exit::DONE } else { exit::refused() })
}

/// The language of the shell, English where it is neither of ours.
fn spoken() -> Language {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|name| std::env::var(name).ok());
    set.filter(|value| !value.is_empty()).find_map(|value| Language::from_tag(&value)).unwrap_or(Language::En)
}
