//! Days counted back from the present, as the association counts them.
//!
//! Invariant: the same present gives the same instants; days begin at midnight in Stockholm.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

/// How far back the story begins, in months.
const MONTHS: i32 = 14;

/// The story's days.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    today: Date,
    first_day: i32,
}

impl Calendar {
    /// The calendar of a story that ends at `now`.
    #[must_use]
    pub fn until(now: Timestamp) -> Self {
        // The time zones are compiled in; UTC only where somebody took Stockholm out of them.
        let zone = TimeZone::get("Europe/Stockholm").unwrap_or(TimeZone::UTC);
        let today = now.to_zoned(zone.clone()).date();
        let first = today.saturating_sub(MONTHS.months());
        let first_day = today.since(first).map_or(0, |span| span.get_days());
        Self { zone, today, first_day }
    }

    /// How many days ago the story begins.
    #[must_use]
    pub const fn first_day(&self) -> i32 {
        self.first_day
    }

    /// When it begins: at eight in the morning of the first day.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        self.at(self.first_day, 8 * 60)
    }

    /// The instant so many minutes after midnight, `days_ago` days ago; a negative number lies ahead.
    #[must_use]
    pub fn at(&self, days_ago: i32, minutes: i32) -> Timestamp {
        let date = self.today.saturating_sub(days_ago.days());
        let midnight =
            date.to_zoned(self.zone.clone()).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp());
        midnight + SignedDuration::from_mins(i64::from(minutes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_begins_on_the_same_date_fourteen_months_before() {
        let calendar = Calendar::until("2025-10-07T09:30:00Z".parse().unwrap());
        assert_eq!(calendar.start().to_string(), "2024-08-07T06:00:00Z");
        assert_eq!(calendar.first_day(), 426);
        assert_eq!(calendar.at(0, 0).to_string(), "2025-10-06T22:00:00Z");
        assert_eq!(calendar.at(-1, 60).to_string(), "2025-10-07T23:00:00Z");
    }

    #[test]
    fn the_thirty_first_goes_back_to_the_last_day_of_a_shorter_month() {
        let calendar = Calendar::until("2025-08-31T12:00:00Z".parse().unwrap());
        assert_eq!(calendar.start().to_string(), "2024-06-30T06:00:00Z");
    }
}
