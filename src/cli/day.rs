//! Days and instants as people write them on the command line.
//!
//! Invariant: a day is a day where the organisation is: from midnight to midnight in the policy's time zone.

use anyhow::{Context, anyhow};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::domain::days::zone_of;
use crate::flows::Ports;

/// The time zone of the policy in force.
///
/// # Errors
///
/// Before the first policy was applied.
pub(super) async fn zone(ports: &Ports) -> anyhow::Result<TimeZone> {
    let mut c = ports.db.read().await?;
    Ok(zone_of(&ports.policies.current(&mut c).await?.policy))
}

/// The first instant of a day (`2025-10-07`), or the instant itself (`2025-10-07T08:00:00Z`).
///
/// # Errors
///
/// When it is neither.
pub(super) fn start(text: &str, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(at),
        Err(_) => midnight(date(text)?, zone),
    }
}

/// The first instant after a day, or the instant itself.
///
/// # Errors
///
/// When it is neither.
pub(super) fn after(text: &str, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    match text.parse::<Timestamp>() {
        Ok(at) => Ok(at),
        Err(_) => midnight(date(text)?.tomorrow()?, zone),
    }
}

fn date(text: &str) -> anyhow::Result<Date> {
    text.parse().map_err(|_| anyhow!("{text:?} is no day; write it as 2025-10-07"))
}

fn midnight(day: Date, zone: &TimeZone) -> anyhow::Result<Timestamp> {
    let midnight = day.to_zoned(zone.clone()).with_context(|| format!("{day} is beyond the calendar"))?;
    Ok(midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_and_ends_at_midnight_where_the_organisation_is() {
        let zone = TimeZone::get("Europe/Stockholm").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(start("2025-10-07", &zone).unwrap(), at("2025-10-06T22:00:00Z"));
        assert_eq!(after("2025-10-26", &zone).unwrap(), at("2025-10-26T23:00:00Z"));
        assert_eq!(after("2025-10-07T08:00:00Z", &zone).unwrap(), at("2025-10-07T08:00:00Z"));
        assert!(start("7/10", &zone).is_err());
    }
}
