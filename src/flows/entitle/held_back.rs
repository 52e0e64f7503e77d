//! Holds back what a directory would take by accident: from whoever is protected, and from the last who hold what
//! is critical or administers.
//!
//! Invariant: judged over a whole page of changes before the first of them is written, under the lock that every
//! taking of access shares. What is held back is alarmed, and goes by itself once somebody else holds it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::domain::effective::holds;
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::ids::AccountId;
use crate::domain::mapping::Difference;
use crate::domain::policy::Policy;
use crate::flows::guard::{self, Guarded};
use crate::flows::{Act, Refusal, protection};
use crate::store::{Conn, entitlement};

/// What an account holds and is to hold.
#[derive(Debug)]
pub(in crate::flows) struct Change {
    pub(in crate::flows) account: Account,
    pub(in crate::flows) held: Vec<Grant>,
    pub(in crate::flows) difference: Difference,
}

impl Change {
    /// Whether the account holds something of `kinds` once the difference is written.
    pub(in crate::flows) fn will_hold(&self, kinds: &[GrantKind], now: Timestamp) -> bool {
        let stays = |grant: &Grant| {
            kinds.contains(&grant.kind) && grant.holds_at(now) && !self.difference.end.contains(&grant.id)
        };
        self.held.iter().any(stays) || self.difference.give.iter().any(|(kind, _)| kinds.contains(kind))
    }

    pub(in crate::flows) fn holds_now(&self, kinds: &[GrantKind], now: Timestamp) -> bool {
        kinds.iter().any(|kind| holds(&self.held, kind, now))
    }

    fn loses(&self, kind: &GrantKind, now: Timestamp) -> bool {
        let is_access = matches!(kind, GrantKind::Role(_) | GrantKind::Sector(_));
        is_access && !self.will_hold(std::slice::from_ref(kind), now)
    }

    /// What the account would hold no longer: roles and sectors.
    pub(in crate::flows) fn lost(&self, now: Timestamp) -> BTreeSet<GrantKind> {
        let held = self.held.iter().filter(|grant| grant.holds_at(now));
        held.map(|grant| &grant.kind).filter(|kind| self.loses(kind, now)).cloned().collect()
    }

    /// Whether the difference takes access from an account in use.
    pub(in crate::flows) fn is_taking(&self, now: Timestamp) -> bool {
        let is_limit = |kind: &GrantKind| matches!(kind, GrantKind::Limited | GrantKind::ItemRestricted);
        let comes = |(kind, _): &(GrantKind, _)| is_limit(kind) && !holds(&self.held, kind, now);
        // Who gets a role for the first time together with its limits loses nothing.
        let has_access = self.held.iter().any(|grant| !is_limit(&grant.kind) && grant.holds_at(now));
        self.account.standing.status.is_usable()
            && (!self.lost(now).is_empty() || (has_access && self.difference.give.iter().any(comes)))
    }

    /// The roles and sectors that the difference gives and the account did not hold.
    pub(in crate::flows) fn gained(&self, now: Timestamp) -> impl Iterator<Item = &GrantKind> {
        let kinds = self.difference.give.iter().map(|(kind, _)| kind);
        kinds.filter(move |kind| {
            matches!(kind, GrantKind::Role(_) | GrantKind::Sector(_)) && !holds(&self.held, kind, now)
        })
    }

    /// Leaves out of the difference whatever takes access: roles and sectors that end, limits that come. Gives
    /// whether there was any.
    pub(in crate::flows) fn take_nothing(&mut self, now: Timestamp) -> bool {
        self.take_none_of(|_| true, now)
    }

