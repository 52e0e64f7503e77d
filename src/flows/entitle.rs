//! Gives accounts what the rules say they should hold.
//!
//! Invariant: only the difference is written, each grant with the rule behind it; what people gave is left alone.
//! Accounts are locked in the order of their ids.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Act, Refusal};
use crate::domain::actor::Subject;
use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::ids::{AccountId, GrantId};
use crate::domain::mapping::{self, GroupFacts, IdentityFacts, Mapped};
use crate::domain::name::fold;
use crate::domain::policy::{Condition, Policy};
use crate::store::identity::Identity;
use crate::store::{Conn, StoreError, account, entitlement, group, identity, membership};

/// How many accounts are looked at in one page when everybody is.
const PAGE: i64 = 500;

/// Recalculates these accounts. Gives those whose grants changed.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn accounts(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    ids: &[AccountId],
) -> Result<Vec<AccountId>, Refusal> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let mut changed = Vec::new();
    for id in ids {
        if one(c, act, policy, id).await? {
            changed.push(id);
        }
    }
    Ok(changed)
}

/// Pins the names that rules speak of, and recalculates every account. Gives how many changed.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn everybody(c: &mut Conn, act: &Act, policy: &Policy) -> Result<usize, Refusal> {
    pin_names(c, act, policy).await?;
    let mut changed = 0;
    let mut after = None;
    loop {
        let page = account::page(c, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(changed) };
        after = Some(last.id);
        for account in page {
            changed += usize::from(one(c, act, policy, account.id).await?);
        }
    }
}

/// Recalculates one account; announces it where something changed.
async fn one(c: &mut Conn, act: &Act, policy: &Policy, id: AccountId) -> Result<bool, Refusal> {
    account::lock(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
    let Some(mapped) = wanted(c, policy, id).await? else { return Ok(false) };
    let held = entitlement::held(c, id).await?;
    let difference = mapping::difference(&held, &mapped);
    if difference.is_empty() {
        return Ok(false);
    }
    let before = describe(&held);
    for grant in &difference.end {
        entitlement::end(c, *grant, act.now).await?;
    }
    for (kind, origin) in difference.give {
        entitlement::give(c, id, &new_grant(act, kind, origin)).await?;
    }
    let after = describe(&entitlement::held(c, id).await?);
    act.record(c, "grants_changed", Subject::new("account", id), Some(before), Some(after)).await?;
    act.announce(c, id, !difference.end.is_empty()).await?;
    Ok(true)
}

fn new_grant(act: &Act, kind: GrantKind, origin: Origin) -> Grant {
    Grant {
        id: GrantId::new(Uuid::now_v7()),
        kind,
        origin,
        by: act.actor.to_string(),
        why: None,
        since: act.now,
        ends_at: None,
        until: None,
    }
}

/// What grants say, for the audit: kind, value and origin of each.
fn describe(grants: &[Grant]) -> Value {
    grants
        .iter()
        .map(|g| {
            let origin = match g.origin.reference() {
                "" => g.origin.name().to_owned(),
                rule => format!("{}:{rule}", g.origin.name()),
            };
            json!({ "kind": g.kind.name(), "value": g.kind.value(), "origin": origin })
        })
        .collect()
}

/// What the rules give an account; nothing while no directory says that it is active, so that a departed person
/// comes back to what the groups say then, and not to nothing.
async fn wanted(c: &mut Conn, policy: &Policy, id: AccountId) -> Result<Option<Mapped>, StoreError> {
    let mut living: Vec<(Identity, Vec<GroupFacts>)> = Vec::new();
    for identity in identity::of_account(c, id).await? {
        if identity.deleted_at.is_none() && identity.active {
            let groups = membership::groups_of(c, identity.id, None).await?;
            let facts = groups.into_iter().map(|g| GroupFacts {
                id: g.group,
                external_id: g.external_id,
                pinned_names: g.pins,
            });
            living.push((identity, facts.collect()));
        }
    }
    if living.is_empty() {
        return Ok(None);
    }
    let facts: Vec<IdentityFacts<'_>> = living
        .iter()
        .map(|(identity, groups)| IdentityFacts {
            directory: identity.directory.clone(),
            groups: groups.clone(),
            document: &identity.document,
        })
        .collect();
    Ok(Some(mapping::map(policy, &facts)))
}

/// Pins each name that a rule speaks of to the oldest group that bears it, where it is not pinned yet.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn pin_names(c: &mut Conn, act: &Act, policy: &Policy) -> Result<(), Refusal> {
    let mut names = Vec::new();
    for rule in &policy.rules {
        collect_names(&rule.when, &mut names);
    }
    for (directory, name) in names {
        let key = fold(name);
        let mut bearers = group::find(c, directory, &group::GroupKey::DisplayName(key.clone())).await?;
        bearers.sort_by_key(|g| (g.created_at, g.id));
        let Some(oldest) = bearers.first() else { continue };
        if group::pin_name(c, directory, &key, oldest.id, act.now).await? {
            let after = json!({ "directory": directory, "name": name });
            act.record(c, "group_name_pinned", Subject::new("group", oldest.id), None, Some(after)).await?;
        }
    }
    Ok(())
}

fn collect_names<'p>(
    condition: &'p Condition,
    names: &mut Vec<(&'p crate::domain::ids::DirectoryId, &'p str)>,
) {
    match condition {
        Condition::GroupName { directory, name } => names.push((directory, name)),
        Condition::All(parts) | Condition::Any(parts) => {
            for part in parts {
                collect_names(part, names);
            }
        }
        Condition::Not(part) => collect_names(part, names),
        Condition::Directory(_) | Condition::Group { .. } | Condition::Attribute { .. } => {}
    }
}

/// The folded names that rules speak of in a directory; a group that takes one of them may have to be pinned.
#[must_use]
pub fn speaks_of_name(policy: &Policy, directory: &crate::domain::ids::DirectoryId, name_key: &str) -> bool {
    let mut names = Vec::new();
    for rule in &policy.rules {
        collect_names(&rule.when, &mut names);
    }
    names.iter().any(|(known, name)| *known == directory && fold(name) == name_key)
}
