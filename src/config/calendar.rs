//! Schedules, time zones and days of the year.
//!
//! Invariant: a schedule that was taken has a next time; `0 0 31 2 *` has none and is refused.

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;

use super::mistake::Problem;

/// Reads an IANA time zone.
pub(crate) fn zone(name: &str) -> Result<TimeZone, Problem> {
    TimeZone::get(name).map_err(|_| {
        Problem::new(
            format!("there is no time zone {name:?}"),
            "write an IANA name such as \"Europe/Stockholm\"",
        )
    })
}

/// The first time of a schedule (five cron fields) after an instant, in an IANA time zone; nothing when schedule or
/// zone cannot be read. A time that the clocks skip comes an hour later; one that they repeat comes once.
#[must_use]
pub fn next_time(schedule: &str, zone: &str, after: Timestamp) -> Option<Timestamp> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(schedule).ok()?;
    let start = after.to_zoned(TimeZone::get(zone).ok()?);
    cron.find_next_occurrence(&start, false).ok().map(|next| next.timestamp())
}

/// Checks that five cron fields have a next time in `zone`.
pub(crate) fn schedule(text: &str, zone: TimeZone) -> Result<(), Problem> {
    const FIX: &str = "write five cron fields (minute hour day month weekday), such as \"0 2 * * *\"";
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron =
        parser.parse(text).map_err(|error| Problem::new(format!("{text:?} is no schedule: {error}"), FIX))?;
    // From a fixed day: the calendar repeats, and reading a file needs no clock.
    let start = date(2026, 1, 1).to_zoned(zone);
    let next = start.ok().and_then(|start| cron.find_next_occurrence(&start, false).ok());
    match next {
        Some(_) => Ok(()),
        None => Err(Problem::new(format!("the schedule {text:?} never comes"), FIX)),
    }
}

/// Days on which no step is taken, as one entry of a list names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CalmDay {
    /// `weekends`.
    Weekends,
    /// `swedish_holidays`.
    SwedishHolidays,
    /// `july`.
    Month(i8),
    /// `12-27`.
    Yearly(i8, i8),
    /// `2026-05-15`.
    Date(jiff::civil::Date),
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Reads one entry of a list of excluded days.
pub(crate) fn calm_day(text: &str) -> Result<CalmDay, Problem> {
    let wrong = || {
        Problem::new(
            format!("{text:?} names no days"),
            "write \"weekends\", \"swedish_holidays\", a month (\"july\"), a day of each year (\"12-27\") or a date \
             (\"2026-05-15\")",
        )
    };
    match text {
        "weekends" => return Ok(CalmDay::Weekends),
        "swedish_holidays" => return Ok(CalmDay::SwedishHolidays),
        _ => {}
    }
    if let Some(month) = (1_i8..).zip(MONTHS).find(|(_, name)| *name == text).map(|(month, _)| month) {
        return Ok(CalmDay::Month(month));
    }
    if text.len() == 5 {
        return month_and_day(text).map(|(month, day)| CalmDay::Yearly(month, day)).map_err(|_| wrong());
    }
    if text.len() == 10 {
        return text.parse().map(CalmDay::Date).map_err(|_| wrong());
    }
    Err(wrong())
}

/// Reads month and day, `03-01`.
pub(crate) fn month_and_day(text: &str) -> Result<(i8, i8), Problem> {
    let wrong = || Problem::new(format!("{text:?} is no day of the year"), "write month and day: \"03-01\"");
    let (month, day) = text.split_once('-').ok_or_else(wrong)?;
    let is_number = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(month) || !is_number(day) {
        return Err(wrong());
    }
    let (month, day): (i8, i8) = (month.parse().map_err(|_| wrong())?, day.parse().map_err(|_| wrong())?);
    // Not a leap year: 29 February would come only every fourth year.
    jiff::civil::Date::new(2026, month, day).map_err(|_| wrong())?;
    Ok((month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_that_never_comes_or_has_other_fields_is_refused() {
        let stockholm = zone("Europe/Stockholm").unwrap();
        assert_eq!(schedule("0 2 * * *", stockholm.clone()), Ok(()));
        assert_eq!(schedule("30 2 29 2 *", stockholm.clone()), Ok(()));
        for bad in ["0 0 31 2 *", "nightly", "0 0 2 * * *", "0 25 * * *", "* * * *"] {
            assert!(schedule(bad, stockholm.clone()).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_nightly_time_comes_once_a_night_also_when_the_clocks_change() {
        // 29 March and 25 October 2026, 28 March and 31 October 2027.
        for day in ["2026-03-28", "2026-10-24", "2027-03-27", "2027-10-30"] {
            for schedule in ["0 2 * * *", "30 2 * * *"] {
                let start: Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
                let mut after = start;
                let mut nights = 0;
                while let Some(next) = next_time(schedule, "Europe/Stockholm", after)
                    && next < start + jiff::SignedDuration::from_hours(48)
                {
                    (after, nights) = (next, nights + 1);
                }
                assert_eq!(nights, 2, "{day} {schedule}");
            }
        }
    }

    #[test]
    fn a_zone_that_does_not_exist_is_refused() {
        assert!(zone("Europe/Stokholm").is_err());
    }

    #[test]
    fn excluded_days_are_named_in_five_ways_and_anything_else_is_refused() {
        assert_eq!(calm_day("july"), Ok(CalmDay::Month(7)));
        assert_eq!(calm_day("12-27"), Ok(CalmDay::Yearly(12, 27)));
        assert_eq!(calm_day("2026-05-15"), Ok(CalmDay::Date(date(2026, 5, 15))));
        for bad in ["juli", "weekend", "2026-02-30", "13-01", "", "15/5"] {
            assert!(calm_day(bad).is_err(), "{bad:?} was taken");
        }
    }

    #[test]
    fn a_day_of_the_year_comes_every_year() {
        assert_eq!(month_and_day("03-01"), Ok((3, 1)));
        for bad in ["02-29", "3-1", "13-01", "04-31", "0301", "+1-01"] {
            assert!(month_and_day(bad).is_err(), "{bad:?} was taken");
        }
    }
}
