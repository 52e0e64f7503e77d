//! How long a connection may go on with a statement.
//!
//! Invariant: SQLite asks every few thousand of its steps; who waits for a lock or a disk is not counted out sooner.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rusqlite::ffi::{self, ErrorCode};
use rusqlite::{Connection, Error};

/// After so many of its steps SQLite asks whether to go on: some ten microseconds.
const STEPS: i32 = 1000;

/// No end.
const NEVER: u64 = 0;

/// The end is past.
const PAST: u64 = 1;

static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

/// When a connection is to stop. Clones are one.
#[derive(Debug, Clone, Default)]
pub(super) struct Limit {
    /// Microseconds after [`BEGINNING`], or one of the above.
    end: Arc<AtomicU64>,
}

impl Limit {
    /// One that `conn` obeys.
    pub(super) fn on(conn: &Connection) -> rusqlite::Result<Self> {
        let limit = Self::default();
        let end = Arc::clone(&limit.end);
        let is_over = move || match end.load(Ordering::Relaxed) {
            NEVER => false,
            end => now() >= end,
        };
        conn.progress_handler(STEPS, Some(is_over))?;
        Ok(limit)
    }

    /// Lets the connection go on for so long from now.
    pub(super) fn set(&self, hold: Duration) {
        let hold = u64::try_from(hold.as_micros()).unwrap_or(u64::MAX);
        self.end.store(now().saturating_add(hold), Ordering::Relaxed);
    }

    /// Lets the connection go on for as long as it takes.
    pub(super) fn lift(&self) {
        self.end.store(NEVER, Ordering::Relaxed);
    }

    /// Stops whatever the connection does, and whatever it begins until the limit is lifted.
    pub(super) fn stop(&self) {
        self.end.store(PAST, Ordering::Relaxed);
    }
}

fn now() -> u64 {
    u64::try_from(BEGINNING.elapsed().as_micros()).unwrap_or(u64::MAX).saturating_add(PAST)
}

/// What SQLite says of a statement that was stopped.
pub(super) fn exceeded() -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), None)
}

/// Whether a statement may succeed that is given more time: it was stopped, or somebody kept it out.
pub(super) fn wants_time(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::OperationInterrupted | ErrorCode::DatabaseBusy))
}
