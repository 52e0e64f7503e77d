//! What a set of grants amounts to under a policy: which components can be seen, whole or only what is linked.
//!
//! Invariant: the same answer as the decision gives for every item, told per component.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Action, Console, Policy};
use crate::domain::effective::{Effective, effective};
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::ids::ComponentId;

/// How much of a component can be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sight {
    /// Items that are linked or assigned.
    Linked,
    /// Every item.
    All,
}

/// What a set of grants amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Roles and sectors that the policy knows, and limits.
    pub kinds: BTreeSet<GrantKind>,
    /// Modules and actions.
    pub effective: Effective,
    /// What can be seen; a component that is missing cannot.
    pub sees: BTreeMap<ComponentId, Sight>,
    /// What may be done on Portvakt's own pages.
    pub consoles: BTreeSet<Console>,
    /// The modules and actions once more, as `module:action`.
    pub opens: BTreeSet<String>,
}

/// Judges sets of grants under one policy, each distinct set once.
#[derive(Debug)]
pub struct Scales<'p> {
    policy: &'p Policy,
    now: Timestamp,
    known: HashMap<BTreeSet<GrantKind>, Arc<Reach>>,
}

impl<'p> Scales<'p> {
    /// Scales for one policy and one instant.
    #[must_use]
    pub fn new(policy: &'p Policy, now: Timestamp) -> Self {
        Self { policy, now, known: HashMap::new() }
    }

    /// What `grants` amount to.
    pub fn weigh(&mut self, grants: &[Grant]) -> Arc<Reach> {
        let in_force = grants.iter().filter(|grant| grant.holds_at(self.now));
        let kinds: BTreeSet<GrantKind> = in_force.map(|grant| grant.kind.clone()).collect();
        if let Some(known) = self.known.get(&kinds) {
            return Arc::clone(known);
        }
        let reach = Arc::new(reach(self.policy, grants, self.now));
        self.known.insert(kinds, Arc::clone(&reach));
        reach
    }
}

/// What `grants` amount to at `now`.
#[must_use]
pub fn reach(policy: &Policy, grants: &[Grant], now: Timestamp) -> Reach {
    let effective = effective(policy, grants, now);
    let roles = effective.roles.iter().cloned().map(GrantKind::Role);
    let sectors = effective.sectors.iter().cloned().map(GrantKind::Sector);
    let limits =
        [(effective.limited, GrantKind::Limited), (effective.item_restricted, GrantKind::ItemRestricted)];
    let limits = limits.into_iter().filter_map(|(holds, kind)| holds.then_some(kind));
    let kinds = roles.chain(sectors).chain(limits).collect();
    let consoles = effective.roles.iter().filter_map(|id| policy.roles.get(id)?.console).collect();
    let sees = policy
        .components
        .iter()
        .filter(|(_, component)| {
            let is_open =
                |id| policy.roles.get(id).is_some_and(|role| role.opens(&component.module, Action::View));
            let is_confined_to =
                || component.sector.as_ref().is_some_and(|sector| effective.sectors.contains(sector));
            effective.roles.iter().any(is_open)
                && (!effective.limited || (!component.is_administration && is_confined_to()))
        })
        .map(|(id, component)| {
            let is_narrowed = effective.item_restricted && component.supports_items;
            (id.clone(), if is_narrowed { Sight::Linked } else { Sight::All })
        })
        .collect();
    let modules = effective.modules.iter();
    let opens =
        modules.flat_map(|(module, actions)| actions.iter().map(move |a| format!("{module}:{a}"))).collect();
    Reach { kinds, effective, sees, consoles, opens }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::access::{AccessFacts, Question, decide};
    use crate::domain::sample;

    fn kinds() -> impl Strategy<Value = Vec<GrantKind>> {
        let all = vec![
            GrantKind::Role(sample::role_id("board")),
            GrantKind::Role(sample::role_id("communicator")),
            GrantKind::Role(sample::role_id("secretary")),
            GrantKind::Role(sample::role_id("dropped")),
            GrantKind::Sector(sample::sector_id("mailings")),
            GrantKind::Sector(sample::sector_id("meetings")),
            GrantKind::Limited,
            GrantKind::ItemRestricted,
        ];
        proptest::sample::subsequence(all, 0..=8)
    }

    proptest! {
        #[test]
        fn a_component_is_seen_exactly_as_the_decision_lets_it_be(kinds in kinds()) {
            let (policy, now) = (sample::policy(), sample::at("2025-10-07T00:00:00Z"));
            let grants: Vec<Grant> = kinds.into_iter().map(sample::grant).collect();
            let account = sample::account(1, Timestamp::UNIX_EPOCH);
            let found = Scales::new(&policy, now).weigh(&grants);
            for component in policy.components.keys() {
                let facts = AccessFacts {
                    account: Some(&account), grants: &grants, links: &[], assignment: None, now,
                };
                let question =
                    Question { action: Action::View, component: component.to_string(), item: None };
                let decision = decide(&policy, &facts, &question);
                let expected = match (decision.is_allowed(), decision.narrowed) {
                    (false, _) => None,
                    (true, true) => Some(Sight::Linked),
                    (true, false) => Some(Sight::All),
                };
                prop_assert_eq!(found.sees.get(component).copied(), expected, "{}", component);
            }
        }
    }
}
