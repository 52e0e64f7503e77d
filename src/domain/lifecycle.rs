//! Decides the next step for one account: kept, reminded, frozen, deactivated, removed, paused or opened again.
//!
//! Invariant: pure. The same facts, policy and instant always give the same step, so a plan and its application
//! cannot disagree. Unknown evidence never leads to a step, a deadline never shortens, and no step touches a
//! protected or break-glass account.

mod deadlines;
mod facts;
mod outcome;
mod words;

use jiff::Timestamp;

use super::account::{Account, AccountKind, Status, StatusReason};
use super::days::{later, zone_of};
use super::evidence::{Knowledge, idle_since, knowledge, last_seen};
use super::mapping::attribute::has_one_of;
use super::policy::{AppliesTo, LifecycleRule, Policy};

pub use facts::{Facts, IdentityState, Leave, Notice, Presence};
pub use outcome::{Assessment, Exempt, Reason, Step};
pub use words::{kept_words, reason_word, status_word};

/// The step that `policy` asks for at `now`.
///
/// In order: removed, protected and break-glass accounts are kept; departed is deactivated at once; deactivated is
/// opened again, removed or kept; a passed end date deactivates; leave pauses, keeps and returns; then inactivity.
#[must_use]
pub fn assess(policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> Assessment {
    let found = untouchable(facts.account)
        .or_else(|| departed(facts))
        .or_else(|| deactivated(policy, facts, now))
        .or_else(|| dates(facts.account, now))
        .or_else(|| leave(facts, now))
        .unwrap_or_else(|| inactivity(policy, facts, now));
    let found = held_rights(facts, &found).unwrap_or(found);
    calm(policy, found, now)
}

/// No step falls on a day that the policy excludes: it is taken on the next day that is not. Departure, an end date
/// and leave are not delayed.
fn calm(policy: &Policy, found: Assessment, now: Timestamp) -> Assessment {
    let is_delayed = match found.because {
        Reason::Inactive { .. }
        | Reason::NeverSignedIn { .. }
        | Reason::FrozenLongEnough { .. }
        | Reason::DeactivatedLongEnough { .. }
        | Reason::NoLongerGiven { .. } => true,
        Reason::Kept { .. }
        | Reason::Departed { .. }
        | Reason::ActiveAgain { .. }
        | Reason::Expired { .. }
        | Reason::LeaveBegan { .. }
        | Reason::LeaveEnded { .. } => false,
    };
    let days = &policy.lifecycle.no_steps_on;
    if !is_delayed || days.is_empty() {
        return found;
    }
    match days.ends(now, &zone_of(policy)) {
        None => found,
        Some(until) => {
            let because = Reason::Kept { exempt: Exempt::CalmDay { until } };
            Assessment { step: Step::Keep, because, ..found }
        }
    }
}

/// Rights that wait are taken from who is in use and would be left alone otherwise; never during leave.
fn held_rights(facts: &Facts<'_>, found: &Assessment) -> Option<Assessment> {
    let since = facts.held?;
    let is_active = facts.account.standing.status == Status::Active;
    if matches!(found.step, Step::Notify { .. }) && is_active {
        // A letter that cannot be sent must not keep what waits for ever; it goes when the rights are gone.
        return Some(Assessment::new(Step::TakeRights, Reason::NoLongerGiven { since }));
    }
    match found.exempt()? {
        Exempt::Removed
        | Exempt::Protected
        | Exempt::BreakGlass
        | Exempt::Deactivated
        | Exempt::OnLeave { .. }
        | Exempt::NotYetValid { .. }
        | Exempt::Frozen { .. }
        | Exempt::SeenSince { .. }
        | Exempt::NeedsAttention { .. }
        | Exempt::CalmDay { .. } => None,
        Exempt::NoRule
        | Exempt::NoLimit
        | Exempt::Unknown { .. }
        | Exempt::InUse { .. }
        | Exempt::Told { .. }
        | Exempt::DecidedByPerson => {
            is_active.then(|| Assessment::new(Step::TakeRights, Reason::NoLongerGiven { since }))
        }
    }
}

fn untouchable(account: &Account) -> Option<Assessment> {
    if account.standing.status == Status::Removed {
        Some(Assessment::keep(Exempt::Removed))
    } else if account.is_protected {
        Some(Assessment::keep(Exempt::Protected))
    } else if account.kind == AccountKind::BreakGlass {
        Some(Assessment::keep(Exempt::BreakGlass))
    } else {
        None
    }
}

/// Departed is who has identities, none of them active. An account that no directory knows has not departed.
fn departed(facts: &Facts<'_>) -> Option<Assessment> {
    if facts.account.standing.status == Status::Deactivated || active_identity(facts).is_some() {
        return None;
    }
    let last = facts.identities.iter().max_by_key(|identity| identity.since)?;
    let because =
        Reason::Departed { directory: last.directory.clone(), presence: last.presence, since: last.since };
    Some(Assessment::new(Step::Deactivate, because))
}

fn active_identity<'a>(facts: &Facts<'a>) -> Option<&'a IdentityState> {
    facts.identities.iter().find(|identity| identity.presence == Presence::Active)
}

