//! The connections that read one file of SQLite.
//!
//! Invariant: no more of them are open than there are places; who is refused one knows why.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::timeout;

use crate::store::error::StoreError;

use super::PATIENCE;
use super::reader::{Open, Reader};

/// A connection that nobody has used for this long is closed, and gives back its memory.
const REST: Duration = Duration::from_mins(1);

/// Where readers come from. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub(in crate::store) struct Pool {
    room: Arc<Room>,
}

#[derive(Debug)]
struct Room {
    path: PathBuf,
    most: usize,
    places: Arc<Semaphore>,
    /// Those that rest, the longest first; nothing once the pool is closed.
    resting: Mutex<Option<Vec<Resting>>>,
    /// Tells whoever closes that a place is free.
    left: Notify,
}

#[derive(Debug)]
struct Resting {
    open: Open,
    since: Instant,
}

/// A place among the connections of a pool.
#[derive(Debug)]
pub(super) struct Place {
    permit: Option<OwnedSemaphorePermit>,
    room: Arc<Room>,
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.permit.take());
        self.room.left.notify_waiters();
    }
}

impl Room {
    fn resting(&self) -> MutexGuard<'_, Option<Vec<Resting>>> {
        self.resting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Readers of the file at `path`, at most so many at a time. They are opened when they are needed.
    pub(in crate::store) fn new(path: &Path, most: u32) -> Self {
        let most = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        let room = Room {
            path: path.to_owned(),
            most,
            places: Arc::new(Semaphore::new(most)),
            resting: Mutex::new(Some(Vec::new())),
            left: Notify::new(),
        };
        Self { room: Arc::new(room) }
    }

    /// A reader. Who waits longer than [`PATIENCE`] for one is refused.
    pub(in crate::store) async fn reader(&self) -> Result<Reader, StoreError> {
        let place = self.place().await?;
        let rested = match self.room.resting().as_mut() {
            Some(resting) => resting.pop(),
            None => return Err(StoreError::Closed),
        };
        let open = match rested {
            Some(rested) => rested.open,
            None => self.open().await?,
        };
        Ok(Reader::new(open, place, self.clone()))
    }

    async fn open(&self) -> Result<Open, StoreError> {
        let path = self.room.path.clone();
        let opened = tokio::task::spawn_blocking(move || Open::at(&path)).await;
        Ok(opened.map_err(|_| StoreError::Panicked)??)
    }

    async fn place(&self) -> Result<Place, StoreError> {
        let places = &self.room.places;
        let permit = match Arc::clone(places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(StoreError::Closed),
            Err(TryAcquireError::NoPermits) => timeout(PATIENCE, Arc::clone(places).acquire_owned())
                .await
                .map_err(|_| StoreError::refused("all its connections are in use"))?
                .map_err(|_| StoreError::Closed)?,
        };
        Ok(Place { permit: Some(permit), room: Arc::clone(&self.room) })
    }

    /// Takes a connection back. Those that have rested too long are closed.
    pub(super) fn take_back(&self, open: Open) {
        let mut resting = self.room.resting();
        let Some(all) = resting.as_mut() else { return };
        let now = Instant::now();
        all.push(Resting { open, since: now });
        let stale = all.iter().take_while(|one| now.duration_since(one.since) > REST).count();
        let stale: Vec<Resting> = all.drain(..stale).collect();
        // Closing a connection takes longer than anybody should wait here.
        drop(resting);
        drop(stale);
    }

    /// Gives out no more readers. Returns when all are back and closed.
    pub(in crate::store) async fn close(&self) {
        self.room.places.close();
        drop(self.room.resting().take());
        loop {
            let left = self.room.left.notified();
            if self.room.places.available_permits() >= self.room.most {
                return;
            }
            left.await;
        }
    }
}
