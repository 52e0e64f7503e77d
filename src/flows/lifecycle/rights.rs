//! Rights that a run took, given back.
//!
//! Invariant: an account whose rights have changed since the run is left alone, unless somebody names it; what comes back
//! waits for a release again, because its directory still does not give it.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Act, Refusal};
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::domain::grant::Grant;
use crate::domain::ids::{AccountId, GrantId};
use crate::domain::policy::Policy;
use crate::domain::undo::{Done, LeftAlone};
use crate::store::{Conn, entitlement, held_right};

/// What has changed since the run took rights of the account; nothing where it took none, or all is as it left it.
pub(super) async fn changed_since(
    c: &mut Conn,
    account: &Account,
    done: &Done,
) -> Result<Option<LeftAlone>, Refusal> {
    if done.step.status().is_some() || done.ended.is_empty() {
        return Ok(None);
    }
    let history = entitlement::history(c, account.id).await?;
    let is_of_the_run = |grant: &Grant| done.ended.contains(&grant.id) || done.given.contains(&grant.id);
    let later = |grant: &&Grant| {
        let came = !is_of_the_run(grant) && grant.since > done.at;
        let went = !done.ended.contains(&grant.id) && grant.until.is_some_and(|until| until > done.at);
        came || went
    };
    Ok(history.iter().find(later).map(|grant| LeftAlone::ChangedSince {
        status: account.standing.status,
        at: grant.until.unwrap_or(grant.since),
        by: grant.by.clone(),
    }))
}

/// Gives grants back that a step ended, each with its origin and end as before; they are held for release again, so
/// that the directory does not take them at once.
pub(super) async fn give_back(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    id: AccountId,
    ended: &[GrantId],
) -> Result<(), Refusal> {
    if ended.is_empty() {
        return Ok(());
    }
    let history = entitlement::history(c, id).await?;
    let (mut given, mut kinds) = (Vec::new(), BTreeSet::new());
    for former in history.into_iter().filter(|grant| ended.contains(&grant.id)) {
        if former.ends_at.is_some_and(|end| end <= act.now) || !exists(policy, &former) {
            continue;
        }
        let grant = Grant { id: GrantId::new(Uuid::now_v7()), since: act.now, until: None, ..former };
        if entitlement::give(c, id, &grant).await? {
            kinds.insert(grant.kind.clone());
            given.push(json!({ "kind": grant.kind.name(), "value": grant.kind.value() }));
        }
    }
    held_right::hold(c, id, "too_many", &kinds, act.now).await?;
    let after = Value::Array(given);
    act.record(c, "grants_given_back", Subject::new("account", id), None, Some(after)).await?;
    act.announce(c, id, false).await?;
    Ok(())
}

/// Whether the policy still knows what was held.
fn exists(policy: &Policy, grant: &Grant) -> bool {
    use crate::domain::grant::GrantKind;
    match &grant.kind {
        GrantKind::Role(id) => policy.roles.contains_key(id),
        GrantKind::Sector(id) => policy.sectors.contains_key(id),
        GrantKind::Limited | GrantKind::ItemRestricted => true,
    }
}
