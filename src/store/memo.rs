//! What was read, for as long as nothing is committed.
//!
//! Invariant: what was put in under one epoch is given out under that epoch alone; what is kept has a bound.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::epoch::Epoch;

/// So many may read and write at the same time without waiting for each other.
const SHELVES: usize = 16;

/// Values under their keys, all of one epoch.
pub struct Memo<K, V> {
    shelves: [Mutex<Shelf<K, V>>; SHELVES],
    /// Values that a shelf takes before it lets go of the older half.
    half: usize,
    hasher: RandomState,
}

impl<K, V> fmt::Debug for Memo<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memo").finish_non_exhaustive()
    }
}

/// A part of the values. Those that nobody has asked for in a while are the first to go.
struct Shelf<K, V> {
    epoch: Epoch,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V> Default for Shelf<K, V> {
    fn default() -> Self {
        Self { epoch: Epoch::default(), young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    /// Keeps about `most` values.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            shelves: std::array::from_fn(|_| Mutex::default()),
            half: (most / SHELVES / 2).max(1),
            hasher: RandomState::new(),
        }
    }

    fn shelf(&self, key: &K) -> Option<MutexGuard<'_, Shelf<K, V>>> {
        let place = usize::try_from(self.hasher.hash_one(key) % 16).unwrap_or_default();
        self.shelves.get(place).map(|shelf| shelf.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What was put in under this epoch and key.
    pub fn get(&self, epoch: Epoch, key: &K) -> Option<V> {
        let mut at = self.shelf(key)?;
        if at.epoch != epoch {
            return None;
        }
        if let Some(value) = at.young.get(key) {
            return Some(value.clone());
        }
        let (key, value) = at.old.remove_entry(key)?;
        let given = value.clone();
        let gone = at.put(key, value, self.half);
        drop(at);
        drop(gone);
        Some(given)
    }

    /// Puts a value in that was read while the database was in this state.
    pub fn put(&self, epoch: Epoch, key: K, value: V) {
        let Some(mut at) = self.shelf(&key) else { return };
        let former = if at.epoch == epoch { None } else { Some(mem::take(&mut *at)) };
        at.epoch = epoch;
        let gone = at.put(key, value, self.half);
        // Nobody should wait while much is let go.
        drop(at);
        drop((former, gone));
    }
}

impl<K: Eq + Hash, V> Shelf<K, V> {
    /// Takes a value. Gives those that make room for it.
    fn put(&mut self, key: K, value: V, half: usize) -> HashMap<K, V> {
        self.young.insert(key, value);
        if self.young.len() < half {
            return HashMap::new();
        }
        mem::replace(&mut self.old, mem::take(&mut self.young))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_given_out_in_its_own_epoch_alone() {
        let (memo, [now, later]) = (Memo::new(100), [Epoch::numbered(1), Epoch::numbered(2)]);
        memo.put(now, "a", 1);
        assert_eq!((memo.get(now, &"a"), memo.get(later, &"a")), (Some(1), None));
        memo.put(later, "a", 2);
        assert_eq!((memo.get(now, &"a"), memo.get(later, &"a")), (None, Some(2)));
    }

    #[test]
    fn what_is_asked_for_stays_and_the_whole_has_a_bound() {
        let (memo, now) = (Memo::new(320), Epoch::numbered(1));
        memo.put(now, 0, ());
        for key in 1..10_000 {
            memo.put(now, key, ());
            assert_eq!(memo.get(now, &0), Some(()), "after {key}");
        }
        let kept = (0..10_000).filter(|key| memo.get(now, key).is_some()).count();
        assert!(kept <= 320, "{kept} are kept");
    }
}
