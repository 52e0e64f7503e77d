//! Group commit for SQLite: changes that wait at the same time share one durable commit.
//!
//! Invariant: each change is a savepoint of its own, so one that fails takes nothing with it; nobody is answered
//! before the commit that holds their change. A closure runs exactly once.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use futures_util::FutureExt;
use sqlx::Connection;
use tokio::sync::{mpsc, oneshot};

use super::conn::{Conn, Work};
use super::error::StoreError;

/// At most this many changes share one commit; more only make the first wait longer.
const BATCH: usize = 64;

/// What a change left behind: whether to keep it, and how to answer once the commit's fate is known.
struct Finished {
    keep: bool,
    answer: Box<dyn FnOnce(Result<(), String>) + Send>,
}

type Job =
    Box<dyn for<'c> FnOnce(&'c mut Conn) -> Pin<Box<dyn Future<Output = Finished> + Send + 'c>> + Send>;

/// The way to the one task that writes.
#[derive(Debug, Clone)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the writing task on `conn`, which must already be migrated.
    pub(super) fn start(conn: sqlx::SqliteConnection) -> (Self, tokio::task::JoinHandle<()>) {
        let (jobs, inbox) = mpsc::channel(1024);
        let task = tokio::spawn(work_off(Conn::SqliteWrite(Box::new(conn)), inbox));
        (Self { jobs }, task)
    }

    /// Runs `work` inside a transaction and answers when it is durable.
    pub(super) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T, E> + Send + 'static,
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (tell, told) = oneshot::channel::<Result<T, E>>();
        let job: Job = Box::new(move |c| Box::pin(run(c, work, tell)));
        self.jobs.send(job).await.map_err(|_| E::from(StoreError::Closed))?;
        told.await.map_err(|_| E::from(StoreError::Closed))?
    }
}

async fn run<T, E, F>(c: &mut Conn, work: F, tell: oneshot::Sender<Result<T, E>>) -> Finished
where
    F: for<'c> FnOnce(&'c mut Conn) -> Work<'c, T, E> + Send + 'static,
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let result = AssertUnwindSafe(async move { work(c).await }).catch_unwind().await;
    let result = result.unwrap_or_else(|_| Err(StoreError::Panicked.into()));
    let keep = result.is_ok();
    let answer = Box::new(move |committed: Result<(), String>| {
        let result = match (result, committed) {
            (Ok(_), Err(why)) => Err(StoreError::Unavailable(sqlx::Error::Protocol(why)).into()),
            (result, _) => result,
        };
        // Whoever asked may have gone away; the change stands all the same.
        drop(tell.send(result));
    });
    Finished { keep, answer }
}

async fn work_off(mut conn: Conn, mut inbox: mpsc::Receiver<Job>) {
    while let Some(first) = inbox.recv().await {
        let mut answers = Vec::new();
        let committed = batch(&mut conn, first, &mut inbox, &mut answers).await;
        let committed = committed.map_err(|e| e.to_string());
        for answer in answers {
            answer(committed.clone());
        }
    }
    if let Conn::SqliteWrite(conn) = conn
        && let Err(error) = conn.close().await
    {
        tracing::warn!(%error, "the writer's connection did not close cleanly");
    }
}

type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;

/// One commit: the first job and all that wait behind it.
async fn batch(
    conn: &mut Conn,
    first: Job,
    inbox: &mut mpsc::Receiver<Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), StoreError> {
    // A job that cannot even begin is dropped; its caller hears that the store is closed or busy.
    q!(execute; conn, "BEGIN IMMEDIATE")?;
    let mut next = Some(first);
    while let Some(job) = next.take() {
        let outcome = one(conn, job, answers).await;
        if outcome.is_err() {
            q!(execute; conn, "ROLLBACK")?;
            return outcome;
        }
        if answers.len() < BATCH {
            next = inbox.try_recv().ok();
        }
    }
    if let Err(error) = q!(execute; conn, "COMMIT") {
        drop(q!(execute; conn, "ROLLBACK"));
        return Err(error);
    }
    Ok(())
}

async fn one(conn: &mut Conn, job: Job, answers: &mut Vec<Answer>) -> Result<(), StoreError> {
    q!(execute; conn, "SAVEPOINT change")?;
    let finished = job(conn).await;
    let kept = if finished.keep {
        q!(execute; conn, "RELEASE change").map(drop)
    } else {
        match q!(execute; conn, "ROLLBACK TO change") {
            Ok(_) => q!(execute; conn, "RELEASE change").map(drop),
            Err(error) => Err(error),
        }
    };
    answers.push(finished.answer);
    kept
}
