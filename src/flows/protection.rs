//! Protected accounts: no path touches them.
//!
//! Invariant: protection is set and lifted in the settings file, which the database follows at each start, or by two
//! administrators who agree; by nothing else.

mod agree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Value, json};

pub use self::agree::{Agreed, AskedProtection, asked, propose};
pub(super) use self::agree::{asked_for, asked_since};
use super::{Act, Policies, Ports, Refusal, depart, entitle};
use crate::config::Settings;
use crate::domain::account::{Account, AccountKind};
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, DirectoryId};
use crate::domain::name::fold;
use crate::domain::policy::Policy;
use crate::store::{Conn, Span, account, identity, presence, protection};

const PAGE: i64 = 500;

/// Whether the settings protect an account of this name in this directory.
#[must_use]
pub fn is_protected(settings: &Settings, directory: &DirectoryId, user_name: &str) -> bool {
    let name = fold(user_name);
    let own = settings.directories.iter().filter(|d| d.id == *directory).flat_map(|d| &d.protected);
    settings.protected.iter().chain(own).any(|protected| fold(protected) == name)
}

/// Why no path but a person's own command touches the account; nothing: it is like any other.
pub(super) fn untouchable(account: &Account) -> Option<&'static str> {
    if account.is_protected {
        Some("protected")
    } else if account.kind == AccountKind::BreakGlass {
        Some(AccountKind::BreakGlass.name())
    } else {
        None
    }
}

fn protects(settings: &Settings, account: &Account, directories: &BTreeSet<DirectoryId>) -> bool {
    let id = account.id.to_string();
    settings.protected.contains(&id)
        || is_named(settings, account)
        || directories.iter().any(|directory| is_protected(settings, directory, &account.user_name))
}

fn is_named(settings: &Settings, account: &Account) -> bool {
    let name = fold(&account.user_name);
    settings.protected.iter().any(|text| fold(text) == name)
}

/// Brings the protection of every account in line with the settings. Gives how many changed.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn follow_settings(ports: &Ports, act: &Act) -> Result<usize, Refusal> {
    let mut changed = 0;
    let mut after = None;
    loop {
        let mut c = ports.db.read().await?;
        let page = account::page(&mut c, after, PAGE).await?;
        let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(changed) };
        after = Some(last.id);
        let span = Span::Between(first.id, last.id);
        let agreed = protection::agreed(&mut c, &span).await?;
        let mut directories: BTreeMap<AccountId, BTreeSet<DirectoryId>> = BTreeMap::new();
        for one in presence::of(&mut c, &span).await? {
            directories.entry(one.account).or_default().insert(one.directory);
        }
        drop(c);
        for account in page {
            let known = directories.remove(&account.id).unwrap_or_default();
            let wanted = agreed.contains(&account.id) || protects(&ports.settings, &account, &known);
            if wanted != account.is_protected {
                set(ports, act, account.id, wanted).await?;
                changed += 1;
            }
        }
    }
}

async fn set(ports: &Ports, act: &Act, id: AccountId, wanted: bool) -> Result<(), Refusal> {
    let (act, policies) = (act.clone(), Arc::clone(&ports.policies));
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let Some(present) = account::lock(c, id).await? else { return Ok(()) };
                turn(c, &act, &policies, &present, wanted, json!({ "is_protected": wanted })).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}

/// Protects an account whose row is held, or lifts its protection; what that held back goes with it.
async fn turn(
    c: &mut Conn,
    act: &Act,
    policies: &Policies,
    present: &Account,
    wanted: bool,
    after: Value,
) -> Result<Account, Refusal> {
    let new = Account { is_protected: wanted, ..present.clone() };
    account::set_terms(c, &new).await?;
    let action = if wanted { "account_protected" } else { "account_unprotected" };
    let before = json!({ "is_protected": present.is_protected });
    act.record(c, action, Subject::new("account", new.id), Some(before), Some(after)).await?;
    match policies.current(c).await {
        Ok(compiled) => {
            if !wanted {
                follow_directories(c, act, &compiled.policy, new.id).await?;
            }
            entitle::accounts(c, act, &compiled.policy, &[new.id]).await?;
        }
        Err(Refusal::NoPolicy) => {}
        Err(other) => return Err(other),
    }
    Ok(new)
}

/// Somebody who left while they were protected leaves now. Whom no directory ever knew has not left any.
async fn follow_directories(c: &mut Conn, act: &Act, policy: &Policy, id: AccountId) -> Result<(), Refusal> {
    if !identity::of_account(c, id).await?.is_empty() {
        depart::follow(c, act, policy, id).await?;
    }
    Ok(())
}
