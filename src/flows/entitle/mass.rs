//! Holds what directories take from many people at once, until a person releases it.
//!
//! Invariant: counted over the whole change before its first write, under the lock that every taking of access shares;
//! who waits keeps what they have until a release, or until the directory gives it again.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::held_back::{self, Change};
use super::{PAGE, compared, judged, write};
use crate::domain::actor::Subject;
use crate::domain::days::earlier;
use crate::domain::grant::GrantKind;
use crate::domain::ids::{AccountId, GrantId};
use crate::domain::policy::Policy;
use crate::domain::safety::{self, Critical, Numbers, SafetyStop};
use crate::flows::{Act, Ports, Refusal, guard, mover, protection};
use crate::store::{Conn, account, entitlement, held_right};

/// The sliding window in which accounts that lose rights through a directory are counted together.
pub(in crate::flows) const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Why an account waits that is one of too many.
pub(super) const TOO_MANY: &str = "too_many";

/// So many of those who lose rights at once are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crowd {
    /// A person decided: nothing is counted.
    Decided,
    /// Within the limits.
    Few,
    /// Beyond them: nobody loses anything now.
    TooMany,
}

/// What a change takes and gives, counted over all of its accounts.
#[derive(Default)]
struct Balance {
    losing: usize,
    lost: BTreeMap<GrantKind, usize>,
    gained: BTreeMap<GrantKind, usize>,
}

impl Balance {
    fn add(&mut self, change: &Change, now: Timestamp) {
        if change.is_taking(now) {
            self.losing += 1;
            for kind in change.lost(now) {
                *self.lost.entry(kind).or_default() += 1;
            }
        } else if change.account.standing.status.is_usable() {
            for kind in change.gained(now) {
                *self.gained.entry(kind.clone()).or_default() += 1;
            }
        }
    }

    /// Those who lose something and are replaced by nobody who comes to the same.
    fn losing(&self) -> usize {
        let replaced = |(kind, lost): (&GrantKind, &usize)| {
            (*lost).min(self.gained.get(kind).copied().unwrap_or_default())
        };
        self.losing - self.lost.iter().map(replaced).max().unwrap_or_default()
    }
}

/// Whether these accounts, all together, lose more than the limits allow within an hour. Who is replaced by somebody
/// else in the same change is not counted: that is a swap.
pub(super) async fn weigh(
    c: &mut Conn,
    policy: &Policy,
    ids: &[AccountId],
    now: Timestamp,
) -> Result<Crowd, Refusal> {
    let mut balance = Balance::default();
    for page in ids.chunks(PAGE) {
        for change in judged(c, policy, page).await? {
            balance.add(&change, now);
        }
    }
    too_many(c, policy, balance.losing(), now).await
}

/// The same for changes that are judged already.
pub(super) async fn weigh_page(
    c: &mut Conn,
    policy: &Policy,
    changes: &[Change],
    now: Timestamp,
) -> Result<Crowd, Refusal> {
    let mut balance = Balance::default();
    for change in changes {
        balance.add(change, now);
    }
    too_many(c, policy, balance.losing(), now).await
}

async fn too_many(c: &mut Conn, policy: &Policy, losing: usize, now: Timestamp) -> Result<Crowd, Refusal> {
    let limits = &policy.lifecycle.safety;
    if losing == 0 || limits.max_percent >= 100.0 {
        return Ok(Crowd::Few);
    }
    guard::hold(c).await?;
    let since = earlier(now, WINDOW);
    let mut numbers = Numbers {
        taking_steps: u64::try_from(losing).unwrap_or(u64::MAX),
        taken_last_day: u64::try_from(held_right::taken_since(c, since).await?).unwrap_or_default(),
        ..Numbers::default()
    };
    // As many more as are not to be counted below.
    let enough = safety::active_that_allow(limits, &numbers).saturating_add(numbers.taken_last_day);
    let active = account::count_active(c, i64::try_from(enough).unwrap_or(i64::MAX)).await?;
    // Who lost rights is still active, and must not count as active twice.
    let active = u64::try_from(active).unwrap_or_default();
    numbers.active_accounts = active.saturating_sub(numbers.taken_last_day);
    let is_held = !safety::check(limits, &numbers).is_empty();
    Ok(if is_held { Crowd::TooMany } else { Crowd::Few })
}

