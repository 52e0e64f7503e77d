//! Gives and takes rights by hand: roles, sectors, limits, and links to items.
//!
//! Invariant: only what a person gave is taken here; what a rule gives is changed in the directory or in the policy.
//! Every right by hand has a reason, and an end unless the policy waives it; a limit needs no end, because its end
//! gives access. Whoever acts in person must have system administration, and gives nothing to themselves.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Act, Ports, Refusal, guard};
use super::change::{change, conflict, named};
use crate::domain::access::is_in_use;
use crate::domain::account::{Account, Status};
use crate::domain::actor::{Actor, Subject};
use crate::domain::effective::{held_roles, holds};
use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::ids::{AccountId, GrantId};
use crate::domain::policy::Policy;
use crate::domain::safety::SafetyStop;
use crate::store::{Conn, account, entitlement};

/// How long a right by hand is to last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lasting {
    /// As long as the policy says; a limit until somebody takes it.
    #[default]
    AsUsual,
    /// Until this instant.
    Until(Timestamp),
    /// Until somebody takes it.
    WithoutEnd,
}

/// Gives an account a right by hand, or gives it anew with another end or reason.
///
/// # Errors
///
/// [`Refusal::Invalid`] for what the policy does not know, or an end that it does not allow; [`Refusal::NotAllowed`]
/// where the acting person may not; [`Refusal::Protected`]; [`Refusal::Conflict`] where a limit would leave nobody to
/// administer.
pub async fn grant(
    ports: &Ports,
    act: &Act,
    text: &str,
    (kind, lasting): (GrantKind, Lasting),
    reason: &str,
) -> Result<Account, Refusal> {
    let why = named(reason)?;
    let new = (kind, lasting, why);
    change(ports, act, text, move |c, act, policy, account| Box::pin(give(c, act, policy, account, new)))
        .await
}

pub(super) async fn give(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    account: &Account,
    (kind, lasting, why): (GrantKind, Lasting, String),
) -> Result<(), Refusal> {
    exists(policy, &kind)?;
    is_not_over(account)?;
    may_change_rights(c, act, policy, Some(account.id)).await?;
    let ends_at = end_of(policy, &kind, lasting, act.now)?;
    let held = entitlement::held(c, account.id).await?;
    let (former, others): (Vec<Grant>, Vec<Grant>) =
        held.into_iter().partition(|grant| grant.kind == kind && grant.origin == Origin::Manual);
    let new = Grant {
        id: GrantId::new(Uuid::now_v7()),
        kind,
        origin: Origin::Manual,
        by: act.actor.to_string(),
        why: Some(why),
        since: act.now,
        ends_at,
        until: None,
    };
    let before: Vec<Grant> = others.iter().chain(&former).cloned().collect();
    let after: Vec<Grant> = others.into_iter().chain([new.clone()]).collect();
    let is_limit = matches!(new.kind, GrantKind::Limited | GrantKind::ItemRestricted);
    keep_guarded(c, act, policy, account.id, (&before, &after)).await?;
    for grant in &former {
        entitlement::end(c, grant.id, act.now).await?;
    }
    entitlement::give(c, account.id, &new).await?;
    let subject = Subject::new("account", account.id);
    let told = former.first().map(describe);
    act.record(c, "granted_by_hand", subject, told, Some(describe(&new))).await?;
    act.announce(c, account.id, is_limit).await?;
    Ok(())
}

/// Takes from an account what was given by hand.
///
/// # Errors
///
/// [`Refusal::Conflict`] where it holds no such thing by hand, or where nobody else would hold what is critical;
/// otherwise as [`grant`].
pub async fn revoke(
    ports: &Ports,
    act: &Act,
    text: &str,
    kind: GrantKind,
    reason: &str,
) -> Result<Account, Refusal> {
    let why = named(reason)?;
    let old = (kind, why);
    change(ports, act, text, move |c, act, policy, account| Box::pin(take(c, act, policy, account, old)))
        .await
}

pub(super) async fn take(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    account: &Account,
    (kind, why): (GrantKind, String),
) -> Result<(), Refusal> {
    may_change_rights(c, act, policy, Some(account.id)).await?;
    let before = entitlement::held(c, account.id).await?;
    let (taken, after) = without_by_hand(&before, &kind)?;
    keep_guarded(c, act, policy, account.id, (&before, &after)).await?;
    for grant in &taken {
        entitlement::end(c, grant.id, act.now).await?;
    }
    let told = taken.iter().map(describe).collect();
    let after = json!({ "reason": why });
    act.record(c, "revoked_by_hand", Subject::new("account", account.id), Some(told), Some(after)).await?;
    act.announce(c, account.id, true).await?;
    Ok(())
}

/// What of `held` a person gave of this kind, and what is left without it.
pub(super) fn without_by_hand(held: &[Grant], kind: &GrantKind) -> Result<(Vec<Grant>, Vec<Grant>), Refusal> {
    let is_it = |grant: &Grant| grant.kind == *kind && !matches!(grant.origin, Origin::Rule(_));
    let (taken, left): (Vec<Grant>, Vec<Grant>) = held.iter().cloned().partition(is_it);
    let by_rule = left.iter().find_map(|grant| match &grant.origin {
        Origin::Rule(rule) if grant.kind == *kind => Some(rule),
        Origin::Rule(_) | Origin::Manual | Origin::Review | Origin::Deputy(_) => None,
    });
    let name = named_kind(kind);
    match (taken.is_empty(), by_rule) {
        (false, _) => Ok((taken, left)),
        (true, Some(rule)) => Err(Refusal::Conflict(format!(
            "the rule {rule} gives {name}; take the person out of its group, or change the policy"
        ))),
        (true, None) => Err(conflict(&format!("the account does not hold {name}"))),
    }
}

