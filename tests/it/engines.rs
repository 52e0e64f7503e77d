//! Databases for tests: each test runs on SQLite and on PostgreSQL, in a database of its own.
//!
//! Invariant: nothing is left behind, whether the test ends well or not.

use std::path::PathBuf;
use std::sync::Once;

use jiff::Timestamp;
use portvakt::domain::ids::{AccountId, TargetId};
use portvakt::domain::policy::EvidenceSource;
use portvakt::store::{Conn, Db, EngineKind, Span, StoreError, account, evidence};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use uuid::Uuid;

/// Names the PostgreSQL server to test on; its role must be allowed to create databases.
const SERVER: &str = "PORTVAKT_TEST_POSTGRES";

/// A database of one test. It is removed when this is dropped.
pub(crate) struct TestDb {
    /// The opened database.
    pub(crate) db: Db,
    /// Its address, to open it a second time.
    pub(crate) url: String,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Database { server: String, name: String },
}

/// A connection that goes round the store, to see or to do what the store does not offer.
pub(crate) enum Raw {
    Sqlite(rusqlite::Connection),
    Postgres(PgConnection),
}

/// Runs `test` on SQLite and then, where the environment names a server, on PostgreSQL.
pub(crate) async fn on_each_engine(test: impl AsyncFn(&TestDb)) {
    let sqlite = TestDb::sqlite().await;
    test(&sqlite).await;
    sqlite.db.close().await;
    drop(sqlite);
    if let Some(postgres) = TestDb::postgres().await {
        test(&postgres).await;
        postgres.db.close().await;
    }
}

impl TestDb {
    /// A SQLite file in a folder of its own.
    pub(crate) async fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("portvakt-test-{}", Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).expect("the folder for temporary files can be written");
        let url = format!("sqlite:{}", folder.join("portvakt.db").display());
        // In place before the database is opened, so that a failure leaves nothing behind.
        let place = Place::Folder(folder);
        Self::open(url, place).await
    }

    /// A database of its own on the server that the environment names; nothing where it names none.
    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(server) = std::env::var(SERVER) else {
            static TOLD: Once = Once::new();
            TOLD.call_once(|| eprintln!("skipped on PostgreSQL: {SERVER} is not set"));
            return None;
        };
        let name = format!("portvakt_test_{}", Uuid::now_v7().simple());
        let mut conn = PgConnection::connect(&server).await.expect("the server can be reached");
        // Sorted as Swedes sort, so that a test sees where the order of text differs between the engines.
        let swedish = format!(
            "CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'sv-SE'"
        );
        if sqlx::query(AssertSqlSafe(swedish)).execute(&mut conn).await.is_err() {
            let plain = format!("CREATE DATABASE {name}");
            sqlx::query(AssertSqlSafe(plain))
                .execute(&mut conn)
                .await
                .expect("the role may create databases");
        }
        conn.close().await.expect("the connection closes");
        let (address, options) = server.split_once('?').map_or((&*server, None), |(a, o)| (a, Some(o)));
        let (host, _) = address.rsplit_once('/').expect("the address ends with a database");
        let options = options.map(|o| format!("?{o}")).unwrap_or_default();
        let url = format!("{host}/{name}{options}");
        Some(Self::open(url, Place::Database { server, name }).await)
    }

    async fn open(url: String, place: Place) -> Self {
        let db = Db::open(&url, 8).await;
        let opened = db.map(|db| Self { db, url, place });
        opened.expect("an empty database can be opened")
    }

    /// A connection that goes round the store.
    pub(crate) async fn raw(&self) -> Raw {
        match self.url.strip_prefix("sqlite:") {
            Some(path) => Raw::Sqlite(rusqlite::Connection::open(path).expect("the file can be opened")),
            None => Raw::Postgres(PgConnection::connect(&self.url).await.expect("the server can be reached")),
        }
    }

    /// The database file, on SQLite.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.url.strip_prefix("sqlite:").map(PathBuf::from)
    }
}

impl Raw {
    /// Runs one statement.
    pub(crate) async fn execute(&mut self, sql: &'static str) {
        match self {
            Self::Sqlite(c) => c.execute_batch(sql).expect(sql),
            Self::Postgres(c) => drop(sqlx::query(sql).execute(c).await.expect(sql)),
        }
    }

    /// Rows of two texts.
    pub(crate) async fn pairs(&mut self, sql: &'static str) -> Vec<(String, String)> {
        match self {
            Self::Sqlite(c) => {
                let mut statement = c.prepare(sql).expect(sql);
                let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).expect(sql);
                rows.collect::<Result<_, _>>().expect(sql)
            }
            Self::Postgres(c) => sqlx::query_as(sql).fetch_all(c).await.expect(sql),
        }
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this happened on {:?}", self.db.kind());
        }
        match &self.place {
            Place::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            Place::Database { server, name } => {
                drop_database(server.clone(), format!("DROP DATABASE {name} WITH (FORCE)"));
            }
        }
    }
}

/// Runs in a thread of its own, because a runtime cannot wait within a runtime.
fn drop_database(server: String, statement: String) {
    let once = async move || {
        let mut conn = PgConnection::connect(&server).await?;
        sqlx::query(AssertSqlSafe(statement.clone())).execute(&mut conn).await?;
        conn.close().await
    };
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        // A server with much to do may need more than one try.
        for _ in 0..4 {
            if runtime.block_on(once()).is_ok() {
                return Ok(());
            }
        }
        runtime.block_on(once()).map_err(anyhow::Error::from)
    };
    if let Ok(Err(error)) = std::thread::spawn(work).join() {
        eprintln!("a test's database stays behind: {error}");
    }
}

/// When each source last saw an account.
pub(crate) async fn last_seen(
    c: &mut Conn,
    account: AccountId,
) -> Result<Vec<(EvidenceSource, Timestamp)>, StoreError> {
    let seen = evidence::latest_of(c, &Span::Listed(vec![account])).await?;
    Ok(seen.into_iter().map(|(_, source, at)| (source, at)).collect())
}

/// The CRM's own id of an account.
pub(crate) async fn crm_id_of(
    c: &mut Conn,
    target: &TargetId,
    account: AccountId,
) -> Result<Option<String>, StoreError> {
    Ok(account::crm_ids(c, target, &[account]).await?.remove(&account))
}

/// Runs `body` with a connection `c` as one write transaction, with clones of the named variables.
macro_rules! change {
    ($t:expr, [$($name:ident),* $(,)?] $c:ident => $body:expr) => {{
        $(let $name = $name.clone();)*
        $t.db.write::<_, portvakt::store::StoreError, _>(move |$c| Box::pin(async move { $body })).await
    }};
}
pub(crate) use change;

/// Runs `body` with a reading connection `c`, and unwraps what it gives.
macro_rules! look {
    ($t:expr, $c:ident => $body:expr) => {{
        let mut conn = $t.db.read().await.expect("a reader can be had");
        let $c = &mut conn;
        $body.await.expect("the rows can be read")
    }};
}
pub(crate) use look;

#[tokio::test]
async fn a_test_has_an_empty_database_of_its_own_on_each_engine() {
    let kinds = std::cell::RefCell::new(Vec::new());
    on_each_engine(async |t| {
        assert_eq!(look!(t, c => portvakt::store::audit::count(c)), 0);
        kinds.borrow_mut().push(t.db.kind());
    })
    .await;
    assert_eq!(kinds.borrow()[0], EngineKind::Sqlite);
}
