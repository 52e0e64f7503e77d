//! A CRM's SQLite file.
//!
//! Invariant: one transaction that writes at a time; none is left open, because that would keep the CRM itself from writing; the
//! file is never made, and nothing runs on a thread of the runtime.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::types::{Value as Cell, ValueRef};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use serde_json::Value;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::lane::{Answer, Purpose, Row, too_many};
use super::statement::Statement;
use super::values::{Given, Kind};
use crate::crm::failed::{Failed, shortened};

/// How long the CRM may keep us out.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a transaction may take.
const WRITE: Duration = Duration::from_secs(10);
const READ: Duration = Duration::from_mins(5);

/// After so many of its steps SQLite asks whether to go on.
const STEPS: i32 = 1000;

/// A file, and the connection to it once there is one.
#[derive(Debug, Clone)]
pub(super) struct File {
    path: PathBuf,
    conn: Arc<Mutex<Option<Connection>>>,
}

/// A transaction.
#[derive(Debug)]
pub(super) struct Turn(Option<Held>);

/// The connection, for whoever's turn it is. Whatever is open when they let go of it is rolled back.
#[derive(Debug)]
struct Held(OwnedMutexGuard<Option<Connection>>);

impl Drop for Held {
    fn drop(&mut self) {
        let is_left_open = self
            .0
            .as_ref()
            .is_some_and(|conn| !conn.is_autocommit() && conn.execute_batch("ROLLBACK").is_err());
        if is_left_open {
            // Closed, it is rolled back by the engine.
            drop(self.0.take());
        }
    }
}

impl File {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), conn: Arc::default() }
    }

    pub(super) async fn begin(&self, purpose: Purpose) -> Result<Turn, Failed> {
        // Who reads everybody has a connection of their own, so that nobody who writes waits for the last page.
        let conn = match purpose {
            Purpose::Read => Arc::default(),
            Purpose::Write => Arc::clone(&self.conn),
        };
        let held = Held(conn.lock_owned().await);
        let path = self.path.clone();
        let mut turn = Turn(Some(held));
        turn.apart(move |slot| {
            let conn = match slot.take() {
                Some(conn) => conn,
                None => open(&path).map_err(|error| failed("connect", &error))?,
            };
            let conn = slot.insert(conn);
            begin(conn, purpose).map_err(|error| failed("begin", &error))
        })
        .await?;
        Ok(turn)
    }
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(PATIENCE)?;
    conn.set_prepared_statement_cache_capacity(64);
    conn.pragma_update(None, "foreign_keys", true)?;
    Ok(conn)
}

fn begin(conn: &Connection, purpose: Purpose) -> rusqlite::Result<()> {
    let (text, within) = match purpose {
        Purpose::Read => ("BEGIN", READ),
        Purpose::Write => ("BEGIN IMMEDIATE", WRITE),
    };
    conn.pragma_update(None, "query_only", purpose == Purpose::Read)?;
    let end = Instant::now() + within;
    conn.progress_handler(STEPS, Some(move || Instant::now() >= end))?;
    conn.execute_batch(text)
}

