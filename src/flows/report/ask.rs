//! Reads which report somebody asks for, the same way on the command line and over HTTP.
//!
//! Invariant: what does not fit the report is refused, never passed over.

use super::super::{Ports, Refusal, past};
use super::{Filters, Form, ReportName, Request};
use crate::domain::language::Language;

/// What somebody asks for, as they wrote it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'t> {
    /// Which report.
    pub name: &'t str,
    /// As of the end of this day, or this instant.
    pub as_of: Option<&'t str>,
    /// `stale`: not signed in since this day. `never-signed-in`: made before it. `departed`: left before it.
    /// `expiring`: ends before it.
    pub before: Option<&'t str>,
    /// Who holds this role.
    pub role: Option<&'t str>,
    /// Who holds this sector.
    pub sector: Option<&'t str>,
    /// `yes`: who is limited. `no`: who is not.
    pub limited: Option<&'t str>,
    /// Who has this status.
    pub status: Option<&'t str>,
    /// Whom this directory knows.
    pub directory: Option<&'t str>,
    /// The language; nothing: the settings'.
    pub language: Option<Language>,
    /// In which form.
    pub form: Form,
}

/// Reads a wish.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is no such report; [`Refusal::Invalid`] for a day that is none, or a filter that
/// the report does not take.
pub async fn ask(ports: &Ports, asked: Asked<'_>) -> Result<Request, Refusal> {
    let name = ReportName::from_name(asked.name).ok_or_else(|| {
        let known: Vec<&str> = ReportName::ALL.iter().map(|known| known.name()).collect();
        Refusal::not_found_among("report", asked.name, &known)
    })?;
    if asked.before.is_some() && !name.takes_before() {
        let takers: Vec<&str> =
            ReportName::ALL.iter().filter(|name| name.takes_before()).map(|name| name.name()).collect();
        return Err(Refusal::invalid("before", format!("it is for the reports {}", takers.join(", "))));
    }
    let filters = Filters::read(asked.role, asked.sector, asked.limited, asked.status, asked.directory)?;
    filters.fit(name)?;
    let as_of = match asked.as_of {
        Some(text) => Some(past::instant(ports, text).await?),
        None => None,
    };
    let before = match asked.before {
        Some(text) => Some(past::beginning(ports, "before", text).await?),
        None => None,
    };
    let language = asked.language.unwrap_or(ports.settings.language);
    Ok(Request { name, as_of, before, filters, language, form: asked.form })
}
