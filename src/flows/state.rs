//! Puts together the present state of an account, as CRMs are told of it and read it back.
//!
//! Invariant: one shape for delivery and for reading; computed from the policy in force and the grants held now.

use jiff::Timestamp;

use crate::crm::{AccountState, ToldAccount};
use crate::domain::account::Account;
use crate::domain::effective::effective;
use crate::domain::ids::TargetId;
use crate::domain::policy::Policy;
use crate::store::{Conn, StoreError, account, entitlement, identity};

/// How `account` stands at `now`, as `target` is told. All statements should see one moment.
///
/// # Errors
///
/// [`StoreError`] when the database cannot be reached or a row cannot be read.
pub async fn told(
    c: &mut Conn,
    policy: &Policy,
    target: &TargetId,
    account: &Account,
    now: Timestamp,
) -> Result<AccountState, StoreError> {
    let grants = entitlement::held(c, account.id).await?;
    let held = effective(policy, &grants, now);
    let identities = identity::of_account(c, account.id).await?;
    let external_ids = identities
        .into_iter()
        .filter(|identity| identity.deleted_at.is_none())
        .filter_map(|identity| identity.external_id.map(|id| (identity.directory, id)))
        .collect();
    Ok(AccountState {
        account: ToldAccount {
            id: account.id,
            crm_id: account::crm_id(c, target, account.id).await?,
            user_name: account.user_name.clone(),
            display_name: account.display_name.clone(),
            email: account.email.clone(),
            language: account.language,
            status: account.standing.status,
            reason: account.standing.reason,
            since: account.standing.since,
            roles: held.roles,
            modules: held.modules.into_keys().collect(),
            limited: held.limited,
            item_restricted: held.item_restricted,
            sectors: held.sectors,
            valid_until: account.valid_until,
            external_ids,
        },
        version: account.version,
        at: now,
    })
}