impl Turn {
    /// Runs `work` on a thread that may wait.
    async fn apart<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Option<Connection>) -> Result<T, Failed> + Send + 'static,
    ) -> Result<T, Failed> {
        let Some(mut held) = self.0.take() else { return Err(lost()) };
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&mut held.0);
            (held, done)
        })
        .await;
        let (held, done) = done.map_err(|_| lost())?;
        self.0 = Some(held);
        done
    }

    pub(super) async fn run(
        &mut self,
        at: &str,
        statement: &Statement,
        bound: Vec<(Kind, Option<Given>)>,
        most: usize,
    ) -> Result<Answer, Failed> {
        let (at, text) = (at.to_owned(), Arc::clone(&statement.text));
        self.apart(move |slot| {
            let conn = slot.as_ref().ok_or_else(lost)?;
            run(conn, &at, &text, bound, most)
        })
        .await
    }

    pub(super) async fn prepare(&mut self, at: &str, statement: &Statement) -> Result<Vec<String>, Failed> {
        let (at, text) = (at.to_owned(), Arc::clone(&statement.text));
        self.apart(move |slot| {
            let conn = slot.as_ref().ok_or_else(lost)?;
            // Only a statement that runs notices that the CRM has changed its tables.
            conn.execute_batch("SELECT 1 FROM sqlite_schema LIMIT 1").map_err(|error| failed(&at, &error))?;
            let prepared = conn.prepare(&text).map_err(|error| failed(&at, &error))?;
            Ok(prepared.column_names().into_iter().map(str::to_owned).collect())
        })
        .await
    }

    pub(super) async fn commit(mut self) -> Result<(), Failed> {
        self.apart(|slot| {
            let conn = slot.as_ref().ok_or_else(lost)?;
            conn.execute_batch("COMMIT").map_err(|error| failed("commit", &error))
        })
        .await
    }
}

fn lost() -> Failed {
    Failed::again("the transaction was lost")
}

fn run(
    conn: &Connection,
    at: &str,
    text: &str,
    bound: Vec<(Kind, Option<Given>)>,
    most: usize,
) -> Result<Answer, Failed> {
    let wrong = |error: rusqlite::Error| failed(at, &error);
    let mut statement = conn.prepare_cached(text).map_err(wrong)?;
    for (index, (_, value)) in bound.into_iter().enumerate() {
        let value = match value {
            Some(Given::Text(text)) => Cell::Text(text),
            Some(Given::Flag(flag)) => Cell::Integer(i64::from(flag)),
            Some(Given::Whole(whole)) => Cell::Integer(whole),
            None => Cell::Null,
        };
        statement.raw_bind_parameter(index + 1, value).map_err(wrong)?;
    }
    let names: Vec<String> = statement.column_names().into_iter().map(str::to_owned).collect();
    let is_write = !statement.readonly();
    let mut answer = Answer::default();
    let mut came = statement.raw_query();
    while let Some(row) = came.next().map_err(wrong)? {
        if answer.rows.len() >= most {
            return Err(too_many(at, most));
        }
        let mut read = Row::new();
        for (index, name) in names.iter().enumerate() {
            read.insert(name.clone(), cell(at, name, row.get_ref(index).map_err(wrong)?)?);
        }
        answer.rows.push(read);
    }
    answer.touched = if is_write { conn.changes() } else { u64::try_from(answer.rows.len()).unwrap_or(0) };
    Ok(answer)
}

fn cell(at: &str, name: &str, value: ValueRef<'_>) -> Result<Value, Failed> {
    let wrong = |what: &str| Failed::Refused(format!("{at}: the column {name}: {what}"));
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(whole) => Ok(Value::from(whole)),
        ValueRef::Real(number) => Ok(Value::from(number)),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Ok(Value::from(text)),
            Err(_) => Err(wrong("it is no text in UTF-8")),
        },
        ValueRef::Blob(_) => Err(wrong("a BLOB is not read; write hex(…)")),
    }
}

/// What a failure means.
fn failed(at: &str, error: &rusqlite::Error) -> Failed {
    let said = format!("{at}: {}", shortened(&error.to_string()));
    let Some(code) = error.sqlite_error_code() else { return Failed::Refused(said) };
    match code {
        ErrorCode::DatabaseBusy
        | ErrorCode::DatabaseLocked
        | ErrorCode::FileLockingProtocolFailed
        | ErrorCode::SchemaChanged
        | ErrorCode::OutOfMemory
        | ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::OperationInterrupted
        | ErrorCode::OperationAborted => Failed::again(said),
        // No account's fault: nothing is lost while somebody sets it right.
        ErrorCode::PermissionDenied
        | ErrorCode::ReadOnly
        | ErrorCode::CannotOpen
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::AuthorizationForStatementDenied => {
            Failed::again(format!("{said}; may the daemon's user read and write the file and its folder?"))
        }
        _ => Failed::Refused(said),
    }
}
