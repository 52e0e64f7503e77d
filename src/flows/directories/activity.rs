//! Gathers what each directory does, in memory, until it is written down.
//!
//! Invariant: a request costs a lock and no write; memory is bounded, whatever a directory sends; nothing gathered is
//! personal data.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::event::{Denied, Event, Outcome, Verb};
use super::reference::{Reference, without_values};
use crate::config::Settings;
use crate::domain::ids::{DirectoryId, TokenId};
use crate::scim::{Repairs, ResourceKind};
use crate::store::activity::Seen;
use crate::store::refused::Refused;

/// So many refused people and groups are kept per directory.
pub const MOST_REFUSED: usize = 200;

/// So many successes are remembered between two writings; one beyond mends its refusal the next time.
const MOST_SETTLED: usize = 50_000;

/// So many uses of tokens are remembered between two writings.
const MOST_USES: usize = 1_000;

/// What one directory did since it was last written down.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) seen: Seen,
    pub(super) counts: BTreeMap<(Verb, Outcome), i64>,
    pub(super) repairs: BTreeMap<&'static str, (i64, Timestamp)>,
    pub(super) refused: BTreeMap<(&'static str, Reference), Refused>,
    settled: HashMap<u64, Timestamp>,
}

/// What every directory does.
#[derive(Debug)]
pub struct Activity {
    of: BTreeMap<DirectoryId, Mutex<Gathered>>,
    uses: Mutex<BTreeMap<TokenId, Timestamp>>,
    /// Keyed anew at each start, so that nobody can choose two names with one hash.
    keys: RandomState,
    ending: AtomicUsize,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Activity {
    /// Nothing yet, for the directories of the settings.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let of = settings.directories.iter().map(|known| (known.id.clone(), Mutex::default())).collect();
        Self { of, uses: Mutex::default(), keys: RandomState::new(), ending: AtomicUsize::new(0) }
    }

    /// Gathers what a directory asked for and how it was answered.
    pub fn tell(&self, directory: &DirectoryId, event: &Event<'_>) {
        let Some(gathered) = self.of.get(directory) else { return };
        let mut gathered = locked(gathered);
        let outcome = event.outcome();
        *gathered.counts.entry((event.verb, outcome)).or_default() += 1;
        later(&mut gathered.seen.last_request, event.at);
        let change = event.resource.filter(|_| event.verb.is_change());
        match (outcome, change) {
            (Outcome::Ok, None) => {}
            (Outcome::Ok, Some(kind)) => {
                later(&mut gathered.seen.last_change, event.at);
                self.settle(&mut gathered, kind, event);
            }
            (Outcome::Refused | Outcome::Failed | Outcome::Paused, change) => {
                gathered.seen.last_error = Some(event.as_error());
                if let Some(kind) = change.filter(|_| event.leaves_something_undone()) {
                    refuse(&mut gathered, kind, event);
                    gathered.forget_success(&self.keys, kind, event.references);
                }
            }
        }
    }

    /// What succeeded is no longer among the refused, here or, once written, in the database.
    fn settle(&self, gathered: &mut Gathered, kind: ResourceKind, event: &Event<'_>) {
        for reference in event.references {
            gathered.refused.remove(&(kind.name(), reference.clone()));
            if gathered.settled.len() < MOST_SETTLED {
                gathered.settled.insert(key(&self.keys, kind.name(), reference.as_str()), event.at);
            }
        }
    }

    /// Gathers what was mended in a directory's request.
    pub fn repaired(&self, directory: &DirectoryId, repairs: &Repairs, at: Timestamp) {
        if repairs.is_empty() {
            return;
        }
        let Some(gathered) = self.of.get(directory) else { return };
        let mut gathered = locked(gathered);
        for (repair, times) in repairs.iter() {
            let (count, last) = gathered.repairs.entry(repair.name()).or_insert((0, at));
            *count += i64::from(times);
            *last = (*last).max(at);
        }
    }

    /// Gathers that somebody came with a token or secret of a directory that opens nothing.
    pub fn denied(&self, directory: &str, why: Denied, at: Timestamp) {
        let gathered = DirectoryId::parse(directory).ok().and_then(|id| self.of.get(&id));
        if let Some(gathered) = gathered {
            locked(gathered).seen.last_denied = Some((at, why.name().to_owned()));
        }
    }

    /// Gathers that a token was used.
    pub fn used(&self, token: TokenId, at: Timestamp) {
        let mut uses = locked(&self.uses);
        if uses.len() < MOST_USES || uses.contains_key(&token) {
            uses.insert(token, at);
        }
    }

    /// Notes how many tokens and secrets soon end, for whoever asks how the daemon fares.
    pub fn note_ending(&self, count: usize) {
        self.ending.store(count, Ordering::Relaxed);
    }

