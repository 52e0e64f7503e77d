//! What an account's grants amount to at one instant: for tokens, CRM payloads, pages and reports.
//!
//! Invariant: computed only from grants in force and from what the policy still knows; a role or sector that the
//! policy has dropped opens nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::grant::{Grant, GrantKind};
use super::ids::{ModuleId, RoleId, SectorId};
use super::policy::{Action, Component, Policy, Role};

/// What an account can use.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Effective {
    /// The roles it holds.
    pub roles: BTreeSet<RoleId>,
    /// The sectors it holds; they confine it only where it is limited.
    pub sectors: BTreeSet<SectorId>,
    /// It is confined to its sectors and never reaches administration.
    pub limited: bool,
    /// In components that support it, it sees only items linked or assigned to it.
    pub item_restricted: bool,
    /// The modules it can use, and for which actions. Of a limited account: only what its sectors leave.
    pub modules: BTreeMap<ModuleId, BTreeSet<Action>>,
}

/// What `grants` amount to at `now`.
#[must_use]
pub fn effective(policy: &Policy, grants: &[Grant], now: Timestamp) -> Effective {
    let in_force = grants.iter().filter(|grant| grant.holds_at(now));
    of_kinds(policy, &in_force.map(|grant| grant.kind.clone()).collect())
}

/// What grants of these kinds amount to that are in force.
#[must_use]
pub fn of_kinds(policy: &Policy, kinds: &BTreeSet<GrantKind>) -> Effective {
    let mut roles: BTreeMap<&RoleId, &Role> = BTreeMap::new();
    let mut sectors = BTreeSet::new();
    for kind in kinds {
        match kind {
            GrantKind::Role(id) => roles.extend(policy.roles.get(id).map(|role| (id, role))),
            GrantKind::Sector(id) if policy.sectors.contains_key(id) => drop(sectors.insert(id.clone())),
            GrantKind::Sector(_) | GrantKind::Limited | GrantKind::ItemRestricted => {}
        }
    }
    let limited = kinds.contains(&GrantKind::Limited);
    let mut modules = BTreeMap::new();
    for module in policy.modules.keys() {
        let actions: BTreeSet<Action> = Action::ALL
            .iter()
            .copied()
            .filter(|action| roles.values().any(|role| role.opens(module, *action)))
            .filter(|action| !limited || is_left_to_limited(policy, module, *action, &sectors))
            .collect();
        if !actions.is_empty() {
            modules.insert(module.clone(), actions);
        }
    }
    Effective {
        roles: roles.into_keys().cloned().collect(),
        sectors,
        limited,
        item_restricted: kinds.contains(&GrantKind::ItemRestricted),
        modules,
    }
}

/// The modules that `grants` let an account use at `now`, and for which actions.
#[must_use]
pub fn modules(policy: &Policy, grants: &[Grant], now: Timestamp) -> BTreeMap<ModuleId, BTreeSet<Action>> {
    effective(policy, grants, now).modules
}

/// A role in force, with the grant that gives it.
#[derive(Debug, Clone, Copy)]
pub struct HeldRole<'a> {
    /// Its id.
    pub id: &'a RoleId,
    /// What it opens.
    pub role: &'a Role,
    /// Where it comes from.
    pub grant: &'a Grant,
}

/// The roles in force at `now`, in the order of the grants; one that is granted twice comes twice.
pub fn held_roles<'a>(
    policy: &'a Policy,
    grants: &'a [Grant],
    now: Timestamp,
) -> impl Iterator<Item = HeldRole<'a>> {
    grants.iter().filter(move |grant| grant.holds_at(now)).filter_map(|grant| match &grant.kind {
        GrantKind::Role(id) => policy.roles.get(id).map(|role| HeldRole { id, role, grant }),
        GrantKind::Sector(_) | GrantKind::Limited | GrantKind::ItemRestricted => None,
    })
}

/// The sectors in force at `now`, each with the grant that gives it.
pub fn held_sectors<'a>(
    policy: &'a Policy,
    grants: &'a [Grant],
    now: Timestamp,
) -> impl Iterator<Item = (&'a SectorId, &'a Grant)> {
    grants.iter().filter(move |grant| grant.holds_at(now)).filter_map(|grant| match &grant.kind {
        GrantKind::Sector(id) if policy.sectors.contains_key(id) => Some((id, grant)),
        GrantKind::Sector(_) | GrantKind::Role(_) | GrantKind::Limited | GrantKind::ItemRestricted => None,
    })
}

/// Whether a grant of `kind` is in force at `now`.
pub(crate) fn holds(grants: &[Grant], kind: &GrantKind, now: Timestamp) -> bool {
    grants.iter().any(|grant| grant.kind == *kind && grant.holds_at(now))
}

/// A limited account can use a module where at least one of its components lies in a sector it holds.
fn is_left_to_limited(
    policy: &Policy,
    module: &ModuleId,
    action: Action,
    sectors: &BTreeSet<SectorId>,
) -> bool {
    let is_reached = |component: &Component| {
        component.module == *module
            && !component.is_administration
            && component.sector.as_ref().is_some_and(|sector| sectors.contains(sector))
    };
    action != Action::Administer && policy.components.values().any(is_reached)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample;

    fn of(kinds: &[GrantKind]) -> Effective {
        let grants: Vec<Grant> = kinds.iter().cloned().map(sample::grant).collect();
        effective(&sample::policy(), &grants, sample::at("2025-10-07T00:00:00Z"))
    }

    fn role(id: &str) -> GrantKind {
        GrantKind::Role(sample::role_id(id))
    }

    #[test]
    fn a_role_opens_its_modules_for_its_actions() {
        let found = of(&[role("communicator")]);
        let shown: Vec<(&str, usize)> = found.modules.iter().map(|(id, a)| (id.as_str(), a.len())).collect();
        assert_eq!(shown, [("communication", 6), ("members", 1)]);
        assert_eq!(of(&[role("board")]).modules.len(), 4);
    }

    #[test]
    fn a_limited_account_keeps_only_what_its_sectors_leave_and_never_administration() {
        let found =
            of(&[role("board"), GrantKind::Limited, GrantKind::Sector(sample::sector_id("mailings"))]);
        let shown: Vec<(&str, usize)> = found.modules.iter().map(|(id, a)| (id.as_str(), a.len())).collect();
        assert_eq!(shown, [("communication", 5)]);
        assert!(of(&[role("board"), GrantKind::Limited]).modules.is_empty());
    }

    #[test]
    fn what_has_ended_or_left_the_policy_counts_for_nothing() {
        let now = sample::at("2025-10-07T00:00:00Z");
        let ended = Grant { ends_at: Some(now), ..sample::grant(role("board")) };
        let unknown = sample::grant(role("dropped"));
        assert_eq!(effective(&sample::policy(), &[ended, unknown], now), Effective::default());
    }
}
