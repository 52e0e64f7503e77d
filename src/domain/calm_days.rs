//! Days on which the lifecycle takes no step: weekends, Swedish holidays, whole months, listed days.
//!
//! Invariant: computed from the calendar alone; a day is a day of the policy's time zone. At most two months of a year
//! away there is always a day that is none of them, or [`CalmDays::ends`] says that there is not.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, Weekday, date};
use jiff::tz::TimeZone;

/// How far ahead a day is looked for: longer than any year.
const FAR: usize = 800;

/// The days of a policy on which no step is taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CalmDays {
    /// Saturdays and Sundays.
    pub weekends: bool,
    /// Swedish public holidays (lag 1989:253), and the eves of Midsummer, Christmas and New Year.
    pub swedish_holidays: bool,
    /// Whole months, 1 to 12.
    pub months: BTreeSet<i8>,
    /// Month and day, every year.
    pub yearly: BTreeSet<(i8, i8)>,
    /// Single days.
    pub dates: BTreeSet<Date>,
}

impl CalmDays {
    /// Whether no day is excluded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no step is taken on the day.
    #[must_use]
    pub fn holds(&self, day: Date) -> bool {
        let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        (self.weekends && is_weekend)
            || (self.swedish_holidays && is_swedish_holiday(day))
            || self.months.contains(&day.month())
            || self.yearly.contains(&(day.month(), day.day()))
            || self.dates.contains(&day)
    }

    /// The beginning of the first day after `now` on which steps are taken again; nothing where `now` is no calm day,
    /// and where no such day comes within two years.
    #[must_use]
    pub fn ends(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = now.to_zoned(zone.clone()).date();
        if !self.holds(today) {
            return None;
        }
        let next = today.series(jiff::Span::new().days(1)).take(FAR).find(|day| !self.holds(*day));
        // Where every day is excluded nothing is ever done: the far end says so.
        let next = next.unwrap_or(Date::MAX);
        Some(next.to_zoned(zone.clone()).map_or(Timestamp::MAX, |start| start.timestamp()))
    }

    /// Whether every day of a whole year is excluded, so that no step would ever be taken.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        let start = date(2027, 1, 1);
        start.series(jiff::Span::new().days(1)).take(366).all(|day| self.holds(day))
    }
}

/// Easter Sunday of a year, by the Gregorian computus: the golden number gives the age of the moon, the century
/// corrects it, and the weekday moves it to a Sunday.
fn easter(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let (golden, century) = (year % 19, year / 100);
    let moon_lag = (century - (8 * century + 13) / 25 - century / 4 + 19 * golden + 15) % 30;
    let full_moon = moon_lag - (moon_lag / 28) * (1 - (29 / (moon_lag + 1)) * ((21 - golden) / 11));
    let weekday = (year + year / 4 + full_moon + 2 - century + century / 4) % 7;
    let from_march = full_moon - weekday;
    let month = 3 + (from_march + 40) / 44;
    let day = from_march + 28 - 31 * (month / 4);
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Whether the day is a Swedish public holiday, or one of the three eves that are kept like one.
#[must_use]
pub fn is_swedish_holiday(day: Date) -> bool {
    const FIXED: [(i8, i8); 8] = [(1, 1), (1, 6), (5, 1), (6, 6), (12, 24), (12, 25), (12, 26), (12, 31)];
    // Good Friday, Easter Day, Easter Monday, Ascension Day and Whit Sunday, in days from Easter.
    const BY_EASTER: [i32; 5] = [-2, 0, 1, 39, 49];
    let at = (day.month(), day.day());
    let is_moving = match (day.weekday(), at) {
        // Midsummer Eve and Midsummer Day: the Friday and Saturday of 19 to 26 June. All Saints' Day: a Saturday.
        (Weekday::Friday, (6, 19..=25)) | (Weekday::Saturday, (6, 20..=26) | (10, 31) | (11, 1..=6)) => true,
        _ => false,
    };
    let from_easter =
        easter(day.year()).and_then(|easter| easter.until(day).ok()).map(|span| span.get_days());
    FIXED.contains(&at) || is_moving || from_easter.is_some_and(|days| BY_EASTER.contains(&days))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swedish_holidays_fall_on_the_days_of_the_almanac() {
        let holidays = |year: i16| -> Vec<String> {
            let days =
                date(year, 1, 1).series(jiff::Span::new().days(1)).take_while(|day| day.year() == year);
            days.filter(|day| is_swedish_holiday(*day)).map(|day| day.strftime("%m-%d").to_string()).collect()
        };
        assert_eq!(
            holidays(2026),
            [
                "01-01", "01-06", "04-03", "04-05", "04-06", "05-01", "05-14", "05-24", "06-06", "06-19",
                "06-20", "10-31", "12-24", "12-25", "12-26", "12-31",
            ]
        );
        assert_eq!(
            holidays(2027),
            [
                "01-01", "01-06", "03-26", "03-28", "03-29", "05-01", "05-06", "05-16", "06-06", "06-25",
                "06-26", "11-06", "12-24", "12-25", "12-26", "12-31",
            ]
        );
    }

    #[test]
    fn easter_is_a_sunday_between_22_march_and_25_april_and_right_in_hard_years() {
        for year in 1900..2200 {
            let day = easter(year).unwrap();
            assert_eq!(day.weekday(), Weekday::Sunday, "{year}");
            assert!((date(year, 3, 22)..=date(year, 4, 25)).contains(&day), "{day}");
        }
        for (year, month, day) in [(1954, 4, 18), (1981, 4, 19), (2000, 4, 23), (2008, 3, 23), (2038, 4, 25)]
        {
            assert_eq!(easter(year), Some(date(year, month, day)));
        }
    }

    #[test]
    fn the_next_day_is_counted_in_the_zone_and_across_a_whole_july() {
        let zone = TimeZone::get("Europe/Stockholm").unwrap();
        let calm = CalmDays { weekends: true, months: BTreeSet::from([7]), ..CalmDays::default() };
        let ends = |now: &str| calm.ends(now.parse().unwrap(), &zone).map(|at| at.to_string());
        // Friday in UTC is Saturday in Stockholm.
        assert_eq!(ends("2026-05-08T22:30:00Z").as_deref(), Some("2026-05-10T22:00:00Z"));
        assert_eq!(ends("2026-05-08T21:30:00Z"), None);
        // 1 August 2026 is a Saturday.
        assert_eq!(ends("2026-07-15T10:00:00Z").as_deref(), Some("2026-08-02T22:00:00Z"));
        assert!(!calm.is_everything() && CalmDays::default().is_empty());
        let all = CalmDays { months: (1..=12).collect(), ..CalmDays::default() };
        assert!(all.is_everything() && all.ends(Timestamp::UNIX_EPOCH, &zone).is_some());
    }
}
