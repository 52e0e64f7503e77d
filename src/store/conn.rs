//! One connection of either engine, and the macro that runs one statement text on both.
//!
//! Invariant: `q!` evaluates its arguments once, for the engine that is there.

use std::ops::ControlFlow;
use std::pin::Pin;

use futures_util::{Stream, TryStreamExt};
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};

use super::error::StoreError;
use super::ledger::Ledger;
use super::sqlite::{Lite, Pool, Reader};

/// A connection, inside a transaction or not.
#[derive(Debug)]
pub enum Conn {
    /// A reader of SQLite: each statement for itself, or all of one moment.
    SqliteRead(Reader),
    /// The one writer of SQLite, always inside a transaction.
    SqliteWrite {
        /// The connection.
        open: Box<rusqlite::Connection>,
        /// What is to be written at the transaction's end.
        ledger: Ledger,
    },
    /// PostgreSQL, each statement for itself.
    PgRead(PoolConnection<Postgres>),
    /// PostgreSQL inside a transaction.
    PgTransaction {
        /// The transaction.
        open: Transaction<'static, Postgres>,
        /// Whether a statement failed in it. PostgreSQL then answers `COMMIT` with a silent rollback.
        is_lost: bool,
        /// What is to be written at the transaction's end.
        ledger: Ledger,
    },
}

/// The engine's own connection behind a [`Conn`].
pub(super) enum Lane<'c> {
    Sqlite(Lite<'c>),
    Pg(&'c mut PgConnection),
}

impl Conn {
    pub(super) fn lane(&mut self) -> Lane<'_> {
        match self {
            Self::SqliteRead(c) => Lane::Sqlite(Lite::Reader(c)),
            Self::SqliteWrite { open, .. } => Lane::Sqlite(Lite::Writer(open)),
            Self::PgRead(c) => Lane::Pg(c),
            Self::PgTransaction { open, .. } => Lane::Pg(open),
        }
    }

    /// Lets go of a reader that did not answer: it is closed and not given to anybody else.
    pub(super) fn abandon(self) {
        match self {
            Self::SqliteRead(c) => c.discard(),
            Self::PgRead(mut c) => c.close_on_drop(),
            Self::SqliteWrite { .. } | Self::PgTransaction { .. } => {}
        }
    }

    /// What waits for the end of the write transaction; nothing on a connection that only reads.
    pub(super) fn ledger(&mut self) -> Option<&mut Ledger> {
        match self {
            Self::SqliteWrite { ledger, .. } | Self::PgTransaction { ledger, .. } => Some(ledger),
            Self::SqliteRead(_) | Self::PgRead(_) => None,
        }
    }

    /// Whether nobody else can write until this transaction has ended, so that what it has read stays true.
    pub(super) fn writes_alone(&self) -> bool {
        matches!(self, Self::SqliteWrite { .. })
    }

    /// Notes that a statement failed, so that a closure that passes over the error is not told that all is well.
    pub(super) fn note<T>(&mut self, done: Result<T, StoreError>) -> Result<T, StoreError> {
        if let (Self::PgTransaction { is_lost, .. }, Err(error)) = (self, &done) {
            *is_lost |= error.ends_transaction();
        }
        done
    }
}

/// Where readers come from.
#[derive(Debug, Clone)]
pub(super) enum Readers {
    Sqlite(Pool),
    Postgres(PgPool),
}

impl Readers {
    /// A reader whose statements each see the newest commit.
    pub(super) async fn reader(&self) -> Result<Conn, StoreError> {
        match self {
            Self::Sqlite(pool) => Ok(Conn::SqliteRead(pool.reader().await?)),
            Self::Postgres(pool) => Ok(Conn::PgRead(pool.acquire().await?)),
        }
    }
}

/// What a write closure gives back.
pub type Work<'c, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>;

