//! What a CRM's answer to a delivery means.
//!
//! Invariant: pure; only 2xx is a yes, and nothing is read into an answer that its status does not say.

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use serde::Deserialize;

use super::Delivery;

/// How much of an answer is kept, in characters.
const KEPT: usize = 200;

/// The longest pause that a CRM can ask for.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// The longest id that a CRM can give an account, in characters.
const LONGEST_ID: usize = 256;

/// What the answer means for the delivery.
pub(crate) fn judge(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Delivery {
    let said = quote(status, body);
    match status.as_u16() {
        200..=299 => Delivery::Taken { answer: said, crm_id: taught_id(body) },
        410 => Delivery::SwitchedOff { error: said },
        408 | 409 | 425 | 429 | 500..=599 => {
            Delivery::Again { after: retry_after(headers, now), error: said }
        }
        // Not one account's fault: nothing is lost while somebody sets the address right.
        300..=399 => Delivery::Again {
            after: retry_after(headers, now),
            error: format!(
                "{said}; redirects are not followed, so set the target's url to the final address"
            ),
        },
        _ => Delivery::Refused { error: said },
    }
}

/// The status and the beginning of the body, in one line without control characters.
fn quote(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.trim();
    if plain.is_empty() {
        return status.to_string();
    }
    let kept: String = plain.chars().take(KEPT).collect();
    let more = if plain.chars().nth(KEPT).is_some() { " …" } else { "" };
    format!("{status}: {kept}{more}")
}

/// How long the CRM asks us to wait: seconds, or a date (RFC 9110 §10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<SignedDuration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let pause = match text.parse::<u32>() {
        Ok(seconds) => SignedDuration::from_secs(i64::from(seconds)),
        Err(_) => rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?.duration_since(now),
    };
    Some(pause.clamp(SignedDuration::ZERO, LONGEST_PAUSE))
}

/// The CRM's own id of the account, where the answer is JSON and holds a usable one.
fn taught_id(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Taught {
        crm_id: String,
    }
    let id = serde_json::from_slice::<Taught>(body).ok()?.crm_id;
    let is_usable =
        !id.trim().is_empty() && id.chars().count() <= LONGEST_ID && !id.chars().any(char::is_control);
    is_usable.then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2025-10-07T12:00:00Z".parse().unwrap()
    }

    fn judged(status: u16, body: &str) -> Delivery {
        judge(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), body.as_bytes(), now())
    }

    fn pause(header: &str) -> Option<SignedDuration> {
        let headers = [(RETRY_AFTER, header.parse().unwrap())].into_iter().collect();
        match judge(StatusCode::SERVICE_UNAVAILABLE, &headers, b"", now()) {
            Delivery::Again { after, .. } => after,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_status_has_its_meaning() {
        for status in [200, 201, 202, 204] {
            assert!(matches!(judged(status, ""), Delivery::Taken { .. }), "{status}");
        }
        for status in [302, 308, 408, 409, 425, 429, 500, 502, 503, 504] {
            assert!(matches!(judged(status, ""), Delivery::Again { .. }), "{status}");
        }
        for status in [400, 401, 403, 404, 413, 422] {
            assert!(matches!(judged(status, ""), Delivery::Refused { .. }), "{status}");
        }
        assert!(matches!(judged(410, ""), Delivery::SwitchedOff { .. }));
    }

    #[test]
    fn the_crms_own_id_is_learned_only_when_it_is_a_usable_text() {
        let learned = |body: &str| match judged(200, body) {
            Delivery::Taken { crm_id, .. } => crm_id,
            other => panic!("{other:?}"),
        };
        assert_eq!(learned(r#"{"crm_id": "user-17"}"#).as_deref(), Some("user-17"));
        let long = format!(r#"{{"crm_id": "{}"}}"#, "x".repeat(257));
        for body in
            ["", "ok", "[]", r#"{"crm_id": 17}"#, r#"{"crm_id": " "}"#, r#"{"crm_id": "a\nb"}"#, &long]
        {
            assert_eq!(learned(body), None, "{body}");
        }
    }

    #[test]
    fn a_pause_is_read_as_seconds_or_date_and_bounded() {
        assert_eq!(pause("120"), Some(SignedDuration::from_mins(2)));
        assert_eq!(pause("Tue, 07 Oct 2025 12:01:00 GMT"), Some(SignedDuration::from_mins(1)));
        assert_eq!(pause("Tue, 07 Oct 2025 11:00:00 GMT"), Some(SignedDuration::ZERO));
        assert_eq!(pause("99999999"), Some(SignedDuration::from_hours(24)));
        assert_eq!(pause("soon"), None);
        assert_eq!(pause("-5"), None);
    }

    #[test]
    fn what_is_kept_of_an_answer_is_one_short_line() {
        let Delivery::Refused { error } = judged(422, &format!("no\r\nsuch\u{0} role {}", "å".repeat(400)))
        else {
            panic!("not refused");
        };
        assert!(error.starts_with("422 Unprocessable Entity: no  such  role å"), "{error}");
        assert!(error.chars().count() < 240 && error.ends_with('…'), "{error}");
    }
}
