//! Group commit for SQLite: changes that wait at the same time share one durable commit.
//!
//! Invariant: each change is a savepoint of its own, so one that fails takes nothing with it; nobody is answered
//! before the commit that holds their change. A closure runs at most once.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::thread;

use futures_util::FutureExt;
use rusqlite::Connection;
use tokio::runtime;
use tokio::sync::{mpsc, oneshot, watch};

use super::conn::{Conn, Work};
use super::error::StoreError;
use super::ledger::{self, Ledger};
use super::sqlite;

/// At most this many changes share one commit; more only make the first wait longer.
const BATCH: usize = 64;

/// Tells whoever asked how their change ended, once the commit's fate is known.
type Answer = Box<dyn FnOnce(Result<(), &str>) + Send>;

/// What a change left behind: whether to keep it, and how to answer.
struct Finished {
    keep: bool,
    answer: Answer,
}

/// A change that waits for its turn.
trait Change: Send {
    /// Does the work; the caller decides with the answer when it is known.
    fn run<'c>(self: Box<Self>, c: &'c mut Conn) -> Pin<Box<dyn Future<Output = Finished> + Send + 'c>>;

    /// Tells whoever asked that the work was never begun, and why.
    fn refuse(self: Box<Self>, why: &str);
}

struct Asked<F, T, E> {
    work: F,
    tell: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Change for Asked<F, T, E>
where
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    fn run<'c>(self: Box<Self>, c: &'c mut Conn) -> Pin<Box<dyn Future<Output = Finished> + Send + 'c>> {
        Box::pin(async move {
            let Self { work, tell } = *self;
            let result = unless_it_panics(c, work).await;
            let keep = result.is_ok();
            let answer: Answer = Box::new(move |committed| {
                let result = match (result, committed) {
                    (Ok(_), Err(why)) => Err(StoreError::refused(why).into()),
                    (result, _) => result,
                };
                // Whoever asked may have gone away; the change stands all the same.
                drop(tell.send(result));
            });
            Finished { keep, answer }
        })
    }

    fn refuse(self: Box<Self>, why: &str) {
        drop(self.tell.send(Err(StoreError::refused(why).into())));
    }
}

/// Runs `work`; a panic in it becomes [`StoreError::Panicked`].
pub(super) async fn unless_it_panics<T, E, F>(c: &mut Conn, work: F) -> Result<T, E>
where
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T, E>,
    E: From<StoreError>,
{
    let result = AssertUnwindSafe(async move { work(c).await }).catch_unwind().await;
    result.unwrap_or_else(|_| Err(StoreError::Panicked.into()))
}

enum Message {
    Change(Box<dyn Change>),
    Close,
}

/// The way to the one thread that writes.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    inbox: mpsc::Sender<Message>,
    /// Its other end is gone when the thread has closed its connection.
    ended: watch::Receiver<()>,
}

impl Writer {
    /// Starts the writing thread on `conn`, which must already be migrated. A thread of its own, because a durable
    /// commit waits for the disk.
    ///
    /// # Errors
    ///
    /// When the system has no more threads.
    pub(super) fn start(conn: Connection) -> Result<Self, StoreError> {
        let refused =
            |error: std::io::Error| StoreError::refused(&format!("no thread can be begun: {error}"));
        let (inbox, messages) = mpsc::channel(1024);
        let (ends, ended) = watch::channel(());
        let conn = Conn::SqliteWrite { open: Box::new(conn), ledger: Ledger::default() };
        let work = move || {
            // Statements run on the thread itself; what a change does besides finds a runtime there.
            match runtime::Builder::new_current_thread().enable_time().build() {
                Ok(runtime) => runtime.block_on(work_off(conn, messages)),
                Err(error) => tracing::error!(%error, "the thread that writes cannot begin; start again"),
            }
            drop(ends);
        };
        thread::Builder::new().name("sqlite-writer".to_owned()).spawn(work).map_err(refused)?;
        Ok(Self { inbox, ended })
    }

    /// Runs `work` inside a transaction and answers when it is durable.
    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (tell, told) = oneshot::channel::<Result<T, E>>();
        let change = Message::Change(Box::new(Asked { work, tell }));
        self.inbox.send(change).await.map_err(|_| E::from(StoreError::Closed))?;
        told.await.map_err(|_| E::from(StoreError::Closed))?
    }

    /// Takes no more changes, works off those that wait, and gives the file back. Returns when that is done.
    pub(super) async fn close(&self) {
        // An error says that the thread has ended already.
        drop(self.inbox.send(Message::Close).await);
        // Nothing is ever sent: it waits for the end.
        while self.ended.clone().changed().await.is_ok() {}
    }
}

async fn work_off(mut conn: Conn, mut inbox: mpsc::Receiver<Message>) {
    while let Some(message) = inbox.recv().await {
        match message {
            Message::Change(first) => batch(&mut conn, first, &mut inbox).await,
            // What was accepted before is still worked off; whoever comes later is told that the store is closed.
            Message::Close => inbox.close(),
        }
    }
    if let Conn::SqliteWrite { open, .. } = conn {
        sqlite::close_writer(*open);
    }
}

