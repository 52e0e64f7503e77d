//! The schema is the same on both engines, and one from the future is refused.

use portvakt::store::{Db, StoreError};

use crate::engines::{TestDb, on_each_engine};

/// Table and column.
async fn columns(t: &TestDb) -> Vec<(String, String)> {
    let sql = match t.file() {
        Some(_) => {
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
              WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '_sqlx%'"
        }
        None => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
              WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%'"
        }
    };
    let mut found = t.raw().await.pairs(sql).await;
    found.sort();
    found
}

/// Table and column that must not be empty.
async fn required(t: &TestDb) -> Vec<(String, String)> {
    let sql = match t.file() {
        Some(_) => {
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
              WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name NOT LIKE '_sqlx%'
                AND (c.\"notnull\" = 1 OR c.pk > 0)"
        }
        None => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
              WHERE table_schema = 'public' AND table_name NOT LIKE '\\_sqlx%' AND is_nullable = 'NO'"
        }
    };
    let mut found = t.raw().await.pairs(sql).await;
    found.sort();
    found
}

/// Index and table; those that a key makes by itself have other names on each engine.
async fn indexes(t: &TestDb) -> Vec<(String, String)> {
    let sql = match t.file() {
        Some(_) => {
            "SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite%'"
        }
        None => {
            "SELECT CAST(indexname AS TEXT), CAST(tablename AS TEXT) FROM pg_indexes
              WHERE schemaname = 'public' AND indexname NOT LIKE '%\\_pkey'"
        }
    };
    let mut found = t.raw().await.pairs(sql).await;
    found.sort();
    found
}

#[tokio::test]
async fn tables_columns_and_indexes_are_the_same_on_both_engines() {
    let sqlite = TestDb::sqlite().await;
    let (ours, needed, kept) = (columns(&sqlite).await, required(&sqlite).await, indexes(&sqlite).await);
    for table in ["account", "identity", "membership", "outbox", "audit"] {
        assert!(ours.contains(&(table.into(), "id".into())) || ours.iter().any(|(name, _)| name == table));
    }
    assert!(!needed.is_empty() && !kept.is_empty());
    if let Some(postgres) = TestDb::postgres().await {
        assert_eq!(ours, columns(&postgres).await);
        assert_eq!(needed, required(&postgres).await);
        assert_eq!(kept, indexes(&postgres).await);
    }
}

#[tokio::test]
async fn a_database_from_the_future_is_refused() {
    on_each_engine(async |t| {
        let mut raw = t.raw().await;
        raw.execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             SELECT 9999, 'future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
        )
        .await;
        // Twice: the first refusal must not leave a lock behind.
        for _ in 0..2 {
            let refused = Db::open(&t.url, 2).await.map(drop);
            assert!(matches!(refused, Err(StoreError::NewerSchema { found: 9999, .. })), "{refused:?}");
        }
        raw.execute("DELETE FROM _sqlx_migrations WHERE version = 9999").await;
        Db::open(&t.url, 2).await.unwrap().close().await;
    })
    .await;
}

#[tokio::test]
async fn a_step_that_was_left_half_done_or_read_otherwise_then_is_refused() {
    on_each_engine(async |t| {
        let wrongs = [
            "UPDATE _sqlx_migrations SET success = FALSE WHERE version = 2",
            "UPDATE _sqlx_migrations SET success = TRUE,
                checksum = (SELECT o.checksum FROM _sqlx_migrations o WHERE o.version = 1) WHERE version = 2",
        ];
        for wrong in wrongs {
            t.raw().await.execute(wrong).await;
            let refused = Db::open(&t.url, 2).await.map(drop);
            assert!(matches!(refused, Err(StoreError::Migration(_))), "{refused:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_was_applied_is_noted_alike_on_both_engines() {
    let noted = async |t: &TestDb| {
        let sql = match t.file() {
            Some(_) => {
                "SELECT version || ' ' || description || ' ' || (success = 1), lower(hex(checksum)) FROM _sqlx_migrations
                  WHERE execution_time >= 0 AND installed_on LIKE '____-__-__ __:__:__' ORDER BY version"
            }
            None => {
                "SELECT version || ' ' || description || ' ' || CAST(success AS INTEGER), encode(checksum, 'hex')
                   FROM _sqlx_migrations WHERE execution_time >= 0 AND installed_on IS NOT NULL ORDER BY version"
            }
        };
        t.raw().await.pairs(sql).await
    };
    let sqlite = noted(&TestDb::sqlite().await).await;
    // SHA-384, as sqlx writes it.
    assert!(sqlite.len() >= 8 && sqlite.iter().all(|(_, checksum)| checksum.len() == 96), "{sqlite:?}");
    assert_eq!(sqlite[0].0, "1 ground 1");
    if let Some(postgres) = TestDb::postgres().await {
        assert_eq!(sqlite, noted(&postgres).await);
    }
}

#[tokio::test]
async fn several_may_open_a_new_database_at_the_same_moment() {
    on_each_engine(async |t| {
        let empty = if let Some(file) = t.file() {
            format!("sqlite:{}", file.with_file_name("other").join("new.db").display())
        } else {
            t.raw().await.execute("DROP SCHEMA public CASCADE").await;
            t.raw().await.execute("CREATE SCHEMA public").await;
            t.url.clone()
        };
        let opening = (0..8).map(|_| {
            let url = empty.clone();
            tokio::spawn(async move { Db::open(&url, 2).await })
        });
        for opened in futures_util::future::join_all(opening.collect::<Vec<_>>()).await {
            let db = opened.unwrap().unwrap();
            db.ping().await.unwrap();
            db.close().await;
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_that_is_not_understood_is_refused_without_its_password() {
    for url in ["mysql://u:secret@host/db", "secret", ""] {
        let refused = Db::open(url, 2).await.map(drop).unwrap_err();
        assert!(matches!(refused, StoreError::Address(_)), "{refused:?}");
        assert!(!refused.to_string().contains("u:secret"), "{refused}");
    }
}
