//! Which state of the database it is. Two equal epochs: nothing was committed between, by nobody and on no node.
//!
//! Invariant: an epoch is as new as the question for it, and where nobody can tell whether something was committed it
//! is a new one. What is remembered under an epoch is therefore never older than the question that it answers.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;

use super::conn::{Conn, Readers};
use super::error::StoreError;
use super::gather::Gather;
use super::sqlite;

/// A state of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Epoch(u64);

#[cfg(test)]
impl Epoch {
    /// One that no database has given out.
    pub(super) fn numbered(number: u64) -> Self {
        Self(number)
    }
}

/// What tells one state of the database from another.
#[derive(Debug, Clone)]
pub(super) enum Watch {
    /// A connection that only looks whether others have committed. Nothing once it is closed.
    Sqlite(Arc<Mutex<Seen<i64, Option<Connection>>>>),
    /// Which transactions have ended, asked by many at once: the server is far away.
    Postgres(Gather<(), Option<Epoch>>),
}

/// What was seen last, and the number that it was given.
#[derive(Debug)]
pub(super) struct Seen<S, W> {
    last: Option<S>,
    number: u64,
    with: W,
}

impl<S: PartialEq, W> Seen<S, W> {
    fn new(with: W) -> Self {
        Self { last: None, number: 0, with }
    }

    /// The number of what is seen now; a new one where it is not what was seen last.
    fn number(&mut self, now: Option<S>) -> Epoch {
        if now.is_none() || now != self.last {
            self.number += 1;
            self.last = now;
        }
        Epoch(self.number)
    }
}

fn held<T>(seen: &Mutex<T>) -> MutexGuard<'_, T> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// Watches the file at `path`, which must be there.
    pub(super) fn sqlite(path: &Path) -> Result<Self, StoreError> {
        let conn = sqlite::open_watch(path)?;
        Ok(Self::Sqlite(Arc::new(Mutex::new(Seen::new(Some(conn))))))
    }

    /// Watches a server, through readers from `readers`.
    pub(super) fn postgres(readers: Readers) -> Self {
        let seen = Arc::new(Mutex::new(Seen::new(())));
        Self::Postgres(Gather::new(readers, move |c, _| {
            let seen = Arc::clone(&seen);
            Box::pin(async move {
                let state = ended_transactions(c).await;
                let epoch = held(&seen).number(state.as_ref().ok().cloned());
                state.map(|_| HashMap::from([((), Some(epoch))]))
            })
        }))
    }

    /// The present state.
    pub(super) async fn epoch(&self) -> Result<Epoch, StoreError> {
        match self {
            Self::Postgres(gather) => gather.ask(()).await?.ok_or(StoreError::Closed),
            Self::Sqlite(seen) => {
                let mut seen = held(seen);
                let Some(conn) = &seen.with else { return Err(StoreError::Closed) };
                // Kept out for a moment, as by somebody who tidies up, it cannot tell; that is a new state then.
                let version = commits(conn).ok();
                Ok(seen.number(version))
            }
        }
    }

    /// Takes no more questions.
    pub(super) fn close(&self) {
        match self {
            Self::Postgres(gather) => gather.close(),
            Self::Sqlite(seen) => drop(held(seen).with.take()),
        }
    }
}

/// A number that changes when any other connection, of this process or another, has committed.
fn commits(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}

/// Which transactions have ended, in whatever way, and on which run of the server: what a statement sees depends on
/// nothing else.
async fn ended_transactions(c: &mut Conn) -> Result<(String, i64), StoreError> {
    q!(fetch_one as (String, i64); c,
        sqlite "SELECT '', 0",
        postgres "SELECT CAST(pg_current_snapshot() AS TEXT),
                         CAST(EXTRACT(EPOCH FROM pg_postmaster_start_time()) * 1000000 AS BIGINT)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_seen_again_keeps_its_number_and_what_cannot_be_seen_has_a_new_one() {
        let mut seen = Seen::new(());
        let first = seen.number(Some(7));
        assert_eq!(seen.number(Some(7)), first);
        let second = seen.number(Some(8));
        assert_ne!(second, first);
        let unknown = [seen.number(None), seen.number(None)];
        assert_ne!(unknown[0], unknown[1]);
        assert!(!unknown.contains(&second));
        let after = seen.number(Some(8));
        assert!(after != second && !unknown.contains(&after));
    }
}