/// Takes out of the changes what waits already, and what is too much at once; notes who loses something now.
pub(super) async fn hold(
    c: &mut Conn,
    act: &Act,
    crowd: Crowd,
    changes: &mut [Change],
) -> Result<(), Refusal> {
    if crowd == Crowd::Decided || !changes.iter().any(|change| change.is_taking(act.now)) {
        return Ok(());
    }
    let ids: Vec<AccountId> = changes.iter().map(|change| change.account.id).collect();
    let waiting = held_right::among(c, &ids).await?;
    let (mut new, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for change in changes.iter_mut().filter(|change| change.is_taking(act.now)) {
        let (id, lost) = (change.account.id, change.lost(act.now));
        let waits = waiting.get(&id).filter(|held| held.why == TOO_MANY);
        // A limit that comes is lost for nothing that could be named: it waits with whatever waits.
        let is_known = waits.is_some_and(|held| lost.is_subset(&held.kinds));
        if is_known || crowd == Crowd::TooMany {
            change.take_nothing(act.now);
            if !is_known {
                new.insert(id);
                held_right::hold(c, id, TOO_MANY, &lost, act.now).await?;
                let after = json!({ "held_by": [TOO_MANY] });
                act.record(c, "grants_held_back", Subject::new("account", id), None, Some(after)).await?;
            }
        } else {
            if let Some(held) = waits {
                change.take_none_of(|kind| held.kinds.contains(kind), act.now);
            }
            taken.insert(id);
        }
    }
    held_right::note_taken(c, &taken, act.now).await?;
    if !new.is_empty() {
        alarm(new.len());
    }
    Ok(())
}

fn alarm(count: usize) {
    metrics::counter!("portvakt_grants_held_back_total").increment(u64::try_from(count).unwrap_or(u64::MAX));
    tracing::error!(
        accounts = count,
        "a directory takes rights from more people within an hour than the limits allow: {count} accounts keep \
         theirs until somebody releases it. Look with: portvakt lifecycle plan"
    );
}

/// Ends what an account holds although its directory no longer gives it: a plan says so. Gives the grants that ended
/// and those that came in their place.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn take_held(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    id: AccountId,
) -> Result<(Vec<GrantId>, Vec<GrantId>), Refusal> {
    held_right::let_go(c, id).await?;
    held_right::note_taken(c, &BTreeSet::from([id]), act.now).await?;
    let mut changes = judged(c, policy, &[id]).await?;
    changes.retain(|change| protection::untouchable(&change.account).is_none());
    let Some(change) = changes.first() else { return Ok((Vec::new(), Vec::new())) };
    let ended = change.difference.end.clone();
    let before: BTreeSet<GrantId> = change.held.iter().map(|grant| grant.id).collect();
    write(c, act, policy, changes, &mut Vec::new()).await?;
    // The directory has moved the person, though it is somebody else who lets that take effect.
    if !ended.is_empty() {
        mover::ask(c, act, policy, id, "groups").await?;
    }
    let after = entitlement::held(c, id).await?;
    let given = after.iter().map(|grant| grant.id).filter(|grant| !before.contains(grant));
    Ok((ended, given.collect()))
}

/// What each of these accounts loses when what waits is taken; those who lose nothing any more are left out.
pub(in crate::flows) async fn losses(
    c: &mut Conn,
    policy: &Policy,
    ids: &[AccountId],
    now: Timestamp,
) -> Result<BTreeMap<AccountId, BTreeSet<GrantKind>>, Refusal> {
    let mut losses = BTreeMap::new();
    for page in ids.chunks(PAGE) {
        let accounts = account::of_ids(c, page).await?;
        for change in compared(c, policy, accounts).await? {
            let lost = change.lost(now);
            if !lost.is_empty() || change.is_taking(now) {
                losses.insert(change.account.id, lost);
            }
        }
    }
    Ok(losses)
}

/// What stops the rights that wait from being taken from these accounts, all together: a critical role or sector
/// without a holder, nobody left to administer.
pub(in crate::flows) async fn stops(
    c: &mut Conn,
    policy: &Policy,
    ids: &[AccountId],
    falling: &BTreeSet<AccountId>,
    now: Timestamp,
) -> Result<Vec<SafetyStop>, Refusal> {
    let mut stops = Vec::new();
    if ids.is_empty() {
        return Ok(stops);
    }
    let losses = losses(c, policy, ids, now).await?;
    for guarded in guard::guarded(policy) {
        let is_lost = |lost: &BTreeSet<GrantKind>| guarded.kinds.iter().any(|kind| lost.contains(kind));
        if !losses.values().any(is_lost) {
            continue;
        }
        // One more than can fall is enough to know that somebody is left.
        let most = i64::try_from(losses.len() + falling.len() + 1).unwrap_or(i64::MAX);
        let mut holders = BTreeSet::new();
        for kind in &guarded.kinds {
            holders.extend(entitlement::active_holders(c, kind, now, most).await?);
        }
        let is_left = holders.iter().any(|id| !falling.contains(id) && !losses.get(id).is_some_and(is_lost));
        if is_left || holders.is_empty() {
            continue;
        }
        stops.push(match guarded.kinds.first() {
            Some(GrantKind::Role(id)) if guarded.stop == SafetyStop::CRITICAL_EMPTY => {
                SafetyStop::CriticalEmpty { what: Critical::Role(id.clone()) }
            }
            Some(GrantKind::Sector(id)) if guarded.stop == SafetyStop::CRITICAL_EMPTY => {
                SafetyStop::CriticalEmpty { what: Critical::Sector(id.clone()) }
            }
            _ => SafetyStop::NoAdministrator,
        });
    }
    Ok(stops)
}

/// Forgets those who wait although nothing would be taken from them any more: the directory gives it again. Gives
/// how many.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn forget_resolved(ports: &Ports, act: &Act) -> Result<usize, Refusal> {
    let mut c = ports.db.read().await?;
    let waiting: Vec<AccountId> = held_right::all(&mut c).await?.into_keys().collect();
    if waiting.is_empty() {
        return Ok(0);
    }
    let compiled = ports.policies.current(&mut c).await?;
    drop(c);
    let act = act.clone();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let still = losses(c, &compiled.policy, &waiting, act.now).await?;
                let mut resolved = 0;
                for id in waiting.iter().filter(|id| !still.contains_key(id)) {
                    if held_right::let_go(c, *id).await? {
                        resolved += 1;
                        act.record(c, "grants_held_no_more", Subject::new("account", id), None, None).await?;
                    }
                }
                Ok::<_, Refusal>(resolved)
            })
        })
        .await
}

/// Notes that the last who holds something critical waits too: a person may release it.
pub(super) async fn note_last(
    c: &mut Conn,
    act: &Act,
    held_back: &BTreeMap<AccountId, BTreeSet<&'static str>>,
) -> Result<(), Refusal> {
    for (id, why) in held_back {
        if let Some(first) = why.iter().find(|why| held_back::is_releasable(why)) {
            held_right::hold(c, *id, first, &BTreeSet::new(), act.now).await?;
        }
    }
    Ok(())
}
