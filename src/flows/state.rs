//! How accounts stand, as a CRM is told them: by every way that tells it.
//!
//! Invariant: everything is read through one connection; handed a snapshot, each state belongs to the version it
//! carries. Many accounts take as many statements as one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;

use super::Refusal;
use crate::crm::{AccountState, ToldAccount};
use crate::domain::account::{Account, Status};
use crate::domain::effective::{Effective, of_kinds};
use crate::domain::grant::GrantKind;
use crate::domain::ids::{AccountId, DirectoryId, TargetId};
use crate::domain::policy::Policy;
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
    let missing = || Refusal::not_found("account", id);
    let account = account::get(c, id).await?.ok_or_else(missing)?;
    of_all(c, policy, target, vec![account], now).await?.pop().ok_or_else(missing)
}

/// The states of accounts that were read through the same connection, in their order.
///
/// # Errors
///
/// [`Refusal::Store`] when a row cannot be read.
pub async fn of_all(
    c: &mut Conn,
    policy: &Policy,
    target: &TargetId,
    accounts: Vec<Account>,
    now: Timestamp,
) -> Result<Vec<AccountState>, Refusal> {
    let ids: Vec<AccountId> = accounts.iter().map(|account| account.id).collect();
    let mut held = entitlement::kinds_in_force(c, &ids, now).await?;
    let mut names = identity::external_ids(c, &ids).await?;
    let mut crm_ids = account::crm_ids(c, target, &ids).await?;
    // Most people hold what somebody else holds too.
    let mut known: HashMap<BTreeSet<GrantKind>, Effective> = HashMap::new();
    let state = |account: Account| {
        let kinds = held.remove(&account.id).unwrap_or_default();
        let rights = if let Some(rights) = known.get(&kinds) {
            rights.clone()
        } else {
            let rights = of_kinds(policy, &kinds);
            known.insert(kinds, rights.clone());
            rights
        };
        let rights = in_force(account.standing.status, rights);
        let (names, crm_id) = (names.remove(&account.id).unwrap_or_default(), crm_ids.remove(&account.id));
        AccountState { version: account.version, account: told(account, rights, names, crm_id), at: now }
    };
    Ok(accounts.into_iter().map(state).collect())
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

fn told(
    account: Account,
    rights: Effective,
    external_ids: BTreeMap<DirectoryId, String>,
    crm_id: Option<String>,
) -> ToldAccount {
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
        // Of a person whom the directory has deleted, the last it gave: so the CRM still finds the account to close.
        external_ids: if is_removed { BTreeMap::new() } else { external_ids },
    }
}
