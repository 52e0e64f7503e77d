//! Weighs what a policy does to every account, page by page.
//!
//! Invariant: judged with the same mapping, the same difference and the same holding back as putting it into force.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::access::is_in_use;
use crate::domain::account::Account;
use crate::domain::effective::holds;
use crate::domain::grant::{Grant, GrantKind};
use crate::domain::ids::{AccountId, GrantId, RuleId};
use crate::domain::mapping::{self, Mapped};
use crate::domain::policy::reach::{Reach, Scales};
use crate::domain::policy::shift::{BeforeAfter, Shift, shift};
use crate::domain::policy::{Console, Policy};
use crate::domain::safety::{Critical, CriticalCount, Numbers};
use crate::flows::entitle::held_back::Change;
use crate::flows::entitle::wanted::{self, Pins};
use crate::flows::guard::{self, Guarded};
use crate::flows::{Refusal, protection};
use crate::store::{Conn, Span, account, entitlement};

/// How many accounts are read together.
const PAGE: i64 = 1000;

/// An account for which something changes.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) shift: Shift,
    pub(super) before: Arc<Reach>,
    pub(super) after: Arc<Reach>,
    /// In use under the former policy, and under the new one.
    pub(super) in_use: (bool, bool),
}

/// What was weighed over everybody.
#[derive(Debug)]
pub(super) struct Weighed {
    pub(super) entries: Vec<Entry>,
    pub(super) numbers: Numbers,
    pub(super) population: u64,
    /// Roles that somebody in use would hold.
    pub(super) held: BTreeSet<GrantKind>,
    /// Rules that match somebody.
    pub(super) matched: BTreeSet<RuleId>,
}

/// The scales of both policies, and what was counted so far.
struct Weighing<'p> {
    former: Option<&'p Policy>,
    policy: &'p Policy,
    now: Timestamp,
    before: Option<Scales<'p>>,
    after: Scales<'p>,
    guarded: Vec<Guarded>,
    /// How many hold each of the guarded things in the end.
    left: Vec<u64>,
    /// Active accounts that lose something guarded, by whose fall nobody may be left.
    falling: BTreeMap<AccountId, (Change, BTreeSet<usize>)>,
    critical: BTreeMap<GrantKind, (u64, u64)>,
    weighed: Weighed,
}

/// Weighs `policy` against the former one, for everybody.
pub(super) async fn weigh(
    c: &mut Conn,
    former: Option<&Policy>,
    policy: &Policy,
    now: Timestamp,
) -> Result<Weighed, Refusal> {
    let pins = wanted::names_to_pin(c, policy).await?;
    let mut weighing = Weighing::new(former, policy, now);
    let mut after = None;
    loop {
        let page = account::page(c, after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        for (change, mapped) in changes(c, policy, page, &pins).await? {
            weighing.take_in(change, mapped.as_ref());
        }
    }
    weighing.hold_back();
    Ok(weighing.finish())
}

/// What each account of a page holds and is to hold; sorted as the page is.
pub(super) async fn changes(
    c: &mut Conn,
    policy: &Policy,
    page: Vec<Account>,
    pins: &Pins,
) -> Result<Vec<(Change, Option<Mapped>)>, Refusal> {
    let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(Vec::new()) };
    let mut held: BTreeMap<AccountId, Vec<Grant>> = BTreeMap::new();
    for (id, grant) in entitlement::held_of(c, &Span::Between(first.id, last.id), None).await? {
        held.entry(id).or_default().push(grant);
    }
    let ids: Vec<AccountId> = page.iter().map(|account| account.id).collect();
    let mut mapped = wanted::wanted(c, policy, &ids, pins).await?;
    let change = |account: Account| {
        let held = held.remove(&account.id).unwrap_or_default();
        let mapped = mapped.remove(&account.id);
        let difference = mapped.as_ref().map(|mapped| mapping::difference(&held, mapped));
        (Change { account, held, difference: difference.unwrap_or_default() }, mapped)
    };
    Ok(page.into_iter().map(change).collect())
}

impl<'p> Weighing<'p> {
    fn new(former: Option<&'p Policy>, policy: &'p Policy, now: Timestamp) -> Self {
        let critical = former.into_iter().chain([policy]).flat_map(|policy| {
            let roles = policy.roles.iter().filter(|(_, role)| role.is_critical);
            let sectors = policy.sectors.iter().filter(|(_, sector)| sector.is_critical);
            let roles = roles.map(|(id, _)| GrantKind::Role(id.clone()));
            roles.chain(sectors.map(|(id, _)| GrantKind::Sector(id.clone()))).collect::<Vec<_>>()
        });
        let guarded = guard::guarded(policy);
        Self {
            former,
            policy,
            now,
            before: former.map(|former| Scales::new(former, now)),
            after: Scales::new(policy, now),
            left: vec![0; guarded.len()],
            guarded,
            falling: BTreeMap::new(),
            critical: critical.map(|kind| (kind, (0, 0))).collect(),
            weighed: Weighed {
                entries: Vec::new(),
                numbers: Numbers::default(),
                population: 0,
                held: BTreeSet::new(),
                matched: BTreeSet::new(),
            },
        }
    }

