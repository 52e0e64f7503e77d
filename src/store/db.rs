//! Opens the database, and gives out readers and write transactions.
//!
//! Invariant: readers of SQLite are read-only; there is one writer, and every commit is durable before it is answered.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool, Postgres, Transaction};
use tokio::time::timeout;

use super::address;
use super::conn::{Conn, Readers, Work};
use super::epoch::{Epoch, Watch};
use super::error::StoreError;
use super::gather::LANES;
use super::ledger::{self, Ledger};
use super::memo::Memo;
use super::migrate;
use super::sqlite::{self, Pool};
use super::together::Together;
use super::token::{Presented, TokenKind};
use super::writer::{Writer, unless_it_panics};

/// How long a reader waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long closing waits for readers, and then for changes that were accepted.
const CLOSING: Duration = Duration::from_secs(10);

/// How long the database may take to answer that it is there.
const PING: Duration = Duration::from_secs(3);

/// Tokens that are remembered.
const TOKENS: usize = 1_024;

/// What callers have shown.
type Tokens = Memo<(TokenKind, Vec<u8>), Presented>;

/// Which engine a database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EngineKind {
    /// One file, one node.
    Sqlite,
    /// Several nodes.
    Postgres,
}

/// The database. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Db {
    engine: Engine,
    together: Together,
    watch: Watch,
    tokens: Arc<Tokens>,
}

#[derive(Debug, Clone)]
enum Engine {
    Sqlite { path: PathBuf, readers: Pool, writer: Writer },
    Postgres { pool: PgPool },
}

/// Held by the daemon while it works on a SQLite file, so that a second one refuses to start.
#[derive(Debug)]
pub struct ProcessLock {
    _file: Option<File>,
}

impl Db {
    /// Opens the database at `url` (`sqlite:PATH` or `postgres://…`) with at most `connections` readers (on
    /// PostgreSQL at least five connections, on SQLite three more), and brings it to the present schema. The folder of a SQLite file is made where it is missing.
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the address is not understood, the database cannot be reached, or its schema is newer.
    pub async fn open(url: &str, connections: u32) -> Result<Self, StoreError> {
        let db = if let Some(path) = url.strip_prefix("sqlite:") {
            Self::open_sqlite(Path::new(path.strip_prefix("//").unwrap_or(path)), connections).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Self::open_postgres(url, connections).await?
        } else {
            // What stands after the scheme may hold a password.
            let scheme = url.split(':').next().unwrap_or_default();
            return Err(StoreError::Address(format!("{scheme}:…")));
        };
        address::settle(&db).await?;
        Ok(db)
    }

    async fn open_sqlite(path: &Path, connections: u32) -> Result<Self, StoreError> {
        let file = path.to_owned();
        let opening = move || {
            make_private(&file)?;
            let mut conn = sqlite::open_writer(&file)?;
            migrate::migrate_sqlite(&mut conn)?;
            Ok(conn)
        };
        // It may have to wait for another that writes.
        let opened = tokio::task::spawn_blocking(opening).await;
        let conn = opened.unwrap_or(Err(StoreError::Panicked))?;
        let readers = Pool::new(path, connections.max(1));
        // Of their own, so that a crowd of long reads keeps no small question out.
        let asking = Pool::new(path, LANES);
        drop(asking.reader().await?);
        let engine = Engine::Sqlite { path: path.to_owned(), readers, writer: Writer::start(conn)? };
        Ok(Self {
            engine,
            together: Together::new(Readers::Sqlite(asking)),
            watch: Watch::sqlite(path)?,
            tokens: Arc::new(Tokens::new(TOKENS)),
        })
    }

    async fn open_postgres(url: &str, connections: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?
            .application_name("portvakt")
            .options([("statement_timeout", "30000"), ("lock_timeout", "10000")])
            .disable_statement_logging();
        // A connection of its own: one that is refused must not stay behind with the lock of the migration.
        let mut conn = PgConnection::connect_with(&options).await?;
        let migrated = migrate::migrate_postgres(&mut conn).await;
        drop(conn.close().await);
        migrated?;
        let pool = PgPoolOptions::new()
            .max_connections(connections.max(LANES + 2))
            .acquire_timeout(PATIENCE)
            .test_before_acquire(false)
            .before_acquire(|conn, meta| {
                // Only a connection that has rested is asked whether it still lives.
                let rested = meta.idle_for > Duration::from_secs(2);
                Box::pin(async move { Ok(!rested || conn.ping().await.is_ok()) })
            })
            .connect_with(options)
            .await?;
        let together = Together::new(Readers::Postgres(pool.clone()));
        let watch = Watch::postgres(Readers::Postgres(pool.clone()));
        Ok(Self { engine: Engine::Postgres { pool }, together, watch, tokens: Arc::new(Tokens::new(TOKENS)) })
    }

    /// Which engine it is.
    #[must_use]
    pub fn kind(&self) -> EngineKind {
        match self.engine {
            Engine::Sqlite { .. } => EngineKind::Sqlite,
            Engine::Postgres { .. } => EngineKind::Postgres,
        }
    }

