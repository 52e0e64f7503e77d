//! How an account stands, as a CRM is told it.
//!
//! Invariant: everything is read through one connection; handed a snapshot, the state belongs to the version it carries.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Refusal;
use crate::crm::{AccountState, ToldAccount};
use crate::domain::account::{Account, Status};
use crate::domain::effective::{Effective, effective};
use crate::domain::ids::{AccountId, DirectoryId, TargetId};
use crate::domain::policy::Policy;
use crate::store::identity::Identity;
use crate::store::{Conn, account, entitlement, identity};

/// The present state of an account with its version, for `target`.
///
/// # Errors
///
/// [`Refusal::NotFound`] when there is no such account; [`Refusal::Store`] when a row cannot be read.
pub async fn present(
    c: &mut Conn,
    policy: &Policy,
    target: &TargetId,
    id: AccountId,
    now: Timestamp,
) -> Result<AccountState, Refusal> {
    let account = account::get(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
    of(c, policy, target, account, now).await
}

/// The state of an account that was read through the same connection.
///
/// # Errors
///
/// [`Refusal::Store`] when a row cannot be read.
pub async fn of(
    c: &mut Conn,
    policy: &Policy,
    target: &TargetId,
    account: Account,
    now: Timestamp,
) -> Result<AccountState, Refusal> {
    let id = account.id;
    let grants = entitlement::held(c, id).await?;
    let rights = in_force(account.standing.status, effective(policy, &grants, now));
    let identities = identity::of_account(c, id).await?;
    let crm_id = account::crm_id(c, target, id).await?;
    let version = account.version;
    Ok(AccountState { account: told(account, rights, &identities, crm_id), version, at: now })
}

/// The rights of a deactivated or removed account have ended, though the grants are remembered for its return. Its
/// limits are told on, because a limit takes and never gives.
pub(super) fn in_force(status: Status, held: Effective) -> Effective {
    match status {
        Status::Invited | Status::Active | Status::Paused | Status::Frozen => held,
        Status::Deactivated | Status::Removed => {
            Effective { limited: held.limited, item_restricted: held.item_restricted, ..Effective::default() }
        }
    }
}

fn told(account: Account, rights: Effective, identities: &[Identity], crm_id: Option<String>) -> ToldAccount {
    // Whatever the row still holds of somebody who was removed does not go out again.
    let is_removed = account.standing.status == Status::Removed;
    let unless_removed = |text: String| if is_removed { String::new() } else { text };
    ToldAccount {
        id: account.id,
        crm_id,
        user_name: unless_removed(account.user_name),
        display_name: unless_removed(account.display_name),
        email: account.email.filter(|_| !is_removed),
        language: account.language.filter(|_| !is_removed),
        status: account.standing.status,
        reason: account.standing.reason,
        since: account.standing.since,
        roles: rights.roles,
        modules: rights.modules.into_keys().collect(),
        limited: rights.limited,
        item_restricted: rights.item_restricted,
        sectors: rights.sectors,
        valid_until: account.valid_until,
        external_ids: if is_removed { BTreeMap::new() } else { external_ids(identities) },
    }
}

/// The ids that the directories give the person: where one has deleted the person, the last it gave, so that the CRM
/// still finds the account that it is to close.
fn external_ids(identities: &[Identity]) -> BTreeMap<DirectoryId, String> {
    let mut ids = BTreeMap::new();
    let (deleted, living): (Vec<_>, Vec<_>) = identities.iter().partition(|i| i.deleted_at.is_some());
    for identity in deleted.into_iter().chain(living) {
        if let Some(id) = &identity.external_id {
            ids.insert(identity.directory.clone(), id.clone());
        }
    }
    ids
}
