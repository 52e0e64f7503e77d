//! What the engine itself can do: rows written through its driver, with nothing of Portvakt between.
//!
//! Invariant: every commit is as durable as the daemon's own: SQLite with WAL and `synchronous=FULL`, PostgreSQL as
//! the server is set. A row is about as large as a person's document, under a primary key.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, ensure};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::measure::Work;
use crate::people;

/// Rows of a batch.
pub(crate) const BATCH: usize = 100;

const ONE: &str = "INSERT INTO probe_row (id, at, body) VALUES ($1, $2, $3)";

/// A scratch table on one of the engines.
#[derive(Debug, Clone)]
pub(crate) enum Engine {
    /// A file beside the daemon's.
    Sqlite(Arc<Mutex<Connection>>),
    /// A schema beside the daemon's.
    Postgres(PgPool),
}

impl Engine {
    /// Makes the table in a file of `folder`. SQLite has one writer, so the callers share one connection.
    ///
    /// # Errors
    ///
    /// When the file cannot be made.
    pub(crate) fn sqlite(folder: &Path) -> anyhow::Result<Self> {
        let conn = Connection::open(folder.join("probe.db"))?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;
             CREATE TABLE probe_row (id UUID PRIMARY KEY, at BIGINT NOT NULL, body TEXT NOT NULL);",
        )?;
        Ok(Self::Sqlite(Arc::new(Mutex::new(conn))))
    }

    /// Makes the table in a schema of its own in the database at `url`, with a connection for each caller.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub(crate) async fn postgres(url: &str, callers: usize) -> anyhow::Result<Self> {
        let connections = u32::try_from(callers).unwrap_or(16).max(1);
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .test_before_acquire(false)
            .after_connect(|conn, _| {
                Box::pin(async move {
                    sqlx::query("SET search_path TO probe").execute(conn).await?;
                    Ok(())
                })
            })
            .connect(url)
            .await?;
        sqlx::query("CREATE SCHEMA probe").execute(&pool).await?;
        sqlx::query("CREATE TABLE probe_row (id UUID PRIMARY KEY, at BIGINT NOT NULL, body TEXT NOT NULL)")
            .execute(&pool)
            .await?;
        Ok(Self::Postgres(pool))
    }

    /// Which engine, its version, and how durable a commit is.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub(crate) async fn describe(&self) -> anyhow::Result<String> {
        Ok(match self {
            Self::Sqlite(_) => format!("SQLite {}, synchronous=FULL", rusqlite::version()),
            Self::Postgres(pool) => {
                let (version,): (String,) = sqlx::query_as("SHOW server_version").fetch_one(pool).await?;
                let (fsync,): (String,) = sqlx::query_as("SHOW fsync").fetch_one(pool).await?;
                let (commit,): (String,) = sqlx::query_as("SHOW synchronous_commit").fetch_one(pool).await?;
                format!("PostgreSQL {version}, fsync={fsync}, synchronous_commit={commit}")
            }
        })
    }

    /// How many rows there are.
    async fn rows(&self) -> anyhow::Result<i64> {
        const COUNT: &str = "SELECT COUNT(*) FROM probe_row";
        let (rows,): (i64,) = match self {
            Self::Sqlite(conn) => (alone(conn, |conn| conn.query_row(COUNT, (), |row| row.get(0)))?,),
            Self::Postgres(pool) => sqlx::query_as(COUNT).fetch_one(pool).await?,
        };
        Ok(rows)
    }

    /// Demands that at least so many rows are there.
    ///
    /// # Errors
    ///
    /// When rows that were committed are missing.
    pub(crate) async fn holds(&self, wrote: u64) -> anyhow::Result<()> {
        let rows = self.rows().await?;
        ensure!(u64::try_from(rows)? >= wrote, "{wrote} rows were committed, and {rows} are there");
        Ok(())
    }

    /// Lets go of the database.
    pub(crate) async fn close(&self) {
        match self {
            // It closes when the last caller has gone.
            Self::Sqlite(_) => {}
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// How rows are put into a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One row, one commit.
    Single,
    /// A hundred statements of one row, one commit.
    Inserts,
    /// One statement of a hundred rows, one commit.
    MultiRow,
}

/// Rows written in one shape.
#[derive(Debug)]
pub(crate) struct Probe {
    engine: Engine,
    shape: Shape,
    text: String,
    multi: Arc<str>,
}

impl Probe {
    /// Rows in that shape.
    pub(crate) fn new(engine: &Engine, shape: Shape) -> Self {
        let rows: Vec<String> =
            (0..BATCH).map(|n| format!("(${}, ${}, ${})", n * 3 + 1, n * 3 + 2, n * 3 + 3)).collect();
        let multi = format!("INSERT INTO probe_row (id, at, body) VALUES {}", rows.join(", "));
        Self {
            engine: engine.clone(),
            shape,
            text: people::document(0, "Medhjälpare"),
            multi: Arc::from(multi),
        }
    }

    async fn single(&self, at: i64) -> anyhow::Result<u64> {
        let (id, text) = (Uuid::now_v7(), self.text.as_str());
        Ok(match &self.engine {
            Engine::Sqlite(conn) => {
                alone(conn, |conn| conn.prepare_cached(ONE)?.execute((id.as_bytes(), at, text)))?
                    .try_into()?
            }
            Engine::Postgres(pool) => {
                sqlx::query(ONE).bind(id).bind(at).bind(text).execute(pool).await?.rows_affected()
            }
        })
    }

    async fn inserts(&self, at: i64) -> anyhow::Result<u64> {
        let (text, mut rows) = (self.text.as_str(), 0);
        match &self.engine {
            Engine::Sqlite(conn) => {
                let written = alone(conn, |conn| {
                    let open = conn.transaction()?;
                    let mut written = 0;
                    for _ in 0..BATCH {
                        let id = Uuid::now_v7();
                        written += open.prepare_cached(ONE)?.execute((id.as_bytes(), at, text))?;
                    }
                    open.commit().map(|()| written)
                })?;
                rows += u64::try_from(written)?;
            }
            Engine::Postgres(pool) => {
                let mut open = pool.begin().await?;
                for _ in 0..BATCH {
                    let one = sqlx::query(ONE).bind(Uuid::now_v7()).bind(at).bind(text);
                    rows += one.execute(&mut *open).await?.rows_affected();
                }
                open.commit().await?;
            }
        }
        Ok(rows)
    }

    async fn multi_row(&self, at: i64) -> anyhow::Result<u64> {
        let text = self.text.as_str();
        Ok(match &self.engine {
            Engine::Sqlite(conn) => {
                let values = (0..BATCH).flat_map(|_| {
                    let id = Uuid::now_v7().as_bytes().to_vec();
                    [Value::Blob(id), Value::Integer(at), Value::Text(text.to_owned())]
                });
                let write = |conn: &mut Connection| {
                    conn.prepare_cached(&self.multi)?.execute(params_from_iter(values))
                };
                alone(conn, write)?.try_into()?
            }
            Engine::Postgres(pool) => {
                let mut query = sqlx::query(AssertSqlSafe(Arc::clone(&self.multi)));
                for _ in 0..BATCH {
                    query = query.bind(Uuid::now_v7()).bind(at).bind(text);
                }
                query.execute(pool).await?.rows_affected()
            }
        })
    }
}

/// Does something with the one connection, without holding up callers that have other things to do.
fn alone<T>(
    conn: &Mutex<Connection>,
    work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    tokio::task::block_in_place(|| work(&mut conn.lock().unwrap_or_else(PoisonError::into_inner)))
}

impl Work for Probe {
    type Caller = u64;

    fn caller(&self, _: usize) -> u64 {
        0
    }

    async fn once(&self, wrote: &mut u64) -> anyhow::Result<u64> {
        let at = i64::try_from(*wrote)?;
        let rows = match self.shape {
            Shape::Single => self.single(at).await,
            Shape::Inserts => self.inserts(at).await,
            Shape::MultiRow => self.multi_row(at).await,
        }
        .context("the engine by itself")?;
        *wrote += rows;
        Ok(rows)
    }
}
