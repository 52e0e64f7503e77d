//! One person as a list shows them.
//!
//! Invariant: made from what is known about the account at one moment.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::super::lifecycle::facts::{Known, Surroundings};
use crate::domain::account::{Status, StatusReason};
use crate::domain::days::days_between;
use crate::domain::evidence::{LastSeen, last_seen};
use crate::domain::grant::{GrantKind, Origin};
use crate::domain::ids::{AccountId, DirectoryId, RoleId, SectorId};
use crate::domain::lifecycle::{Assessment, assess};
use crate::domain::policy::{EvidenceSource, Policy};

/// A role that somebody holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRole {
    /// Which.
    pub role: RoleId,
    /// Given by hand, and by no rule.
    pub is_by_hand: bool,
    /// It administers.
    pub is_privileged: bool,
}

/// A person as a list shows them.
#[derive(Debug, Clone)]
pub struct PersonRow {
    /// Our id.
    pub account: AccountId,
    /// The sign-in name.
    pub user_name: String,
    /// The person's name.
    pub display_name: String,
    /// The state.
    pub status: Status,
    /// Why it has that state.
    pub status_reason: StatusReason,
    /// No path touches it.
    pub is_protected: bool,
    /// The roles in force.
    pub roles: Vec<HeldRole>,
    /// Whether it is limited.
    pub limited: bool,
    /// Whether it sees single items only.
    pub item_restricted: bool,
    /// The sectors in force.
    pub sectors: BTreeSet<SectorId>,
    /// When the person was last seen, by any source.
    pub last_seen: Option<LastSeen>,
    /// How many days ago.
    pub days_since: Option<i64>,
    /// The directories that know the person.
    pub directories: BTreeSet<DirectoryId>,
    /// Where the rights come from.
    pub origins: BTreeSet<&'static str>,
    /// Not from this instant on.
    pub valid_until: Option<Timestamp>,
    /// The leave that is approved ends here.
    pub leave_until: Option<Timestamp>,
    /// Who their manager is, as the directory says.
    pub manager: Option<String>,
    /// What the lifecycle would do now.
    pub next: Assessment,
    /// What the CRM knows it by.
    pub version: i64,
}

impl PersonRow {
    /// The name that people read: the person's, else the user name.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.display_name.is_empty() { &self.user_name } else { &self.display_name }
    }
}

/// What is known about somebody, as a list shows it.
pub(super) fn row(policy: &Policy, around: &Surroundings, known: &Known, now: Timestamp) -> PersonRow {
    let account = &known.account;
    let held = || known.grants.iter().filter(|grant| grant.holds_at(now));
    let roles = known.roles.iter().map(|id| HeldRole {
        is_by_hand: held()
            .filter(|grant| matches!(&grant.kind, GrantKind::Role(role) if role == id))
            .all(|grant| matches!(grant.origin, Origin::Manual)),
        is_privileged: policy.roles.get(id).is_some_and(|role| policy.is_administrator_role(role)),
        role: id.clone(),
    });
    let seen = last_seen(&known.evidence, &EvidenceSource::ALL.iter().copied().collect());
    PersonRow {
        account: account.id,
        user_name: account.user_name.clone(),
        display_name: account.display_name.clone(),
        status: account.standing.status,
        status_reason: account.standing.reason,
        is_protected: account.is_protected,
        roles: roles.collect(),
        limited: known.limited,
        item_restricted: held().any(|grant| grant.kind == GrantKind::ItemRestricted),
        sectors: known.sectors.clone(),
        last_seen: seen,
        days_since: seen.map(|seen| days_between(seen.at, now)),
        directories: known.identities.iter().map(|one| one.directory.clone()).collect(),
        origins: held().map(|grant| grant.origin.name()).collect(),
        valid_until: account.valid_until,
        leave_until: known.leave.as_ref().map(|leave| leave.until),
        manager: None,
        next: assess(policy, &known.facts(around), now),
        version: account.version,
    }
}
