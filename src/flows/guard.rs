//! Counts what the safety limits are compared with, before anybody loses access.
//!
//! Invariant: two changes that take access never count at the same time: inside a write the counting is done under
//! one lock, so that the last administrator cannot fall by two requests at once.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::Refusal;
use crate::domain::grant::GrantKind;
use crate::domain::ids::AccountId;
use crate::domain::policy::{Console, Policy, SafetyLimits};
use crate::domain::safety::{self, Critical, CriticalCount, Numbers, SafetyStop};
use crate::store::{Conn, account, entitlement, setting, standing};

/// The sliding window in which accounts that lose access are counted together.
pub const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// How many accounts' grants are read together.
const PAGE: usize = 500;

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
    stops_besides(c, policy, takes, 0, now).await
}

/// The same where so many other accounts lose rights besides.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(super) async fn stops_besides(
    c: &mut Conn,
    policy: &Policy,
    takes: &BTreeSet<AccountId>,
    besides: usize,
    now: Timestamp,
) -> Result<Vec<SafetyStop>, Refusal> {
    Ok(safety::check(&policy.lifecycle.safety, &numbers(c, policy, takes, besides, now).await?))
}

async fn numbers(
    c: &mut Conn,
    policy: &Policy,
    takes: &BTreeSet<AccountId>,
    besides: usize,
    now: Timestamp,
) -> Result<Numbers, Refusal> {
    let taking_steps = count(takes.len().saturating_add(besides));
    let mut numbers = Numbers { taking_steps, ..Numbers::default() };
    fill_crowd(c, &policy.lifecycle.safety, &mut numbers, now).await?;
    let guarded = guarded_here(c, policy, takes).await?;
    let mut administrators = BTreeSet::new();
    for Guarded { stop, kinds } in guarded {
        let mut holders = BTreeSet::new();
        for kind in &kinds {
            // One more than may fall is enough to know that somebody is left.
            let most = i64::try_from(takes.len()).unwrap_or(i64::MAX).saturating_add(1);
            holders.extend(entitlement::active_holders(c, kind, now, most).await?);
        }
        if stop == SafetyStop::NoAdministrator.name() {
            administrators.extend(holders);
        } else if let Some(what) = kinds.first().and_then(critical) {
            numbers.critical.push(critical_count(what, &holders, takes));
        }
    }
    numbers.administrators_before = count(administrators.len());
    numbers.administrators_after = count(administrators.difference(takes).count());
    Ok(numbers)
}

/// Counts who is active and who lost access lately: as far as it matters for the limits, and no further. Where
/// everybody may lose it nothing is counted.
async fn fill_crowd(
    c: &mut Conn,
    limits: &SafetyLimits,
    numbers: &mut Numbers,
    now: Timestamp,
) -> Result<(), Refusal> {
    numbers.taken_last_day = taken_last_day(c, limits, now).await?;
    let enough = safety::active_that_allow(limits, numbers);
    let active = account::count_active(c, i64::try_from(enough).unwrap_or(i64::MAX)).await?;
    numbers.active_accounts = u64::try_from(active).unwrap_or_default();
    Ok(())
}

/// How many accounts lost access within the window; not counted where everybody may lose it.
pub(super) async fn taken_last_day(
    c: &mut Conn,
    limits: &SafetyLimits,
    now: Timestamp,
) -> Result<u64, Refusal> {
    if limits.max_percent >= 100.0 {
        return Ok(0);
    }
    let since = now.saturating_sub(WINDOW).unwrap_or(Timestamp::MIN);
    Ok(u64::try_from(standing::taken_since(c, since).await?).unwrap_or_default())
}

/// What is guarded and held by somebody of `takes`: nobody else's fall can leave it empty.
async fn guarded_here(
    c: &mut Conn,
    policy: &Policy,
    takes: &BTreeSet<AccountId>,
) -> Result<Vec<Guarded>, Refusal> {
    let takes: Vec<AccountId> = takes.iter().copied().collect();
    let mut held: BTreeSet<GrantKind> = BTreeSet::new();
    for page in takes.chunks(PAGE) {
        let page = entitlement::held_by(c, page).await?;
        held.extend(page.into_values().flatten().map(|grant| grant.kind));
    }
    let mut guarded = guarded(policy);
    guarded.retain(|one| one.kinds.iter().any(|kind| held.contains(kind)));
    Ok(guarded)
}

fn critical(kind: &GrantKind) -> Option<Critical> {
    match kind {
        GrantKind::Role(id) => Some(Critical::Role(id.clone())),
        GrantKind::Sector(id) => Some(Critical::Sector(id.clone())),
        GrantKind::Limited | GrantKind::ItemRestricted => None,
    }
}

fn critical_count(
    what: Critical,
    holders: &BTreeSet<AccountId>,
    takes: &BTreeSet<AccountId>,
) -> CriticalCount {
    CriticalCount { what, before: count(holders.len()), after: count(holders.difference(takes).count()) }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
