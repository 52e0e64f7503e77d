//! SQLite: statements are function calls on the thread that asks, with no other thread between.
//!
//! Invariant: whoever reads holds up a thread of the runtime for [`HOLD`] at most. A read that takes longer is
//! interrupted, which a connection that only reads survives, and begun anew on a thread of its own. The writing
//! connection belongs to a thread of its own in any case.

#[macro_use]
mod row;

mod bound;
mod limit;
mod pool;
mod reader;
mod statement;

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};

use super::error::StoreError;

pub(super) use bound::Bound;
pub(super) use pool::Pool;
pub(super) use reader::Reader;
pub(super) use row::{Cells, FromSqlite};

/// How long a reader waits for a connection, and any connection for another that keeps it out.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a read may hold up the thread that asks.
const HOLD: Duration = Duration::from_millis(2);

/// Statements that each connection keeps prepared.
const PREPARED: usize = 256;

/// More rows than this are a long read.
const FEW: usize = 256;

/// So many rows of a long read go from thread to thread at once; as many wait, and as many are being read.
const CHUNK: usize = 64;

/// A connection for one statement.
pub(super) enum Lite<'c> {
    /// One that only reads.
    Reader(&'c mut Reader),
    /// The one that writes, on its own thread.
    Writer(&'c mut Connection),
}

/// Opens the writing connection of a file, which is made where it is missing.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(PREPARED);
    conn.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA cache_size = -16384;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    Ok(conn)
}

/// Opens a connection that only tells whether others have committed. It waits for nobody.
pub(super) fn open_watch(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::ZERO)?;
    Ok(conn)
}

/// Closes the writing connection; where it is the last, the file then stands alone.
pub(super) fn close_writer(conn: Connection) {
    let tidied = conn.execute_batch(
        "PRAGMA analysis_limit = 400;
         PRAGMA optimize;
         PRAGMA wal_checkpoint(TRUNCATE);",
    );
    if let Err(error) = tidied {
        tracing::warn!(%error, "the log of the database could not be emptied; the next start will do it");
    }
    if let Err((_, error)) = conn.close() {
        tracing::warn!(%error, "the writer's connection did not close cleanly");
    }
}

/// Runs every statement of a text. Gives how many rows they changed.
pub(super) fn execute<'c>(
    c: Lite<'c>,
    sql: &'static str,
    values: &[&dyn Bound],
) -> impl Future<Output = Result<u64, StoreError>> + use<'c> {
    run(c, values, move |conn, values| statement::execute(conn, sql, values))
}

/// All rows.
pub(super) fn fetch_all<'c, R: FromSqlite + Send + 'static>(
    c: Lite<'c>,
    sql: Cow<'static, str>,
    values: &[&dyn Bound],
) -> impl Future<Output = Result<Vec<R>, StoreError>> + use<'c, R> {
    run(c, values, move |conn, values| {
        let mut found = Vec::new();
        statement::rows(conn, &sql, values, |row| {
            found.push(row);
            ControlFlow::Continue(())
        })?;
        Ok(found)
    })
}

/// The first row, where there is one.
pub(super) fn fetch_optional<'c, R: FromSqlite + Send + 'static>(
    c: Lite<'c>,
    sql: Cow<'static, str>,
    values: &[&dyn Bound],
) -> impl Future<Output = Result<Option<R>, StoreError>> + use<'c, R> {
    run(c, values, move |conn, values| first(conn, &sql, values))
}

/// The first row, which must be there.
pub(super) fn fetch_one<'c, R: FromSqlite + Send + 'static>(
    c: Lite<'c>,
    sql: Cow<'static, str>,
    values: &[&dyn Bound],
) -> impl Future<Output = Result<R, StoreError>> + use<'c, R> {
    run(c, values, move |conn, values| first(conn, &sql, values)?.ok_or(rusqlite::Error::QueryReturnedNoRows))
}

fn first<R: FromSqlite>(conn: &Connection, sql: &str, values: &[&dyn Bound]) -> rusqlite::Result<Option<R>> {
    let mut found = None;
    statement::rows(conn, sql, values, |row| {
        found = Some(row);
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// What became of a statement on the thread that asks.
enum Asked<'c, T> {
    Done(Result<T, StoreError>),
    /// It takes longer, with these values.
    Takes(&'c mut Reader, Vec<Value>),
}

/// Runs `work` at once, and where that takes too long once more elsewhere.
fn run<'c, T, W>(
    c: Lite<'c>,
    values: &[&dyn Bound],
    work: W,
) -> impl Future<Output = Result<T, StoreError>> + use<'c, T, W>
where
    T: Send + 'static,
    W: Fn(&Connection, &[&dyn Bound]) -> rusqlite::Result<T> + Send + 'static,
{
    let asked = ask(c, values, &work);
    async move {
        match asked {
            Asked::Done(done) => done,
            Asked::Takes(reader, values) => reader.apart(move |conn| work(conn, &bound(&values))).await,
        }
    }
}

fn ask<'c, T>(
    c: Lite<'c>,
    values: &[&dyn Bound],
    work: impl FnOnce(&Connection, &[&dyn Bound]) -> rusqlite::Result<T>,
) -> Asked<'c, T> {
    let reader = match c {
        Lite::Writer(conn) => return Asked::Done(work(conn, values).map_err(StoreError::from)),
        Lite::Reader(reader) => reader,
    };
    match reader.at_once(|conn| work(conn, values)) {
        Some(done) => Asked::Done(done),
        None => match bound::copies(values) {
            Ok(values) => Asked::Takes(reader, values),
            Err(error) => Asked::Done(Err(error.into())),
        },
    }
}

fn bound(values: &[Value]) -> Vec<&dyn Bound> {
    values.iter().map(|value| value as &dyn Bound).collect()
}

/// Hands each row to `with` until that says to stop.
pub(super) fn each<'c, R, F>(
    c: Lite<'c>,
    sql: &'static str,
    values: &[&dyn Bound],
    mut with: F,
) -> impl Future<Output = Result<(), StoreError>> + use<'c, R, F>
where
    R: FromSqlite + Send + 'static,
    F: FnMut(R) -> ControlFlow<()>,
{
    let asked = match c {
        Lite::Writer(conn) => {
            let done = statement::rows(conn, sql, values, &mut with);
            Asked::Done(done.map(|()| Vec::new()).map_err(StoreError::from))
        }
        // Nothing is handed out before it is clear that the read need not begin anew.
        reader @ Lite::Reader(_) => ask(reader, values, |conn, values| few(conn, sql, values)),
    };
    async move {
        match asked {
            Asked::Done(Err(error)) => Err(error),
            Asked::Done(Ok(rows)) => {
                // Not a loop over a question mark: who stops has what they wanted.
                let _ = rows.into_iter().try_for_each(with);
                Ok(())
            }
            Asked::Takes(reader, values) => {
                let work = move |conn: &Connection, take: &mut dyn FnMut(R) -> ControlFlow<()>| {
                    statement::rows(conn, sql, &bound(&values), take)
                };
                reader.each_apart(work, with).await
            }
        }
    }
}

/// All rows where they are few; a read of more is one that takes longer.
fn few<R: FromSqlite>(conn: &Connection, sql: &str, values: &[&dyn Bound]) -> rusqlite::Result<Vec<R>> {
    let (mut found, mut is_more) = (Vec::new(), false);
    statement::rows(conn, sql, values, |row| {
        is_more = found.len() == FEW;
        found.push(row);
        if is_more { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    if is_more { Err(limit::exceeded()) } else { Ok(found) }
}

#[cfg(test)]
mod tests;
