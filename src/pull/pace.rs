//! How long to wait when a provider is busy.
//!
//! Invariant: a pause that the provider asks for is kept whole or the pull is given up; it is never cut short,
//! since an early repeat counts against the limit.

use std::time::Duration;

/// How patient a client is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// The first pause where the provider names none; each later one is twice as long.
    pub(crate) first: Duration,
    /// The longest single pause.
    pub(crate) longest: Duration,
    /// How many times one page is asked for.
    pub(crate) tries: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { first: Duration::from_secs(1), longest: Duration::from_mins(2), tries: 6 }
    }
}

impl Pace {
    /// The pause after `failed` tries; nothing: give up. `wished` is what the provider asked for, `jitter` is from 0 to 1.
    pub(crate) fn pause(&self, failed: u32, wished: Option<Duration>, jitter: f64) -> Option<Duration> {
        if failed >= self.tries {
            return None;
        }
        let pause = match wished {
            Some(wished) if wished > self.longest => return None,
            Some(wished) => wished,
            None => self.first.saturating_mul(1 << failed.saturating_sub(1).min(16)).min(self.longest),
        };
        Some(pause + self.first.mul_f64(jitter.clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn without_a_wish_pauses_double_and_then_end() {
        let pauses: Vec<_> = (1..=6).map(|failed| Pace::default().pause(failed, None, 0.0)).collect();
        let expected = [Some(1), Some(2), Some(4), Some(8), Some(16), None].map(|pause| pause.map(seconds));
        assert_eq!(pauses, expected);
    }

    #[test]
    fn a_wish_is_kept_whole_or_not_at_all() {
        let pace = Pace::default();
        assert_eq!(pace.pause(1, Some(seconds(120)), 0.0), Some(seconds(120)));
        assert_eq!(pace.pause(1, Some(seconds(121)), 0.0), None);
        assert!(pace.pause(1, Some(seconds(7)), 1.0) > Some(seconds(7)));
    }
}
