//! Counts the items that come into sight of accounts and go out of it.
//!
//! Invariant: an item counts once for an account, however many links lead to it; counted is what the CRM has told of.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::weigh::Entry;
use crate::domain::ids::{AccountId, ComponentId, RoleId};
use crate::domain::policy::reach::{Reach, Sight};
use crate::domain::policy::shift::{Items, touches_items};
use crate::flows::Refusal;
use crate::store::population::{self, Seen};
use crate::store::{Conn, StoreError};

/// How many accounts' links are read together.
const PAGE: usize = 1000;

type Roles = BTreeSet<RoleId>;
type Names = Arc<HashSet<String>>;

/// What can be seen through roles, and how much there is in all.
#[derive(Debug, Default)]
struct Sights {
    totals: BTreeMap<ComponentId, u64>,
    by_role: HashMap<RoleId, HashMap<ComponentId, HashSet<String>>>,
    unions: HashMap<(Roles, ComponentId), Names>,
    differences: HashMap<(Roles, Roles, ComponentId), Names>,
}

/// Counts the items of every entry whose sight changes.
pub(super) async fn count(c: &mut Conn, entries: &mut [Entry], now: Timestamp) -> Result<(), Refusal> {
    let touched: Vec<usize> = (0..entries.len())
        .filter(|at| entries.get(*at).is_some_and(|one| !components(one).is_empty()))
        .collect();
    if touched.is_empty() {
        return Ok(());
    }
    let mut sights = Sights { totals: population::item_counts(c).await?, ..Sights::default() };
    for (role, (component, item)) in population::items_of_roles(c, now).await? {
        sights.by_role.entry(role).or_default().entry(component).or_default().insert(item);
    }
    for page in touched.chunks(PAGE) {
        let mut own = own_items(c, entries, page, now).await?;
        for at in page {
            let Some(entry) = entries.get_mut(*at) else { continue };
            let own = own.remove(&entry.shift.account).unwrap_or_default();
            entry.shift.items = sights.changes(entry, &own);
        }
    }
    Ok(())
}

/// The links of those of the page who see only what is linked, before or after.
async fn own_items(
    c: &mut Conn,
    entries: &[Entry],
    page: &[usize],
    now: Timestamp,
) -> Result<BTreeMap<AccountId, Vec<Seen>>, StoreError> {
    let is_confined = |reach: &Reach| reach.effective.item_restricted;
    let some = page.iter().filter_map(|at| entries.get(*at));
    let some = some.filter(|one| is_confined(&one.before) || is_confined(&one.after));
    let ids: Vec<AccountId> = some.map(|one| one.shift.account).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    population::items_of_accounts(c, &ids, now).await
}

/// What can be seen of a component before and after.
fn sight(entry: &Entry, component: &ComponentId) -> (Option<Sight>, Option<Sight>) {
    let of = |reach: &Reach, is_in_use: bool| {
        if is_in_use { reach.sees.get(component).copied() } else { None }
    };
    (of(&entry.before, entry.in_use.0), of(&entry.after, entry.in_use.1))
}

/// The components whose items are to be counted.
fn components(entry: &Entry) -> Vec<ComponentId> {
    let differ = entry.before.effective.roles != entry.after.effective.roles;
    let all: BTreeSet<&ComponentId> = entry.before.sees.keys().chain(entry.after.sees.keys()).collect();
    let is_touched = |id: &&&ComponentId| {
        let (before, after) = sight(entry, id);
        touches_items(before, after, differ)
    };
    all.iter().filter(is_touched).map(|id| (*id).clone()).collect()
}

impl Sights {
    fn changes(&mut self, entry: &Entry, own: &[Seen]) -> Items {
        let mut items = Items::default();
        for component in components(entry) {
            let own: HashSet<&str> =
                own.iter().filter(|(of, _)| *of == component).map(|(_, item)| item.as_str()).collect();
            let total = self.totals.get(&component).copied().unwrap_or_default();
            let (was, is) = (&entry.before.effective.roles, &entry.after.effective.roles);
            let (gained, lost) = match sight(entry, &component) {
                (None, Some(Sight::All)) => (total, 0),
                (Some(Sight::All), None) => (0, total),
                (None, Some(Sight::Linked)) => (self.linked(is, &component, &own), 0),
                (Some(Sight::Linked), None) => (0, self.linked(was, &component, &own)),
                (Some(Sight::Linked), Some(Sight::All)) => {
                    (total.saturating_sub(self.linked(was, &component, &own)), 0)
                }
                (Some(Sight::All), Some(Sight::Linked)) => {
                    (0, total.saturating_sub(self.linked(is, &component, &own)))
                }
                (Some(Sight::Linked), Some(Sight::Linked)) => (
                    count_without(&self.difference(is, was, &component), &own),
                    count_without(&self.difference(was, is, &component), &own),
                ),
                (None, None) | (Some(Sight::All), Some(Sight::All)) => (0, 0),
            };
            items.gained += gained;
            items.lost += lost;
        }
        items
    }

    /// How many items are linked to an account or to one of its roles.
    fn linked(&mut self, roles: &Roles, component: &ComponentId, own: &HashSet<&str>) -> u64 {
        let union = self.union(roles, component);
        let beyond = own.iter().filter(|item| !union.contains(**item)).count();
        u64::try_from(union.len().saturating_add(beyond)).unwrap_or(u64::MAX)
    }

    fn union(&mut self, roles: &Roles, component: &ComponentId) -> Names {
        let key = (roles.clone(), component.clone());
        if let Some(known) = self.unions.get(&key) {
            return Arc::clone(known);
        }
        let of_roles = roles.iter().filter_map(|role| self.by_role.get(role)?.get(component));
        let union: Names = Arc::new(of_roles.flatten().cloned().collect());
        self.unions.insert(key, Arc::clone(&union));
        union
    }

    /// What is linked to one of `roles` and to none of `others`.
    fn difference(&mut self, roles: &Roles, others: &Roles, component: &ComponentId) -> Names {
        let key = (roles.clone(), others.clone(), component.clone());
        if let Some(known) = self.differences.get(&key) {
            return Arc::clone(known);
        }
        let (one, other) = (self.union(roles, component), self.union(others, component));
        let difference: Names = Arc::new(one.difference(&other).cloned().collect());
        self.differences.insert(key, Arc::clone(&difference));
        difference
    }
}

fn count_without(names: &HashSet<String>, own: &HashSet<&str>) -> u64 {
    let kept = own.iter().filter(|item| names.contains(**item)).count();
    u64::try_from(names.len().saturating_sub(kept)).unwrap_or(u64::MAX)
}
