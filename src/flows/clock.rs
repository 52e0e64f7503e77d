//! What time it is.
//!
//! Invariant: only [`SystemClock`] asks the machine; instants have microseconds, as the database keeps them.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

/// A source of the present instant.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The present instant, in whole microseconds.
    fn now(&self) -> Timestamp;
}

/// Drops what is below a microsecond, so that what is stored equals what was meant.
fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    fn now(&self) -> Timestamp {
        whole_micros(Timestamp::now())
    }
}

/// A clock that stands still until it is set: for the demo, whose association ages as it is watched, and for tests.
#[derive(Debug)]
pub struct SetClock {
    at: Mutex<Timestamp>,
}

impl SetClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self { at: Mutex::new(whole_micros(at)) }
    }

    /// Sets it to `at`.
    pub fn set(&self, at: Timestamp) {
        *self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = whole_micros(at);
    }

    /// Moves it on by `by`.
    pub fn advance(&self, by: SignedDuration) {
        let mut at = self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *at = at.saturating_add(by).map_or(*at, whole_micros);
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        *self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
