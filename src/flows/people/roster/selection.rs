//! What a list of people is narrowed by.
//!
//! Invariant: a filter that names what there is not is refused and never passed over.

use jiff::Timestamp;

use super::super::super::Refusal;
use crate::config::Settings;
use crate::domain::account::Status;
use crate::domain::ids::{DirectoryId, RoleId, SectorId};
use crate::domain::name::typed_words;
use crate::domain::policy::Policy;
use crate::store::roster::{Facet, Order, Scope, Wanted};

/// More words than this narrow nothing more.
const MOST_WORDS: usize = 4;

/// Whose status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Who {
    /// Who can sign in: active, and inside their dates.
    #[default]
    Able,
    /// Who is not active.
    Shut,
    /// Everybody.
    Everybody,
    /// Who has this status.
    As(Status),
}

/// When they signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Signed {
    /// At any time, or never.
    #[default]
    Any,
    /// Not since this instant; never counts.
    NotSince(Timestamp),
    /// For the last time from the first instant on and before the second.
    Between(Timestamp, Timestamp),
    /// Never.
    Never,
}

/// What a list of people is narrowed by: all of it must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    /// Whose status.
    pub who: Who,
    /// When they signed in.
    pub signed: Signed,
    /// Holds this role.
    pub role: Option<RoleId>,
    /// Holds a role that administers.
    pub is_privileged: bool,
    /// Holds this sector.
    pub sector: Option<SectorId>,
    /// Is limited, or is not.
    pub limited: Option<bool>,
    /// A directory knows them.
    pub directory: Option<DirectoryId>,
    /// Holds something of this origin: `rule`, `manual`, `review` or `deputy`.
    pub origin: Option<&'static str>,
    /// Their directory told since this instant that they had left.
    pub left_since: Option<Timestamp>,
    /// What somebody typed of their name or address.
    pub typed: String,
}

impl Selection {
    /// The origins that rights may have, by their stable names.
    #[must_use]
    pub fn origin_from(name: &str) -> Option<&'static str> {
        ["rule", "manual", "review", "deputy"].into_iter().find(|known| *known == name)
    }

    /// Checks that everything that is named exists.
    pub(super) fn check(&self, policy: &Policy, settings: &Settings) -> Result<(), Refusal> {
        let unknown = |field: &str, id: &dyn std::fmt::Display| {
            Err(Refusal::invalid(field, format!("there is no {field} {id}")))
        };
        if let Some(id) = self.role.as_ref().filter(|id| !policy.roles.contains_key(*id)) {
            return unknown("role", id);
        }
        if let Some(id) = self.sector.as_ref().filter(|id| !policy.sectors.contains_key(*id)) {
            return unknown("sector", id);
        }
        let is_known = |id: &DirectoryId| settings.directories.iter().any(|one| one.id == *id);
        match &self.directory {
            Some(id) if !is_known(id) => unknown("directory", id),
            Some(_) | None => Ok(()),
        }
    }

    /// As the store takes it.
    pub(super) fn wanted(&self, policy: &Policy, order: Order, now: Timestamp) -> Wanted {
        let (scope, valid_at) = match self.who {
            Who::Able => (Scope::As(Status::Active), Some(now)),
            Who::Shut => (Scope::Shut, None),
            Who::Everybody => (Scope::Everybody, None),
            Who::As(status) => (Scope::As(status), None),
        };
        let (seen_from, seen_before) = match self.signed {
            Signed::Any => (0, i64::MAX),
            Signed::NotSince(day) => (0, day.as_microsecond()),
            // 0 stands for never.
            Signed::Between(from, until) => (from.as_microsecond().max(1), until.as_microsecond()),
            Signed::Never => (0, 1),
        };
        Wanted { scope, order, seen_from, seen_before, valid_at, facets: self.facets(policy), now }
    }

    fn facets(&self, policy: &Policy) -> Vec<Facet> {
        let mut facets = Vec::new();
        facets.extend(self.role.clone().map(Facet::Role));
        if self.is_privileged {
            let roles = policy.roles.iter().filter(|(_, role)| policy.is_administrator_role(role));
            facets.push(Facet::OneOf(roles.map(|(id, _)| id.clone()).collect()));
        }
        facets.extend(self.sector.clone().map(Facet::Sector));
        facets.extend(self.limited.map(Facet::Limited));
        facets.extend(self.directory.clone().map(Facet::Directory));
        facets.extend(self.origin.map(Facet::Origin));
        facets.extend(self.left_since.map(Facet::Left));
        facets.extend(typed_words(&self.typed).into_iter().take(MOST_WORDS).map(Facet::Word));
        facets
    }

    /// As programs read it: `role=board`. The audit keeps these of who reads a list as a file.
    pub(super) fn terms(&self) -> Vec<String> {
        let who = match self.who {
            Who::Able => "can_sign_in=true".to_owned(),
            Who::Shut => "can_sign_in=false".to_owned(),
            Who::Everybody => "everybody".to_owned(),
            Who::As(status) => format!("status={status}"),
        };
        let signed = match self.signed {
            Signed::Any => None,
            Signed::NotSince(day) => Some(format!("not_since={day}")),
            Signed::Between(from, until) => Some(format!("last_seen={from}/{until}")),
            Signed::Never => Some("never".to_owned()),
        };
        let named = |name: &str, value: Option<String>| value.map(|value| format!("{name}={value}"));
        [
            Some(who),
            signed,
            named("role", self.role.as_ref().map(ToString::to_string)),
            self.is_privileged.then(|| "privileged=true".to_owned()),
            named("sector", self.sector.as_ref().map(ToString::to_string)),
            named("limited", self.limited.map(|limited| limited.to_string())),
            named("directory", self.directory.as_ref().map(ToString::to_string)),
            named("origin", self.origin.map(str::to_owned)),
            named("left_since", self.left_since.map(|at| at.to_string())),
            // What somebody typed may be a name, and the audit outlives it.
            (!self.typed.is_empty()).then(|| "typed".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
