//! Reads which report somebody asks for, the same way on the command line and over HTTP.
//!
//! Invariant: what does not fit the report is refused, never passed over.

use super::super::{Ports, Refusal, past};
use super::{ReportName, Request};
use crate::domain::language::Language;

/// What somebody asks for, as they wrote it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'t> {
    /// Which report.
    pub name: &'t str,
    /// As of the end of this day, or this instant.
    pub as_of: Option<&'t str>,
    /// `stale`: not signed in since this day.
    pub before: Option<&'t str>,
    /// The language; nothing: the settings'.
    pub language: Option<Language>,
}

/// Reads a wish.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is no such report; [`Refusal::Invalid`] for a day that is none, or one that the
/// report does not take.
pub async fn ask(ports: &Ports, asked: Asked<'_>) -> Result<Request, Refusal> {
    let name = ReportName::from_name(asked.name).ok_or_else(|| {
        let known: Vec<&str> = ReportName::ALL.iter().map(|known| known.name()).collect();
        Refusal::not_found("report", format!("{} (there are: {})", asked.name, known.join(", ")))
    })?;
    if asked.before.is_some() && name != ReportName::Stale {
        return Err(Refusal::invalid("before", "it is for the report stale"));
    }
    let as_of = match asked.as_of {
        Some(text) => Some(past::instant(ports, text).await?),
        None => None,
    };
    let before = match asked.before {
        Some(text) => Some(past::beginning(ports, "before", text).await?),
        None => None,
    };
    let language = asked.language.unwrap_or(ports.settings.language);
    Ok(Request { name, as_of, before, language })
}