/// Whether the acting person may change rights of `whom`; nothing: of nobody in particular. Whoever holds the shell
/// may, and so may the daemon itself.
pub(super) async fn may_change_rights(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    whom: Option<AccountId>,
) -> Result<(), Refusal> {
    let id = match &act.actor {
        Actor::Operator(_) | Actor::Job(_) => return Ok(()),
        Actor::Account(id) => *id,
        Actor::Directory(_) | Actor::Target(_) => {
            return Err(Refusal::NotAllowed("name the person who decides: by".to_owned()));
        }
    };
    let person = account::get(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
    let grants = entitlement::held(c, id).await?;
    let administers =
        held_roles(policy, &grants, act.now).any(|held| policy.is_administrator_role(held.role));
    let is_limited = holds(&grants, &GrantKind::Limited, act.now);
    if is_in_use(policy, &person, act.now).is_err() || !administers || is_limited {
        let why =
            format!("{} does not have system administration, which changing rights takes", person.user_name);
        return Err(Refusal::NotAllowed(why));
    }
    if whom == Some(id) {
        let why = format!("{} cannot change rights of their own; somebody else must", person.user_name);
        return Err(Refusal::NotAllowed(why));
    }
    Ok(())
}

/// Refuses where what must always be held would be held by nobody else, and the account holds it before and not after.
async fn keep_guarded(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    id: AccountId,
    (before, after): (&[Grant], &[Grant]),
) -> Result<(), Refusal> {
    guard::hold(c).await?;
    let nobody = SafetyStop::NoAdministrator.name();
    for guarded in guard::guarded(policy) {
        // A limited account administers nothing, whatever it holds.
        let of_administrators = guarded.stop == nobody;
        let has = |grants: &[Grant]| {
            guarded.kinds.iter().any(|kind| holds(grants, kind, act.now))
                && !(of_administrators && holds(grants, &GrantKind::Limited, act.now))
        };
        if !has(before) || has(after) {
            continue;
        }
        let mut others = BTreeSet::new();
        for kind in &guarded.kinds {
            others.extend(entitlement::active_holders(c, kind, act.now, i64::MAX).await?);
        }
        others.remove(&id);
        if of_administrators {
            let limited = entitlement::active_holders(c, &GrantKind::Limited, act.now, i64::MAX).await?;
            others.retain(|other| limited.binary_search(other).is_err());
        }
        if others.is_empty() {
            let what = guarded.kinds.iter().map(named_kind).collect::<Vec<_>>().join(", ");
            let why = format!("refused: nobody else would hold {what}; give it to somebody else first");
            return Err(Refusal::Conflict(why));
        }
    }
    Ok(())
}

/// When a right by hand ends.
pub(super) fn end_of(
    policy: &Policy,
    kind: &GrantKind,
    lasting: Lasting,
    now: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    let usual = match kind {
        GrantKind::Role(_) | GrantKind::Sector(_) => policy.manual_grants_expire_after,
        // Its end would give access by itself.
        GrantKind::Limited | GrantKind::ItemRestricted => None,
    };
    lasting_until(usual, lasting, now)
}

/// When something by hand ends that usually lasts for `usual`; nothing: it needs no end.
pub(super) fn lasting_until(
    usual: Option<jiff::SignedDuration>,
    lasting: Lasting,
    now: Timestamp,
) -> Result<Option<Timestamp>, Refusal> {
    match (lasting, usual) {
        (Lasting::Until(end), _) if end <= now => {
            Err(Refusal::invalid("until", "that time has passed; name a later day"))
        }
        (Lasting::Until(end), _) => Ok(Some(end)),
        (Lasting::WithoutEnd, Some(_)) => Err(Refusal::invalid(
            "until",
            "the policy wants an end for what is given by hand; name a day, or leave it out for the usual time",
        )),
        (Lasting::AsUsual | Lasting::WithoutEnd, None) => Ok(None),
        (Lasting::AsUsual, Some(usual)) => Ok(Some(now.saturating_add(usual).unwrap_or(Timestamp::MAX))),
    }
}

pub(super) fn exists(policy: &Policy, kind: &GrantKind) -> Result<(), Refusal> {
    let (is_known, field, known) = match kind {
        GrantKind::Role(id) => (policy.roles.contains_key(id), "role", joined(policy.roles.keys())),
        GrantKind::Sector(id) => (policy.sectors.contains_key(id), "sector", joined(policy.sectors.keys())),
        GrantKind::Limited | GrantKind::ItemRestricted => return Ok(()),
    };
    if is_known {
        return Ok(());
    }
    let problem = format!("the policy has no {field} {:?}; it has {known}", kind.value());
    Err(Refusal::invalid(field, problem))
}

fn joined(names: impl Iterator<Item = impl ToString>) -> String {
    names.map(|name| name.to_string()).collect::<Vec<_>>().join(", ")
}

fn is_not_over(account: &Account) -> Result<(), Refusal> {
    match account.standing.status {
        Status::Removed => Err(conflict("the account is removed; nothing can be done with it")),
        Status::Invited | Status::Active | Status::Paused | Status::Frozen | Status::Deactivated => Ok(()),
    }
}

fn named_kind(kind: &GrantKind) -> String {
    match kind {
        GrantKind::Role(id) => format!("the role {id}"),
        GrantKind::Sector(id) => format!("the sector {id}"),
        GrantKind::Limited => "the limit".to_owned(),
        GrantKind::ItemRestricted => "the item restriction".to_owned(),
    }
}

fn describe(grant: &Grant) -> Value {
    json!({
        "kind": grant.kind.name(),
        "value": grant.kind.value(),
        "origin": grant.origin.name(),
        "reason": grant.why,
        "ends_at": grant.ends_at.map(|end| end.to_string()),
    })
}