    fn take_in(&mut self, mut change: Change, mapped: Option<&Mapped>) {
        self.weighed.population += 1;
        self.weighed.matched.extend(mapped.into_iter().flat_map(|mapped| mapped.matched.iter().cloned()));
        let mut held_back = BTreeSet::new();
        // Who is untouchable keeps what the policy would take.
        if let Some(why) = protection::untouchable(&change.account)
            && change.take_nothing(self.now)
        {
            held_back.insert(why.to_owned());
        }
        let entry = self.entry(&change, held_back);
        self.count(&change, &entry);
        self.note_falling(change);
        if !entry.shift.is_empty() {
            self.weighed.entries.push(entry);
        }
    }

    fn entry(&mut self, change: &Change, held_back: BTreeSet<String>) -> Entry {
        let Change { account, held, difference } = change;
        let before = match &mut self.before {
            Some(scales) => scales.weigh(held),
            None => Arc::default(),
        };
        let after = if difference.is_empty() {
            self.after.weigh(held)
        } else {
            self.after.weigh(&then_held(change, self.now))
        };
        let is_used = |policy: &Policy| is_in_use(policy, account, self.now).is_ok();
        let in_use = (self.former.is_some_and(is_used), is_used(self.policy));
        let one = BeforeAfter {
            account: account.id,
            user_name: &account.user_name,
            held,
            difference,
            in_use,
            before: &before,
            after: &after,
        };
        let mut shift = shift(self.former, self.policy, &one);
        shift.held_back = held_back;
        Entry { shift, before, after, in_use }
    }

    /// Counts who holds what is critical and who administers, among accounts that are active.
    fn count(&mut self, change: &Change, entry: &Entry) {
        if entry.in_use.1 {
            self.weighed.held.extend(entry.after.kinds.iter().cloned());
        }
        if !self.is_active(&change.account) {
            return;
        }
        let numbers = &mut self.weighed.numbers;
        numbers.active_accounts += 1;
        let administers = |reach: &Reach| u64::from(reach.consoles.contains(&Console::Administrator));
        numbers.administrators_before += administers(&entry.before);
        numbers.administrators_after += administers(&entry.after);
        for (kind, (before, after)) in &mut self.critical {
            *before += u64::from(entry.before.kinds.contains(kind));
            *after += u64::from(entry.after.kinds.contains(kind));
        }
    }

    fn is_active(&self, account: &Account) -> bool {
        account.standing.status.is_usable() && is_in_use(self.policy, account, self.now).is_ok()
    }

    /// Notes who holds what is guarded in the end, and who lets it go.
    fn note_falling(&mut self, change: Change) {
        if !self.is_active(&change.account) {
            return;
        }
        let mut lost = BTreeSet::new();
        for (at, Guarded { kinds, .. }) in self.guarded.iter().enumerate() {
            if change.will_hold(kinds, self.now) {
                if let Some(left) = self.left.get_mut(at) {
                    *left += 1;
                }
            } else if kinds.iter().any(|kind| holds(&change.held, kind, self.now)) {
                lost.insert(at);
            }
        }
        if !lost.is_empty() {
            self.falling.insert(change.account.id, (change, lost));
        }
    }

    /// The last who hold something guarded keep all they have until somebody else holds it.
    fn hold_back(&mut self) {
        for (id, (mut change, lost)) in std::mem::take(&mut self.falling) {
            let is_last = |at: &&usize| self.left.get(**at).is_some_and(|left| *left == 0);
            let last: Vec<&str> = lost
                .iter()
                .filter(is_last)
                .filter_map(|at| self.guarded.get(*at).map(|guarded| guarded.stop))
                .collect();
            if last.is_empty() || !change.take_nothing(self.now) {
                continue;
            }
            let held_back = last.into_iter().map(str::to_owned).collect();
            let entry = self.entry(&change, held_back);
            // The entries are in the order of the ids, as the pages were.
            let entries = &mut self.weighed.entries;
            if let Ok(at) = entries.binary_search_by_key(&id, |known| known.shift.account)
                && let Some(known) = entries.get_mut(at)
            {
                *known = entry;
            }
        }
    }

    fn finish(self) -> Weighed {
        let mut weighed = self.weighed;
        let count = |(kind, (before, after))| {
            let what = match kind {
                GrantKind::Role(id) => Critical::Role(id),
                GrantKind::Sector(id) => Critical::Sector(id),
                GrantKind::Limited | GrantKind::ItemRestricted => return None,
            };
            Some(CriticalCount { what, before, after })
        };
        weighed.numbers.critical = self.critical.into_iter().filter_map(count).collect();
        weighed
    }
}

/// What the account will hold.
fn then_held(change: &Change, now: Timestamp) -> Vec<Grant> {
    let stays = change.held.iter().filter(|grant| !change.difference.end.contains(&grant.id)).cloned();
    let given = change.difference.give.iter().map(|(kind, origin)| Grant {
        id: GrantId::new(Uuid::nil()),
        kind: kind.clone(),
        origin: origin.clone(),
        by: String::new(),
        why: None,
        since: now,
        ends_at: None,
        until: None,
    });
    stays.chain(given).collect()
}
