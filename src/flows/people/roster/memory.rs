//! What was counted for lists, for as long as nothing is committed, and which filters many people pass.
//!
//! Invariant: a number is true of the epoch that it stands under, to the minute: whose last day passes meanwhile is told
//! a minute later. That there were more than are counted is believed for a minute, whatever is committed.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::{Count, Facet, Figures, Order, Wanted};
use crate::store::{Epoch, Memo};

/// That many pass a filter is not looked up again for so long.
const BELIEVED: SignedDuration = SignedDuration::from_mins(1);

/// So many counts are remembered.
const MOST: usize = 1_024;

/// What was counted, for as long as nothing is committed.
#[derive(Debug)]
pub struct Memory {
    counts: Memo<Wanted, Count>,
    figures: Memo<Timestamp, Figures>,
    /// Filters that many people pass: to look them up first is of no use.
    wide: Lately<Facet>,
    /// Questions with more people than are counted.
    crowds: Lately<Wanted>,
}

/// What was found lately.
#[derive(Debug)]
struct Lately<K>(Mutex<HashMap<K, Timestamp>>);

impl<K> Default for Lately<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash> Lately<K> {
    fn has(&self, key: &K, now: Timestamp) -> bool {
        let found = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied();
        found.is_some_and(|at| at <= now && now.duration_since(at) < BELIEVED)
    }

    fn note(&self, key: K, now: Timestamp) {
        let mut found = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if found.len() >= MOST {
            found.clear();
        }
        found.insert(key, now);
    }
}

impl Default for Memory {
    fn default() -> Self {
        let (wide, crowds) = (Lately::default(), Lately::default());
        Self { counts: Memo::new(MOST), figures: Memo::new(16), wide, crowds }
    }
}

/// The beginning of the minute.
fn minute(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(60) * 60).unwrap_or(at)
}

/// The same question, however the list is sorted and whenever in a minute it is asked.
fn question(wanted: &Wanted) -> Wanted {
    let now = minute(wanted.now);
    Wanted { order: Order::Seen, valid_at: wanted.valid_at.map(minute), now, ..wanted.clone() }
}

/// The same question at any time.
fn crowd(wanted: &Wanted) -> Wanted {
    let any = Timestamp::UNIX_EPOCH;
    Wanted { order: Order::Seen, valid_at: wanted.valid_at.map(|_| any), now: any, ..wanted.clone() }
}

impl Memory {
    pub(super) fn count(&self, epoch: Epoch, wanted: &Wanted) -> Option<Count> {
        self.counts.get(epoch, &question(wanted))
    }

    pub(super) fn keep_count(&self, epoch: Epoch, wanted: &Wanted, count: Count) {
        self.counts.put(epoch, question(wanted), count);
    }

    pub(super) fn is_wide(&self, facet: &Facet, now: Timestamp) -> bool {
        self.wide.has(facet, now)
    }

    pub(super) fn found_wide(&self, facet: &Facet, now: Timestamp) {
        self.wide.note(facet.clone(), now);
    }

    pub(super) fn is_crowd(&self, wanted: &Wanted) -> bool {
        self.crowds.has(&crowd(wanted), wanted.now)
    }

    pub(super) fn found_crowd(&self, wanted: &Wanted) {
        self.crowds.note(crowd(wanted), wanted.now);
    }

    pub(super) fn figures(&self, epoch: Epoch, now: Timestamp) -> Option<Figures> {
        self.figures.get(epoch, &minute(now))
    }

    pub(super) fn keep_figures(&self, epoch: Epoch, now: Timestamp, figures: Figures) {
        self.figures.put(epoch, minute(now), figures);
    }
}
