//! What putting a policy into force would do to the whole population, grouped by the change that does it, under a hash.
//!
//! Invariant: the hash covers the policy, the version it follows and the substance of every account's shift; not the
//! time, not the order of reading, and not how many items the CRM happens to have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::doubts::Doubt;
use super::shift::{Cause, Items, Shift, hexadecimal};
use crate::domain::grant::GrantKind;
use crate::domain::ids::AccountId;
use crate::domain::safety::SafetyStop;

/// So many accounts are named for each change; the numbers hold all of them.
const NAMED: usize = 10;

/// How many gain and lose one role, sector or limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Accounts that gain it.
    pub gain: u64,
    /// Accounts that lose it.
    pub lose: u64,
}

/// What one change of the policy does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The change.
    #[serde(flatten)]
    pub cause: Cause,
    /// Accounts that it has a part in.
    pub accounts: u64,
    /// Of them in use, and losing something.
    pub taken: u64,
    /// Roles, sectors and limits, as `role:board`, `limited`.
    pub rights: BTreeMap<String, Counts>,
    /// `module:action`.
    pub actions: BTreeMap<String, Counts>,
    /// Items of those accounts.
    pub items: Items,
    /// The first of them by name.
    pub named: Vec<String>,
}

/// Something that the policy would take and that is held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldBack {
    /// Whose.
    pub user_name: String,
    /// By what: `protected`, `break_glass`, `critical_empty`, `no_administrator`.
    pub by: Vec<String>,
}

/// What putting a policy into force would do.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PolicyPlan {
    /// The version it follows; 0: it is the first.
    pub follows: i64,
    /// SHA-256 of the policy's text.
    pub policy: String,
    /// The text is the one in force.
    pub is_in_force: bool,
    /// Accounts that were looked at.
    pub population: u64,
    /// Accounts for which anything changes, of which in use.
    pub changed: u64,
    /// Accounts in use that lose something.
    pub taken: u64,
    /// Accounts whose rights stay and have another rule behind them, and nothing else.
    pub rewritten: u64,
    /// Over all accounts, each counted once: as `role:board`, `limited`.
    pub rights: BTreeMap<String, Counts>,
    /// Items over all accounts in use.
    pub items: Items,
    /// The same by change of the policy.
    pub groups: Vec<Group>,
    /// What is held back.
    pub held_back: Vec<HeldBack>,
    /// Why it waits for release.
    pub stops: Vec<SafetyStop>,
    /// What somebody should look at.
    pub doubts: Vec<Doubt>,
    /// SHA-256 over all that would be done.
    pub hash: String,
}

/// A right as a short text.
#[must_use]
pub fn short(kind: &GrantKind) -> String {
    match kind.value() {
        "" => kind.name().to_owned(),
        value => format!("{}:{value}", kind.name()),
    }
}

impl PolicyPlan {
    /// Takes in the shifts of every account and seals the plan under its hash.
    pub fn seal(&mut self, shifts: &[Shift]) {
        let mut ordered: Vec<&Shift> = shifts.iter().filter(|shift| !shift.is_empty()).collect();
        ordered.sort_by_key(|shift| shift.account);
        let mut groups: BTreeMap<Cause, Group> = BTreeMap::new();
        for shift in &ordered {
            self.take_in(shift);
            for cause in &shift.causes {
                groups.entry(cause.clone()).or_insert_with(|| empty(cause)).take_in(shift);
            }
        }
        self.groups = groups.into_values().collect();
        let mut hasher = Sha256::new();
        for text in ["portvakt policy plan 1", &self.policy, &self.follows.to_string()] {
            feed(&mut hasher, text);
        }
        for shift in ordered {
            feed(&mut hasher, &shift.substance());
        }
        self.hash = hexadecimal(&hasher.finalize());
    }

    fn take_in(&mut self, shift: &Shift) {
        if shift.is_only_rewritten() {
            self.rewritten += 1;
            return;
        }
        self.changed += 1;
        self.taken += u64::from(shift.takes());
        self.items.gained += shift.items.gained;
        self.items.lost += shift.items.lost;
        count(&mut self.rights, shift, None);
        if !shift.held_back.is_empty() {
            let by = shift.held_back.iter().cloned().collect();
            self.held_back.push(HeldBack { user_name: shift.user_name.clone(), by });
        }
    }

    /// Whether it waits for a person's release.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        !self.stops.is_empty()
    }
}

fn empty(cause: &Cause) -> Group {
    Group {
        cause: cause.clone(),
        accounts: 0,
        taken: 0,
        rights: BTreeMap::new(),
        actions: BTreeMap::new(),
        items: Items::default(),
        named: Vec::new(),
    }
}

impl Group {
    fn take_in(&mut self, shift: &Shift) {
        self.accounts += 1;
        self.taken += u64::from(shift.takes());
        self.items.gained += shift.items.gained;
        self.items.lost += shift.items.lost;
        count(&mut self.rights, shift, Some(&self.cause));
        for name in &shift.opens {
            self.actions.entry(name.clone()).or_default().gain += 1;
        }
        for name in &shift.closes {
            self.actions.entry(name.clone()).or_default().lose += 1;
        }
        if self.named.len() < NAMED {
            self.named.push(shift.user_name.clone());
        }
    }
}

