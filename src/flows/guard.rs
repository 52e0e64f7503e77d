//! Counts what the safety limits are compared with, before anybody loses access.
//!
//! Invariant: two changes that take access never count at the same time: inside a write the counting is done under
//! one lock, so that the last administrator cannot fall by two requests at once.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Refusal;
use crate::domain::account::Status;
use crate::domain::grant::GrantKind;
use crate::domain::ids::AccountId;
use crate::domain::policy::{Console, Policy};
use crate::domain::safety::{self, Critical, CriticalCount, Numbers, SafetyStop};
use crate::store::{Conn, account, entitlement, setting, standing};

/// The sliding window in which accounts that lose access are counted together.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// What must not be left without an active holder, and what the stop is called that keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guarded {
    /// The stable name of the [`SafetyStop`].
    pub(super) stop: &'static str,
    /// Whoever holds one of these holds it.
    pub(super) kinds: Vec<GrantKind>,
}

/// Every critical role and sector for itself, and all that administers together.
pub(super) fn guarded(policy: &Policy) -> Vec<Guarded> {
    let roles = policy.roles.iter().filter(|(_, role)| role.is_critical);
    let roles = roles.map(|(id, _)| (Critical::Role(id.clone()), GrantKind::Role(id.clone())));
    let sectors = policy.sectors.iter().filter(|(_, sector)| sector.is_critical);
    let sectors = sectors.map(|(id, _)| (Critical::Sector(id.clone()), GrantKind::Sector(id.clone())));
    let mut guarded: Vec<Guarded> = roles
        .chain(sectors)
        .map(|(what, kind)| Guarded { stop: SafetyStop::CriticalEmpty { what }.name(), kinds: vec![kind] })
        .collect();
    let administers = policy.roles.iter().filter(|(_, role)| role.console == Some(Console::Administrator));
    let kinds = administers.map(|(id, _)| GrantKind::Role(id.clone())).collect();
    guarded.push(Guarded { stop: SafetyStop::NoAdministrator.name(), kinds });
    guarded
}

/// Takes the lock under which counting and taking belong together, until the end of the write transaction.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn hold(c: &mut Conn) -> Result<(), Refusal> {
    Ok(setting::hold(c, "safety").await?)
}

/// What stops `takes` from losing access, all together, now; empty: nothing does.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn stops(
    c: &mut Conn,
    policy: &Policy,
    takes: &BTreeSet<AccountId>,
    now: Timestamp,
) -> Result<Vec<SafetyStop>, Refusal> {
    Ok(safety::check(&policy.lifecycle.safety, &numbers(c, policy, takes, now).await?))
}

async fn numbers(
    c: &mut Conn,
    policy: &Policy,
    takes: &BTreeSet<AccountId>,
    now: Timestamp,
) -> Result<Numbers, Refusal> {
    let mut numbers = Numbers { taking_steps: count(takes.len()), ..Numbers::default() };
    for (status, held) in account::count_by_status(c).await? {
        if status == Status::Active {
            numbers.active_accounts = u64::try_from(held).unwrap_or_default();
        }
    }
    let since = now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN);
    numbers.taken_last_day = u64::try_from(standing::taken_since(c, since).await?).unwrap_or_default();
    let mut critical = Vec::new();
    let mut administrators = BTreeSet::new();
    for (id, role) in &policy.roles {
        let is_administrator = role.console == Some(Console::Administrator);
        if !role.is_critical && !is_administrator {
            continue;
        }
        let holders = entitlement::active_holders(c, &GrantKind::Role(id.clone()), now).await?;
        if role.is_critical {
            critical.push(critical_count(Critical::Role(id.clone()), &holders, takes));
        }
        if is_administrator {
            administrators.extend(holders);
        }
    }
    for (id, _) in policy.sectors.iter().filter(|(_, sector)| sector.is_critical) {
        let holders = entitlement::active_holders(c, &GrantKind::Sector(id.clone()), now).await?;
        critical.push(critical_count(Critical::Sector(id.clone()), &holders, takes));
    }
    numbers.critical = critical;
    numbers.administrators_before = count(administrators.len());
    numbers.administrators_after = count(administrators.difference(takes).count());
    Ok(numbers)
}

fn critical_count(what: Critical, holders: &[AccountId], takes: &BTreeSet<AccountId>) -> CriticalCount {
    let after = holders.iter().filter(|holder| !takes.contains(holder)).count();
    CriticalCount { what, before: count(holders.len()), after: count(after) }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