    /// Takes the lock that lets one daemon work on a SQLite file. PostgreSQL needs none: jobs are leased there.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] when another daemon holds it.
    pub fn lock_for_daemon(&self) -> Result<ProcessLock, StoreError> {
        let Engine::Sqlite { path, .. } = &self.engine else { return Ok(ProcessLock { _file: None }) };
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&lock)
            .map_err(|source| StoreError::File { path: lock.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(ProcessLock { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Busy(path.clone())),
            Err(TryLockError::Error(source)) => Err(StoreError::File { path: lock, source }),
        }
    }

    /// A reader whose statements each see the newest commit.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when no connection can be had.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        match &self.engine {
            Engine::Sqlite { readers, .. } => Ok(Conn::SqliteRead(readers.reader().await?)),
            Engine::Postgres { pool } => Ok(Conn::PgRead(pool.acquire().await?)),
        }
    }

    /// A reader whose statements all see one moment: that of the first.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when no connection can be had.
    pub async fn snapshot(&self) -> Result<Conn, StoreError> {
        match &self.engine {
            Engine::Sqlite { readers, .. } => {
                let mut reader = readers.reader().await?;
                reader.begin()?;
                Ok(Conn::SqliteRead(reader))
            }
            Engine::Postgres { pool } => Ok(Conn::PgTransaction {
                open: begin(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
                is_lost: false,
                ledger: Ledger::default(),
            }),
        }
    }

    /// Runs `work` as one transaction and answers when it is durable. An `Err` rolls it back.
    ///
    /// No network call, sleep or lock belongs inside: other changes wait for it.
    ///
    /// # Errors
    ///
    /// What `work` returns, or [`StoreError`] when the transaction could not begin or commit.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match &self.engine {
            Engine::Sqlite { writer, .. } => writer.write(work).await,
            Engine::Postgres { pool } => write_postgres(pool, work).await,
        }
    }

    /// Asks whether the database answers, reads and writes.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when it does not, within three seconds.
    pub async fn ping(&self) -> Result<(), StoreError> {
        timeout(PING, self.answers()).await.map_err(|_| StoreError::refused("it does not answer"))?
    }

    async fn answers(&self) -> Result<(), StoreError> {
        let mut conn = self.read().await?;
        let (writes,) = q!(fetch_one as (bool,); conn,
            sqlite "SELECT TRUE", postgres "SELECT NOT pg_is_in_recovery()")?;
        drop(conn);
        if !writes {
            return Err(StoreError::refused(
                "the server only reads; name the one that writes in database.url",
            ));
        }
        self.write(|_| Box::pin(async { Ok(()) })).await
    }

    /// Which state the database is in. Costs far less than a read; what was read while the epoch was the same before and
    /// after belongs to it.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] when the database cannot be reached.
    pub async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.watch.epoch().await
    }

    /// Which state the database is in, where asking costs less than any read: on SQLite.
    ///
    /// # Errors
    ///
    /// [`StoreError::Closed`] once the database is closed.
    pub async fn epoch_at_hand(&self) -> Result<Option<Epoch>, StoreError> {
        match self.kind() {
            EngineKind::Sqlite => self.epoch().await.map(Some),
            EngineKind::Postgres => Ok(None),
        }
    }

    /// The tokens that callers have shown of late.
    pub(super) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Reads that are asked together with those of others.
    pub(super) fn together(&self) -> &Together {
        &self.together
    }

    /// Takes no more work, ends what is under way, and closes every connection: all changes that were accepted are
    /// durable and a SQLite file stands alone. Waits at most ten seconds for readers and ten for changes.
    pub async fn close(&self) {
        self.watch.close();
        let (readers, writer) = match &self.engine {
            // The writer goes last: only a connection that may write can tidy up the file.
            Engine::Sqlite { readers, writer, .. } => {
                let reading = join(self.together.close(), readers.close());
                (timeout(CLOSING, reading).await.map(drop), timeout(CLOSING, writer.close()).await)
            }
            Engine::Postgres { pool } => {
                self.together.close().await;
                (timeout(CLOSING, pool.close()).await, Ok(()))
            }
        };
        if readers.is_err() || writer.is_err() {
            tracing::warn!("the database was still in use {} s after it was to close", CLOSING.as_secs());
        }
    }
}

/// Begins a transaction, to the end even where nobody waits for it any more: let go of between question and answer, the
/// connection would go back to the pool inside a transaction of which the pool knows nothing.
async fn begin(pool: &PgPool, statement: &'static str) -> Result<Transaction<'static, Postgres>, StoreError> {
    let pool = pool.clone();
    let begun = tokio::spawn(async move { pool.begin_with(statement).await }).await;
    Ok(begun.map_err(|_| StoreError::Panicked)??)
}

async fn write_postgres<T, E, F>(pool: &PgPool, work: F) -> Result<T, E>
where
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T, E> + Send + 'static,
    E: From<StoreError>,
{
    let open = begin(pool, "BEGIN").await?;
    let mut conn = Conn::PgTransaction { open, is_lost: false, ledger: Ledger::default() };
    // Dropped unfinished, because the caller went away, the transaction rolls back.
    let mut result = unless_it_panics(&mut conn, work).await;
    if result.is_ok()
        && let Err(error) = ledger::close(&mut conn).await
    {
        result = Err(error.into());
    }
    let Conn::PgTransaction { open, is_lost, .. } = conn else { return result };
    match result {
        Ok(_) if is_lost => {
            drop(open.rollback().await);
            Err(StoreError::refused("a statement failed, and the change went on as if it had not").into())
        }
        Ok(value) => {
            open.commit().await.map_err(StoreError::from)?;
            Ok(value)
        }
        Err(error) => {
            drop(open.rollback().await);
            Err(error)
        }
    }
}

/// Makes the file of a new database, and its folder, for its owner alone; SQLite gives the files beside it the same
/// rights. What exists keeps the rights that somebody gave it.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let failed = |path: &Path, source| StoreError::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|source| failed(folder, source))?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(failed(path, source)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_new_database_is_for_its_owner_alone_and_an_old_one_keeps_its_rights() {
        let folder = std::env::temp_dir().join(format!("portvakt-store-{}", Uuid::now_v7()));
        let path = folder.join("data").join("portvakt.db");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        make_private(&path).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        make_private(&path).unwrap();
        assert_eq!(mode(&path), 0o640);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
