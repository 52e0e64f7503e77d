//! How a description is read, and what each failure means.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::*;
use crate::crm::state::tests::anna;
use crate::domain::account::Status;

fn shipped(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/targets").join(name);
    std::fs::read_to_string(file).unwrap()
}

const SMALL: &str = r#"
name = "Small"
follows = "a test"
engine = "sqlite"
[values]
company = "1"
[find]
sql = "SELECT id, may AS active, version FROM person WHERE id = CAST(:crm_id AS INTEGER) OR (:crm_id IS NULL AND name = :user_name)"
[create]
sql = "INSERT INTO person (name, may, company, version) VALUES (:user_name, 1, :company, :version) RETURNING id"
[update]
sql = "UPDATE person SET name = :user_name, may = 1, version = :version WHERE id = CAST(:crm_id AS INTEGER)"
[deactivate]
sql = "UPDATE person SET may = 0, version = :version WHERE id = CAST(:crm_id AS INTEGER)"
[list]
sql = "SELECT id, name AS user_name, may AS active FROM person WHERE :after IS NULL OR id > CAST(:after AS INTEGER) ORDER BY id LIMIT :size"
"#;

/// A file of SQLite that goes away with the value.
struct Crm(PathBuf);

impl Crm {
    fn new(schema: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("portvakt-sql-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        let crm = Self(folder);
        crm.open().execute_batch(schema).unwrap();
        crm
    }

    fn file(&self) -> PathBuf {
        self.0.join("crm.db")
    }

    fn open(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.file()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let conn = self.open();
        let mut statement = conn.prepare("SELECT name || may FROM person ORDER BY id").unwrap();
        statement.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn told_by(&self, description: &str) -> Sql {
        Sql::new(settings(SqlPlace::Sqlite(self.file()), description)).unwrap()
    }
}

impl Drop for Crm {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn settings(place: SqlPlace, description: &str) -> SqlSettings {
    SqlSettings {
        target: TargetId::parse("crm").unwrap(),
        place,
        file: "targets/small.toml".to_owned(),
        description: description.to_owned(),
        values: BTreeMap::new(),
        roles: BTreeMap::new(),
    }
}

const PERSON: &str = "CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, may BOOLEAN, company TEXT, version BIGINT);";

fn now() -> Timestamp {
    "2025-10-07T12:00:00Z".parse().unwrap()
}

#[test]
fn every_mistake_of_a_description_is_told_with_file_operation_and_key() {
    let wrong = SMALL
        .replace("company = \"1\"", "version = \"1\"\ncompany = \"1\"")
        .replace("= :user_name, may = 1", "= :usr_name, may = ?")
        .replace("may = 0, version", "may = 0; DELETE FROM person; --")
        .replace(" LIMIT :size", "")
        .replace(
            "[create]",
            "[roles]\nsql = []\n[set_roles]\nsql = [\"DELETE FROM r\", \"DROP TABLE r\"]\n[create]",
        );
    let said = description::read("targets/small.toml", &wrong).unwrap_err();
    for part in [
        "targets/small.toml: values.version: every statement has a :version already",
        "targets/small.toml: update.sql: ? stands for a parameter without a name; write :name",
        "targets/small.toml: deactivate.sql: there are several statements; write them as a list",
        "targets/small.toml: set_roles.sql[1]: it begins with DROP",
        "targets/small.toml: roles.sql: write one statement",
        "targets/small.toml: list.sql: it does not use :size",
    ] {
        assert!(said.iter().any(|one| one.starts_with(part)), "{part}: {said:#?}");
    }
    let said =
        description::read("small.toml", &SMALL.replace(":user_name, may", ":usr_name, may")).unwrap_err();
    assert!(
        said[0].starts_with("small.toml: update.sql: there is no :usr_name; a statement may use: account"),
        "{said:?}"
    );
    let said = description::read("small.toml", &SMALL.replace(":company", ":after")).unwrap_err();
    assert!(said[0].contains("create.sql: there is no :after"), "{said:?}");
    let said = description::read("small.toml", &SMALL.replace("[deactivate]\nsql", "[deactivate]\nsqll"))
        .unwrap_err();
    assert!(said[0].starts_with("small.toml:") && said[0].contains("deactivate"), "{said:?}");
}

#[test]
fn the_shipped_descriptions_are_sound() {
    for name in ["sql-example.toml", "sql-example-sqlite.toml"] {
        let read = description::read(name, &shipped(name)).unwrap();
        assert!(read.tells_roles() && read.statements("list").is_some(), "{name}");
    }
}

#[test]
fn an_address_without_tls_another_engine_and_roles_that_cannot_be_told_are_mistakes() {
    let postgres = SMALL.replace("\"sqlite\"", "\"postgres\"");
    let at = |url: &str| {
        let place =
            SqlPlace::Postgres { url: url.parse().unwrap(), user_name: "portvakt".to_owned(), secret: None };
        Sql::new(settings(place, &postgres)).map(drop).map_err(|error| error.to_string())
    };
    // A pool wants a runtime to rest in.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    for url in [
        "postgres://127.0.0.1:5432/crm",
        "postgres://[::1]/crm",
        "postgres://localhost/crm?sslmode=disable",
        "postgres:///crm?host=/run/postgresql",
        "postgres://db.example/crm",
        "postgres://db.example/crm?sslmode=require",
    ] {
        assert_eq!(at(url), Ok(()), "{url}");
    }
    for url in [
        "postgres://db.example/crm?sslmode=disable",
        "postgres://10.0.0.7/crm?sslmode=prefer",
        "postgres://localhost.evil.example/crm?sslmode=allow",
        "postgres://127.0.0.1/crm?host=db.example&sslmode=prefer",
    ] {
        assert!(at(url).unwrap_err().contains("without TLS"), "{url}");
    }
    let crm = Crm::new(PERSON);
    let said = Sql::new(settings(SqlPlace::Sqlite(crm.file()), &postgres)).unwrap_err().to_string();
    assert!(said.contains("is written for postgres"), "{said}");
    let mut with_roles = settings(SqlPlace::Sqlite(crm.file()), SMALL);
    with_roles.roles.insert(RoleId::parse("board").unwrap(), "Styrelse".to_owned());
    let said = Sql::new(with_roles).unwrap_err().to_string();
    assert!(said.contains("cannot tell them"), "{said}");
}

#[tokio::test]
async fn a_statement_that_touches_several_people_touches_nobody() {
    let crm = Crm::new(PERSON);
    crm.open()
        .execute_batch("INSERT INTO person (name, may) VALUES ('åsa@bjorkbacken.example', 0), ('bo', 0)")
        .unwrap();
    let told = crm.told_by(
        &SMALL.replace("may = 1, version = :version WHERE id = CAST(:crm_id AS INTEGER)", "may = 1"),
    );
    let Delivery::Refused { error } = told.deliver(&anna()).await else { panic!("it was taken") };
    assert!(error.contains("update: its first statement must touch one row, and would touch 2"), "{error}");
    assert_eq!(crm.names(), ["åsa@bjorkbacken.example0", "bo0"]);
    let told = crm.told_by(&SMALL.replace("OR (:crm_id IS NULL AND name = :user_name)", "OR 1"));
    let Delivery::Refused { error } = told.deliver(&anna()).await else { panic!("it was taken") };
    assert!(error.contains("find: the CRM has 2 users that answer to this name"), "{error}");
}

#[tokio::test]
async fn whoever_the_crm_never_had_is_not_made_to_be_closed() {
    let crm = Crm::new(PERSON);
    let told = crm.told_by(SMALL);
    let mut left = anna();
    left.account.status = Status::Deactivated;
    let Delivery::Taken { answer, crm_id } = told.deliver(&left).await else { panic!("not taken") };
    assert_eq!((answer.as_str(), crm_id), ("done: the CRM has no such user", None));
    let mut gone = anna();
    gone.account.crm_id = Some("17".to_owned());
    let Delivery::Refused { error } = told.deliver(&gone).await else { panic!("it was taken") };
    assert!(error.contains("no longer has the user 17"), "{error}");
    let Delivery::Taken { crm_id, .. } = told.deliver(&anna()).await else { panic!("not taken") };
    assert_eq!((crm_id.as_deref(), crm.names()), (Some("1"), vec!["åsa@bjorkbacken.example1".to_owned()]));
}

#[tokio::test]
async fn a_trial_that_fails_says_where_and_leaves_nothing() {
    let crm = Crm::new(PERSON);
    let told = crm.told_by(&SMALL.replace("SET may = 0, version = :version", "SET version = :version"));
    let bad: Vec<Finding> = told.test(now()).await.into_iter().filter(|finding| !finding.is_good).collect();
    assert!(
        bad.len() == 1 && bad[0].said.contains("deactivate: by the column active of find they may still"),
        "{bad:?}"
    );
    let told = crm.told_by(&SMALL.replace("id, may AS active, version FROM", "name FROM"));
    let bad: Vec<Finding> = told.test(now()).await.into_iter().filter(|finding| !finding.is_good).collect();
    assert!(bad.len() == 1 && bad[0].said.contains("find: it gives no column id"), "{bad:?}");
    assert_eq!(crm.names(), Vec::<String>::new());
}

#[tokio::test]
async fn everybody_is_read_in_pages_of_one_moment_and_a_list_that_does_not_go_on_is_refused() {
    let crm = Crm::new(&format!("PRAGMA journal_mode = WAL; {PERSON}"));
    crm.open()
        .execute_batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
             INSERT INTO person (name, may) SELECT 'p' || i, i % 2 FROM n",
        )
        .unwrap();
    let told = crm.told_by(SMALL);
    let mut pages = told.pages();
    let mut count = 0;
    loop {
        let page = pages.next().await.unwrap();
        if page.is_empty() {
            break;
        }
        if count == 0 {
            assert_eq!((page[0].user_name.as_deref(), page[0].active), (Some("p1"), Some(true)));
            assert_eq!((&page[0].email, &page[0].roles), (&None, &None), "what is not told is nothing");
            // The CRM goes on; what is read is of the moment it began.
            crm.open().execute_batch("DELETE FROM person WHERE id > 1500").unwrap();
        }
        count += page.len();
    }
    assert_eq!((count, pages.next().await.unwrap().len()), (2500, 0));
    let endless = crm.told_by(
        &SMALL.replace("WHERE :after IS NULL OR id > CAST(:after AS INTEGER)", "WHERE :after IS NULL OR 1"),
    );
    let mut pages = endless.pages();
    pages.next().await.unwrap();
    assert!(pages.next().await.unwrap_err().words().contains("does not go on"));
}