/// The next change that waits already.
fn waiting(inbox: &mut mpsc::Receiver<Message>) -> Option<Box<dyn Change>> {
    loop {
        match inbox.try_recv().ok()? {
            Message::Change(change) => return Some(change),
            Message::Close => inbox.close(),
        }
    }
}

/// One commit: the first change and all that wait behind it.
async fn batch(conn: &mut Conn, first: Box<dyn Change>, inbox: &mut mpsc::Receiver<Message>) {
    if let Err(error) = begin(conn).await {
        // Those behind would fail for the same reason, each after the same wait.
        let why = error.reason();
        first.refuse(&why);
        while let Some(change) = waiting(inbox) {
            change.refuse(&why);
        }
        return;
    }
    let mut answers = Vec::new();
    let mut outcome = Ok(());
    let mut next = Some(first);
    while let Some(change) = next.take() {
        outcome = one(conn, change, &mut answers).await;
        if outcome.is_ok() && answers.len() < BATCH {
            next = waiting(inbox);
        }
    }
    if outcome.is_ok() {
        outcome = ledger::close(conn).await;
    }
    if outcome.is_ok() {
        outcome = q!(execute; conn, "COMMIT").map(drop);
    }
    if outcome.is_err() {
        // Where SQLite has rolled back by itself there is nothing left to roll back.
        drop(q!(execute; conn, "ROLLBACK"));
        ledger::forget(conn);
    }
    let outcome = outcome.map_err(|error| error.reason());
    for answer in answers {
        answer(outcome.as_ref().copied().map_err(String::as_str));
    }
}

/// Begins the transaction, and the savepoint of its first change.
async fn begin(conn: &mut Conn) -> Result<(), StoreError> {
    match q!(execute; conn, "BEGIN IMMEDIATE; SAVEPOINT change") {
        Ok(_) => Ok(()),
        // A transaction that could not be ended the last time would otherwise stand in the way for ever.
        Err(_) if q!(execute; conn, "ROLLBACK").is_ok() => {
            q!(execute; conn, "BEGIN IMMEDIATE; SAVEPOINT change").map(drop)
        }
        Err(error) => Err(error),
    }
}

/// Runs one change inside the savepoint that stands open, and leaves a fresh one open for the next.
async fn one(conn: &mut Conn, change: Box<dyn Change>, answers: &mut Vec<Answer>) -> Result<(), StoreError> {
    let finished = change.run(conn).await;
    answers.push(finished.answer);
    if finished.keep {
        ledger::keep(conn);
        q!(execute; conn, "RELEASE change; SAVEPOINT change")?;
    } else {
        ledger::undo(conn);
        q!(execute; conn, "ROLLBACK TO change")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> Writer {
        Writer::start(Connection::open_in_memory().unwrap()).unwrap()
    }

    async fn thread_name(writer: &Writer) -> Result<Option<String>, StoreError> {
        writer.write(|_| Box::pin(async { Ok(thread::current().name().map(str::to_owned)) })).await
    }

    #[tokio::test]
    async fn the_thread_outlives_a_panic_and_ends_when_it_is_closed() {
        let writer = writer();
        let panics: Result<(), StoreError> = writer.write(|_| Box::pin(async { panic!("on purpose") })).await;
        assert!(matches!(panics, Err(StoreError::Panicked)), "{panics:?}");
        assert_eq!(thread_name(&writer).await.unwrap().as_deref(), Some("sqlite-writer"));
        assert!(writer.ended.has_changed().is_ok());
        writer.close().await;
        assert!(writer.ended.has_changed().is_err());
        assert!(matches!(thread_name(&writer).await, Err(StoreError::Closed)));
        writer.close().await;
    }

    #[tokio::test]
    async fn the_thread_ends_when_nobody_can_ask_it_any_more() {
        let writer = writer();
        let mut ended = writer.ended.clone();
        drop(writer);
        assert!(ended.changed().await.is_err());
    }

    #[tokio::test]
    async fn statements_of_a_change_are_undone_with_it_and_those_of_its_neighbours_are_kept() {
        let writer = writer();
        let made: Result<u64, StoreError> =
            writer.write(|c| Box::pin(async { q!(execute; c, "CREATE TABLE t (a INTEGER)") })).await;
        made.unwrap();
        let changes = (0..200_i64).map(|number| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let write = writer.write(move |c| {
                    Box::pin(async move {
                        q!(execute; c, "INSERT INTO t VALUES ($1)", number)?;
                        if number % 3 == 0 { Err(StoreError::refused("on purpose")) } else { Ok(()) }
                    })
                });
                assert_eq!(write.await.is_err(), number % 3 == 0);
            })
        });
        for change in changes.collect::<Vec<_>>() {
            change.await.unwrap();
        }
        let kept: Result<Vec<(i64,)>, StoreError> = writer
            .write(|c| Box::pin(async { q!(fetch_all as (i64,); c, "SELECT a FROM t ORDER BY a") }))
            .await;
        let kept: Vec<i64> = kept.unwrap().into_iter().map(|(number,)| number).collect();
        assert_eq!(kept, (0..200).filter(|number| number % 3 != 0).collect::<Vec<_>>());
        writer.close().await;
    }
}
