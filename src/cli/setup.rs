//! What most commands begin with: settings, database, and who is asking.
//!
//! Invariant: a command that cannot read its settings says every mistake and changes nothing.

use std::path::Path;
use std::sync::Arc;

use anyhow::bail;

use crate::app;
use crate::config::{self, Report, Severity};
use crate::domain::actor::Actor;
use crate::flows::{Act, Ports, SystemClock};

/// Reads the settings and the policy file, and tells every mistake on standard error.
pub(super) fn read(config: &Path) -> Report {
    let report = config::check(config, std::env::vars());
    for mistake in &report.mistakes {
        eprintln!("{mistake}");
    }
    report
}

/// Opens the database that the settings name.
///
/// # Errors
///
/// When the settings have mistakes or the database cannot be opened.
pub(super) async fn open(config: &Path) -> anyhow::Result<Arc<Ports>> {
    // A command needs only the settings. Mistakes of the policy file stop nothing; warnings are for `check` and `serve`.
    let report = config::check(config, std::env::vars());
    for mistake in report.mistakes.iter().filter(|mistake| mistake.severity == Severity::Error) {
        eprintln!("{mistake}");
    }
    let Some(settings) = report.settings else { bail!("the settings have mistakes; nothing was done") };
    Ok(Arc::new(app::ports(settings, Arc::new(SystemClock)).await?))
}

/// Whoever holds the shell.
pub(super) fn operator() -> Actor {
    let name = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    Actor::Operator(name.filter(|name| !name.is_empty()).unwrap_or_else(|| "shell".to_owned()))
}

/// An act of whoever holds the shell.
pub(super) fn act(ports: &Ports, cause: impl Into<String>) -> Act {
    ports.act(operator(), cause)
}

/// Reads a length of time: `365d`, `12h`, `30m`, `2w`.
///
/// # Errors
///
/// When it is none.
pub(super) fn duration(text: &str) -> Result<jiff::SignedDuration, String> {
    config::parse_duration(text)
}
