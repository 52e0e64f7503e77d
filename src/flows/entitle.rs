//! Gives accounts what the rules say they should hold.
//!
//! Invariant: only the difference is written, each grant with the rule behind it; what people gave is left alone.
//! Accounts are locked in the order of their ids; only those who held something back are looked at out of order.

pub(in crate::flows) mod held_back;
mod mass;
pub(in crate::flows) mod wanted;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use self::held_back::Change;
use self::mass::Crowd;
pub(in crate::flows) use self::mass::WINDOW;
pub use self::mass::{forget_resolved, take_held};
pub(in crate::flows) use self::mass::{losses, stops};
use self::wanted::Pins;
use super::{Act, Ports, Refusal, guard, mover};
use crate::domain::account::Account;
use crate::domain::actor::{Actor, Subject};
use crate::domain::grant::{Grant, GrantKind, Link, LinkOrigin, Origin};
use crate::domain::ids::{AccountId, GrantId};
use crate::domain::mapping::{self, IdentityFacts};
use crate::domain::name::fold;
use crate::domain::policy::{Condition, Policy};
use crate::store::identity::Identity;
use crate::store::{Conn, account, entitlement, group, link};

/// How many accounts are judged together.
const PAGE: usize = 500;

/// So few holders of something guarded are looked at again at once when somebody new holds it; more of them could
/// not have been its last.
const FEW: usize = 20;

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
    let ids: BTreeSet<AccountId> = ids.iter().copied().collect();
    let ids: Vec<AccountId> = ids.into_iter().collect();
    let (mut changed, mut gained) = (Vec::new(), Vec::new());
    // More than a page is counted whole before the first of it is written.
    let crowd = if ids.len() > PAGE { Some(mass::weigh(c, policy, &ids, act.now).await?) } else { None };
    for page in ids.chunks(PAGE) {
        let wished = judged(c, policy, page).await?;
        carry_out(c, act, policy, wished, crowd, (&mut changed, &mut gained)).await?;
    }
    let_go(c, act, policy, &ids, &gained).await?;
    Ok(changed)
}

/// Pins the names that rules speak of, and recalculates every account. Gives how many changed.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn everybody(c: &mut Conn, act: &Act, policy: &Policy) -> Result<usize, Refusal> {
    pin_names(c, act, policy).await?;
    let (mut changed, mut gained) = (Vec::new(), Vec::new());
    let mut after = None;
    loop {
        let page = account::page(c, after, i64::try_from(PAGE).unwrap_or(i64::MAX)).await?;
        let ids: Vec<AccountId> = page.iter().map(|account| account.id).collect();
        let Some(last) = ids.last() else { break };
        after = Some(*last);
        let wished = judged(c, policy, &ids).await?;
        carry_out(c, act, policy, wished, Some(Crowd::Decided), (&mut changed, &mut gained)).await?;
    }
    let_go(c, act, policy, &[], &gained).await?;
    Ok(changed.len())
}

/// Takes from those who kept what was guarded only because nobody else held it, now that somebody does. A tidying
/// for whatever way that somebody came by it: asked of the few who hold it, and quiet where it is still held back.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn let_go_of_the_held_back(ports: &Ports, act: &Act) -> Result<usize, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = match ports.policies.current(&mut c).await {
        Ok(compiled) => compiled,
        Err(Refusal::NoPolicy) => return Ok(0),
        Err(other) => return Err(other),
    };
    let mut waiting = BTreeSet::new();
    for kind in guard::guarded(&compiled.policy).into_iter().flat_map(|guarded| guarded.kinds) {
        for page in entitlement::active_holders(&mut c, &kind, act.now, i64::MAX).await?.chunks(PAGE) {
            let mut held = entitlement::held_by(&mut c, page).await?;
            for (id, mapped) in wanted::wanted(&mut c, &compiled.policy, page, &Pins::new()).await? {
                let held = held.remove(&id).unwrap_or_default();
                if !mapping::difference(&held, &mapped).is_empty() {
                    waiting.insert(id);
                }
            }
        }
    }
    drop(c);
    let act = act.clone();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let waiting: Vec<AccountId> = waiting.into_iter().collect();
                Ok(quietly(c, &act, &compiled.policy, &waiting).await?.len())
            })
        })
        .await
}

