//! Reads which past instant somebody means: `2026-03-01`, or `2026-03-01T08:00:00Z`.
//!
//! Invariant: a date alone means the end of that day in the organisation's own time zone, today's meaning now; what
//! lies in the future is refused.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{Ports, Refusal};
use crate::domain::days::zone_of;

/// The instant that `text` means.
///
/// # Errors
///
/// [`Refusal::Invalid`] when it is neither a date nor an instant, or lies in the future.
pub async fn instant(ports: &Ports, text: &str) -> Result<Timestamp, Refusal> {
    let zone = zone(ports).await?;
    read(text.trim(), &zone, ports.clock.now()).map_err(|problem| Refusal::invalid("as-of", problem))
}

/// The first instant of the day that `text` names, or the instant itself.
///
/// # Errors
///
/// [`Refusal::Invalid`], naming `field`, when it is neither a date nor an instant.
pub async fn beginning(ports: &Ports, field: &str, text: &str) -> Result<Timestamp, Refusal> {
    let (zone, text) = (zone(ports).await?, text.trim());
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let day: Option<Date> = text.parse().ok().filter(|_| text.len() == "2026-03-01".len());
    let starts = day.and_then(|day| day.to_zoned(zone).ok()).map(|start| start.timestamp());
    starts.ok_or_else(|| Refusal::invalid(field, FORM))
}

/// The first instant after the day that `text` names: what "until and including that day" means.
///
/// # Errors
///
/// [`Refusal::Invalid`], naming `field`, when it is no date.
pub async fn following(ports: &Ports, field: &str, text: &str) -> Result<Timestamp, Refusal> {
    let (zone, text) = (zone(ports).await?, text.trim());
    let day: Option<Date> = text.parse().ok().filter(|_| text.len() == "2026-03-01".len());
    let next = day.and_then(|day| day.tomorrow().ok()?.to_zoned(zone).ok()).map(|next| next.timestamp());
    next.ok_or_else(|| Refusal::invalid(field, FORM))
}

async fn zone(ports: &Ports) -> Result<TimeZone, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    Ok(zone_of(&compiled.policy))
}

const FORM: &str = "write a day as 2026-03-01, or an instant as 2026-03-01T08:00:00Z";

/// Before the first policy nobody had access, and nothing can be told of who would have.
pub(super) fn too_early(refusal: Refusal) -> Refusal {
    match refusal {
        Refusal::NoPolicy => Refusal::invalid("as-of", "no policy was in force that early; name a later day"),
        other => other,
    }
}

fn read(text: &str, zone: &TimeZone, now: Timestamp) -> Result<Timestamp, &'static str> {
    const FUTURE: &str = "that is in the future; give a past day or instant";
    if let Ok(at) = text.parse::<Timestamp>() {
        return if at <= now { Ok(at) } else { Err(FUTURE) };
    }
    // A date with a time but no zone would be read as the date alone.
    let day: Date = text.parse().ok().filter(|_| text.len() == "2026-03-01".len()).ok_or(FORM)?;
    let start = |day: Date| day.to_zoned(zone.clone()).map(|start| start.timestamp());
    let begins = start(day).map_err(|_| "that day is beyond the calendar")?;
    if begins > now {
        return Err(FUTURE);
    }
    let next = day.tomorrow().and_then(start).map_err(|_| "that day is beyond the calendar")?;
    let last = Timestamp::from_microsecond(next.as_microsecond() - 1).unwrap_or(next);
    Ok(last.min(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn stockholm(text: &str) -> Result<Timestamp, &'static str> {
        read(text, &TimeZone::get("Europe/Stockholm").unwrap(), at("2026-03-10T12:00:00Z"))
    }

    #[test]
    fn a_day_is_read_to_its_end_where_the_organisation_lives() {
        assert_eq!(stockholm("2026-03-01"), Ok(at("2026-03-01T22:59:59.999999Z")));
        assert_eq!(stockholm("2025-07-01"), Ok(at("2025-07-01T21:59:59.999999Z")));
        assert_eq!(stockholm("2026-03-01T08:00:00+01:00"), Ok(at("2026-03-01T07:00:00Z")));
    }

    #[test]
    fn today_is_now_and_tomorrow_is_refused() {
        assert_eq!(stockholm("2026-03-10"), Ok(at("2026-03-10T12:00:00Z")));
        assert!(stockholm("2026-03-11").is_err());
        assert!(stockholm("2026-03-10T12:00:01Z").is_err());
    }

    #[test]
    fn what_is_neither_day_nor_instant_is_refused_with_an_example() {
        for text in ["", "yesterday", "2026-02-30", "01/03/2026", "2026-03-01T08:00:00"] {
            assert!(stockholm(text).unwrap_err().contains("2026-03-01"), "{text:?} was taken");
        }
    }
}
