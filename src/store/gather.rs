//! Reads that wait are asked together: one statement answers everybody who came while another was under way.
//!
//! Invariant: an answer is never older than its question, for a question joins only a read that has not begun. Who
//! goes away, and what goes wrong in one read, takes nothing from the others; everybody is answered or told why not.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{Notify, oneshot};
use tokio::time::timeout;

use super::conn::{Conn, Readers, Work};
use super::error::StoreError;

/// At most this many reads are under way at once, each on a connection of its own.
pub(super) const LANES: u32 = 3;

/// At most this many questions are asked in one read.
const BATCH: usize = 128;

/// So many waiting questions are worth a second read at once; fewer wait for the one under way.
const MANY: usize = 64;

/// More questions than this do not wait: whoever comes then is refused and may try again.
const QUEUE: usize = 4096;

/// A read that takes longer than this holds nobody up: another may begin beside it.
const SLOW: Duration = Duration::from_millis(3);

/// A read that has not ended by then is given up.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// A connection without a question goes back to the pool after this time, as short as the pool trusts an idle one.
const REST: Duration = Duration::from_secs(1);

/// Answers many keys at once. A key that the answer leaves out has the answer of `V::default()`.
type Ask<K, V> =
    Box<dyn for<'c> Fn(&'c mut Conn, Vec<K>) -> Work<'c, HashMap<K, V>, StoreError> + Send + Sync>;

/// Gathers questions. Cheap to clone; all clones are one.
pub(super) struct Gather<K, V> {
    room: Arc<Room<K, V>>,
}

impl<K, V> Clone for Gather<K, V> {
    fn clone(&self) -> Self {
        Self { room: Arc::clone(&self.room) }
    }
}

impl<K, V> fmt::Debug for Gather<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gather").finish_non_exhaustive()
    }
}

struct Room<K, V> {
    readers: Readers,
    ask: Ask<K, V>,
    state: Mutex<State<K, V>>,
    /// Wakes a lane that rests.
    come: Notify,
}

struct State<K, V> {
    waiting: VecDeque<Question<K, V>>,
    /// Tasks that read.
    lanes: u32,
    /// Those of them that have nothing to do.
    resting: u32,
    /// Those of them whose read takes long.
    slow: u32,
    is_closed: bool,
}

struct Question<K, V> {
    key: K,
    tell: Tell<V>,
}

type Tell<V> = oneshot::Sender<Result<V, StoreError>>;

/// The questions of one read, each key once.
type Batch<K, V> = HashMap<K, Vec<Tell<V>>>;

impl<K, V> Gather<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Default + Send + 'static,
{
    /// Gathers questions that `ask` answers, with readers from `readers`.
    pub(super) fn new(
        readers: Readers,
        ask: impl for<'c> Fn(&'c mut Conn, Vec<K>) -> Work<'c, HashMap<K, V>, StoreError> + Send + Sync + 'static,
    ) -> Self {
        let state = State { waiting: VecDeque::new(), lanes: 0, resting: 0, slow: 0, is_closed: false };
        let room = Room { readers, ask: Box::new(ask), state: Mutex::new(state), come: Notify::new() };
        Self { room: Arc::new(room) }
    }

    /// Asks, and waits for an answer that is as new as the question.
    pub(super) async fn ask(&self, key: K) -> Result<V, StoreError> {
        let (tell, told) = oneshot::channel();
        if self.room.queue(Question { key, tell })? {
            tokio::spawn(work_off(Arc::clone(&self.room)));
        }
        // Whoever should have told may have been ended together with the runtime.
        told.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Takes no more questions. Those that wait are still answered; then the connections go back to the pool.
    pub(super) fn close(&self) {
        self.room.state().is_closed = true;
        for _ in 0..LANES {
            self.room.come.notify_one();
        }
        self.room.come.notify_waiters();
    }
}