/// Gives an account that was just made what the rules say; nobody has put its person into a group yet. Gives whether
/// that is anything.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn newcomer(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    account: Account,
    identity: &Identity,
) -> Result<bool, Refusal> {
    let facts = IdentityFacts {
        directory: identity.directory.clone(),
        groups: Vec::new(),
        document: &identity.document,
    };
    let difference = mapping::difference(&[], &mapping::map(policy, &[facts]));
    if difference.is_empty() {
        return Ok(false);
    }
    let (id, mut changed, mut gained) = (account.id, Vec::new(), Vec::new());
    let wished = vec![Change { account, held: Vec::new(), difference }];
    carry_out(c, act, policy, wished, None, (&mut changed, &mut gained)).await?;
    let_go(c, act, policy, &[id], &gained).await?;
    Ok(!changed.is_empty())
}

/// Writes what is wished for a page of accounts, but for what is held back: all are judged before the first is written.
async fn carry_out(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    mut wished: Vec<Change>,
    crowd: Option<Crowd>,
    (changed, gained): (&mut Vec<AccountId>, &mut Vec<GrantKind>),
) -> Result<(), Refusal> {
    let crowd = match crowd {
        Some(crowd) => crowd,
        None => mass::weigh_page(c, policy, &wished, act.now).await?,
    };
    let held_back = held_back::hold_back(c, policy, &mut wished, act.now).await?;
    mass::note_last(c, act, &held_back).await?;
    for (id, why) in held_back {
        held_back::tell(c, act, id, &why).await?;
    }
    mass::hold(c, act, crowd, &mut wished).await?;
    for kind in guard::guarded(policy).into_iter().flat_map(|guarded| guarded.kinds) {
        let is_new = |one: &Change| {
            let kind = std::slice::from_ref(&kind);
            one.will_hold(kind, act.now) && !one.holds_now(kind, act.now)
        };
        if !gained.contains(&kind) && wished.iter().any(is_new) {
            gained.push(kind);
        }
    }
    write(c, act, policy, wished, changed).await
}

/// Looks again at the other holders of what was gained: one of them may have kept it only for want of another.
async fn let_go(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    seen: &[AccountId],
    gained: &[GrantKind],
) -> Result<(), Refusal> {
    let mut others = BTreeSet::new();
    for kind in gained {
        let most = i64::try_from(FEW + 1).unwrap_or(i64::MAX);
        let holders = entitlement::active_holders(c, kind, act.now, most).await?;
        if holders.len() <= FEW {
            others.extend(holders.into_iter().filter(|id| seen.binary_search(id).is_err()));
        }
    }
    let others: Vec<AccountId> = others.into_iter().collect();
    quietly(c, act, policy, &others).await?;
    Ok(())
}

/// Recalculates accounts, sorted by id. What is held back still was told when it was held back first.
async fn quietly(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    ids: &[AccountId],
) -> Result<Vec<AccountId>, Refusal> {
    let mut changed = Vec::new();
    for page in ids.chunks(PAGE) {
        let mut wished = judged(c, policy, page).await?;
        held_back::hold_back(c, policy, &mut wished, act.now).await?;
        mass::hold(c, act, Crowd::Few, &mut wished).await?;
        write(c, act, policy, wished, &mut changed).await?;
    }
    Ok(changed)
}

/// What is to change for these accounts. Each is locked.
async fn judged(c: &mut Conn, policy: &Policy, ids: &[AccountId]) -> Result<Vec<Change>, Refusal> {
    let accounts = account::lock_all(c, ids).await?;
    if let Some(missing) = ids.iter().find(|id| !accounts.iter().any(|account| account.id == **id)) {
        return Err(Refusal::not_found("account", missing));
    }
    compared(c, policy, accounts).await
}

/// What is to change for accounts that were read already.
async fn compared(c: &mut Conn, policy: &Policy, accounts: Vec<Account>) -> Result<Vec<Change>, Refusal> {
    let ids: Vec<AccountId> = accounts.iter().map(|account| account.id).collect();
    let ids = ids.as_slice();
    let mut mapped = wanted::wanted(c, policy, ids, &Pins::new()).await?;
    let mut held = entitlement::held_by(c, ids).await?;
    let mut wished = Vec::new();
    for account in accounts {
        let Some(mapped) = mapped.remove(&account.id) else { continue };
        let held = held.remove(&account.id).unwrap_or_default();
        let difference = mapping::difference(&held, &mapped);
        if !difference.is_empty() {
            wished.push(Change { account, held, difference });
        }
    }
    Ok(wished)
}

