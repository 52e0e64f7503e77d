//! Which roles, sectors and limits a person gets from what the directories say about them.
//!
//! Invariant: pure, and every grant names the rule behind it. Rules look at ids and attributes, never at a name
//! that somebody else could take, and a difference touches only what rules gave.

pub mod attribute;

use std::collections::BTreeMap;

use super::grant::{Grant, GrantKind, Origin};
use super::ids::{DirectoryId, GrantId, GroupId, RoleId, RuleId};
use super::name::{fold, folds_to};
use super::policy::doubts::GroupNamed;
use super::policy::{Condition, Gives, Policy, Rule, Unmatched};

/// A group that an identity is a member of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFacts {
    /// The id that Portvakt issued; nothing for a group that only a token named.
    pub id: Option<GroupId>,
    /// The directory's own id for it, where it sends one.
    pub external_id: Option<String>,
    /// The names that `group_name` conditions have pinned to this group.
    pub pinned_names: Vec<String>,
}

/// What one directory says about the person. Only living, active identities are given here.
#[derive(Debug, Clone)]
pub struct IdentityFacts<'a> {
    /// The directory that says it.
    pub directory: DirectoryId,
    /// The groups the identity is a member of.
    pub groups: Vec<GroupFacts>,
    /// The SCIM User, whole.
    pub document: &'a serde_json::Value,
}

/// What the rules give a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapped {
    /// Every role and sector, and the limits that are in force, each with the rule behind it.
    pub grants: BTreeMap<GrantKind, RuleId>,
    /// What was decided about `limited`, and by which rule; nothing: no rule speaks of it.
    pub limited: Option<(bool, RuleId)>,
    /// What was decided about `item_restricted`, and by which rule; nothing: no rule speaks of it.
    pub item_restricted: Option<(bool, RuleId)>,
    /// The rules that match, in the order of the document.
    pub matched: Vec<RuleId>,
    /// No rule matches: the policy's `unmatched` decides, and a role it gives has the origin `unmatched`.
    pub unmatched: bool,
    /// Administrators' roles that rules would give and the policy lets only people give.
    pub withheld: Vec<(RoleId, RuleId)>,
}

/// What must change so that an account holds what the rules give.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// To be given.
    pub give: Vec<(GrantKind, Origin)>,
    /// To be ended.
    pub end: Vec<GrantId>,
}

impl Difference {
    /// Nothing has to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.give.is_empty() && self.end.is_empty()
    }
}

/// Applies every rule of the policy to one person, over all their identities.
///
/// A condition that names a directory looks at the person's identity there; one that names none looks at one
/// identity at a time, so that `all` cannot be met by two directories half each. `not` demands that it holds for
/// none of them. A person without identities matches nothing and gets nothing.
#[must_use]
pub fn map(policy: &Policy, identities: &[IdentityFacts<'_>]) -> Mapped {
    let matching: Vec<&Rule> = policy.rules.iter().filter(|rule| applies(&rule.when, identities)).collect();
    let mut mapped = Mapped {
        matched: matching.iter().map(|rule| rule.id.clone()).collect(),
        unmatched: matching.is_empty(),
        ..Mapped::default()
    };
    let mut ranked = matching;
    ranked.sort_by_key(|rule| rule.priority);
    for rule in &ranked {
        for role in &rule.gives.roles {
            give_role(policy, &mut mapped, role, &rule.id);
        }
        for sector in &rule.gives.sectors {
            mapped.grants.entry(GrantKind::Sector(sector.clone())).or_insert_with(|| rule.id.clone());
        }
    }
    mapped.limited = exclusive(&ranked, |gives| gives.limited);
    mapped.item_restricted = exclusive(&ranked, |gives| gives.item_restricted);
    if let Some((true, rule)) = &mapped.limited {
        mapped.grants.insert(GrantKind::Limited, rule.clone());
    }
    if let Some((true, rule)) = &mapped.item_restricted {
        mapped.grants.insert(GrantKind::ItemRestricted, rule.clone());
    }
    if let (true, false, Unmatched::Role(role)) = (mapped.unmatched, identities.is_empty(), &policy.unmatched)
    {
        give_role(policy, &mut mapped, role, &RuleId::unmatched());
    }
    mapped
}

/// What must change so that an account which holds `held` holds what is `wanted`.
///
/// Manual and reviewed grants are left alone, also where a rule now gives the same. A grant that another rule
/// stands behind than before is ended and given anew, so that its origin stays true.
#[must_use]
pub fn difference(held: &[Grant], wanted: &Mapped) -> Difference {
    let mut missing: BTreeMap<&GrantKind, &RuleId> = wanted.grants.iter().collect();
    let mut end = Vec::new();
    for grant in held.iter().filter(|grant| grant.until.is_none()) {
        let Origin::Rule(rule) = &grant.origin else { continue };
        if missing.get(&grant.kind) == Some(&rule) {
            missing.remove(&grant.kind);
        } else {
            end.push(grant.id);
        }
    }
    let give = missing.into_iter().map(|(kind, rule)| (kind.clone(), Origin::Rule(rule.clone()))).collect();
    Difference { give, end }
}

/// Whether any rule sees a difference between two documents of the same person in `directory`.
#[must_use]
pub fn tells_apart(
    policy: &Policy,
    directory: &DirectoryId,
    one: &serde_json::Value,
    other: &serde_json::Value,
) -> bool {
    policy.rules.iter().any(|rule| sees(&rule.when, directory, one, other))
}

fn sees(
    condition: &Condition,
    said_by: &DirectoryId,
    one: &serde_json::Value,
    other: &serde_json::Value,
) -> bool {
    match condition {
        Condition::Attribute { directory, path, one_of } => {
            directory.as_ref().is_none_or(|named| named == said_by)
                && attribute::has_one_of(one, path, one_of) != attribute::has_one_of(other, path, one_of)
        }
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().any(|part| sees(part, said_by, one, other))
        }
        Condition::Not(part) => sees(part, said_by, one, other),
        Condition::Directory(_) | Condition::Group { .. } | Condition::GroupName { .. } => false,
    }
}