/// Runs one statement on whichever engine the connection belongs to.
///
/// ```text
/// q!(execute; c, "UPDATE …", a, b)                    -> Result<u64, StoreError>
/// q!(fetch_optional as Row; c, "SELECT …", a)         -> Result<Option<Row>, StoreError>
/// q!(fetch_all as Row; c, "SELECT …", a)              -> Result<Vec<Row>, StoreError>
/// q!(fetch_one as Row; c, "SELECT …", a)              -> Result<Row, StoreError>
/// q!(execute; c, sqlite "…", postgres "…", a)         where the text must differ; likewise with `as Row`
/// ```
///
/// A text that is put together (of pieces of the program, never of what somebody wrote) is read with
/// `sqlite text.clone(), postgres sqlx::AssertSqlSafe(text)`.
///
/// A scalar is read as a tuple: `q!(fetch_one as (i64,); …)`. A struct derives `sqlx::FromRow` within `row!`.
macro_rules! q {
    (execute; $c:expr, sqlite $lite:expr, postgres $pg:expr $(, $arg:expr)* $(,)?) => {{
        let done = match $c.lane() {
            $crate::store::conn::Lane::Sqlite(c) => {
                let asked = $crate::store::sqlite::execute(c, $lite, &[$(&$arg),*]);
                asked.await
            }
            $crate::store::conn::Lane::Pg(c) => sqlx::query::<sqlx::Postgres>($pg)$(.bind($arg))*
                .execute(c).await.map(|done| done.rows_affected()).map_err($crate::store::StoreError::from),
        };
        $c.note(done)
    }};
    ($fetch:ident as $row:ty; $c:expr, sqlite $lite:expr, postgres $pg:expr $(, $arg:expr)* $(,)?) => {{
        let done = match $c.lane() {
            $crate::store::conn::Lane::Sqlite(c) => {
                let asked = $crate::store::sqlite::$fetch::<$row>(c, ::std::borrow::Cow::from($lite), &[$(&$arg),*]);
                asked.await
            }
            $crate::store::conn::Lane::Pg(c) => sqlx::query_as::<sqlx::Postgres, $row>($pg)$(.bind($arg))*
                .$fetch(c).await.map_err($crate::store::StoreError::from),
        };
        $c.note(done)
    }};
    (execute; $c:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        q!(execute; $c, sqlite $sql, postgres $sql $(, $arg)*)
    };
    ($fetch:ident as $row:ty; $c:expr, $sql:expr $(, $arg:expr)* $(,)?) => {
        q!($fetch as $row; $c, sqlite $sql, postgres $sql $(, $arg)*)
    };
}

/// Runs one query and hands each row to a closure, which says whether to go on. Nothing is kept on the way, so that
/// a long answer takes no more memory than a short one.
///
/// ```text
/// each!(Row; c, sqlite "SELECT …", postgres "SELECT …", (a, b), |row| ControlFlow::Continue(()))
/// ```
macro_rules! each {
    ($row:ty; $c:expr, sqlite $lite:expr, postgres $pg:expr, ($($arg:expr),* $(,)?), $with:expr) => {{
        let done = match $c.lane() {
            $crate::store::conn::Lane::Sqlite(c) => {
                let asked = $crate::store::sqlite::each::<$row, _>(c, $lite, &[$(&$arg),*], $with);
                asked.await
            }
            $crate::store::conn::Lane::Pg(c) => {
                let rows = sqlx::query_as::<sqlx::Postgres, $row>($pg)$(.bind($arg))*.fetch(c);
                $crate::store::conn::hand_out(rows, $with).await
            }
        };
        $c.note(done)
    }};
}

/// Hands each row to `with` until that says to stop.
pub(super) async fn hand_out<R>(
    mut rows: impl Stream<Item = Result<R, sqlx::Error>> + Unpin,
    mut with: impl FnMut(R) -> ControlFlow<()>,
) -> Result<(), StoreError> {
    while let Some(row) = rows.try_next().await? {
        if with(row).is_break() {
            break;
        }
    }
    Ok(())
}
