//! Chance that can be repeated.
//!
//! Invariant: one seed, one course; the seed stands in the environment or is told when a test fails.

use uuid::Uuid;

/// Names the seed of a run that is to be repeated.
const SEED: &str = "PORTVAKT_TEST_SEED";

/// `SplitMix64`.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Chance for one course of many: those of neighbouring seeds have nothing in common.
    pub(crate) fn of_course(seed: u64, number: u64) -> Self {
        Self(Self(seed).roll(u64::MAX) ^ Self(!number).roll(u64::MAX))
    }

    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    pub(crate) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.roll(length as u64)).expect("an index")
    }

    pub(crate) fn of<'v, T>(&mut self, all: &'v [T]) -> &'v T {
        &all[self.index(all.len())]
    }

    /// True once in `sides` times.
    pub(crate) fn once_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// The seed that the environment names, or a new one.
pub(crate) fn seed() -> u64 {
    let named = std::env::var(SEED).ok();
    named.map_or_else(
        || Uuid::new_v4().as_u64_pair().0,
        |text| text.parse().unwrap_or_else(|_| panic!("{SEED} must be a whole number, not {text:?}")),
    )
}

/// How often, where the environment does not say otherwise.
pub(crate) fn times(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Tells the seed when a test fails while this is alive.
pub(crate) struct TellsSeed(pub(super) u64);

impl Drop for TellsSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to see this again: {SEED}={}", self.0);
        }
    }
}
