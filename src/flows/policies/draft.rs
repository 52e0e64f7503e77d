//! Drafts the plan of a policy: who gains and loses what, what stops it, and what somebody should look at.
//!
//! Invariant: reads only; on one connection it sees what that connection sees, so that a plan is drafted again in the
//! transaction that carries it out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::super::{Refusal, guard};
use super::{Compiled, items, weigh};
use crate::domain::grant::GrantKind;
use crate::domain::ids::{AccountId, DirectoryId, RuleId};
use crate::domain::name::fold;
use crate::domain::policy::Policy;
use crate::domain::policy::doubts::{Doubt, GroupNamed, directories_named, groups_named};
use crate::domain::policy::plan::{PolicyPlan, short};
use crate::domain::policy::shift::{Cause, Items, Shift};
use crate::domain::safety;
use crate::flows::entitle::wanted;
use crate::store::{Conn, group, population};

/// What a policy does to one account, for whoever wants every name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// Its sign-in name.
    pub user_name: String,
    /// Whether it is in use now.
    pub in_use: bool,
    /// Whether it loses something.
    pub loses_something: bool,
    /// Whether it gains something.
    pub gains_something: bool,
    /// Whether it gains something that there was before: nobody gives themselves that.
    #[serde(skip)]
    pub is_raised: bool,
    /// `role:board`, `limited` …
    pub gains: Vec<String>,
    /// Likewise.
    pub loses: Vec<String>,
    /// `module:action`.
    pub opens: BTreeSet<String>,
    /// Likewise.
    pub closes: BTreeSet<String>,
    /// Items that come into sight and go out of it.
    pub items: Items,
    /// Rights that another rule stands behind from now on.
    pub rewritten: u64,
    /// The changes of the policy that have a part in it.
    pub causes: BTreeSet<Cause>,
    /// By what something is held back.
    pub held_back: BTreeSet<String>,
}

/// A plan with everybody it touches.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    pub(super) plan: PolicyPlan,
    pub(super) people: Vec<Person>,
    pub(super) digests: BTreeMap<AccountId, String>,
}

/// What is drafted: a policy with the checksum of its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) policy: &'a Policy,
    pub(super) hash: &'a str,
    pub(super) directories: &'a BTreeSet<DirectoryId>,
}

/// Drafts what putting `wanted` into force would do now.
pub(super) async fn draft(
    c: &mut Conn,
    former: Option<&Compiled>,
    wanted: Wanted<'_>,
    now: Timestamp,
) -> Result<Draft, Refusal> {
    let policy = wanted.policy;
    let before = former.map(|former| &former.policy);
    let mut weighed = weigh::weigh(c, before, policy, now).await?;
    items::count(c, &mut weighed.entries, now).await?;
    let limits = &before.unwrap_or(policy).lifecycle.safety;
    let shifts: Vec<Shift> = weighed.entries.into_iter().map(|entry| entry.shift).collect();
    let mut numbers = weighed.numbers;
    numbers.taking_steps = count(shifts.iter().filter(|shift| shift.counts()).count());
    numbers.taken_last_day = guard::taken_last_day(c, limits, now).await?;
    let mut plan = PolicyPlan {
        follows: former.map_or(0, |former| former.number),
        policy: wanted.hash.to_owned(),
        is_in_force: former.is_some_and(|former| former.hash == wanted.hash),
        population: weighed.population,
        stops: safety::check(limits, &numbers),
        ..PolicyPlan::default()
    };
    if weighed.population > 0 {
        plan.doubts = doubts(c, wanted, &weighed.held, &weighed.matched).await?;
    }
    plan.seal(&shifts);
    Ok(Draft {
        plan,
        digests: shifts.iter().map(|shift| (shift.account, shift.digest())).collect(),
        people: shifts
            .into_iter()
            .map(|shift| Person {
                is_raised: before.is_none_or(|former| shift.raises(former, policy)),
                ..person(shift)
            })
            .collect(),
    })
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn person(shift: Shift) -> Person {
    Person {
        loses_something: shift.takes(),
        gains_something: shift.gives(),
        is_raised: false,
        account: shift.account,
        user_name: shift.user_name,
        in_use: shift.is_in_use,
        gains: shift.gains.iter().map(|one| short(&one.kind)).collect(),
        loses: shift.loses.iter().map(|one| short(&one.kind)).collect(),
        opens: shift.opens,
        closes: shift.closes,
        items: shift.items,
        rewritten: shift.rewritten,
        causes: shift.causes,
        held_back: shift.held_back,
    }
}

async fn doubts(
    c: &mut Conn,
    wanted: Wanted<'_>,
    held: &BTreeSet<GrantKind>,
    matched: &BTreeSet<RuleId>,
) -> Result<Vec<Doubt>, Refusal> {
    let mut doubts = Vec::new();
    let mut explained: BTreeSet<&RuleId> = BTreeSet::new();
    for (directory, rule) in directories_named(wanted.policy) {
        if !wanted.directories.contains(directory) {
            explained.insert(rule);
            doubts.push(Doubt::UnknownDirectory { directory: directory.clone(), rule: rule.clone() });
        }
    }
    for named in groups_named(wanted.policy) {
        let is_explained = wanted.policy.rules.iter().find(|rule| rule.id == named.rule);
        if !is_known(c, &named).await? {
            explained.extend(is_explained.map(|rule| &rule.id));
            doubts.push(Doubt::UnknownGroup { group: named });
        }
    }
    let idle = wanted.policy.rules.iter().map(|rule| &rule.id);
    let idle = idle.filter(|id| !matched.contains(*id) && !explained.contains(*id));
    doubts.extend(idle.map(|id| Doubt::RuleWithoutPeople { rule: id.clone() }));
    let empty = wanted.policy.roles.keys().filter(|id| !held.contains(&GrantKind::Role((*id).clone())));
    doubts.extend(empty.map(|id| Doubt::RoleWithoutHolder { role: id.clone() }));
    Ok(doubts)
}

async fn is_known(c: &mut Conn, named: &GroupNamed) -> Result<bool, Refusal> {
    match &named.directory {
        Some(directory) if named.is_name => {
            let key = fold(&named.text);
            Ok(group::pinned(c, directory, &key).await?.is_some()
                || wanted::oldest_bearer(c, directory, &key).await?.is_some())
        }
        directory => Ok(population::is_group(c, directory.as_ref(), &named.text).await?
            || population::is_claimed(c, &named.text).await?),
    }
}
