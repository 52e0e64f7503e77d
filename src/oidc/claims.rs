//! The claims of a token whose signature was verified, read one by one.
//!
//! Invariant: a claim of the wrong type is never read as absent where its
//! absence would be accepted and its presence checked.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::error::{Flaw, TokenCheck};

/// Longest text taken from a claim, in bytes.
const LONGEST_TEXT: usize = 1024;

/// A JSON object with readers for the types that tokens use.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    /// The claims as they came.
    pub(super) fn new(map: Map<String, Value>) -> Self {
        Self(map)
    }

    /// The raw value; `null` counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the claim is there at all, even as `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text that decides something: a string that is not empty, at most 1,024 bytes,
    /// without control characters.
    ///
    /// # Errors
    ///
    /// A flaw of `check` for a value that is present and anything else.
    pub(super) fn text(&self, name: &str, check: TokenCheck) -> Result<Option<&str>, Flaw> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if is_plain(text) => Ok(Some(text)),
            Some(_) => {
                Err(Flaw::new(check, format!("{name} is not a plain text of at most {LONGEST_TEXT} bytes")))
            }
        }
    }

    /// As [`Self::text`], and it must be there.
    pub(super) fn required_text(&self, name: &str, check: TokenCheck) -> Result<&str, Flaw> {
        self.text(name, check)?.ok_or_else(|| Flaw::new(check, format!("there is no {name}")))
    }

    /// A text that is only shown; anything unreadable counts as absent.
    pub(super) fn shown(&self, name: &str) -> Option<String> {
        self.get(name).and_then(Value::as_str).filter(|text| is_plain(text)).map(str::to_owned)
    }

    /// Whether the claim says yes: `true`, `"true"`, `1` or `"1"`.
    pub(super) fn says_yes(&self, name: &str) -> bool {
        match self.get(name) {
            Some(Value::Bool(yes)) => *yes,
            Some(Value::String(text)) => text == "true" || text == "1",
            Some(Value::Number(number)) => number.as_i64() == Some(1),
            _ => false,
        }
    }

    /// A `NumericDate` (RFC 7519 §2).
    ///
    /// # Errors
    ///
    /// A flaw of `check` for anything else than seconds that fit a date.
    pub(super) fn instant(&self, name: &str, check: TokenCheck) -> Result<Option<Timestamp>, Flaw> {
        let Some(value) = self.get(name) else { return Ok(None) };
        // Fractions are allowed and rare; the bound keeps the cast exact.
        #[expect(clippy::cast_possible_truncation, reason = "bounded to 1e11 just before")]
        let whole = |seconds: f64| (seconds.abs() < 1e11).then_some(seconds as i64);
        value
            .as_i64()
            .or_else(|| value.as_f64().and_then(whole))
            .and_then(|seconds| Timestamp::from_second(seconds).ok())
            .map(Some)
            .ok_or_else(|| Flaw::new(check, format!("{name} is not a number of seconds since 1970")))
    }

    /// A list of plain texts, also from a single text; other members are left out.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
        let listed: Vec<&str> = match self.get(name) {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        listed.into_iter().filter(|text| is_plain(text)).map(str::to_owned).collect()
    }

    /// The audiences: a text, or a list of nothing but texts (RFC 7519 §4.1.3).
    ///
    /// # Errors
    ///
    /// A flaw of audience.
    pub(super) fn audiences(&self) -> Result<Vec<&str>, Flaw> {
        let flaw =
            || Flaw::new(TokenCheck::Audience, "aud is missing, or neither a text nor a list of texts");
        match self.get("aud") {
            Some(Value::String(one)) => Ok(vec![one]),
            Some(Value::Array(all)) => all.iter().map(|one| one.as_str().ok_or_else(flaw)).collect(),
            _ => Err(flaw()),
        }
    }

    /// Takes over a claim of `other` that is absent here.
    pub(super) fn fill(&mut self, name: &str, other: &Self) {
        if self.get(name).is_none() {
            self.replace(name, other);
        }
    }

    /// Takes over a claim of `other`, its absence too.
    pub(super) fn replace(&mut self, name: &str, other: &Self) {
        match other.get(name) {
            Some(value) => self.0.insert(name.to_owned(), value.clone()),
            None => self.0.remove(name),
        };
    }
}

/// Not empty, at most 1,024 bytes, without control characters.
pub(super) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_TEXT && !text.chars().any(char::is_control)
}