    /// The same for some kinds of roles and sectors: the others are taken.
    pub(in crate::flows) fn take_none_of(
        &mut self,
        stays: impl Fn(&GrantKind) -> bool,
        now: Timestamp,
    ) -> bool {
        let lost: BTreeSet<_> = self
            .held
            .iter()
            .filter(|grant| stays(&grant.kind) && self.loses(&grant.kind, now))
            .map(|grant| grant.id)
            .collect();
        let before = self.difference.end.len() + self.difference.give.len();
        let held = &self.held;
        // Whoever keeps a right keeps the limits it was given with: without them it would open more than it did.
        let limits: BTreeSet<_> = held
            .iter()
            .filter(|grant| matches!(grant.kind, GrantKind::Limited | GrantKind::ItemRestricted))
            .filter(|_| !lost.is_empty())
            .map(|grant| grant.id)
            .collect();
        self.difference.end.retain(|id| !lost.contains(id) && !limits.contains(id));
        let is_limit = |kind: &GrantKind| matches!(kind, GrantKind::Limited | GrantKind::ItemRestricted);
        // What would come together with a limit does not come without it.
        let drops_limit =
            self.difference.give.iter().any(|(kind, _)| is_limit(kind) && !holds(held, kind, now));
        self.difference.give.retain(|(kind, _)| holds(held, kind, now) || (!is_limit(kind) && !drops_limit));
        before > self.difference.end.len() + self.difference.give.len()
    }
}

/// Whether a person may release what is held back for this reason: the last administrator stays whatever they say.
pub(super) fn is_releasable(why: &str) -> bool {
    why == crate::domain::safety::SafetyStop::CRITICAL_EMPTY
}

/// Takes out of `changes` what must not be taken now. Gives from whom, and why.
pub(super) async fn hold_back(
    c: &mut Conn,
    policy: &Policy,
    changes: &mut [Change],
    now: Timestamp,
) -> Result<BTreeMap<AccountId, BTreeSet<&'static str>>, Refusal> {
    let mut held_back: BTreeMap<AccountId, BTreeSet<&'static str>> = BTreeMap::new();
    for change in changes.iter_mut() {
        if let Some(why) = protection::untouchable(&change.account)
            && change.take_nothing(now)
        {
            held_back.entry(change.account.id).or_default().insert(why);
        }
    }
    for guarded in guard::guarded(policy) {
        for id in last_holders(c, &guarded, changes, now).await? {
            held_back.entry(id).or_default().insert(guarded.stop);
            if let Some(change) = changes.iter_mut().find(|change| change.account.id == id) {
                change.take_nothing(now);
            }
        }
    }
    Ok(held_back)
}

/// Those who would lose what nobody else then held.
async fn last_holders(
    c: &mut Conn,
    guarded: &Guarded,
    changes: &[Change],
    now: Timestamp,
) -> Result<BTreeSet<AccountId>, Refusal> {
    let kinds = &guarded.kinds;
    let losing = changes.iter().filter(|one| one.holds_now(kinds, now) && !one.will_hold(kinds, now));
    let losing: BTreeSet<AccountId> = losing.map(|change| change.account.id).collect();
    if losing.is_empty() {
        return Ok(losing);
    }
    guard::hold(c).await?;
    let mut holders = BTreeSet::new();
    for kind in kinds {
        // One more than loses it is enough to know that somebody is left.
        let most = i64::try_from(losing.len()).unwrap_or(i64::MAX).saturating_add(1);
        holders.extend(entitlement::active_holders(c, kind, now, most).await?);
    }
    let gaining = changes.iter().filter(|one| one.account.standing.status.is_usable());
    let is_left = gaining.clone().any(|one| one.will_hold(kinds, now)) || !holders.is_subset(&losing);
    Ok(if is_left { BTreeSet::new() } else { losing.intersection(&holders).copied().collect() })
}

/// Writes down that something was held back, and raises the alarm.
pub(super) async fn tell(
    c: &mut Conn,
    act: &Act,
    id: AccountId,
    why: &BTreeSet<&'static str>,
) -> Result<(), Refusal> {
    tracing::error!(account.id = %id, ?why,
        "rights that a directory or the policy takes are held back: account {id} keeps them until somebody else \
         holds them too, or its protection is lifted in the settings");
    metrics::counter!("portvakt_grants_held_back_total").increment(1);
    let after = json!({ "held_by": why });
    act.record(c, "grants_held_back", Subject::new("account", id), None, Some(after)).await?;
    Ok(())
}
