//! Profiles: what a framework asks of the lifecycle, as floors that no policy may pass.
//!
//! Invariant: a weaker value is named with its floor. Standard and CIS Controls 8.1 5.3 (45 days) and PCI DSS 4.0.1
//! 8.2.6 (90 days in all) speak of persons; machines are judged by their own risk and are not counted here.

use jiff::SignedDuration;

use super::{AppliesTo, LifecycleRule, Mode, Policy};
use crate::domain::account::AccountKind;
use crate::domain::ids::RuleId;
use crate::domain::named::named;

const DAY: SignedDuration = SignedDuration::from_hours(24);

/// A framework that the lifecycle shall satisfy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Good practice: 90 days, 14 days' notice, at most 30 days frozen.
    Standard,
    /// CIS Controls 8.1: dormant accounts off after 45 days.
    Cis,
    /// PCI DSS 4.0.1: off within 90 days in all; reviewed at least every six months.
    Pci,
    /// NIS2 and the Swedish cybersäkerhetslagen: identities that are not needed are deactivated; reviewed every year.
    Nis2,
}

named!(Profile, Standard = "standard", Cis = "cis", Pci = "pci", Nis2 = "nis2");

impl Profile {
    /// The longest an account of a person may be idle before it can no longer be used.
    #[must_use]
    pub fn longest_idle(self) -> SignedDuration {
        match self {
            Self::Standard | Self::Pci | Self::Nis2 => DAY * 90,
            Self::Cis => DAY * 45,
        }
    }

    /// The longest until it is deactivated, the time it is frozen included; nothing: not said.
    #[must_use]
    pub fn longest_in_all(self) -> Option<SignedDuration> {
        match self {
            Self::Pci => Some(DAY * 90),
            Self::Standard => Some(DAY * 120),
            Self::Cis | Self::Nis2 => None,
        }
    }

    /// How early the first notice goes out, where notices go out at all.
    #[must_use]
    pub fn earliest_notice(self) -> Option<SignedDuration> {
        match self {
            Self::Standard => Some(DAY * 14),
            Self::Cis | Self::Pci | Self::Nis2 => None,
        }
    }

    /// The longest between two reviews, in months; nothing: not said.
    #[must_use]
    pub const fn longest_between_reviews(self) -> Option<i64> {
        match self {
            Self::Pci => Some(6),
            Self::Nis2 => Some(12),
            Self::Standard | Self::Cis => None,
        }
    }
}

/// A value that is weaker than the profile's floor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weakness {
    /// People may be idle for longer, or for ever.
    Idle {
        /// In which rule.
        rule: RuleId,
        /// The key.
        key: &'static str,
        /// What it says; nothing: never.
        says: Option<SignedDuration>,
        /// The longest that the profile allows.
        most: SignedDuration,
    },
    /// Idle and frozen are longer together.
    InAll {
        /// In which rule.
        rule: RuleId,
        /// Together.
        says: SignedDuration,
        /// The longest that the profile allows.
        most: SignedDuration,
    },
    /// The first notice goes out later.
    Notice {
        /// In which rule.
        rule: RuleId,
        /// What it says.
        says: SignedDuration,
        /// How early it must be.
        least: SignedDuration,
    },
    /// Not every person falls under a rule.
    NotEverybody,
    /// Reviews are too seldom, or never.
    Reviews {
        /// The longest between two of them, in months.
        months: i64,
    },
    /// Runs only observe.
    OnlyObserves,
}

/// What of the policy is weaker than its profile asks; nothing without a profile.
#[must_use]
pub fn weaknesses(policy: &Policy) -> Vec<Weakness> {
    let Some(profile) = policy.lifecycle.profile else { return Vec::new() };
    let mut found = Vec::new();
    for rule in policy.lifecycle.rules.iter().filter(|rule| is_about_people(&rule.applies_to)) {
        of_rule(profile, rule, &mut found);
    }
    if !policy.lifecycle.rules.iter().any(|rule| is_about_everybody(&rule.applies_to)) {
        found.push(Weakness::NotEverybody);
    }
    if let Some(months) = profile.longest_between_reviews()
        && longest_gap(&policy.review.schedule).is_none_or(|gap| gap > months * 31)
    {
        found.push(Weakness::Reviews { months });
    }
    if policy.lifecycle.mode == Mode::Observe {
        found.push(Weakness::OnlyObserves);
    }
    found
}

