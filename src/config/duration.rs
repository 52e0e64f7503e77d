//! Lengths of time as an operator writes them: `90d`, `12h`, `30m`.
//!
//! Invariant: a length that was taken is longer than nothing and at most a hundred years.

use jiff::SignedDuration;

use super::mistake::Problem;

const FIX: &str = "write a number and a unit: \"20s\", \"30m\", \"12h\", \"90d\" or \"2w\"";
const LONGEST_SECONDS: i64 = 100 * 366 * 86_400;

/// Reads a number with one of the units s, m, h, d and w; a day is 24 hours.
pub(crate) fn parse(text: &str) -> Result<SignedDuration, Problem> {
    let wrong = |what: &str| Problem::new(format!("{text:?} is {what}"), FIX);
    let figures = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = text.strip_prefix(figures).unwrap_or_default();
    let seconds_each = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return Err(wrong("no length of time")),
    };
    if figures.is_empty() || !figures.chars().all(|c| c.is_ascii_digit()) {
        return Err(wrong("no length of time"));
    }
    let seconds = figures.parse::<i64>().ok().and_then(|number| number.checked_mul(seconds_each));
    match seconds {
        Some(0) => Err(wrong("no time at all")),
        Some(seconds) if seconds <= LONGEST_SECONDS => Ok(SignedDuration::from_secs(seconds)),
        Some(_) | None => Err(wrong("longer than a hundred years")),
    }
}

/// Reads a length of time such as `365d`, `12h` or `2w`.
///
/// # Errors
///
/// A sentence that says what is wrong and what would be right.
pub fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    parse(text).map_err(|problem| format!("{}; {}", problem.what, problem.fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        for (text, hours) in [("90d", 90 * 24), ("12h", 12), ("2w", 14 * 24), ("120m", 2), ("7200s", 2)] {
            assert_eq!(parse(text), Ok(SignedDuration::from_hours(hours)), "{text}");
        }
    }

    #[test]
    fn what_is_no_length_of_time_is_refused() {
        for bad in ["", "90", "d", "-3d", "1.5h", "90 d", "3 months", "0d", "99999999999w", "1h30m", "never"]
        {
            assert!(parse(bad).is_err(), "{bad:?} was taken");
        }
    }
}
