//! A connection that only reads: at once where that is quick, and otherwise on a thread of its own.
//!
//! Invariant: whoever goes away while a long read runs ends it; its connection is not used again.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

use crate::store::error::StoreError;

use super::limit::{Limit, wants_time};
use super::pool::{Place, Pool};
use super::{CHUNK, HOLD, PATIENCE, PREPARED};

/// A connection and what stops it.
#[derive(Debug)]
pub(super) struct Open {
    conn: Connection,
    limit: Limit,
}

impl Open {
    /// Opens the file at `path`, which must be there. Waits for whoever keeps readers out.
    pub(super) fn at(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(PATIENCE)?;
        conn.set_prepared_statement_cache_capacity(PREPARED);
        conn.execute_batch("PRAGMA foreign_keys = ON; PRAGMA cache_size = -16384;")?;
        // From now on, who is kept out does not wait on the thread that asks.
        conn.busy_timeout(Duration::ZERO)?;
        let limit = Limit::on(&conn)?;
        Ok(Self { conn, limit })
    }

    /// Ends a snapshot. Gives whether the connection can be used for something else.
    fn is_clean(&self) -> bool {
        self.conn.is_autocommit() || self.conn.execute_batch("ROLLBACK").is_ok()
    }
}

/// A connection on loan, with its place among those of the pool. The connection is closed before the place is free.
#[derive(Debug)]
struct Loan {
    open: Open,
    place: Place,
}

/// A reader of the pool, which gets its connection back.
#[derive(Debug)]
pub struct Reader {
    /// Nothing while a long read has it, and after one that was given up.
    loan: Option<Loan>,
    pool: Pool,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(Loan { open, place }) = self.loan.take() {
            if open.is_clean() {
                self.pool.take_back(open);
            }
            drop(place);
        }
    }
}

impl Reader {
    pub(super) fn new(open: Open, place: Place, pool: Pool) -> Self {
        Self { loan: Some(Loan { open, place }), pool }
    }

    /// Begins a transaction in which all statements see the moment of the first.
    pub(in crate::store) fn begin(&mut self) -> Result<(), StoreError> {
        let loan = self.loan.as_ref().ok_or_else(spent)?;
        Ok(loan.open.conn.execute_batch("BEGIN")?)
    }

    /// Closes the connection rather than give it back.
    pub(in crate::store) fn discard(mut self) {
        drop(self.loan.take());
    }

    /// Runs `work` here and now. Gives nothing where that takes longer than it may.
    pub(super) fn at_once<T>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Option<Result<T, StoreError>> {
        let Some(Loan { open: Open { conn, limit }, .. }) = self.loan.as_ref() else {
            return Some(Err(spent()));
        };
        limit.set(HOLD);
        let done = work(conn);
        limit.lift();
        match done {
            Err(error) if wants_time(&error) => None,
            done => Some(done.map_err(StoreError::from)),
        }
    }

    /// Runs `work` on a thread of its own, for as long as it takes and somebody waits for it.
    pub(super) async fn apart<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let job = self.send_off(work)?;
        self.wait_for(job).await
    }

    /// Reads rows on a thread of its own and hands them to `with` here, until that says to stop.
    pub(super) async fn each_apart<R: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection, &mut dyn FnMut(R) -> ControlFlow<()>) -> rusqlite::Result<()>
        + Send
        + 'static,
        mut with: impl FnMut(R) -> ControlFlow<()>,
    ) -> Result<(), StoreError> {
        let (send, mut chunks) = mpsc::channel::<Vec<R>>(1);
        let job = self.send_off(move |conn| {
            let mut chunk = Vec::with_capacity(CHUNK);
            let read = work(conn, &mut |row| {
                chunk.push(row);
                if chunk.len() == CHUNK {
                    let full = std::mem::replace(&mut chunk, Vec::with_capacity(CHUNK));
                    if send.blocking_send(full).is_err() {
                        return ControlFlow::Break(());
                    }
                }
                ControlFlow::Continue(())
            });
            // Who takes no more rows has stopped.
            drop(send.blocking_send(chunk));
            read
        })?;
        let mut flow = ControlFlow::Continue(());
        while flow.is_continue()
            && let Some(chunk) = chunks.recv().await
        {
            flow = chunk.into_iter().try_for_each(&mut with);
        }
        drop(chunks);
        if flow.is_break() {
            job.limit.stop();
            // Whether it had ended by itself does not matter any more.
            drop(self.wait_for(job).await);
            return Ok(());
        }
        self.wait_for(job).await
    }

    /// Sends the connection off to do `work` elsewhere.
    fn send_off<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Job<T>, StoreError> {
        let loan = self.loan.take().ok_or_else(spent)?;
        let limit = loan.open.limit.clone();
        let (tell, told) = oneshot::channel();
        let thread = move || {
            let conn = &loan.open.conn;
            let done = conn.busy_timeout(PATIENCE).and_then(|()| {
                let done = work(conn);
                conn.busy_timeout(Duration::ZERO)?;
                done
            });
            // Where nobody waits any more, the connection is closed here.
            drop(tell.send((loan, done)));
        };
        tokio::task::spawn_blocking(thread);
        Ok(Job { told, limit })
    }

    async fn wait_for<T>(&mut self, mut job: Job<T>) -> Result<T, StoreError> {
        let (loan, done) = (&mut job.told).await.map_err(|_| StoreError::Panicked)?;
        drop(job);
        loan.open.limit.lift();
        self.loan = Some(loan);
        Ok(done?)
    }
}

/// Work that goes on elsewhere. It is stopped when this is dropped.
struct Job<T> {
    told: oneshot::Receiver<(Loan, rusqlite::Result<T>)>,
    limit: Limit,
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.limit.stop();
    }
}

fn spent() -> StoreError {
    StoreError::refused("a read on this connection was given up")
}
