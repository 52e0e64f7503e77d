//! Counts what strangers can do as often as they like, so that it fills no table and tries nobody's patience.
//!
//! Invariant: a count lives one minute and in this process only; nothing that is right is ever held up by it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

/// A count is of this long.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);

/// More things than this are not counted apart.
const MOST: usize = 1_000;

/// Counts by what is counted.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<BTreeMap<String, (Timestamp, u64)>>,
}

impl Tally {
    /// Counts one more. Gives the how manieth it is in the present minute: 1 for the first.
    pub fn one_more(&self, what: &str, now: Timestamp) -> u64 {
        let mut counts = self.counts.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if counts.len() >= MOST {
            counts.retain(|_, (since, _)| now.duration_since(*since).abs() < WINDOW);
        }
        let what = if counts.len() >= MOST { "" } else { what };
        let (since, count) = counts.entry(what.to_owned()).or_insert((now, 0));
        if now.duration_since(*since).abs() >= WINDOW {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::*;

    #[test]
    fn a_count_begins_anew_each_minute_and_is_kept_apart() {
        let (tally, now) = (Tally::default(), Timestamp::UNIX_EPOCH);
        assert_eq!((1..=3).map(|_| tally.one_more("a", now)).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(tally.one_more("b", now + 59.seconds()), 1);
        assert_eq!(tally.one_more("a", now + 59.seconds()), 4);
        assert_eq!(tally.one_more("a", now + 60.seconds()), 1);
    }

    #[test]
    fn strangers_cannot_make_it_grow_without_end() {
        let (tally, now) = (Tally::default(), Timestamp::UNIX_EPOCH);
        for n in 0..3 * MOST {
            tally.one_more(&n.to_string(), now);
        }
        assert!(tally.counts.lock().unwrap().len() <= MOST + 1);
    }
}
