//! What is remembered under an epoch is as good as what would be read now.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use portvakt::store::{Conn, Db, Memo, StoreError, setting};

use crate::engines::{TestDb, on_each_engine};

async fn count(c: &mut Conn) -> Result<i64, StoreError> {
    let kept = setting::get(c, "test.count").await?;
    Ok(kept.map_or(0, |text| text.parse().expect("a number")))
}

/// Writes the next number. Gives it once it is durable.
async fn raise(db: &Db) -> i64 {
    db.write::<_, StoreError, _>(|c| {
        Box::pin(async move {
            let next = count(c).await? + 1;
            setting::set(c, "test.count", &next.to_string()).await?;
            Ok(next)
        })
    })
    .await
    .unwrap()
}

/// The number as whoever remembers would tell it, and whether it was remembered.
async fn told(db: &Db, memo: &Memo<(), i64>) -> (i64, bool) {
    let epoch = db.epoch().await.unwrap();
    if let Some(known) = memo.get(epoch, &()) {
        return (known, true);
    }
    let read = count(&mut db.read().await.unwrap()).await.unwrap();
    if db.epoch().await.unwrap() == epoch {
        memo.put(epoch, (), read);
    }
    (read, false)
}

async fn another(t: &TestDb) -> Db {
    Db::open(&t.url, 4).await.expect("a second node opens")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_epoch_lasts_until_somebody_commits_on_any_node() {
    on_each_engine(async |t| {
        let other = another(t).await;
        for writer in [&t.db, &other] {
            for reader in [&t.db, &other] {
                let before = reader.epoch().await.unwrap();
                count(&mut reader.read().await.unwrap()).await.unwrap();
                raise(writer).await;
                assert_ne!(reader.epoch().await.unwrap(), before, "a commit is seen");
            }
        }
        other.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_remembered_is_never_older_than_a_commit_before_the_question() {
    on_each_engine(async |t| {
        let other = another(t).await;
        let committed = Arc::new(AtomicI64::new(raise(&t.db).await));
        let askers: Vec<_> = [t.db.clone(), other.clone(), t.db.clone(), other.clone()]
            .into_iter()
            .map(|db| {
                let committed = Arc::clone(&committed);
                tokio::spawn(async move {
                    let memo = Memo::new(16);
                    for _ in 0..400 {
                        let least = committed.load(Ordering::SeqCst);
                        let (told, _) = told(&db, &memo).await;
                        assert!(told >= least, "{told} was told after {least} had been committed");
                    }
                })
            })
            .collect();
        for round in 0..60 {
            let writer = if round % 2 == 0 { &t.db } else { &other };
            committed.fetch_max(raise(writer).await, Ordering::SeqCst);
        }
        for asker in askers {
            asker.await.expect("nobody was told something old");
        }
        // On PostgreSQL others write to the same server, so that a pause may have to be waited for.
        let memo = Memo::new(16);
        for round in 0.. {
            let (told, was_remembered) = told(&t.db, &memo).await;
            assert_eq!(told, 61);
            if was_remembered {
                break;
            }
            assert!(round < 50_000, "nothing was ever remembered");
        }
        other.close().await;
    })
    .await;
}
