//! The steps of inactivity in time: notices, freeze, deactivation.
//!
//! Invariant: a deadline never shortens. Whoever has been told a day keeps it whatever the policy says later, every
//! notice of the rule goes out before the freeze, and each leaves its full time after it really went.

use jiff::{SignedDuration, Timestamp};

use super::{Assessment, Exempt, Facts, Reason, Step};
use crate::domain::account::{Status, StatusReason};
use crate::domain::days::{earlier, later};
use crate::domain::evidence::{Idle, LastSeen};
use crate::domain::policy::LifecycleRule;

/// The next step of inactivity for an account whose evidence is known.
pub(super) fn next(
    rule: &LifecycleRule,
    facts: &Facts<'_>,
    seen: Option<LastSeen>,
    idle: Idle,
    now: Timestamp,
) -> Assessment {
    let Some((limit, because)) = limit(rule, seen, idle) else { return Assessment::keep(Exempt::NoLimit) };
    let due = later(idle.since, limit);
    match facts.account.standing.status {
        Status::Frozen => frozen(rule, facts, idle, due, now),
        Status::Active | Status::Invited => in_use(rule, facts, idle, due, now, because),
        Status::Paused | Status::Deactivated | Status::Removed => Assessment::keep(Exempt::DecidedByPerson),
    }
}

/// How long the account may be idle. Never signed in has its own limit; without one the ordinary limit counts.
fn limit(rule: &LifecycleRule, seen: Option<LastSeen>, idle: Idle) -> Option<(SignedDuration, Reason)> {
    let Idle { since, counted_from } = idle;
    if seen.is_some() {
        rule.inactive_after.map(|limit| (limit, Reason::Inactive { since, counted_from, limit }))
    } else {
        let limit = rule.never_signed_in_after.or(rule.inactive_after)?;
        Some((limit, Reason::NeverSignedIn { since, counted_from, limit }))
    }
}

fn frozen(rule: &LifecycleRule, facts: &Facts<'_>, idle: Idle, due: Timestamp, now: Timestamp) -> Assessment {
    let standing = &facts.account.standing;
    match standing.reason {
        StatusReason::Inactive | StatusReason::NeverSignedIn => {}
        StatusReason::Provisioned
        | StatusReason::Departed
        | StatusReason::Returned
        | StatusReason::Expired
        | StatusReason::Leave
        | StatusReason::Manual
        | StatusReason::Review
        | StatusReason::SignedIn => return Assessment::keep(Exempt::DecidedByPerson),
    }
    if idle.since > standing.since || now < due {
        return Assessment::keep(Exempt::SeenSince { at: idle.since });
    }
    let until = later(standing.since, rule.freeze_for.unwrap_or(SignedDuration::ZERO));
    if now < until {
        Assessment::keep(Exempt::Frozen { until })
    } else {
        Assessment::new(Step::Deactivate, Reason::FrozenLongEnough { since: standing.since })
    }
}

fn in_use(
    rule: &LifecycleRule,
    facts: &Facts<'_>,
    idle: Idle,
    due: Timestamp,
    now: Timestamp,
    because: Reason,
) -> Assessment {
    // Notices count only for this time of being idle: a sign-in between makes them history.
    let sent = || facts.notices.iter().filter(|notice| notice.sent_at >= idle.since && notice.sent_at <= now);
    let not_before = sent().map(|notice| later(notice.sent_at, notice.lead)).fold(due, Timestamp::max);
    // Without mail no notice can go out; waiting for one would keep the account for ever. What a notice does that
    // reaches nobody is the policy's to say, where it is sent.
    let mut leads = if facts.mail_configured { rule.notify_before.clone() } else { Vec::new() };
    leads.sort_unstable_by(|a, b| b.cmp(a));
    for lead in leads {
        if sent().any(|notice| notice.lead == lead) {
            continue;
        }
        let goes_out = earlier(not_before, lead);
        if now >= goes_out {
            return Assessment::new(Step::Notify { lead, not_before }, because);
        }
        return waiting(goes_out, not_before, sent().next().is_some());
    }
    if now < not_before {
        return waiting(not_before, not_before, sent().next().is_some());
    }
    let step = if rule.freeze_for.is_some() { Step::Freeze } else { Step::Deactivate };
    Assessment::new(step, because)
}

const fn waiting(due: Timestamp, not_before: Timestamp, is_told: bool) -> Assessment {
    Assessment::keep(if is_told { Exempt::Told { not_before } } else { Exempt::InUse { due } })
}
