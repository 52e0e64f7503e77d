//! What was counted for lists, for as long as nothing is committed.
//!
//! Invariant: only what is true of the epoch that it stands under, to the minute: whose last day passes meanwhile is told
//! a minute later.

use jiff::Timestamp;

use super::{Count, Figures, Order, Wanted};
use crate::store::{Epoch, Memo};

/// So many counts are remembered.
const MOST: usize = 1_024;

/// What was counted, for as long as nothing is committed.
#[derive(Debug)]
pub struct Memory {
    counts: Memo<Wanted, Count>,
    figures: Memo<Timestamp, Figures>,
}

impl Default for Memory {
    fn default() -> Self {
        Self { counts: Memo::new(MOST), figures: Memo::new(16) }
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

impl Memory {
    pub(super) fn count(&self, epoch: Epoch, wanted: &Wanted) -> Option<Count> {
        self.counts.get(epoch, &question(wanted))
    }

    pub(super) fn keep_count(&self, epoch: Epoch, wanted: &Wanted, count: Count) {
        self.counts.put(epoch, question(wanted), count);
    }

    pub(super) fn figures(&self, epoch: Epoch, now: Timestamp) -> Option<Figures> {
        self.figures.get(epoch, &minute(now))
    }

    pub(super) fn keep_figures(&self, epoch: Epoch, now: Timestamp, figures: Figures) {
        self.figures.put(epoch, minute(now), figures);
    }
}