impl<K, V> Room<K, V> {
    fn state(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Room<K, V> {
    /// Lets a question wait. Gives whether a lane is to be begun for it.
    fn queue(&self, question: Question<K, V>) -> Result<bool, StoreError> {
        let mut state = self.state();
        if state.is_closed {
            return Err(StoreError::Closed);
        }
        if state.waiting.len() >= QUEUE {
            state.waiting.retain(|question| !question.tell.is_closed());
            if state.waiting.len() >= QUEUE {
                return Err(StoreError::refused("too many reads wait already"));
            }
        }
        state.waiting.push_back(question);
        Ok(self.engage(&mut state))
    }

    /// Sees to it that a lane takes what waits: one that is at it, one that rests, or a new one. Gives whether a new
    /// one is to be begun.
    fn engage(&self, state: &mut State<K, V>) -> bool {
        let busy = state.lanes - state.resting - state.slow;
        if busy > 0 && state.waiting.len() < MANY {
            return false;
        }
        if state.resting > 0 {
            self.come.notify_one();
            return false;
        }
        let is_room = state.lanes < LANES;
        state.lanes += u32::from(is_room);
        is_room
    }

    /// The next questions to ask; nothing where none waits, and the lane is then counted as resting.
    fn take(&self) -> Option<Batch<K, V>> {
        let mut state = self.state();
        let mut batch = Batch::new();
        for _ in 0..BATCH {
            let Some(question) = state.waiting.pop_front() else { break };
            // Who has gone away is not asked for.
            if !question.tell.is_closed() {
                batch.entry(question.key).or_default().push(question.tell);
            }
        }
        if batch.is_empty() {
            state.resting += 1;
            return None;
        }
        Some(batch)
    }

    /// Ends a rest. Gives whether the lane goes on: it was called, or something waits.
    ///
    /// A lane that does not is out of the count in the same moment: who asks next must not rely on it.
    fn wake(&self, was_called: bool) -> bool {
        let mut state = self.state();
        state.resting -= 1;
        let goes_on = !state.waiting.is_empty() || (was_called && !state.is_closed);
        state.lanes -= u32::from(!goes_on);
        goes_on
    }
}

/// A lane: reads as long as there are questions, rests a little, and ends.
async fn work_off<K, V>(room: Arc<Room<K, V>>)
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Default + Send + 'static,
{
    let mut conn = None;
    loop {
        if let Some(batch) = room.take() {
            conn = answer(&room, conn.take(), batch).await;
            continue;
        }
        let is_open = !room.state().is_closed;
        let was_called = is_open && timeout(REST, room.come.notified()).await.is_ok();
        if !room.wake(was_called) {
            return;
        }
    }
}

/// Reads, and tells everybody. Gives the connection back where it can be used again.
async fn answer<K, V>(room: &Arc<Room<K, V>>, conn: Option<Conn>, batch: Batch<K, V>) -> Option<Conn>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Default + Send + 'static,
{
    let may_be_stale = conn.is_some();
    let (mut conn, mut result) = read(room, conn, batch.keys().cloned().collect()).await;
    if may_be_stale && matches!(result, Err(StoreError::Unavailable(_))) {
        // The connection may have died while it rested, and a read can be repeated.
        (conn, result) = read(room, None, batch.keys().cloned().collect()).await;
    }
    match result {
        Ok(mut found) => {
            for (key, tells) in batch {
                tell(tells, found.remove(&key).unwrap_or_default());
            }
        }
        Err(error) => {
            for tell in batch.into_values().flatten() {
                drop(tell.send(Err(error.passed_on())));
            }
        }
    }
    conn
}

fn tell<V: Clone>(mut tells: Vec<Tell<V>>, answer: V) {
    let Some(last) = tells.pop() else { return };
    for tell in tells {
        drop(tell.send(Ok(answer.clone())));
    }
    drop(last.send(Ok(answer)));
}

type Done<K, V> = (Option<Conn>, Result<HashMap<K, V>, StoreError>);

/// One read. While it takes long, others may begin beside it.
async fn read<K, V>(room: &Arc<Room<K, V>>, conn: Option<Conn>, keys: Vec<K>) -> Done<K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Default + Send + 'static,
{
    let mut under_way = pin!(reading(room, conn, keys));
    if let Ok(done) = timeout(SLOW, &mut under_way).await {
        return done;
    }
    let slow = Slow::begin(room);
    let done = timeout(PATIENCE, under_way).await;
    drop(slow);
    done.unwrap_or_else(|_| (None, Err(StoreError::refused("it does not answer"))))
}

async fn reading<K, V>(room: &Room<K, V>, conn: Option<Conn>, keys: Vec<K>) -> Done<K, V> {
    let conn = match conn {
        Some(conn) => Ok(conn),
        None => room.readers.reader().await,
    };
    let mut held = match conn {
        Ok(conn) => Held(Some(conn)),
        Err(error) => return (None, Err(error)),
    };
    let Some(conn) = held.0.as_mut() else { return (None, Err(StoreError::Closed)) };
    let asked = AssertUnwindSafe(async { (room.ask)(conn, keys).await }).catch_unwind().await;
    match asked {
        Ok(Ok(found)) => (held.0.take(), Ok(found)),
        Ok(Err(error)) => (None, Err(error)),
        Err(_) => (None, Err(StoreError::Panicked)),
    }
}

/// A connection in use. One whose read failed, panicked or was given up is not used again.
struct Held(Option<Conn>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(conn) = self.0.take() {
            conn.abandon();
        }
    }
}

/// Counts a lane as slow as long as its read goes on, and lets another begin for what waits.
struct Slow<'r, K, V>(&'r Room<K, V>);

impl<'r, K, V> Slow<'r, K, V>
where
    K: Clone + Eq + Hash + Send + 'static,
    V: Clone + Default + Send + 'static,
{
    fn begin(room: &'r Arc<Room<K, V>>) -> Self {
        let mut state = room.state();
        state.slow += 1;
        let is_to_begin = !state.waiting.is_empty() && room.engage(&mut state);
        drop(state);
        if is_to_begin {
            tokio::spawn(work_off(Arc::clone(room)));
        }
        Self(room)
    }
}

impl<K, V> Drop for Slow<'_, K, V> {
    fn drop(&mut self) {
        self.0.state().slow -= 1;
    }
}

#[cfg(test)]
mod tests;
