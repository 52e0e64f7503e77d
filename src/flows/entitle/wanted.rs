//! What the rules give accounts, from what the directories say.
//!
//! Invariant: reads only, in pages; documents are read only where a rule looks at them.

use std::collections::BTreeMap;

use crate::domain::ids::{AccountId, DirectoryId, GroupId, IdentityId};
use crate::domain::mapping::{self, GroupFacts, IdentityFacts, Mapped};
use crate::domain::name::fold;
use crate::domain::policy::Policy;
use crate::domain::policy::doubts::looks_at_attributes;
use crate::store::group::{self, Group, GroupKey};
use crate::store::{Conn, StoreError, claimed_group, membership, population};

/// Names that a policy would pin, by the group that would bear them.
pub(in crate::flows) type Pins = BTreeMap<GroupId, Vec<String>>;

/// What the rules give each of these accounts. Those that no directory calls active are left out, so that a departed
/// person comes back to what the groups say then, and not to nothing.
pub(in crate::flows) async fn wanted(
    c: &mut Conn,
    policy: &Policy,
    ids: &[AccountId],
    pins: &Pins,
) -> Result<BTreeMap<AccountId, Mapped>, StoreError> {
    let present = population::present(c, ids, looks_at_attributes(policy)).await?;
    let people: Vec<IdentityId> = present.iter().map(|one| one.identity).collect();
    let mut groups = membership::groups_of_all(c, &people).await?;
    let without: Vec<IdentityId> = people.into_iter().filter(|id| !groups.contains_key(id)).collect();
    let mut claimed = claimed_group::that_count(c, &without).await?;
    let mut facts: BTreeMap<AccountId, Vec<IdentityFacts<'_>>> = BTreeMap::new();
    for one in &present {
        let told = groups.remove(&one.identity).unwrap_or_default().into_iter().map(|told| {
            let mut pinned_names = told.pins;
            pinned_names.extend(pins.get(&told.group).into_iter().flatten().cloned());
            GroupFacts { id: Some(told.group), external_id: told.external_id, pinned_names }
        });
        let claimed = claimed.remove(&one.identity).unwrap_or_default().into_iter();
        let claimed =
            claimed.map(|value| GroupFacts { id: None, external_id: Some(value), pinned_names: Vec::new() });
        facts.entry(one.account).or_default().push(IdentityFacts {
            directory: one.directory.clone(),
            groups: told.chain(claimed).collect(),
            document: &one.document,
        });
    }
    Ok(facts.into_iter().map(|(account, facts)| (account, mapping::map(policy, &facts))).collect())
}

/// The oldest group of a directory that bears the folded name.
pub(in crate::flows) async fn oldest_bearer(
    c: &mut Conn,
    directory: &DirectoryId,
    key: &str,
) -> Result<Option<Group>, StoreError> {
    let mut bearers = group::find(c, directory, &GroupKey::DisplayName(key.to_owned())).await?;
    bearers.sort_by_key(|group| (group.created_at, group.id));
    Ok(if bearers.is_empty() { None } else { Some(bearers.swap_remove(0)) })
}

/// The names that the policy speaks of and that no group bears for good yet, by the group that would.
pub(in crate::flows) async fn names_to_pin(c: &mut Conn, policy: &Policy) -> Result<Pins, StoreError> {
    let mut names = Vec::new();
    for rule in &policy.rules {
        super::collect_names(&rule.when, &mut names);
    }
    let mut pins = Pins::new();
    for (directory, name) in names {
        let key = fold(name);
        if group::pinned(c, directory, &key).await?.is_some() {
            continue;
        }
        if let Some(oldest) = oldest_bearer(c, directory, &key).await? {
            pins.entry(oldest.id).or_default().push(key);
        }
    }
    Ok(pins)
}
