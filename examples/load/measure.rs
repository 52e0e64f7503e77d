//! Work done again and again by several callers, in slices of time that can be laid beside those of other work.
//!
//! Invariant: what was begun within a slice is finished and counted in it; a wrong answer is counted, told once, and
//! never part of a rate.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::future::BoxFuture;

use crate::process;

/// How many slices a measurement has. The median of them is what is told, so that a machine that others use too does
/// not decide.
const SLICES: u32 = 5;
/// Work that is not counted: caches fill, connections open.
const WARM_UP: Duration = Duration::from_millis(300);
/// A caller who has been wronged this often in a slice stops asking.
const ENOUGH: u64 = 20;

/// Something that callers do.
pub(crate) trait Work: Send + Sync + 'static {
    /// What a caller needs: a connection, a count.
    type Caller: Send + 'static;

    /// Makes caller `number` (from 0).
    fn caller(&self, number: usize) -> Self::Caller;

    /// Does it once and gives how many were done by that.
    fn once(&self, caller: &mut Self::Caller) -> impl Future<Output = anyhow::Result<u64>> + Send;

    /// The process that does the work, where its processor time is wanted.
    fn process(&self) -> Option<u32> {
        None
    }
}

/// Work under measurement.
#[derive(Debug)]
pub(crate) struct Bench<W: Work> {
    work: Arc<W>,
    callers: Vec<W::Caller>,
    slices: Vec<Slice>,
    micros: Vec<u32>,
    tally: Tally,
}

/// One stretch of time.
#[derive(Debug, Clone, Copy)]
struct Slice {
    done: u64,
    took: Duration,
    cpu_micros: u64,
}

/// What went wrong.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tally {
    /// How often.
    pub(crate) wrong: u64,
    /// The first of it.
    pub(crate) first: Option<String>,
}

impl Tally {
    /// Counts one more.
    pub(crate) fn note(&mut self, error: &anyhow::Error) {
        self.wrong += 1;
        self.first.get_or_insert_with(|| format!("{error:#}"));
    }

    /// Adds another's.
    pub(crate) fn absorb(&mut self, other: Self) {
        self.wrong += other.wrong;
        self.first = self.first.take().or(other.first);
    }
}

/// A measurement whose slices can take turns with those of others.
pub(crate) trait Sliced: Send {
    /// Works for so long.
    fn slice(&mut self, time: Duration) -> BoxFuture<'_, anyhow::Result<()>>;
    /// Forgets what was counted so far, but not what was wrong.
    fn forget(&mut self);
}

/// Lets measurements take turns: each works for `time` in all.
///
/// # Errors
///
/// When a caller could not be carried on.
pub(crate) async fn side_by_side(all: &mut [&mut dyn Sliced], time: Duration) -> anyhow::Result<()> {
    for one in &mut *all {
        one.slice(WARM_UP).await?;
        one.forget();
    }
    for _ in 0..SLICES {
        for one in &mut *all {
            one.slice(time / SLICES).await?;
        }
    }
    Ok(())
}

impl<W: Work> Bench<W> {
    /// Work for so many callers.
    pub(crate) fn new(work: W, callers: usize) -> Self {
        let callers = (0..callers).map(|number| work.caller(number)).collect();
        Self {
            work: Arc::new(work),
            callers,
            slices: Vec::new(),
            micros: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// How many a second, slice by slice.
    fn rates(&self) -> Vec<f64> {
        self.slices.iter().map(|slice| count(slice.done) / slice.took.as_secs_f64()).collect()
    }

    /// How many a second: the median of the slices.
    pub(crate) fn rate(&self) -> f64 {
        median(self.rates())
    }

    /// This rate as a part of another's: the median over the slices that lay side by side.
    pub(crate) fn part_of<O: Work>(&self, other: &Bench<O>) -> f64 {
        median(self.rates().iter().zip(other.rates()).map(|(own, other)| own / other).collect())
    }

    /// Processor time of the process that does the work, in microseconds for each.
    pub(crate) fn cpu_each(&self) -> f64 {
        let sum = |of: fn(&Slice) -> u64| count(self.slices.iter().map(of).sum());
        sum(|slice| slice.cpu_micros) / sum(|slice| slice.done)
    }

    /// The time below which so many percent of the requests stayed, in milliseconds.
    pub(crate) fn percentile(&mut self, percent: usize) -> f64 {
        self.micros.sort_unstable();
        let at = (self.micros.len() * percent / 100).min(self.micros.len().saturating_sub(1));
        f64::from(self.micros.get(at).copied().unwrap_or_default()) / 1000.0
    }

    /// The work itself.
    pub(crate) fn work(&self) -> &W {
        &self.work
    }

    /// The callers, with what they remember.
    pub(crate) fn callers(&mut self) -> &mut [W::Caller] {
        &mut self.callers
    }

    /// What went wrong.
    pub(crate) fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }

    async fn work_for(&mut self, time: Duration) -> anyhow::Result<()> {
        let cpu = || self.work.process().map_or(Ok(0), process::cpu_micros);
        let (before, began) = (cpu()?, Instant::now());
        let tasks: Vec<_> = self
            .callers
            .drain(..)
            .map(|caller| tokio::spawn(again_and_again(Arc::clone(&self.work), caller, began + time)))
            .collect();
        let mut slice = Slice { done: 0, took: time, cpu_micros: 0 };
        for task in tasks {
            let ended = task.await?;
            self.callers.push(ended.caller);
            slice.done += ended.done;
            self.micros.extend(ended.micros);
            self.tally.absorb(ended.tally);
        }
        slice.took = began.elapsed();
        slice.cpu_micros = cpu()?.saturating_sub(before);
        let first = || self.tally.first.clone().unwrap_or_default();
        ensure!(slice.done > 0, "nothing was done in {time:?}: {}", first());
        self.slices.push(slice);
        Ok(())
    }
}

impl<W: Work> Sliced for Bench<W> {
    fn slice(&mut self, time: Duration) -> BoxFuture<'_, anyhow::Result<()>> {
        Box::pin(self.work_for(time))
    }

    fn forget(&mut self) {
        self.slices.clear();
        self.micros.clear();
    }
}

struct Ended<C> {
    caller: C,
    done: u64,
    micros: Vec<u32>,
    tally: Tally,
}

async fn again_and_again<W: Work>(work: Arc<W>, mut caller: W::Caller, until: Instant) -> Ended<W::Caller> {
    let (mut done, mut micros, mut tally) = (0, Vec::new(), Tally::default());
    let mut now = Instant::now();
    while now < until && tally.wrong < ENOUGH {
        let asked = now;
        let result = work.once(&mut caller).await;
        now = Instant::now();
        match result {
            Ok(n) => {
                done += n;
                micros.push(u32::try_from((now - asked).as_micros()).unwrap_or(u32::MAX));
            }
            Err(error) => tally.note(&error),
        }
    }
    Ended { caller, done, micros, tally }
}

/// A count as a number to reckon with.
pub(crate) fn count(n: u64) -> f64 {
    // A count of requests stays far below 2^32, beyond which this would be off.
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// The middle one; nothing of nothing is nought.
pub(crate) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}
