//! How much a directory asked for, day by day.
//!
//! Invariant: days are those of UTC, in which they are counted; who does not see the line reads the same in the table.

use jiff::ToSpan as _;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::Desk;
use super::super::parts::Plot;
use super::words;
use crate::domain::language::Language;
use crate::flows::directories::Counted;

/// So many days the line shows.
const DAYS: i32 = 30;

/// A line of the table: what was done and how it ended, today, in 7 and in 90 days.
#[derive(Debug)]
pub(super) struct CountLine {
    pub(super) method: String,
    pub(super) outcome: String,
    pub(super) times: [usize; 3],
}

/// The day that it is, as days are counted.
fn today(frame: &Desk) -> Date {
    frame.reading().now.to_zoned(TimeZone::UTC).date()
}

fn before(date: Date, days: i32) -> Date {
    date.checked_sub(days.days()).unwrap_or(date)
}

fn number(count: i64) -> usize {
    usize::try_from(count).unwrap_or_default()
}

/// The requests of the last 30 days as a line; nothing where there were none.
pub(super) fn plot(frame: &Desk, counts: &[Counted]) -> Option<Plot> {
    let last = today(frame);
    let days: Vec<Date> = (0..DAYS).rev().map(|days| before(last, days)).collect();
    let on = |day: &Date| {
        let day = day.to_string();
        number(counts.iter().filter(|one| one.day == day).map(|one| one.times).sum())
    };
    let values: Vec<usize> = days.iter().map(on).collect();
    let most = *values.iter().max()?;
    if most == 0 {
        return None;
    }
    let (most, now) = (frame.number(most), frame.number(values.last().copied().unwrap_or_default()));
    let label = match frame.language {
        Language::Sv => format!("Anrop per dag de senaste 30 dagarna: som mest {most}, i dag {now}."),
        Language::En => format!("Requests on each of the last 30 days: at most {most}, today {now}."),
    };
    let noon = days.first().and_then(|day| day.at(12, 0, 0, 0).to_zoned(TimeZone::UTC).ok());
    let first = noon.map(|noon| frame.day(noon.timestamp())).unwrap_or_default();
    Some(Plot::new(frame, label, &values, vec![first, frame.t("i dag", "today").to_owned()]))
}

/// What was done and how it ended, the most common first.
pub(super) fn lines(frame: &Desk, counts: &[Counted]) -> Vec<CountLine> {
    let last = today(frame);
    let (now, week) = (last.to_string(), before(last, 6).to_string());
    let mut kinds: Vec<(&str, &str)> =
        counts.iter().map(|one| (one.method.as_str(), one.outcome.as_str())).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let line = |(method, outcome): (&str, &str)| {
        let since = |first: &str| {
            let meant =
                counts.iter().filter(|one| (one.method.as_str(), one.outcome.as_str()) == (method, outcome));
            number(meant.filter(|one| one.day.as_str() >= first).map(|one| one.times).sum())
        };
        CountLine {
            method: method.to_owned(),
            outcome: words::outcome(frame, outcome).to_owned(),
            times: [since(&now), since(&week), since("")],
        }
    };
    let mut lines: Vec<CountLine> = kinds.into_iter().map(line).collect();
    lines.sort_by_key(|line| std::cmp::Reverse(line.times[2]));
    lines
}
