//! How a CRM is read back and compared with what it should hold.
//!
//! Invariant: a target that cannot be read back has no such section.

use jiff::tz::TimeZone;

use super::calendar;
use super::reading::Section;
use super::target::TargetKind;
use crate::domain::comparison::{Treatment, Treatments};

/// The section `[target.compare]`.
#[derive(Debug, Clone, Default)]
pub struct Comparing {
    /// When, as five cron fields; nothing: only when somebody asks for it.
    pub schedule: Option<String>,
    /// IANA time zone of the schedule. Default Europe/Stockholm.
    pub timezone: String,
    /// What becomes of each difference.
    pub treatments: Treatments,
}

/// Reads `[target.compare]`; without it everything is compared when somebody asks, and shown.
pub(crate) fn comparing(target: &Section<'_>, kind: TargetKind) -> Comparing {
    let Some(section) = target.section("compare") else { return Comparing::default() };
    if kind == TargetKind::Webhook {
        let fix = "leave this section out, or describe the CRM's API as a second target of the kind rest, scim or sql";
        section.wrong("a webhook only listens and cannot be read back", fix);
    }
    let timezone = section.text("timezone").unwrap_or_else(|| "Europe/Stockholm".to_owned());
    let zone = match section.field("timezone") {
        Some(field) => field.accept(calendar::zone(&timezone)),
        None => calendar::zone(&timezone).ok(),
    };
    let schedule = section.field("schedule").and_then(|field| {
        let checked = field.parse(|text| calendar::schedule(text, zone.clone().unwrap_or(TimeZone::UTC)));
        checked.and_then(|()| field.text().map(str::to_owned))
    });
    let treatment = |key| {
        let field = section.field(key);
        field.and_then(|field| field.choice(Treatment::ALL, Treatment::name)).unwrap_or_default()
    };
    let treatments = Treatments {
        missing: treatment("missing"),
        active: treatment("active"),
        roles: treatment("roles"),
        user_name: treatment("user_name"),
        display_name: treatment("display_name"),
        email: treatment("email"),
    };
    Comparing { schedule, timezone, treatments }
}