fn deactivated(policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> Option<Assessment> {
    let standing = &facts.account.standing;
    if standing.status != Status::Deactivated {
        return None;
    }
    let has_ended = facts.account.valid_until.is_some_and(|until| now >= until);
    if let (StatusReason::Departed, false, Some(identity)) =
        (standing.reason, has_ended, active_identity(facts))
    {
        let because = Reason::ActiveAgain { directory: identity.directory.clone() };
        return Some(Assessment::new(Step::Return, because));
    }
    if let Some(until) = leave_end(facts, now) {
        return Some(Assessment::keep(Exempt::OnLeave { until: Some(until) }));
    }
    let Some(rule) = rule_for(policy, facts) else { return Some(Assessment::keep(Exempt::Deactivated)) };
    let is_due = rule.remove_after.is_some_and(|after| now >= later(standing.since, after));
    let was_inactivity = matches!(standing.reason, StatusReason::Inactive | StatusReason::NeverSignedIn);
    let known = known(policy, rule, facts, now);
    let outcome = match (is_due, was_inactivity && !known.is_known()) {
        (false, _) => Assessment::keep(Exempt::Deactivated),
        (true, true) => Assessment::keep(Exempt::Unknown { sources: known.unknown }),
        (true, false) => {
            Assessment::new(Step::Remove, Reason::DeactivatedLongEnough { since: standing.since })
        }
    };
    Some(Assessment { rule: Some(rule.id.clone()), ..outcome })
}

fn dates(account: &Account, now: Timestamp) -> Option<Assessment> {
    match (account.valid_from, account.valid_until) {
        (_, Some(until)) if now >= until => {
            Some(Assessment::new(Step::Deactivate, Reason::Expired { until }))
        }
        (Some(from), _) if now < from => Some(Assessment::keep(Exempt::NotYetValid { from })),
        (_, _) => None,
    }
}

/// When the leave that is going on, or approved and not over, ends: nothing is removed before.
fn leave_end(facts: &Facts<'_>, now: Timestamp) -> Option<Timestamp> {
    let ends = facts.leave.filter(|leave| leave.from <= now).map(|leave| leave.until);
    ends.max(facts.account.leave_until).filter(|end| now < *end)
}

fn leave(facts: &Facts<'_>, now: Timestamp) -> Option<Assessment> {
    let current = facts.leave.filter(|leave| leave.from <= now && now < leave.until);
    let until = current.map(|leave| leave.until).max(facts.account.leave_until);
    match (facts.account.standing.status, until) {
        (Status::Paused, Some(at)) if now >= at => {
            Some(Assessment::new(Step::Return, Reason::LeaveEnded { at }))
        }
        (Status::Paused, until) => Some(Assessment::keep(Exempt::OnLeave { until })),
        (Status::Active | Status::Invited, Some(until))
            if current.is_some_and(|leave| !leave.keeps_sign_in) =>
        {
            Some(Assessment::new(Step::Pause, Reason::LeaveBegan { until }))
        }
        (_, Some(at)) if now < at => Some(Assessment::keep(Exempt::OnLeave { until })),
        (_, _) => None,
    }
}

fn known(policy: &Policy, rule: &LifecycleRule, facts: &Facts<'_>, now: Timestamp) -> Knowledge {
    let directories = facts.identities.iter().map(|identity| identity.directory.clone()).collect();
    let stale_after = policy.lifecycle.source_stale_after;
    knowledge(&rule.evidence, &directories, facts.sources, stale_after, now)
}

fn inactivity(policy: &Policy, facts: &Facts<'_>, now: Timestamp) -> Assessment {
    let Some(rule) = rule_for(policy, facts) else { return Assessment::keep(Exempt::NoRule) };
    let seen = last_seen(facts.evidence, &rule.evidence);
    let idle = idle_since(facts.account, seen.map(|seen| seen.at));
    let known = known(policy, rule, facts, now);
    let outcome = if known.is_known() {
        deadlines::next(rule, facts, seen, idle, now)
    } else {
        Assessment::keep(Exempt::Unknown { sources: known.unknown })
    };
    Assessment {
        rule: Some(rule.id.clone()),
        last_seen: seen,
        idle: Some(idle),
        ignored: known.ignored,
        ..outcome
    }
}

/// The first lifecycle rule that applies to the account.
#[must_use]
pub fn rule_for<'a>(policy: &'a Policy, facts: &Facts<'_>) -> Option<&'a LifecycleRule> {
    policy.lifecycle.rules.iter().find(|rule| applies(&rule.applies_to, facts))
}

fn applies(to: &AppliesTo, facts: &Facts<'_>) -> bool {
    (to.roles.is_empty() || !to.roles.is_disjoint(facts.roles))
        && (to.sectors.is_empty() || !to.sectors.is_disjoint(facts.sectors))
        && to.limited.is_none_or(|wanted| wanted == facts.limited)
        && (to.directories.is_empty()
            || facts.identities.iter().any(|identity| to.directories.contains(&identity.directory)))
        && (to.kinds.is_empty() || to.kinds.contains(&facts.account.kind))
        && to.attribute.as_ref().is_none_or(|wanted| {
            facts.documents.iter().any(|document| has_one_of(document, &wanted.path, &wanted.one_of))
        })
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