/// Counts the rights of one shift: all of them, or those of one cause.
fn count(into: &mut BTreeMap<String, Counts>, shift: &Shift, cause: Option<&Cause>) {
    for one in shift.gains.iter().filter(|one| cause.is_none_or(|cause| one.cause == *cause)) {
        into.entry(short(&one.kind)).or_default().gain += 1;
    }
    for one in shift.loses.iter().filter(|one| cause.is_none_or(|cause| one.cause == *cause)) {
        into.entry(short(&one.kind)).or_default().lose += 1;
    }
}

/// Length first, so that no two lists of texts run together into the same bytes.
fn feed(hasher: &mut Sha256, text: &str) {
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

/// How two plans for the same policy differ: what moved in the world between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moved {
    /// Accounts that the plan did not know of, or left alone.
    pub came: Vec<AccountId>,
    /// Accounts that the plan touched, and that need nothing any more.
    pub went: Vec<AccountId>,
    /// Accounts that would be treated otherwise.
    pub differ: Vec<AccountId>,
}

/// Compares the digests of a plan with those of a fresh one.
#[must_use]
pub fn moved(planned: &BTreeMap<AccountId, String>, fresh: &BTreeMap<AccountId, String>) -> Moved {
    let without = |one: &BTreeMap<AccountId, String>, other: &BTreeMap<AccountId, String>| {
        one.keys().filter(|id| !other.contains_key(*id)).copied().collect()
    };
    let differ = planned.iter().filter(|(id, digest)| fresh.get(*id).is_some_and(|now| now != *digest));
    Moved {
        came: without(fresh, planned),
        went: without(planned, fresh),
        differ: differ.map(|(id, _)| *id).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::policy::shift::Move;
    use crate::domain::sample;

    fn shift(number: u128, gains: bool, items: u64) -> Shift {
        let kind = GrantKind::Role(sample::role_id("board"));
        let cause = Cause::Role(sample::role_id("board"));
        let one = Move { kind, cause: cause.clone() };
        Shift {
            account: sample::account_id(number),
            user_name: format!("person{number}"),
            is_in_use: true,
            gains: if gains { vec![one.clone()] } else { Vec::new() },
            loses: if gains { Vec::new() } else { vec![one] },
            opens: BTreeSet::new(),
            closes: BTreeSet::new(),
            sees_more: BTreeSet::new(),
            sees_less: BTreeSet::new(),
            items: Items { gained: items, lost: 0 },
            rewritten: 0,
            loses_console: false,
            causes: BTreeSet::from([cause]),
            held_back: BTreeSet::new(),
        }
    }

    fn sealed(shifts: &[Shift]) -> PolicyPlan {
        let mut plan = PolicyPlan { policy: "abc".to_owned(), follows: 3, ..PolicyPlan::default() };
        plan.seal(shifts);
        plan
    }

    proptest! {
        #[test]
        fn the_hash_follows_what_is_done_and_neither_the_order_nor_the_number_of_items(
            numbers in proptest::collection::btree_map(1_u128..60, any::<bool>(), 1..12), items in 0_u64..9,
        ) {
            let shifts: Vec<Shift> = numbers.iter().map(|(n, gains)| shift(*n, *gains, 1)).collect();
            let other: Vec<Shift> = numbers.iter().rev().map(|(n, gains)| shift(*n, *gains, items)).collect();
            let (one, two) = (sealed(&shifts), sealed(&other));
            prop_assert_eq!(&one.hash, &two.hash);
            prop_assert_ne!(&one.hash, &sealed(&shifts[1..]).hash);
            prop_assert_eq!(one.changed, u64::try_from(numbers.len()).unwrap());
            prop_assert_eq!(one.taken, u64::try_from(numbers.values().filter(|gains| !**gains).count()).unwrap());
            prop_assert_eq!(one.groups.len(), 1);
            let mut turned = shifts.clone();
            let first = turned.remove(0);
            turned.push(Shift { gains: first.loses, loses: first.gains, ..shift(first.account.uuid().as_u128(), true, 0) });
            prop_assert_ne!(&one.hash, &sealed(&turned).hash);
        }
    }

    #[test]
    fn what_moved_between_two_plans_is_told_by_account() {
        let map = |pairs: &[(u128, &str)]| -> BTreeMap<AccountId, String> {
            pairs.iter().map(|(n, digest)| (sample::account_id(*n), (*digest).to_owned())).collect()
        };
        let found = moved(&map(&[(1, "a"), (2, "b"), (3, "c")]), &map(&[(2, "b"), (3, "x"), (4, "d")]));
        assert_eq!(found.came, [sample::account_id(4)]);
        assert_eq!(found.went, [sample::account_id(1)]);
        assert_eq!(found.differ, [sample::account_id(3)]);
    }
}
