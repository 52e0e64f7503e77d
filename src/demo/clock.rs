//! The demo's clock: set by the story as long as it is told, the machine's own from then on.
//!
//! Invariant: it never goes back.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::flows::{Clock, SystemClock, Uptime};

/// A clock that stands where it was set, until it is told to follow the machine's.
#[derive(Debug)]
pub struct ShowClock {
    set_to: Mutex<Option<Timestamp>>,
}

impl ShowClock {
    /// A clock that shows `at`.
    #[must_use]
    pub const fn new(at: Timestamp) -> Self {
        Self { set_to: Mutex::new(Some(at)) }
    }

    /// Sets it to `at`, unless it shows a later time already.
    pub fn set(&self, at: Timestamp) {
        if let Some(shown) = self.shown().as_mut() {
            *shown = at.max(*shown);
        }
    }

    /// From now on it shows the machine's time.
    pub fn follow(&self) {
        *self.shown() = None;
    }

    fn shown(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.set_to.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for ShowClock {
    fn now(&self) -> Timestamp {
        let shown = *self.shown();
        shown.unwrap_or_else(|| SystemClock.now())
    }

    /// Whatever it shows is meant: nobody doubts the clock of a show.
    fn uptime(&self) -> Uptime {
        let length = self.now().duration_since(Timestamp::UNIX_EPOCH);
        Uptime { machine: "demo".to_owned(), length }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_where_it_was_set_never_goes_back_and_follows_the_machine_when_told() {
        let [early, late]: [Timestamp; 2] =
            ["2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"].map(|text| text.parse().unwrap());
        let clock = ShowClock::new(early);
        clock.set(late);
        clock.set(early);
        assert_eq!(clock.now(), late);
        clock.follow();
        clock.set(early);
        assert!(clock.now() > late);
    }
}
