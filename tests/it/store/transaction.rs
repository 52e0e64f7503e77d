//! A change stands whole or not at all, and whoever made it is told the truth.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::join_all;
use portvakt::domain::ids::AccountId;
use portvakt::store::outbox;
use portvakt::store::{Db, EngineKind, StoreError, account, audit};
use uuid::Uuid;

use super::sample::{crm, minute, new_account, person};
use crate::engines::{Raw, TestDb, change, crm_id_of, look, on_each_engine};

#[derive(Debug)]
enum Refusal {
    Own(usize),
    Store(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Writes an account and then, by its number, fails, panics or ends well.
async fn eventful(db: Db, number: usize) -> Result<(), Refusal> {
    let new = new_account(&format!("p{number:02}"));
    db.write(move |c| {
        Box::pin(async move {
            account::insert(c, &new).await?;
            match number % 5 {
                1 => Err(Refusal::Own(number)),
                // Not even an error of the database takes the others with it.
                2 => Ok(account::insert(c, &new).await?),
                3 => panic!("on purpose"),
                _ => Ok(()),
            }
        })
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_fails_takes_no_other_with_it() {
    on_each_engine(async |t| {
        let changes = (0..50).map(|number| tokio::spawn(eventful(t.db.clone(), number)));
        for (number, result) in join_all(changes.collect::<Vec<_>>()).await.into_iter().enumerate() {
            let result = result.expect("a panic stays within its change");
            match number % 5 {
                1 => assert!(matches!(result, Err(Refusal::Own(own)) if own == number), "{result:?}"),
                2 => assert!(matches!(result, Err(Refusal::Store(StoreError::Taken { .. }))), "{result:?}"),
                3 => assert!(matches!(result, Err(Refusal::Store(StoreError::Panicked))), "{result:?}"),
                _ => result.unwrap(),
            }
        }
        let again = Db::open(&t.url, 2).await.unwrap();
        let mut conn = again.read().await.unwrap();
        let mut names: Vec<_> =
            account::page(&mut conn, None, 100).await.unwrap().into_iter().map(|a| a.user_name).collect();
        names.sort();
        let kept: Vec<_> = (0..50).filter(|n| matches!(n % 5, 0 | 4)).map(|n| format!("p{n:02}")).collect();
        assert_eq!(names, kept);
        drop(conn);
        again.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_change_that_failed_does_not_stand_in_the_way_of_later_ones() {
    on_each_engine(async |t| {
        let stranger = AccountId::new(Uuid::now_v7());
        for round in 0..20 {
            let target = crm();
            let refused =
                change!(t, [] c => outbox::queue(c, &target, stranger, 1, false, minute(round)).await);
            assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
            person(t, &format!("p{round}")).await;
        }
        assert_eq!(look!(t, c => account::page(c, None, 100)).len(), 20);
    })
    .await;
}

#[tokio::test]
async fn who_passes_over_a_failed_statement_is_told_whether_the_rest_stands() {
    on_each_engine(async |t| {
        let (new, stranger, target) = (new_account("asa"), AccountId::new(Uuid::now_v7()), crm());
        let done = change!(t, [new] c => {
            account::insert(c, &new).await?;
            drop(outbox::queue(c, &target, stranger, 1, false, minute(1)).await);
            Ok(())
        });
        assert_eq!(done.is_ok(), look!(t, c => account::get(c, new.id)).is_some(), "{done:?}");
    })
    .await;
}

#[tokio::test]
async fn something_taken_can_be_handled_within_the_change() {
    on_each_engine(async |t| {
        let (asa, bo, target) = (person(t, "asa").await.id, person(t, "bo").await.id, crm());
        change!(t, [target] c => {
            account::set_crm_id(c, &target, asa, "1").await?;
            assert!(account::set_crm_id(c, &target, bo, "1").await.is_err());
            account::set_crm_id(c, &target, bo, "2").await
        })
        .unwrap();
        assert_eq!(look!(t, c => crm_id_of(c, &target, bo)).as_deref(), Some("2"));
    })
    .await;
}

#[tokio::test]
async fn a_snapshot_sees_one_moment_and_a_reader_the_newest() {
    on_each_engine(async |t| {
        person(t, "before").await;
        let mut snapshot = t.db.snapshot().await.unwrap();
        let mut reader = t.db.read().await.unwrap();
        assert_eq!(account::page(&mut snapshot, None, 9).await.unwrap().len(), 1);
        assert_eq!(account::page(&mut reader, None, 9).await.unwrap().len(), 1);
        person(t, "after").await;
        assert_eq!(account::page(&mut snapshot, None, 9).await.unwrap().len(), 1);
        assert_eq!(account::page(&mut reader, None, 9).await.unwrap().len(), 2);
        drop(snapshot);
        let mut later = t.db.snapshot().await.unwrap();
        assert_eq!(account::page(&mut later, None, 9).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_change_runs_once_and_stands_though_nobody_waits_for_it() {
    let t = TestDb::sqlite().await;
    // The thread that writes is held meanwhile, so that nothing is answered.
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let db = t.db.clone();
    let held = tokio::spawn(async move {
        db.write::<_, StoreError, _>(move |_| {
            Box::pin(async move {
                gate.recv().unwrap();
                Ok(())
            })
        })
        .await
    });
    tokio::task::yield_now().await;
    let ran = Arc::new(AtomicUsize::new(0));
    let (new, counter) = (new_account("asa"), Arc::clone(&ran));
    let write = t.db.write::<_, StoreError, _>(move |c| {
        Box::pin(async move {
            counter.fetch_add(1, Ordering::SeqCst);
            account::insert(c, &new).await
        })
    });
    // Polled once it is on its way; then the caller goes away.
    assert!(futures_util::FutureExt::now_or_never(write).is_none());
    open.send(()).unwrap();
    held.await.unwrap().unwrap();
    person(&t, "bo").await;
    assert_eq!(ran.load(Ordering::SeqCst), 1);
    assert_eq!(look!(t, c => account::page(c, None, 9)).len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_that_write_to_one_file_both_get_through() {
    on_each_engine(async |t| {
        let second = Db::open(&t.url, 2).await.unwrap();
        let writes = (0..200).map(|number| {
            let db = if number % 2 == 0 { t.db.clone() } else { second.clone() };
            let new = new_account(&format!("p{number}"));
            tokio::spawn(async move {
                let written =
                    db.write::<_, StoreError, _>(|c| Box::pin(async move { account::insert(c, &new).await }));
                written.await.unwrap();
            })
        });
        for written in join_all(writes.collect::<Vec<_>>()).await {
            written.unwrap();
        }
        assert_eq!(look!(t, c => account::page(c, None, 1_000)).len(), 200);
        second.close().await;
    })
    .await;
}

#[tokio::test]
async fn changes_that_cannot_begin_are_told_why_and_later_ones_get_through() {
    let t = TestDb::sqlite().await;
    let mut other = t.raw().await;
    other.execute("BEGIN IMMEDIATE").await;
    let writes = (0..20).map(|number| person_or_not(&t, number));
    for refused in join_all(writes).await {
        let said = refused.unwrap_err();
        assert!(matches!(said, StoreError::Unavailable(_)), "{said:?}");
        assert!(said.to_string().contains("locked"), "{said}");
    }
    assert!(t.db.ping().await.is_err());
    other.execute("ROLLBACK").await;
    t.db.ping().await.unwrap();
    person(&t, "asa").await;
}

async fn person_or_not(t: &TestDb, number: usize) -> Result<(), StoreError> {
    let new = new_account(&format!("p{number}"));
    change!(t, [] c => account::insert(c, &new).await)
}

#[tokio::test]
async fn connections_that_the_server_ended_are_replaced() {
    let Some(t) = TestDb::postgres().await else { return };
    person(&t, "asa").await;
    // Several connections, all resting. The server's own, such as a vacuum that passes by, are not ours to end.
    let readers: Vec<_> = join_all((0..4).map(|_| t.db.read())).await;
    drop(readers);
    let Raw::Postgres(mut raw) = t.raw().await else { unreachable!("it is PostgreSQL") };
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()",
    )
    .execute(&mut raw)
    .await
    .unwrap();
    assert_eq!(t.db.kind(), EngineKind::Postgres);
    let mut failed = 0;
    while change!(t, [] c => audit::count(c).await).is_err() {
        failed += 1;
        assert!(failed <= 8, "there were at most eight connections");
    }
    for name in ["b", "c", "d"] {
        person(&t, name).await;
    }
    t.db.ping().await.unwrap();
    assert_eq!(look!(t, c => account::page(c, None, 9)).len(), 4);
}
