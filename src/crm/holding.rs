//! Values of a user, as CRMs write them when they are read back.
//!
//! Invariant: what a CRM does not tell is nothing, and never taken for an empty value; what it tells and cannot be read
//! is a mistake.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::Value;

/// Seconds since 1970 that are beyond all years of interest: they are milliseconds.
const MILLISECONDS: i64 = 100_000_000_000;

/// Whether a CRM says yes: some say it in figures.
pub(crate) fn is_yes(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        Some(Value::Bool(true) | Value::String(_) | Value::Array(_) | Value::Object(_)) => true,
    }
}

/// An instant: RFC 3339, the same without a zone (UTC), a day, or a number since 1970. Null, false, zero and an empty text
/// are none.
///
/// # Errors
///
/// What is there, where it is no instant.
pub(crate) fn instant(value: &Value) -> Result<Option<Timestamp>, String> {
    let wrong = || format!("{value} is no instant");
    match value {
        Value::Null | Value::Bool(false) => Ok(None),
        Value::Number(number) => match number.as_i64() {
            Some(0) => Ok(None),
            Some(count) if count.abs() >= MILLISECONDS => Timestamp::from_millisecond(count).map(Some),
            Some(count) => Timestamp::from_second(count).map(Some),
            None => return Err(wrong()),
        }
        .map_err(|_| wrong()),
        Value::String(text) => match text.trim() {
            "" => Ok(None),
            text => moment(text).map(Some).ok_or_else(wrong),
        },
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => Err(wrong()),
    }
}

fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let local = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from)).ok()?;
    local.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The names in a list, or in a list that stands in a text as JSON; null is the empty list. `each` makes an entry a name.
///
/// # Errors
///
/// What is there, where it is no list of such entries.
pub(crate) fn names(
    value: &Value,
    each: impl Fn(&Value) -> Option<String>,
) -> Result<BTreeSet<String>, String> {
    let list = match value {
        Value::Null | Value::Bool(false) => return Ok(BTreeSet::new()),
        Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
        other => other.clone(),
    };
    let names = list.as_array().map(|entries| entries.iter().map(each));
    names.and_then(Iterator::collect).ok_or_else(|| "it is no list of names".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_instant_is_read_in_the_ways_that_crms_write_it() {
        let at = |value: &Value| instant(value).unwrap().map(|at| at.to_string());
        for value in [
            json!("2025-10-07T12:00:00Z"),
            json!("2025-10-07T14:00:00+02:00"),
            json!("2025-10-07 12:00:00"),
            json!(1_759_838_400),
            json!(1_759_838_400_000_i64),
        ] {
            assert_eq!(at(&value).as_deref(), Some("2025-10-07T12:00:00Z"), "{value}");
        }
        assert_eq!(at(&json!("2025-10-07")).as_deref(), Some("2025-10-07T00:00:00Z"));
        for value in [json!(null), json!(false), json!(""), json!(0)] {
            assert_eq!(at(&value), None, "{value}");
        }
        for value in [json!("soon"), json!(true), json!({ "at": 1 }), json!(1.5)] {
            assert!(instant(&value).is_err(), "{value}");
        }
    }
}
