//! Instants and lengths of time as people read them: "572 dagar", "572 days".
//!
//! Invariant: ages are whole periods of 24 hours, so that no time zone or daylight saving can change one;
//! only dates are written in the organisation's own time zone.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::language::Language;
use super::policy::Policy;

/// Who reads a sentence, when and where: what a text needs beside its facts.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The language of the reader.
    pub language: Language,
    /// The instant that "ago" counts from: for a plan or report, its own.
    pub now: Timestamp,
    /// The time zone that dates are written in.
    pub zone: TimeZone,
}

impl Reading {
    /// A reading in the time zone that the policy names.
    #[must_use]
    pub fn of(policy: &Policy, language: Language, now: Timestamp) -> Self {
        Self { language, now, zone: zone_of(policy) }
    }

    /// The Swedish or the English text.
    pub(crate) fn pick(&self, sv: impl Into<String>, en: impl Into<String>) -> String {
        match self.language {
            Language::Sv => sv.into(),
            Language::En => en.into(),
        }
    }

    /// How long ago `at` was, in days: "572 dagar".
    #[must_use]
    pub fn days_since(&self, at: Timestamp) -> String {
        days(days_between(at, self.now), self.language)
    }

    /// The date of `at`.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> String {
        date(at, &self.zone, self.language)
    }

    /// The last day that lies before `end`: what "until and including" says of an end that is not itself included.
    #[must_use]
    pub fn last_day_before(&self, end: Timestamp) -> String {
        self.date(earlier(end, SignedDuration::from_nanos(1)))
    }
}

/// The time zone of the policy's schedule; UTC where this machine does not know it.
pub(crate) fn zone_of(policy: &Policy) -> TimeZone {
    TimeZone::get(&policy.lifecycle.timezone).unwrap_or(TimeZone::UTC)
}

/// Whole days of 24 hours from `from` to `to`; 0 when `to` is earlier.
#[must_use]
pub fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    whole_days(to.duration_since(from)).max(0)
}

/// Whole days of 24 hours in a length of time.
#[must_use]
pub const fn whole_days(length: SignedDuration) -> i64 {
    length.as_hours() / 24
}

/// A number of days in words: "1 dag", "572 dagar", "1 day", "572 days".
#[must_use]
pub fn days(count: i64, language: Language) -> String {
    let word = match (language, count == 1) {
        (Language::Sv, true) => "dag",
        (Language::Sv, false) => "dagar",
        (Language::En, true) => "day",
        (Language::En, false) => "days",
    };
    format!("{count} {word}")
}

/// How long ago something was: "för 9 dagar sedan", "9 days ago".
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp, language: Language) -> String {
    let count = days_between(at, now);
    match (language, count) {
        (Language::Sv, 0) => "för mindre än en dag sedan".to_owned(),
        (Language::En, 0) => "less than a day ago".to_owned(),
        (Language::Sv, _) => format!("för {} sedan", days(count, language)),
        (Language::En, _) => format!("{} ago", days(count, language)),
    }
}

/// A date: 2025-10-07 in Swedish, 7 Oct 2025 in English.
#[must_use]
pub fn date(at: Timestamp, zone: &TimeZone, language: Language) -> String {
    let day = at.to_zoned(zone.clone());
    match language {
        Language::Sv => day.strftime("%Y-%m-%d").to_string(),
        Language::En => day.strftime("%-d %b %Y").to_string(),
    }
}

/// `at` plus a length of time; the end of time where that is beyond it.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

/// `at` minus a length of time; the beginning of time where that is before it.
pub(crate) fn earlier(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_age_is_told_in_whole_days_in_both_languages() {
        let now = at("2025-10-07T02:00:00Z");
        assert_eq!(days(days_between(at("2024-03-14T02:00:00Z"), now), Language::Sv), "572 dagar");
        assert_eq!(days(572, Language::En), "572 days");
        assert_eq!(days(1, Language::Sv), "1 dag");
        assert_eq!(days(1, Language::En), "1 day");
        assert_eq!(ago(at("2025-09-28T01:00:00Z"), now, Language::Sv), "för 9 dagar sedan");
        assert_eq!(ago(at("2025-10-07T01:00:00Z"), now, Language::En), "less than a day ago");
        assert_eq!(days_between(now, at("2025-10-01T00:00:00Z")), 0);
    }

    #[test]
    fn a_night_when_the_clocks_change_is_no_shorter_or_longer() {
        assert_eq!(days_between(at("2026-03-28T01:00:00Z"), at("2026-03-29T01:00:00Z")), 1);
        assert_eq!(days_between(at("2026-10-24T01:00:00Z"), at("2026-10-25T00:59:59Z")), 0);
    }

    #[test]
    fn an_end_at_midnight_in_stockholm_names_the_day_before() {
        let zone = TimeZone::get("Europe/Stockholm").unwrap();
        let reading = Reading { language: Language::Sv, now: at("2026-01-05T00:00:00Z"), zone };
        assert_eq!(reading.last_day_before(at("2025-12-31T23:00:00Z")), "2025-12-31");
        assert_eq!(reading.date(at("2025-12-31T23:00:00Z")), "2026-01-01");
        assert_eq!(date(at("2025-10-07T08:00:00Z"), &TimeZone::UTC, Language::En), "7 Oct 2025");
    }
}
