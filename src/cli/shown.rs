//! How a command prints what people and programs read: form and language.
//!
//! Invariant: text comes in the reader's language and time zone; JSON has stable names and exact instants.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::report::language;
use super::{PrintAs, day};
use crate::domain::days::Reading;
use crate::domain::language::Language;
use crate::flows::Ports;
use crate::flows::report::aligned;

/// How to print.
#[derive(Debug, Args)]
pub(super) struct Shown {
    /// How to print.
    #[arg(long, value_enum, default_value_t = PrintAs::Text)]
    pub(super) format: PrintAs,
    /// The language: sv or en. Default: as the settings say.
    #[arg(long, value_parser = language, value_name = "LANG")]
    pub(super) lang: Option<Language>,
}

impl Shown {
    /// Who reads it: the language asked for, the time zone of the policy, or UTC before there is one.
    pub(super) async fn reading(&self, ports: &Ports) -> Reading {
        let zone = day::zone(ports).await.unwrap_or(TimeZone::UTC);
        let language = self.lang.unwrap_or(ports.settings.language);
        Reading { language, now: ports.clock.now(), zone }
    }
}

/// Prints as JSON.
pub(super) fn json(value: &(impl Serialize + ?Sized)) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Prints rows under titles, aligned. Control characters, which a terminal would obey, are left out.
pub(super) fn table(titles: &[String], rows: impl Iterator<Item = Vec<String>>) {
    let mut table = vec![titles.to_vec()];
    table.extend(rows.map(|row| row.iter().map(|cell| plain(cell)).collect()));
    for line in aligned(&table) {
        println!("{line}");
    }
}

/// A text without control characters.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// An instant to the minute, in the reader's time zone.
pub(super) fn minute(at: Timestamp, reading: &Reading) -> String {
    at.to_zoned(reading.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The same, or that it never was.
pub(super) fn minute_or_never(at: Option<Timestamp>, reading: &Reading) -> String {
    at.map_or_else(|| reading.pick("aldrig", "never"), |at| minute(at, reading))
}