    /// How many tokens and secrets soon end, as last counted.
    #[must_use]
    pub fn ending(&self) -> usize {
        self.ending.load(Ordering::Relaxed)
    }

    /// Whether a reference that was refused at `last` has succeeded since, going by what was gathered.
    pub(super) fn is_settled(&self, gathered: &Gathered, refused: &Refused) -> bool {
        let key = key(&self.keys, &refused.resource, &refused.reference);
        gathered.settled.get(&key).is_some_and(|at| refused.last_at <= *at)
    }

    /// Takes out what was gathered; nothing where there is nothing.
    pub(super) fn take(&self) -> Batch {
        let mut of = BTreeMap::new();
        for (directory, gathered) in &self.of {
            let taken = std::mem::take(&mut *locked(gathered));
            if !taken.is_empty() {
                of.insert(directory.clone(), taken);
            }
        }
        Batch { of, uses: std::mem::take(&mut *locked(&self.uses)) }
    }

    /// Puts back what could not be written.
    pub(super) fn put_back(&self, batch: Batch) {
        for (directory, older) in batch.of {
            if let Some(gathered) = self.of.get(&directory) {
                locked(gathered).put_below(older, &self.keys);
            }
        }
        let mut uses = locked(&self.uses);
        for (token, at) in batch.uses {
            uses.entry(token).or_insert(at);
        }
    }
}

/// Everything that was taken out to be written.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) of: BTreeMap<DirectoryId, Gathered>,
    pub(super) uses: BTreeMap<TokenId, Timestamp>,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.of.is_empty() && self.uses.is_empty()
    }
}

impl Gathered {
    fn is_empty(&self) -> bool {
        self.counts.is_empty() && self.repairs.is_empty() && self.seen == Seen::default()
    }

    pub(super) fn has_settled(&self) -> bool {
        !self.settled.is_empty()
    }

    fn forget_success(&mut self, keys: &RandomState, kind: ResourceKind, references: &[Reference]) {
        for reference in references {
            self.settled.remove(&key(keys, kind.name(), reference.as_str()));
        }
    }

    /// Joins what is older to what came meanwhile.
    fn put_below(&mut self, older: Self, keys: &RandomState) {
        if let Some(at) = older.seen.last_request {
            later(&mut self.seen.last_request, at);
        }
        if let Some(at) = older.seen.last_change {
            later(&mut self.seen.last_change, at);
        }
        self.seen.last_error = self.seen.last_error.take().or(older.seen.last_error);
        self.seen.last_denied = self.seen.last_denied.take().or(older.seen.last_denied);
        for (what, count) in older.counts {
            *self.counts.entry(what).or_default() += count;
        }
        for (repair, (count, at)) in older.repairs {
            let (sum, last) = self.repairs.entry(repair).or_insert((0, at));
            *sum += count;
            *last = (*last).max(at);
        }
        for (what, refused) in older.refused {
            let is_settled = self.settled.contains_key(&key(keys, what.0, what.1.as_str()));
            if !is_settled && self.refused.len() < MOST_REFUSED {
                match self.refused.entry(what) {
                    std::collections::btree_map::Entry::Vacant(place) => drop(place.insert(refused)),
                    std::collections::btree_map::Entry::Occupied(mut known) => {
                        known.get_mut().times += refused.times;
                        known.get_mut().first_at = refused.first_at;
                    }
                }
            }
        }
        for (key, at) in older.settled {
            self.settled.entry(key).or_insert(at);
        }
    }
}

fn later(known: &mut Option<Timestamp>, at: Timestamp) {
    *known = Some(known.map_or(at, |known| known.max(at)));
}

fn key(keys: &RandomState, resource: &str, reference: &str) -> u64 {
    keys.hash_one((resource, reference))
}

fn refuse(gathered: &mut Gathered, kind: ResourceKind, event: &Event<'_>) {
    let reference = event.references.first().cloned().unwrap_or_else(Reference::none);
    let what = (kind.name(), reference.clone());
    if gathered.refused.len() >= MOST_REFUSED && !gathered.refused.contains_key(&what) {
        let oldest = gathered.refused.iter().min_by_key(|(_, one)| one.last_at).map(|(what, _)| what.clone());
        gathered.refused.remove(&oldest.unwrap_or_else(|| what.clone()));
    }
    let known = gathered.refused.get(&what).map(|known| (known.times, known.first_at));
    let (times, first_at) = known.unwrap_or((0, event.at));
    let refused = Refused {
        resource: kind.name().to_owned(),
        reference: reference.as_str().to_owned(),
        method: event.verb.name().to_owned(),
        status: i64::from(event.status),
        scim_type: event.scim_type(),
        detail: event.error.map(|error| without_values(&error.detail)).unwrap_or_default(),
        first_at,
        last_at: event.at,
        times: times + 1,
    };
    gathered.refused.insert(what, refused);
}
