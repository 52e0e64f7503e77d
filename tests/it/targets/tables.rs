//! A CRM that is nothing but its tables: those of the shipped example, in a database of either engine.
//!
//! Invariant: the tables are the ones that the head of the shipped description shows, word for word.

use std::path::{Path, PathBuf};

use portvakt::store::EngineKind;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::engines::TestDb;
use crate::house::{POLICY, SETTINGS, TestHouse};

/// The CRM's tables.
pub(crate) struct Tables {
    kind: EngineKind,
    /// The file of SQLite, or the address of PostgreSQL.
    place: String,
}

/// A user as the CRM holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InTable {
    pub(crate) id: i64,
    pub(crate) login: String,
    pub(crate) name: String,
    pub(crate) may_log_in: bool,
    pub(crate) version: Option<i64>,
    /// The names of the roles, sorted, with commas.
    pub(crate) roles: String,
}

/// A shipped description.
pub(crate) fn shipped(name: &str) -> String {
    std::fs::read_to_string(path_of(name)).expect("the description is shipped")
}

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config/targets").join(name)
}

/// The statements of the head of a description that begin with one of these words.
fn of_head(description: &str, words: &[&str]) -> Vec<String> {
    let code: Vec<&str> = description.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
    let all = code.join("\n");
    let statements = all.split(";\n").map(|one| one.trim().trim_end_matches(';').to_owned());
    statements.filter(|one| words.iter().any(|word| one.starts_with(word))).collect()
}

impl Tables {
    /// Tables beside the database of a test, with the roles `Styrelse`, `Utskick` and `Arkiv`.
    pub(crate) async fn new(t: &TestDb) -> Self {
        let kind = t.db.kind();
        let place = match t.file() {
            Some(file) => file.with_file_name("crm.db").display().to_string(),
            None => t.url.clone(),
        };
        let tables = Self { kind, place };
        let description = shipped(tables.description());
        let made = of_head(&description, &["CREATE TABLE"]);
        assert_eq!(made.len(), 3, "{made:?}");
        if let Some(file) = t.file() {
            let conn = rusqlite::Connection::open(file.with_file_name("crm.db")).unwrap();
            conn.pragma_update(None, "journal_mode", "WAL").unwrap();
        }
        for statement in &made {
            tables.execute(statement).await;
        }
        tables.execute("INSERT INTO crm_role (name) VALUES ('Styrelse'), ('Utskick'), ('Arkiv')").await;
        tables
    }

    /// Leaves the role no more than the head of the description grants it. It owns the tables, whose foreign keys look
    /// into `crm_role` in its name.
    pub(crate) async fn grant_least(&self) {
        if self.kind == EngineKind::Sqlite {
            return;
        }
        for table in ["crm_user", "crm_role", "crm_user_role"] {
            self.execute(&format!("REVOKE ALL ON {table} FROM CURRENT_USER")).await;
        }
        let granted = of_head(&shipped(self.description()), &["GRANT"]);
        assert_eq!(granted.len(), 3, "{granted:?}");
        for grant in granted {
            self.execute(&grant.replace("TO portvakt", "TO CURRENT_USER")).await;
        }
        self.execute("GRANT UPDATE ON crm_role TO CURRENT_USER").await;
    }

    /// Gives the role back what it had, as the CRM itself has it.
    pub(crate) async fn grant_all(&self) {
        if self.kind == EngineKind::Postgres {
            self.execute("GRANT ALL ON crm_user, crm_role, crm_user_role TO CURRENT_USER").await;
        }
    }

    const fn description(&self) -> &'static str {
        match self.kind {
            EngineKind::Sqlite => "sql-example-sqlite.toml",
            EngineKind::Postgres => "sql-example.toml",
        }
    }

    /// The settings of the target, with `more` keys.
    pub(crate) fn settings(&self, more: &str) -> String {
        let description = path_of(self.description()).display().to_string();
        let place = match self.kind {
            EngineKind::Sqlite => format!("url = \"sqlite:{}\"", self.place),
            EngineKind::Postgres => {
                let url = reqwest::Url::parse(&self.place).unwrap();
                let (user, password) = (url.username().to_owned(), url.password().unwrap().to_owned());
                let (host, port) = (url.host_str().unwrap(), url.port().unwrap());
                let path = url.path();
                format!(
                    "url = \"postgres://{host}:{port}{path}\"\nuser_name = \"{user}\"\nsecret = \"{password}\""
                )
            }
        };
        format!(
            "[[target]]\nid = \"crm\"\nkind = \"sql\"\n{place}\ndescription = \"{description}\"\n{more}\n\
             [target.roles]\nboard = \"Styrelse\"\ncommunicator = \"Utskick\"\n"
        )
    }

    /// A house whose CRM is these tables.
    pub(crate) async fn house(&self, t: &TestDb, more: &str) -> TestHouse {
        let (before, _) = SETTINGS.split_once("[[target]]").unwrap();
        TestHouse::with(t, &format!("{before}{}", self.settings(more)), POLICY).await
    }

    /// Runs one statement, as the CRM itself would.
    pub(crate) async fn execute(&self, sql: &str) {
        match self.kind {
            EngineKind::Sqlite => self.lite().execute_batch(sql).expect(sql),
            EngineKind::Postgres => {
                let mut conn = PgConnection::connect(&self.place).await.unwrap();
                sqlx::query(AssertSqlSafe(sql.to_owned())).execute(&mut conn).await.expect(sql);
                conn.close().await.unwrap();
            }
        }
    }

    /// A connection of the CRM's own to its file.
    pub(crate) fn lite(&self) -> rusqlite::Connection {
        let conn = rusqlite::Connection::open(&self.place).unwrap();
        conn.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
        conn
    }

    /// A connection of the CRM's own to its server.
    pub(crate) async fn postgres(&self) -> PgConnection {
        PgConnection::connect(&self.place).await.unwrap()
    }

    pub(crate) const fn kind(&self) -> EngineKind {
        self.kind
    }

    /// Everybody, by id.
    pub(crate) async fn people(&self) -> Vec<InTable> {
        type Cells = (i64, String, String, bool, Option<i64>, Option<String>);
        const LITE: &str = "SELECT id, login, full_name, may_log_in, portvakt_version,
            (SELECT group_concat(name) FROM (SELECT r.name FROM crm_user_role ur JOIN crm_role r ON r.id = ur.role_id
              WHERE ur.user_id = u.id ORDER BY r.name)) FROM crm_user u ORDER BY id";
        const POSTGRES: &str = "SELECT id, login, full_name, may_log_in, portvakt_version,
            (SELECT string_agg(r.name, ',' ORDER BY r.name) FROM crm_user_role ur JOIN crm_role r ON r.id = ur.role_id
              WHERE ur.user_id = u.id) FROM crm_user u ORDER BY id";
        let rows: Vec<Cells> = match self.kind {
            EngineKind::Sqlite => {
                let conn = self.lite();
                let mut statement = conn.prepare(LITE).unwrap();
                let read = |row: &rusqlite::Row<'_>| {
                    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
                };
                statement.query_map((), read).unwrap().collect::<Result<_, _>>().unwrap()
            }
            EngineKind::Postgres => {
                sqlx::query_as(POSTGRES).fetch_all(&mut self.postgres().await).await.unwrap()
            }
        };
        let user = |(id, login, name, may_log_in, version, roles): Cells| InTable {
            id,
            login,
            name,
            may_log_in,
            version,
            roles: roles.unwrap_or_default(),
        };
        rows.into_iter().map(user).collect()
    }
}
