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
    fn a_day_of_the_year_comes_every_year() {
        assert_eq!(month_and_day("03-01"), Ok((3, 1)));
        for bad in ["02-29", "3-1", "13-01", "04-31", "0301", "+1-01"] {
            assert!(month_and_day(bad).is_err(), "{bad:?} was taken");
        }
    }
}
