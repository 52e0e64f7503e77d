//! Writers of many outbox rows take them in one order, so that no two wait for each other.

use futures_util::future::BoxFuture;
use portvakt::domain::ids::AccountId;
use portvakt::store::{Conn, StoreError, outbox, replay};

use super::sample::{crm, minute, person};
use crate::engines::{Raw, TestDb, change};

/// A writer of the rows of these accounts.
type Writer = for<'c> fn(&'c mut Conn, Vec<AccountId>) -> BoxFuture<'c, Result<(), StoreError>>;

fn announcing(c: &mut Conn, all: Vec<AccountId>) -> BoxFuture<'_, Result<(), StoreError>> {
    Box::pin(async move {
        for who in all {
            outbox::announce(c, who, &[crm()], false, minute(3)).await?;
        }
        Ok(())
    })
}

fn replaying(c: &mut Conn, all: Vec<AccountId>) -> BoxFuture<'_, Result<(), StoreError>> {
    Box::pin(async move { replay::queue(c, &crm(), &all, minute(3)).await })
}

fn hastening(c: &mut Conn, _: Vec<AccountId>) -> BoxFuture<'_, Result<(), StoreError>> {
    Box::pin(async move { outbox::hasten(c, &crm(), minute(0)).await.map(drop) })
}

/// The first row is held by somebody else, and stands last where the tables are read as they lie.
async fn hold_the_first(t: &TestDb, raw: &mut Raw) {
    let mut all = Vec::new();
    for n in 0..16 {
        all.push(person(t, &format!("p{n}")).await.id);
    }
    all.sort();
    for who in all.iter().rev() {
        let (who, target) = (*who, crm());
        change!(t, [target] c => outbox::queue(c, &target, who, 1, false, minute(1)).await).unwrap();
    }
    raw.execute(
        "UPDATE account SET version = version WHERE id = (SELECT MIN(account_id::text)::uuid FROM outbox)",
    )
    .await;
    raw.execute("BEGIN").await;
    raw.execute(
        "UPDATE outbox SET attempts = 0 WHERE account_id = (SELECT MIN(account_id::text)::uuid FROM outbox)",
    )
    .await;
}

/// Waits until somebody waits for a row; gives how many other rows are free.
async fn free_rows(raw: &mut Raw) -> String {
    const WAITS: &str = "SELECT COUNT(*)::text, '' FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while raw.pairs(WAITS).await[0].0 == "0" {
        tokio::task::yield_now().await;
        // What a transaction sees of the others' doings is kept until it is thrown away.
        raw.pairs("SELECT '', pg_stat_clear_snapshot()::text").await;
    }
    let free = "SELECT COUNT(*)::text, '' FROM (SELECT 1 FROM outbox FOR UPDATE SKIP LOCKED) free";
    raw.pairs(free).await[0].0.clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_many_rows_begin_with_the_first_and_hold_no_other_while_they_wait_for_it() {
    let writers: [(&str, Writer); 3] =
        [("announce", announcing), ("replay", replaying), ("hasten", hastening)];
    for (name, writer) in writers {
        // SQLite has one writer at a time.
        let Some(t) = TestDb::postgres().await else { return };
        let mut raw = t.raw().await;
        hold_the_first(&t, &mut raw).await;
        let all: Vec<AccountId> = raw
            .pairs("SELECT account_id::text, '' FROM outbox ORDER BY account_id DESC")
            .await
            .iter()
            .map(|(id, _)| AccountId::new(id.parse().unwrap()))
            .collect();
        let db = t.db.clone();
        let writing =
            tokio::spawn(async move { db.write::<_, StoreError, _>(move |c| writer(c, all)).await });
        assert_eq!(free_rows(&mut raw).await, "16", "{name}: our own and fifteen that nobody holds");
        raw.execute("COMMIT").await;
        writing.await.unwrap().unwrap();
        t.db.close().await;
    }
}
