//! A person of the list, in words.
//!
//! Invariant: everything that a directory said is text and is escaped by the template.

use super::super::parts::Pill;
use super::super::{ConsolePerson, Desk};
use crate::domain::days::Reading;
use crate::domain::lifecycle::{Exempt, Step};
use crate::domain::policy::{EvidenceSource, Policy};
use crate::flows::people::roster::PersonRow;

/// A role, with what is special about it.
#[derive(Debug, Clone)]
pub(super) struct RoleView {
    pub(super) words: String,
    pub(super) is_by_hand: bool,
    pub(super) is_privileged: bool,
}

/// A person of the list, in words.
#[derive(Debug, Clone)]
pub(super) struct RowView {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) user_name: String,
    pub(super) is_protected: bool,
    pub(super) pill: Pill,
    pub(super) roles: Vec<RoleView>,
    pub(super) limited: Option<String>,
    pub(super) seen: Option<String>,
    pub(super) source: &'static str,
    pub(super) days: String,
    pub(super) directories: String,
    pub(super) next: String,
    pub(super) manager: String,
    pub(super) origins: String,
    pub(super) end: String,
}

/// The person in words.
pub(super) fn row(console: &ConsolePerson, desk: &Desk, person: &PersonRow) -> RowView {
    let (policy, settings) = (&console.person.compiled.policy, &console.ports.settings);
    let roles = person.roles.iter().map(|held| RoleView {
        words: policy
            .roles
            .get(&held.role)
            .map_or_else(|| held.role.to_string(), |role| desk.text(&role.name).to_owned()),
        is_by_hand: held.is_by_hand,
        is_privileged: held.is_privileged,
    });
    let directories = person.directories.iter().map(|id| {
        let known = settings.directories.iter().find(|one| one.id == *id);
        known.map_or_else(|| id.to_string(), |one| one.name.clone())
    });
    let origins = person.origins.iter().map(|origin| origin_words(desk, origin));
    RowView {
        id: person.account.to_string(),
        name: person.name().to_owned(),
        user_name: person.user_name.clone(),
        is_protected: person.is_protected,
        pill: Pill::status(desk, person.status),
        roles: roles.collect(),
        limited: limited(desk, policy, person),
        seen: person.last_seen.map(|seen| desk.day(seen.at)),
        source: person.last_seen.map_or("", |seen| source_words(desk, seen.source)),
        days: person.days_since.map_or_else(|| "–".to_owned(), |days| days.to_string()),
        directories: directories.collect::<Vec<_>>().join(", "),
        next: next(desk.reading(), desk, person),
        manager: person.manager.clone().unwrap_or_default(),
        origins: origins.collect::<Vec<_>>().join(", "),
        end: person.valid_until.map(|end| desk.last_day(end)).unwrap_or_default(),
    }
}

/// "Ja: Möten"; nothing where the person is not limited.
fn limited(desk: &Desk, policy: &Policy, person: &PersonRow) -> Option<String> {
    if !person.limited {
        return None;
    }
    let sectors: Vec<&str> = person
        .sectors
        .iter()
        .map(|id| policy.sectors.get(id).map_or(id.as_str(), |sector| desk.text(&sector.name)))
        .collect();
    let yes = if sectors.is_empty() {
        desk.t("Ja, ingen sektor", "Yes, no sector").to_owned()
    } else {
        format!("{}: {}", desk.t("Ja", "Yes"), sectors.join(", "))
    };
    let items = desk.t(", enstaka föremål", ", single items");
    Some(if person.item_restricted { format!("{yes}{items}") } else { yes })
}

pub(super) fn source_words(desk: &Desk, source: EvidenceSource) -> &'static str {
    match source {
        EvidenceSource::Sso => "SSO",
        EvidenceSource::Crm => desk.t("CRM:s logg", "The CRM’s log"),
        EvidenceSource::Directory => desk.t("Katalogens logg", "The directory’s log"),
    }
}

pub(super) fn origin_words(desk: &Desk, origin: &str) -> &'static str {
    match origin {
        "rule" => desk.t("regel", "rule"),
        "manual" => desk.t("för hand", "by hand"),
        "review" => desk.t("översyn", "review"),
        "deputy" => desk.t("ställföreträdare", "deputy"),
        _ => "",
    }
}

/// What the lifecycle does next, and when.
fn next(reading: &Reading, desk: &Desk, person: &PersonRow) -> String {
    match (person.next.step, person.next.exempt()) {
        (Step::Keep, Some(Exempt::InUse { due })) => {
            format!("{} {}", desk.t("Tidigast", "At the earliest"), desk.day(*due))
        }
        (Step::Keep, Some(Exempt::Told { not_before })) => {
            format!("{} {}", desk.t("Fryses", "Frozen"), desk.day(*not_before))
        }
        (Step::Keep, Some(Exempt::Frozen { until })) => {
            format!("{} {}", desk.t("Avaktiveras", "Deactivated"), desk.day(*until))
        }
        (Step::Keep, Some(exempt)) => exempt.sentence(reading),
        (Step::Keep, None) => String::new(),
        (step, _) => step.sentence(reading),
    }
}
