//! Tries limits on the past: how many accounts each would have frozen, and how many of those people came back soon.
//!
//! Invariant: pure; counts whole accounts once per limit, from the days on which people were really seen.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::days::later;

/// Whoever comes back within this time after the freeze was frozen for nothing.
pub const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// One account's past: when its person was seen, the oldest first, and for how long it could be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    /// From here on it counts: the history begins, or the account came to be.
    pub from: Timestamp,
    /// Until here.
    pub until: Timestamp,
    /// When its person was seen.
    pub seen: Vec<Timestamp>,
}

/// What one limit would have come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Accounts that would have been frozen at least once.
    pub frozen: u64,
    /// Of them, those whose person came back within a month.
    pub back_within_month: u64,
    /// Of them, those whose person came back later.
    pub back_later: u64,
    /// Of them, those frozen for less than a month when the history ends: it is too early to say.
    pub too_early: u64,
}

impl Outcome {
    /// Adds one account.
    pub fn add(&mut self, past: &Past, limit: SignedDuration) {
        let (mut last, mut is_frozen, mut soon, mut late) = (past.from, false, false, false);
        for seen in past.seen.iter().copied().filter(|at| (past.from..=past.until).contains(at)) {
            let freeze = later(last, limit);
            if seen > freeze {
                is_frozen = true;
                if seen <= later(freeze, SOON) { soon = true } else { late = true }
            }
            last = last.max(seen);
        }
        let freeze = later(last, limit);
        let is_frozen_at_end = past.until > freeze;
        if !is_frozen && !is_frozen_at_end {
            return;
        }
        self.frozen += 1;
        if soon {
            self.back_within_month += 1;
        } else if late {
            self.back_later += 1;
        } else if past.until < later(freeze, SOON) {
            self.too_early += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::sample::{at, days};

    fn past(seen: &[i64]) -> Past {
        let from = at("2025-01-01T00:00:00Z");
        Past { from, until: from + days(365), seen: seen.iter().map(|day| from + days(*day)).collect() }
    }

    fn of(seen: &[i64], limit: i64) -> Outcome {
        let mut outcome = Outcome::default();
        outcome.add(&past(seen), days(limit));
        outcome
    }

    #[test]
    fn who_came_back_soon_later_never_or_too_lately_to_say_is_told_apart() {
        let frozen = Outcome { frozen: 1, ..Outcome::default() };
        assert_eq!(of(&[60, 120, 180, 240, 300, 360], 90), Outcome::default());
        assert_eq!(of(&[100, 180, 260, 340], 90), Outcome { back_within_month: 1, ..frozen });
        assert_eq!(of(&[150, 200, 280, 360], 90), Outcome { back_later: 1, ..frozen });
        assert_eq!(of(&[10], 90), frozen);
        assert_eq!(of(&[80, 160, 240, 260], 90), Outcome { too_early: 1, ..frozen });
        assert_eq!(of(&[], 400), Outcome::default());
    }

    proptest! {
        #[test]
        fn a_longer_limit_never_freezes_more(
            mut seen in proptest::collection::vec(0_i64..365, 0..20), limit in 1_i64..200, more in 1_i64..100,
        ) {
            seen.sort_unstable();
            prop_assert!(of(&seen, limit + more).frozen <= of(&seen, limit).frozen);
        }
    }
}