fn give_role(policy: &Policy, mapped: &mut Mapped, role: &RoleId, from: &RuleId) {
    let is_held_back = !policy.administrators_by_rule
        && policy.roles.get(role).is_some_and(|known| policy.is_administrator_role(known));
    if !is_held_back {
        mapped.grants.entry(GrantKind::Role(role.clone())).or_insert_with(|| from.clone());
    } else if !mapped.withheld.iter().any(|(known, _)| known == role) {
        mapped.withheld.push((role.clone(), from.clone()));
    }
}

/// The limit that the strongest rules speak of: lowest number first, between equals the more restrictive.
fn exclusive(ranked: &[&Rule], speaks: impl Fn(&Gives) -> Option<bool>) -> Option<(bool, RuleId)> {
    let spoken: Vec<(&Rule, bool)> =
        ranked.iter().filter_map(|rule| speaks(&rule.gives).map(|said| (*rule, said))).collect();
    let (strongest, _) = spoken.first()?;
    let mut equals = spoken.iter().filter(|(rule, _)| rule.priority == strongest.priority);
    let (rule, said) = equals.clone().find(|(_, said)| *said).or_else(|| equals.next())?;
    Some((*said, rule.id.clone()))
}

fn applies(condition: &Condition, identities: &[IdentityFacts<'_>]) -> bool {
    identities.iter().any(|one| matches(condition, one, identities))
}

fn matches(condition: &Condition, one: &IdentityFacts<'_>, all: &[IdentityFacts<'_>]) -> bool {
    let looked_at =
        |directory: Option<&DirectoryId>, holds: &dyn Fn(&IdentityFacts<'_>) -> bool| match directory {
            Some(named) => all.iter().any(|identity| identity.directory == *named && holds(identity)),
            None => holds(one),
        };
    match condition {
        Condition::Directory(directory) => one.directory == *directory,
        Condition::Group { directory, id } => {
            looked_at(directory.as_ref(), &|identity| identity.groups.iter().any(|group| is_group(group, id)))
        }
        Condition::GroupName { directory, name } => {
            let name = fold(name);
            looked_at(Some(directory), &|identity| {
                identity
                    .groups
                    .iter()
                    .flat_map(|group| &group.pinned_names)
                    .any(|pinned| folds_to(pinned, &name))
            })
        }
        Condition::Attribute { directory, path, one_of } => {
            looked_at(directory.as_ref(), &|identity| attribute::has_one_of(identity.document, path, one_of))
        }
        Condition::All(parts) => parts.iter().all(|part| matches(part, one, all)),
        Condition::Any(parts) => parts.iter().any(|part| matches(part, one, all)),
        Condition::Not(part) => !applies(part, all),
    }
}

/// Whether a rule that names a group so means this one of `directory`.
#[must_use]
pub fn means(named: &GroupNamed, directory: &DirectoryId, group: &GroupFacts) -> bool {
    let is_there = named.directory.as_ref().is_none_or(|known| known == directory);
    let is_it = || {
        if named.is_name {
            let name = fold(&named.text);
            group.pinned_names.iter().any(|pinned| folds_to(pinned, &name))
        } else {
            is_group(group, &named.text)
        }
    };
    is_there && is_it()
}

fn is_group(group: &GroupFacts, id: &str) -> bool {
    group.external_id.as_deref() == Some(id) || group.id.is_some_and(|own| own.to_string() == id)
}

#[cfg(test)]
mod tests;
