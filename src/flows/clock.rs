//! What time it is.
//!
//! Invariant: only [`SystemClock`] asks the machine; instants have microseconds, as the database keeps them.

use std::sync::{LazyLock, Mutex};
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// A source of the present instant.
pub trait Clock: std::fmt::Debug + Send + Sync {
    /// The present instant, in whole microseconds.
    fn now(&self) -> Timestamp;

    /// How long the machine has been up: time that goes on whatever somebody sets the clock to.
    fn uptime(&self) -> Uptime;
}

/// How long a machine has been up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uptime {
    /// This start of this machine, and no other.
    pub machine: String,
    /// For how long, sleep included.
    pub length: SignedDuration,
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

    fn uptime(&self) -> Uptime {
        of_the_system().unwrap_or_else(of_this_process)
    }
}

/// What Linux says of itself (`proc_uptime(5)`); nothing elsewhere.
fn of_the_system() -> Option<Uptime> {
    let machine = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
    let text = std::fs::read_to_string("/proc/uptime").ok()?;
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    Some(Uptime { machine, length: SignedDuration::try_from_secs_f64(seconds).ok()? })
}

/// Elsewhere each process counts for itself.
fn of_this_process() -> Uptime {
    static STARTED: LazyLock<(String, Instant)> =
        LazyLock::new(|| (Uuid::new_v4().to_string(), Instant::now()));
    let length = SignedDuration::try_from(STARTED.1.elapsed()).unwrap_or(SignedDuration::MAX);
    Uptime { machine: STARTED.0.clone(), length }
}

/// A clock that stands still until it is set: for the demo, whose association ages as it is watched, and for tests.
#[derive(Debug)]
pub struct SetClock {
    at: Mutex<(Timestamp, SignedDuration)>,
}

impl SetClock {
    /// A clock that shows `at`.
    #[must_use]
    pub fn new(at: Timestamp) -> Self {
        Self { at: Mutex::new((whole_micros(at), SignedDuration::ZERO)) }
    }

    /// Time passes until `at`; where that is earlier, the clock is set back.
    pub fn set(&self, at: Timestamp) {
        let mut shown = self.lock();
        let passed = at.duration_since(shown.0).max(SignedDuration::ZERO);
        *shown = (whole_micros(at), shown.1 + passed);
    }

    /// Time passes.
    pub fn advance(&self, by: SignedDuration) {
        let at = self.now().saturating_add(by).unwrap_or(Timestamp::MAX);
        self.set(at);
    }

    /// Somebody sets the clock, and no time passes.
    pub fn jump(&self, by: SignedDuration) {
        let mut shown = self.lock();
        shown.0 = shown.0.saturating_add(by).map_or(shown.0, whole_micros);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, (Timestamp, SignedDuration)> {
        self.at.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.lock().0
    }

    fn uptime(&self) -> Uptime {
        Uptime { machine: "set by hand".to_owned(), length: self.lock().1 }
    }
}
