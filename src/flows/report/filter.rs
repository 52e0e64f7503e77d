//! Which rows of a report somebody wants.
//!
//! Invariant: a filter that the report cannot keep, or that names what there is not, is refused and never passed over.

use super::super::Refusal;
use super::person::Person;
use super::words::Words;
use super::{ReportName, Term};
use crate::config::Settings;
use crate::domain::account::Status;
use crate::domain::ids::{DirectoryId, RoleId, SectorId};
use crate::domain::policy::Policy;

/// Which rows: those for which all of this holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Holds this role.
    pub role: Option<RoleId>,
    /// Holds this sector.
    pub sector: Option<SectorId>,
    /// Is limited, or is not.
    pub limited: Option<bool>,
    /// Has this status.
    pub status: Option<Status>,
    /// Is known to this directory.
    pub directory: Option<DirectoryId>,
}

impl Filters {
    /// Reads filters as somebody wrote them.
    ///
    /// # Errors
    ///
    /// [`Refusal::Invalid`], naming the filter, for a value that it does not have.
    pub fn read(
        role: Option<&str>,
        sector: Option<&str>,
        limited: Option<&str>,
        status: Option<&str>,
        directory: Option<&str>,
    ) -> Result<Self, Refusal> {
        let of = |field: &str, problem: String| Refusal::invalid(field, problem);
        Ok(Self {
            role: role.map(RoleId::parse).transpose().map_err(|e| of("role", e.to_string()))?,
            sector: sector.map(SectorId::parse).transpose().map_err(|e| of("sector", e.to_string()))?,
            limited: limited.map(yes_or_no).transpose()?,
            status: status.map(read_status).transpose()?,
            directory: directory
                .map(DirectoryId::parse)
                .transpose()
                .map_err(|e| of("directory", e.to_string()))?,
        })
    }

    /// Whether a person is among the rows. Unasked, closed accounts are not.
    pub(super) fn keeps(&self, person: &Person) -> bool {
        let (known, status) = (&person.known, person.known.account.standing.status);
        let has_rights = match status {
            Status::Invited | Status::Active | Status::Paused | Status::Frozen => true,
            Status::Deactivated | Status::Removed => false,
        };
        self.status.map_or(has_rights, |wanted| wanted == status) && self.holds(known)
    }

    /// The same, whatever the status that is not asked for.
    pub(super) fn keeps_closed(&self, person: &Person) -> bool {
        let status = person.known.account.standing.status;
        self.status.is_none_or(|wanted| wanted == status) && self.holds(&person.known)
    }

    fn holds(&self, known: &super::super::lifecycle::facts::Known) -> bool {
        self.role.as_ref().is_none_or(|role| known.roles.contains(role))
            && self.sector.as_ref().is_none_or(|sector| known.sectors.contains(sector))
            && self.limited.is_none_or(|limited| limited == known.limited)
            && self
                .directory
                .as_ref()
                .is_none_or(|directory| known.identities.iter().any(|one| one.directory == *directory))
    }

    /// Checks that everything that is named exists.
    pub(super) fn check(&self, policy: &Policy, settings: &Settings) -> Result<(), Refusal> {
        if let Some(role) = self.role.as_ref().filter(|role| !policy.roles.contains_key(*role)) {
            return Err(unknown("role", role, policy.roles.keys()));
        }
        if let Some(sector) = self.sector.as_ref().filter(|sector| !policy.sectors.contains_key(*sector)) {
            return Err(unknown("sector", sector, policy.sectors.keys()));
        }
        let known = |id: &&DirectoryId| settings.directories.iter().any(|directory| directory.id == **id);
        match self.directory.as_ref() {
            Some(id) if !known(&id) => {
                Err(unknown("directory", id, settings.directories.iter().map(|directory| &directory.id)))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses filters that a report has no use for.
    pub(super) fn fit(&self, name: ReportName) -> Result<(), Refusal> {
        let first = self.terms().next();
        match first {
            Some(term) if name == ReportName::Runs => {
                let field = term.split('=').next().unwrap_or_default().to_owned();
                Err(Refusal::invalid(
                    field,
                    "the report runs is about runs, not about accounts; leave it out",
                ))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// As programs read them: `role=board`.
    pub(super) fn terms(&self) -> impl Iterator<Item = String> {
        let of = |field: &str, value: Option<String>| value.map(|value| format!("{field}={value}"));
        [
            of("role", self.role.as_ref().map(ToString::to_string)),
            of("sector", self.sector.as_ref().map(ToString::to_string)),
            of("limited", self.limited.map(|limited| limited.to_string())),
            of("status", self.status.map(|status| status.to_string())),
            of("directory", self.directory.as_ref().map(ToString::to_string)),
        ]
        .into_iter()
        .flatten()
    }

    /// As people read them.
    pub(super) fn told(&self, words: Words) -> Vec<Term> {
        let told = |term: String| {
            let (field, value) = term.split_once('=').unwrap_or((&term, ""));
            let value = match (field, self.status) {
                ("limited", _) => words.flag(value == "true").to_owned(),
                ("status", Some(status)) => words.status(status).to_owned(),
                _ => value.to_owned(),
            };
            let text = format!("{}: {value}", words.filter(field));
            Term { id: term, words: text }
        };
        self.terms().map(told).collect()
    }
}

fn yes_or_no(text: &str) -> Result<bool, Refusal> {
    match text {
        "true" | "yes" | "ja" => Ok(true),
        "false" | "no" | "nej" => Ok(false),
        _ => Err(Refusal::invalid("limited", format!("write yes or no, not {text:?}"))),
    }
}

fn read_status(text: &str) -> Result<Status, Refusal> {
    Status::from_name(text).ok_or_else(|| unknown("status", text, Status::ALL))
}

fn unknown<T: ToString>(
    field: &'static str,
    found: impl std::fmt::Display,
    known: impl IntoIterator<Item = T>,
) -> Refusal {
    let known: Vec<String> = known.into_iter().map(|one| one.to_string()).collect();
    Refusal::invalid(field, format!("there is no {field} {found}; there are: {}", known.join(", ")))
}
