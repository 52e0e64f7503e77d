use std::path::PathBuf;

use tokio::task::yield_now;
use tokio::time::timeout;
use uuid::Uuid;

use super::*;

/// Counts without an end.
const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";

/// The numbers from one, without an end.
const NUMBERS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

/// So much work that it takes longer than [`HOLD`], and then says how many rows there are.
const LABORIOUS: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
    SELECT (SELECT MAX(i) FROM n), (SELECT COUNT(*) FROM t)";

/// A file with one row in it.
struct House {
    folder: PathBuf,
    writer: Connection,
    pool: Pool,
}

impl House {
    fn new(places: u32) -> Self {
        let folder = std::env::temp_dir().join(format!("portvakt-sqlite-{}", Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = folder.join("house.db");
        let writer = open_writer(&file).unwrap();
        writer.execute_batch("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1);").unwrap();
        Self { folder, writer, pool: Pool::new(&file, places) }
    }

    async fn count(&self) -> i64 {
        rows(&mut self.pool.reader().await.unwrap()).await
    }

    fn add(&self) {
        self.writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
    }
}

impl Drop for House {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn rows(reader: &mut Reader) -> i64 {
    fetch_one::<(i64,)>(Lite::Reader(reader), "SELECT COUNT(*) FROM t".into(), &[]).await.unwrap().0
}

async fn laborious(reader: &mut Reader) -> (i64, i64) {
    fetch_one(Lite::Reader(reader), LABORIOUS.into(), &[]).await.unwrap()
}

fn endless(pool: &Pool) -> tokio::task::JoinHandle<Result<(i64,), StoreError>> {
    let pool = pool.clone();
    tokio::spawn(async move {
        let mut reader = pool.reader().await?;
        fetch_one(Lite::Reader(&mut reader), ENDLESS.into(), &[]).await
    })
}

#[tokio::test]
async fn a_read_without_end_holds_up_nobody_and_ends_when_nobody_waits_for_it() {
    let house = House::new(3);
    let reads = [endless(&house.pool), endless(&house.pool)];
    // There is but one thread for all of these: where the reads had kept it, nothing would come after them.
    for expected in 1..100 {
        assert_eq!(house.count().await, expected);
        house.add();
        yield_now().await;
    }
    for read in reads {
        assert!(!read.is_finished());
        read.abort();
        assert!(read.await.unwrap_err().is_cancelled());
    }
    // It waits for the last connection.
    house.pool.close().await;
    assert!(matches!(house.pool.reader().await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn a_read_that_is_given_up_really_ends_and_its_place_is_free_again() {
    let house = House::new(1);
    let mut reader = house.pool.reader().await.unwrap();
    let read = fetch_one::<(i64,)>(Lite::Reader(&mut reader), ENDLESS.into(), &[]);
    assert!(timeout(Duration::from_millis(20), read).await.is_err());
    let refused = fetch_one::<(i64,)>(Lite::Reader(&mut reader), "SELECT 1".into(), &[]).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    // The only place: it is had while the reader lives on, once the thread has let go of the connection.
    assert_eq!(house.count().await, 1);
    drop(reader);
    assert_eq!(house.count().await, 1);
}

#[tokio::test]
async fn rows_without_end_are_handed_out_in_order_until_somebody_has_enough() {
    let house = House::new(1);
    let mut reader = house.pool.reader().await.unwrap();
    for enough in [1, 10, 64, 256, 257, 10_000] {
        let mut last = 0;
        let take = |(number,): (i64,)| {
            assert_eq!(number, last + 1);
            last = number;
            if number == enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        each::<(i64,), _>(Lite::Reader(&mut reader), NUMBERS, &[], take).await.unwrap();
        assert_eq!(last, enough);
        assert_eq!(rows(&mut reader).await, 1, "the connection can be used again");
    }
    let limited = "SELECT value FROM json_each('[1,2,3]') WHERE value < $1";
    let mut found = Vec::new();
    let take = |(number,): (i64,)| {
        found.push(number);
        ControlFlow::Continue(())
    };
    each::<(i64,), _>(Lite::Reader(&mut reader), limited, &[&3_i64], take).await.unwrap();
    assert_eq!(found, [1, 2]);
}

#[tokio::test]
async fn an_error_within_a_long_read_is_told_and_not_taken_for_its_end() {
    let house = House::new(1);
    let mut reader = house.pool.reader().await.unwrap();
    let broken = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        SELECT CASE WHEN i = 900 THEN 'text' ELSE i END FROM n";
    let mut taken = 0;
    let take = |(_,): (i64,)| {
        taken += 1;
        ControlFlow::Continue(())
    };
    let read = each::<(i64,), _>(Lite::Reader(&mut reader), broken, &[], take).await;
    assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
    assert_eq!(taken, 899);
    assert_eq!(rows(&mut reader).await, 1);
}

#[tokio::test]
async fn a_snapshot_sees_its_moment_though_a_read_in_it_begins_anew() {
    let house = House::new(2);
    let mut snapshot = house.pool.reader().await.unwrap();
    snapshot.begin().unwrap();
    assert_eq!(laborious(&mut snapshot).await, (300_000, 1));
    house.add();
    assert_eq!(laborious(&mut snapshot).await, (300_000, 1));
    assert_eq!(rows(&mut snapshot).await, 1);
    drop(snapshot);
    let mut reader = house.pool.reader().await.unwrap();
    assert_eq!(laborious(&mut reader).await, (300_000, 2));
    house.add();
    assert_eq!(rows(&mut reader).await, 3, "the snapshot has ended with its reader");
}

#[tokio::test]
async fn a_panic_on_the_thread_of_a_long_read_is_an_error_and_frees_the_place() {
    let house = House::new(1);
    let mut reader = house.pool.reader().await.unwrap();
    let read = reader.apart::<()>(|_| panic!("on purpose")).await;
    assert!(matches!(read, Err(StoreError::Panicked)), "{read:?}");
    assert_eq!(house.count().await, 1);
}

#[tokio::test]
async fn whoever_keeps_readers_out_holds_up_nobody_else_and_they_wait_for_it() {
    let house = House::new(1);
    house.pool.close().await;
    // Without the log that lets readers go on, as a program that copies the file might.
    house.writer.execute_batch("PRAGMA journal_mode = DELETE").unwrap();
    let pool = Pool::new(&house.folder.join("house.db"), 2);
    let mut early = pool.reader().await.unwrap();
    assert_eq!(rows(&mut early).await, 1);
    house.writer.execute_batch("BEGIN EXCLUSIVE; INSERT INTO t VALUES (3);").unwrap();
    let early = tokio::spawn(async move { rows(&mut early).await });
    let late = tokio::spawn(async move { rows(&mut pool.reader().await.unwrap()).await });
    for _ in 0..100 {
        yield_now().await;
    }
    assert!(!early.is_finished() && !late.is_finished(), "they wait elsewhere");
    house.writer.execute_batch("COMMIT").unwrap();
    assert_eq!((early.await.unwrap(), late.await.unwrap()), (2, 2));
}

#[tokio::test]
async fn who_waits_for_a_place_gets_the_next_or_gives_up_or_is_told_that_it_closes() {
    let house = House::new(1);
    let held = house.pool.reader().await.unwrap();
    let waits = |pool: Pool| tokio::spawn(async move { pool.reader().await });
    let next = waits(house.pool.clone());
    yield_now().await;
    assert!(!next.is_finished());
    drop(held);
    let held = next.await.unwrap().unwrap();
    let refused = house.pool.reader().await.map(drop).unwrap_err();
    assert!(refused.to_string().contains("in use"), "{refused}");
    let late = waits(house.pool.clone());
    yield_now().await;
    let closing = tokio::spawn({
        let pool = house.pool.clone();
        async move { pool.close().await }
    });
    assert!(matches!(late.await.unwrap(), Err(StoreError::Closed)));
    assert!(!closing.is_finished());
    drop(held);
    closing.await.unwrap();
}