/// Writes the differences, and announces the accounts.
async fn write(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    mut wished: Vec<Change>,
    changed: &mut Vec<AccountId>,
) -> Result<(), Refusal> {
    wished.retain(|change| !change.difference.is_empty());
    let ended: Vec<GrantId> =
        wished.iter().flat_map(|change| change.difference.end.iter().copied()).collect();
    entitlement::end_all(c, &ended, act.now).await?;
    let mut given = Vec::new();
    for Change { account, held, difference } in wished {
        let new: Vec<Grant> =
            difference.give.into_iter().map(|(kind, origin)| new_grant(act, kind, origin)).collect();
        let stays = held.iter().filter(|grant| !difference.end.contains(&grant.id));
        let mut holds: Vec<Grant> = stays.chain(&new).cloned().collect();
        holds.sort_by(|a, b| (&a.kind, a.id).cmp(&(&b.kind, b.id)));
        given.extend(new.into_iter().map(|grant| (account.id, grant)));
        let subject = Subject::new("account", account.id);
        act.record(c, "grants_changed", subject, Some(describe(&held)), Some(describe(&holds))).await?;
        act.announce(c, account.id, !difference.end.is_empty()).await?;
        let has_left = held.iter().any(|grant| {
            let is_access = matches!(grant.kind, GrantKind::Role(_) | GrantKind::Sector(_));
            is_access && difference.end.contains(&grant.id)
        });
        if has_left && matches!(act.actor, Actor::Directory(_)) {
            mover::ask(c, act, policy, account.id, "groups").await?;
        }
        changed.push(account.id);
    }
    entitlement::give_all(c, &given).await?;
    Ok(())
}

/// Ends what people gave an account by hand, roles and links: somebody whom the directory deleted and made again
/// has them no more until a person decides so.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn end_manual(c: &mut Conn, act: &Act, id: AccountId) -> Result<(), Refusal> {
    let held = entitlement::held(c, id).await?;
    let given: Vec<Grant> =
        held.into_iter().filter(|grant| !matches!(grant.origin, Origin::Rule(_))).collect();
    let links = link::of_account(c, id).await?;
    let links: Vec<Link> = links.into_iter().filter(|link| link.origin == LinkOrigin::Manual).collect();
    if given.is_empty() && links.is_empty() {
        return Ok(());
    }
    for grant in &given {
        entitlement::end(c, grant.id, act.now).await?;
    }
    for link in &links {
        link::end(c, link.id, act.now).await?;
    }
    let items: Vec<String> =
        links.iter().map(|link| format!("{}/{}", link.item.component, link.item.item)).collect();
    let before = json!({ "grants": describe(&given), "links": items });
    act.record(c, "manual_rights_ended", Subject::new("account", id), Some(before), None).await?;
    act.announce(c, id, true).await?;
    Ok(())
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
            let origin = match g.origin.reference().as_str() {
                "" => g.origin.name().to_owned(),
                rule => format!("{}:{rule}", g.origin.name()),
            };
            json!({ "kind": g.kind.name(), "value": g.kind.value(), "origin": origin })
        })
        .collect()
}

/// Pins each name that a rule speaks of to the oldest group that bears it, where it is not pinned yet. Gives whether
/// any was.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn pin_names(c: &mut Conn, act: &Act, policy: &Policy) -> Result<bool, Refusal> {
    let mut is_new = false;
    let mut names = Vec::new();
    for rule in &policy.rules {
        collect_names(&rule.when, &mut names);
    }
    for (directory, name) in names {
        let key = fold(name);
        let Some(oldest) = wanted::oldest_bearer(c, directory, &key).await? else { continue };
        if group::pin_name(c, directory, &key, oldest.id, act.now).await? {
            is_new = true;
            let after = json!({ "directory": directory, "name": name });
            act.record(c, "group_name_pinned", Subject::new("group", oldest.id), None, Some(after)).await?;
        }
    }
    Ok(is_new)
}

pub(in crate::flows) fn collect_names<'p>(
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
