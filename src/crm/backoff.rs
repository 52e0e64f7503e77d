//! How long to wait between two attempts.
//!
//! Invariant: pure; chance is an argument. Jitter only lengthens a pause, so none is shorter than the table says.

use jiff::SignedDuration;

/// How many attempts a delivery gets before it is a dead letter: a little over three days.
pub const ATTEMPTS: u32 = 10;

const SECONDS: [i64; ATTEMPTS as usize] =
    [0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];

/// Most that chance adds to a pause, in percent of it.
const JITTER_PERCENT: f64 = 20.0;

/// The pause before the next attempt, when `attempts` have failed; nothing: give up, a dead letter.
///
/// `jitter` from 0 to 1 spreads the attempts of many accounts over a fifth of the pause.
#[must_use]
pub fn backoff(attempts: u32, jitter: f64) -> Option<SignedDuration> {
    let seconds = SECONDS.get(usize::try_from(attempts).ok()?)?;
    Some(lengthened(SignedDuration::from_secs(*seconds), jitter))
}

/// Seconds between two trials of a target that is left alone; the last stays.
const TRIALS: [i64; 4] = [15, 30, 60, 120];

/// The pause before a target that is left alone is tried, when `probes` trials have failed: 15 seconds at first, two
/// minutes at last, so that whoever comes back is told of everything within minutes. `jitter` as for [`backoff`].
#[must_use]
pub fn probe_pause(probes: i64, jitter: f64) -> SignedDuration {
    let at = usize::try_from(probes).unwrap_or_default().min(TRIALS.len() - 1);
    let pause = SignedDuration::from_secs(TRIALS.get(at).copied().unwrap_or(120));
    lengthened(pause, jitter)
}

fn lengthened(pause: SignedDuration, jitter: f64) -> SignedDuration {
    let share = if jitter.is_finite() { jitter.clamp(0.0, 1.0) } else { 0.0 };
    pause + pause.mul_f64(share * JITTER_PERCENT / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_0_s_5_s_5_min_30_min_2_5_10_14_20_and_24_h_and_then_a_dead_letter() {
        let hours = SignedDuration::from_hours;
        let table = [
            SignedDuration::ZERO,
            SignedDuration::from_secs(5),
            SignedDuration::from_mins(5),
            SignedDuration::from_mins(30),
            hours(2),
            hours(5),
            hours(10),
            hours(14),
            hours(20),
            hours(24),
        ];
        for (attempts, pause) in (0..).zip(table) {
            assert_eq!(backoff(attempts, 0.0), Some(pause), "after {attempts}");
        }
        assert_eq!(backoff(ATTEMPTS, 0.0), None);
        assert_eq!(backoff(u32::MAX, 0.5), None);
    }

    #[test]
    fn jitter_adds_up_to_a_fifth_and_never_shortens() {
        assert_eq!(backoff(3, 1.0), Some(SignedDuration::from_mins(36)));
        assert_eq!(backoff(3, 0.5), Some(SignedDuration::from_mins(33)));
        for odd in [-1.0, f64::NAN, f64::INFINITY] {
            let pause = backoff(3, odd).unwrap();
            assert_eq!(pause, SignedDuration::from_mins(30), "{odd}");
        }
    }

    #[test]
    fn a_target_that_is_left_alone_is_tried_every_two_minutes_at_the_latest() {
        let seconds = |probes| probe_pause(probes, 0.0).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 900].map(seconds), [15, 30, 60, 120, 120, 120]);
        assert_eq!(probe_pause(9, 1.0), SignedDuration::from_secs(144));
    }

    #[test]
    fn the_published_table_is_this_table() {
        let page = include_str!("../../docs/webhook.md");
        let row = "0 s, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h";
        assert!(page.contains(row));
    }
}