fn of_rule(profile: Profile, rule: &LifecycleRule, found: &mut Vec<Weakness>) {
    let most = profile.longest_idle();
    let limits = [
        ("inactive_after", rule.inactive_after, true),
        ("never_signed_in_after", rule.never_signed_in_after, false),
    ];
    for (key, says, is_needed) in limits {
        if says.is_some_and(|says| says > most) || (is_needed && says.is_none()) {
            found.push(Weakness::Idle { rule: rule.id.clone(), key, says, most });
        }
    }
    let Some(idle) = rule.inactive_after else { return };
    let says = idle.saturating_add(rule.freeze_for.unwrap_or(SignedDuration::ZERO));
    if let Some(most) = profile.longest_in_all().filter(|most| says > *most) {
        found.push(Weakness::InAll { rule: rule.id.clone(), says, most });
    }
    let first = rule.notify_before.iter().max();
    if let (Some(least), Some(says)) = (profile.earliest_notice(), first.copied())
        && says < least
    {
        found.push(Weakness::Notice { rule: rule.id.clone(), says, least });
    }
}

fn is_about_people(to: &AppliesTo) -> bool {
    let is_person = |kind: &AccountKind| matches!(kind, AccountKind::Person | AccountKind::Temporary);
    to.kinds.is_empty() || to.kinds.iter().any(is_person)
}

fn is_about_everybody(to: &AppliesTo) -> bool {
    let kinds = [AccountKind::Person, AccountKind::Temporary];
    let all_kinds = to.kinds.is_empty() || kinds.iter().all(|kind| to.kinds.contains(kind));
    all_kinds && AppliesTo { kinds: Vec::new(), ..to.clone() } == AppliesTo::default()
}

/// The longest time between two days of the year, in days, the turn of the year included; nothing without any.
fn longest_gap(schedule: &[(i8, i8)]) -> Option<i64> {
    let mut days: Vec<i64> =
        schedule.iter().map(|(month, day)| (i64::from(*month) - 1) * 31 + i64::from(*day)).collect();
    days.sort_unstable();
    let (first, last) = (*days.first()?, *days.last()?);
    let gaps =
        days.windows(2).map(|pair| pair.iter().rev().copied().reduce(|a, b| a - b).unwrap_or_default());
    gaps.chain([first + 372 - last]).max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::sample::{self, days};

    fn policy(profile: Profile) -> Policy {
        let mut policy = sample::policy();
        policy.lifecycle.profile = Some(profile);
        policy.review.schedule = vec![(3, 1), (9, 1)];
        policy
    }

    #[test]
    fn a_value_at_the_floor_passes_and_a_day_more_does_not() {
        for profile in Profile::ALL {
            let mut policy = policy(*profile);
            let floor = profile.longest_idle();
            for rule in &mut policy.lifecycle.rules {
                (rule.inactive_after, rule.freeze_for) = (Some(floor), None);
            }
            assert_eq!(weaknesses(&policy), [], "{profile}");
            policy.lifecycle.rules[1].inactive_after = Some(floor + days(1));
            let found = weaknesses(&policy);
            assert!(matches!(&found[0], Weakness::Idle { key: "inactive_after", .. }), "{profile} {found:?}");
            policy.lifecycle.rules[1].inactive_after = None;
            assert!(matches!(&weaknesses(&policy)[0], Weakness::Idle { says: None, .. }), "{profile}");
        }
    }

    #[test]
    fn pci_counts_the_frozen_days_and_asks_for_two_reviews_a_year() {
        let mut policy = policy(Profile::Pci);
        policy.lifecycle.rules[0].inactive_after = Some(days(30));
        let found = weaknesses(&policy);
        assert!(matches!(&found[..], [Weakness::InAll { says, .. }] if *says == days(104)), "{found:?}");
        policy.lifecycle.rules[1].inactive_after = Some(days(76));
        assert_eq!(weaknesses(&policy), []);
        policy.review.schedule = vec![(3, 1), (10, 15)];
        assert_eq!(weaknesses(&policy), [Weakness::Reviews { months: 6 }]);
        policy.review.schedule.clear();
        assert_eq!(weaknesses(&policy).len(), 1);
    }

    #[test]
    fn rules_of_machines_are_free_and_everybody_else_needs_one() {
        let mut policy = policy(Profile::Standard);
        assert_eq!(weaknesses(&policy), []);
        policy.lifecycle.rules[1].applies_to.kinds = vec![AccountKind::Service];
        policy.lifecycle.rules[1].inactive_after = None;
        assert_eq!(weaknesses(&policy), [Weakness::NotEverybody]);
        policy.lifecycle.profile = None;
        assert_eq!(weaknesses(&policy), []);
    }
}
