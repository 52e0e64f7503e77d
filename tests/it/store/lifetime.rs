//! Opening, asking, locking and closing.

use portvakt::store::{Db, EngineKind, StoreError, account, audit};

use super::sample::{new_account, person};
use crate::engines::{TestDb, change, look, on_each_engine};

#[tokio::test]
async fn a_second_daemon_on_one_file_is_refused_until_the_first_ends() {
    on_each_engine(async |t| {
        let second = Db::open(&t.url, 2).await.unwrap();
        let held = t.db.lock_for_daemon().unwrap();
        match t.db.kind() {
            EngineKind::Sqlite => {
                assert!(matches!(second.lock_for_daemon(), Err(StoreError::Busy(_))));
                assert!(matches!(t.db.lock_for_daemon(), Err(StoreError::Busy(_))));
            }
            EngineKind::Postgres => drop(second.lock_for_daemon().unwrap()),
        }
        drop(held);
        drop(second.lock_for_daemon().unwrap());
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_closed_database_takes_nothing_more_and_has_lost_nothing() {
    on_each_engine(async |t| {
        let second = t.db.clone();
        let writes = (0..200).map(|number| {
            let (db, new) = (t.db.clone(), new_account(&format!("p{number}")));
            tokio::spawn(async move {
                let written = db.write(|c| Box::pin(async move { account::insert(c, &new).await }));
                written.await.map_err(|error: StoreError| error)
            })
        });
        let writes: Vec<_> = writes.collect();
        tokio::task::yield_now().await;
        t.db.close().await;
        let mut kept = 0;
        for write in writes {
            match write.await.unwrap() {
                Ok(()) => kept += 1,
                Err(error) => assert!(matches!(error, StoreError::Closed), "{error:?}"),
            }
        }
        let refused = change!(t, [] c => audit::count(c).await);
        assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
        assert!(matches!(second.read().await, Err(StoreError::Closed)));
        assert!(matches!(second.ping().await, Err(StoreError::Closed)));
        second.close().await;
        let again = Db::open(&t.url, 2).await.unwrap();
        let mut conn = again.read().await.unwrap();
        assert_eq!(account::page(&mut conn, None, 1_000).await.unwrap().len(), kept);
        drop(conn);
        again.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_closed_file_stands_alone() {
    let t = TestDb::sqlite().await;
    person(&t, "asa").await;
    let file = t.file().unwrap();
    let log = file.with_extension("db-wal");
    assert!(log.metadata().is_ok_and(|log| log.len() > 0));
    t.db.close().await;
    assert!(!log.exists());
    let copy = file.with_file_name("copy.db");
    std::fs::copy(&file, &copy).unwrap();
    let db = Db::open(&format!("sqlite:{}", copy.display()), 2).await.unwrap();
    assert_eq!(account::page(&mut db.read().await.unwrap(), None, 9).await.unwrap().len(), 1);
    db.close().await;
}

#[tokio::test]
async fn a_reader_that_lingers_does_not_keep_the_changes_out_of_the_file() {
    let t = TestDb::sqlite().await;
    person(&t, "asa").await;
    let lingering = t.raw().await;
    t.db.close().await;
    let log = t.file().unwrap().with_extension("db-wal");
    assert!(log.metadata().map_or(0, |log| log.len()) == 0);
    drop(lingering);
}

#[tokio::test]
async fn a_database_that_answers_says_so() {
    on_each_engine(async |t| {
        t.db.ping().await.unwrap();
        assert_eq!(look!(t, c => audit::count(c)), 0);
    })
    .await;
}

#[tokio::test]
async fn readers_of_sqlite_cannot_write() {
    let t = TestDb::sqlite().await;
    let new = new_account("asa");
    let mut conn = t.db.read().await.unwrap();
    assert!(matches!(account::insert(&mut conn, &new).await, Err(StoreError::Unavailable(_))));
    let mut conn = t.db.snapshot().await.unwrap();
    assert!(matches!(account::insert(&mut conn, &new).await, Err(StoreError::Unavailable(_))));
}
