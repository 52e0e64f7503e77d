//! Refuses JSON that no honest client sends, before anything looks into it.
//!
//! Invariant: after `inspect` no text holds NUL or another control character
//! (tab and line breaks aside), and recursion over the value is bounded.

use serde_json::Value;

use super::error::{ScimError, shown};

/// The deepest nesting of a body.
pub const MAX_JSON_DEPTH: usize = 64;
/// The longest text in a body, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;
/// The longest text that things are found by (names, ids, e-mail addresses), in characters. An index of PostgreSQL
/// takes no key of more than 2,704 bytes; SQLite would take any, and the two must answer alike.
pub const MAX_KEY: usize = 512;

/// Checks depth, text lengths and control characters of a whole body.
///
/// # Errors
///
/// 400 `invalidSyntax` for depth, 400 `invalidValue` for a text.
pub(crate) fn inspect(value: &Value) -> Result<(), ScimError> {
    within(value, 1)
}

fn within(value: &Value, depth: usize) -> Result<(), ScimError> {
    if depth > MAX_JSON_DEPTH {
        return Err(ScimError::invalid_syntax(format!("the body is nested deeper than {MAX_JSON_DEPTH}")));
    }
    match value {
        Value::String(text) => clean(text),
        Value::Array(list) => list.iter().try_for_each(|entry| within(entry, depth + 1)),
        Value::Object(map) => map.iter().try_for_each(|(key, entry)| {
            clean(key)?;
            within(entry, depth + 1)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Checks the length of a text that things are found by; `at` says where it stands.
///
/// # Errors
///
/// 400 `invalidValue`.
pub(crate) fn key(at: &str, text: &str) -> Result<(), ScimError> {
    let length = text.chars().count();
    if length > MAX_KEY {
        let detail = format!("{at} has at most {MAX_KEY} characters, this one has {length}");
        return Err(ScimError::invalid_value(detail));
    }
    Ok(())
}

/// A control character that no text may hold: any but tab and line breaks.
pub(crate) fn is_dirty(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
}

fn clean(text: &str) -> Result<(), ScimError> {
    if text.len() > MAX_TEXT {
        return Err(ScimError::invalid_value(format!(
            "the text {} is longer than {MAX_TEXT} bytes",
            shown(text)
        )));
    }
    if text.chars().any(is_dirty) {
        return Err(ScimError::invalid_value(format!("the text {} holds a control character", shown(text))));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn deep_long_and_dirty_bodies_are_refused() {
        let mut deep = json!(1);
        for _ in 0..MAX_JSON_DEPTH {
            deep = json!([deep]);
        }
        assert!(inspect(&deep).is_err());
        assert!(inspect(&json!({ "a": "x".repeat(MAX_TEXT + 1) })).is_err());
        assert!(inspect(&json!({ "a": "x\u{0}" })).is_err());
        assert!(inspect(&json!({ "a\u{7}": 1 })).is_err());
        assert!(inspect(&json!({ "a": "line\r\n\tline" })).is_ok());
    }

    #[test]
    fn a_key_is_measured_in_characters() {
        assert!(key("userName", &"å".repeat(MAX_KEY)).is_ok());
        assert!(
            key("userName", &"å".repeat(MAX_KEY + 1)).unwrap_err().detail.starts_with("userName has at most")
        );
    }
}
