use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Semaphore;

use super::*;
use crate::store::sqlite::Pool;

/// A gather that doubles numbers, each read only when the gate lets it; reads and keys are counted. 13 panics.
struct Doubling {
    gather: Gather<u32, u64>,
    gate: Arc<Semaphore>,
    reads: Arc<AtomicUsize>,
    keys: Arc<AtomicUsize>,
}

impl Doubling {
    fn new() -> Self {
        let pool = Pool::new(":memory:".as_ref(), LANES);
        let gate = Arc::new(Semaphore::new(0));
        let (reads, keys) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (g, r, k) = (Arc::clone(&gate), Arc::clone(&reads), Arc::clone(&keys));
        let gather = Gather::new(Readers::Sqlite(pool), move |_, asked: Vec<u32>| {
            let (g, r, k) = (Arc::clone(&g), Arc::clone(&r), Arc::clone(&k));
            Box::pin(async move {
                r.fetch_add(1, Ordering::Relaxed);
                k.fetch_add(asked.len(), Ordering::Relaxed);
                g.acquire().await.unwrap().forget();
                assert!(!asked.contains(&13), "nobody likes thirteen");
                Ok(asked.into_iter().filter(|key| *key != 7).map(|key| (key, u64::from(key) * 2)).collect())
            })
        });
        Self { gather, gate, reads, keys }
    }

    fn ask(&self, key: u32) -> tokio::task::JoinHandle<Result<u64, StoreError>> {
        let gather = self.gather.clone();
        tokio::spawn(async move { gather.ask(key).await })
    }

    /// Waits until so many reads have begun.
    async fn begun(&self, reads: usize) {
        while self.reads.load(Ordering::Relaxed) < reads {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn questions_that_come_while_a_read_is_under_way_are_asked_together_and_each_key_once() {
    let doubling = Doubling::new();
    let first = doubling.ask(1);
    doubling.begun(1).await;
    let rest: Vec<_> = (0..60).map(|n| doubling.ask(n % 10)).collect();
    doubling.gate.add_permits(100);
    assert_eq!(first.await.unwrap().unwrap(), 2);
    for (n, asked) in (0..).zip(rest) {
        let expected = if n % 10 == 7 { 0 } else { n % 10 * 2 };
        assert_eq!(asked.await.unwrap().unwrap(), expected);
    }
    let (reads, keys) = (doubling.reads.load(Ordering::Relaxed), doubling.keys.load(Ordering::Relaxed));
    assert!(reads <= 4 && keys <= 31, "{reads} reads of {keys} keys");
}

#[tokio::test]
async fn a_read_that_takes_long_holds_up_nobody() {
    let doubling = Doubling::new();
    let first = doubling.ask(1);
    doubling.begun(1).await;
    let second = doubling.ask(2);
    // The first read still waits at the gate.
    doubling.begun(2).await;
    doubling.gate.add_permits(2);
    assert_eq!((first.await.unwrap().unwrap(), second.await.unwrap().unwrap()), (2, 4));
}

#[tokio::test]
async fn a_panic_is_told_to_those_of_that_read_and_the_next_goes_on() {
    let doubling = Doubling::new();
    doubling.gate.add_permits(10);
    assert!(matches!(doubling.ask(13).await.unwrap(), Err(StoreError::Panicked)));
    assert_eq!(doubling.ask(4).await.unwrap().unwrap(), 8);
}

#[tokio::test]
async fn who_goes_away_is_not_asked_for_and_holds_up_nobody() {
    let doubling = Doubling::new();
    let first = doubling.ask(1);
    doubling.begun(1).await;
    let (gone, stays) = (doubling.ask(2), doubling.ask(3));
    while doubling.gather.room.state().waiting.len() < 2 && doubling.reads.load(Ordering::Relaxed) < 2 {
        tokio::task::yield_now().await;
    }
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    doubling.gate.add_permits(10);
    assert_eq!((first.await.unwrap().unwrap(), stays.await.unwrap().unwrap()), (2, 6));
}

#[tokio::test]
async fn more_questions_than_may_wait_are_refused_and_those_that_wait_are_answered_before_the_end() {
    let doubling = Doubling::new();
    let most = QUEUE + LANES as usize * BATCH;
    let asked: Vec<_> = (0..most + 500).map(|_| doubling.ask(5)).collect();
    while doubling.gather.room.state().waiting.len() < QUEUE {
        tokio::task::yield_now().await;
    }
    assert!(matches!(doubling.gather.ask(5).await, Err(StoreError::Unavailable(_))));
    doubling.gather.close();
    assert!(matches!(doubling.gather.ask(5).await, Err(StoreError::Closed)));
    doubling.gate.add_permits(1000);
    let mut answered = 0;
    for one in asked {
        answered += usize::from(one.await.unwrap().is_ok_and(|double| double == 10));
    }
    assert!(answered >= QUEUE, "{answered}");
    while doubling.gather.room.state().lanes > 0 {
        tokio::task::yield_now().await;
    }
}
