//! Refuses JSON that no honest client sends, before anything looks into it, and resources that no honest client makes.
//!
//! Invariant: after `inspect` no text holds NUL or another control character (tab and line breaks aside), recursion
//! over the value is bounded, and no work on it grows with the square of its size. What is kept is bounded too, however
//! many small requests it came by.

use serde_json::{Map, Value};

use super::error::{ScimError, shown};

/// The deepest nesting of a body.
pub const MAX_JSON_DEPTH: usize = 64;
/// The longest text in a body, in bytes.
pub const MAX_TEXT: usize = 64 * 1024;
/// The most attributes of one object: they are looked for by name, each among all.
pub const MAX_ATTRIBUTES: usize = 1000;
/// The most entries of a list other than of members, for each is compared with all.
pub const MAX_ENTRIES: usize = 1000;
/// The longest text that things are found by (names, ids, e-mail addresses), in characters. An index of PostgreSQL
/// takes no key of more than 2,704 bytes; SQLite would take any, and the two must answer alike.
pub const MAX_KEY: usize = 512;

/// The largest document that is kept of a person or a group, in bytes of JSON, members aside: many small changes must
/// not make what none could bring.
pub const MAX_DOCUMENT: usize = 256 * 1024;
/// The largest part of it that one schema extension may take, in bytes of JSON.
pub const MAX_EXTENSION: usize = 64 * 1024;

/// Checks the size of a document that is to be kept, and of each extension in it.
///
/// # Errors
///
/// 400 `invalidValue` for an extension, 413 for the document as a whole.
pub(crate) fn measure(document: &Map<String, Value>) -> Result<(), ScimError> {
    let mut whole = 2;
    for (name, value) in document {
        let size = name.len() + 4 + size_of(value);
        if name.contains(':') && size > MAX_EXTENSION {
            return Err(ScimError::invalid_value(format!(
                "the extension {} would take {size} bytes; an extension takes at most {MAX_EXTENSION}",
                shown(name)
            )));
        }
        whole += size;
    }
    if whole > MAX_DOCUMENT {
        let detail =
            format!("the resource would take {whole} bytes; at most {MAX_DOCUMENT} are kept, members aside");
        return Err(ScimError::status(413, detail));
    }
    Ok(())
}

/// How many bytes of JSON a value takes, marks that must be escaped counted once.
fn size_of(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) => 5,
        Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(list) => 2 + list.iter().map(|entry| size_of(entry) + 1).sum::<usize>(),
        Value::Object(map) => {
            2 + map.iter().map(|(key, entry)| key.len() + 4 + size_of(entry)).sum::<usize>()
        }
    }
}

/// Checks depth, text lengths and control characters of a whole body.
///
/// # Errors
///
/// 400 `invalidSyntax` for depth, 400 `invalidValue` for a text.
pub(crate) fn inspect(value: &Value) -> Result<(), ScimError> {
    within(value, 1, usize::MAX)
}

fn within(value: &Value, depth: usize, most_entries: usize) -> Result<(), ScimError> {
    if depth > MAX_JSON_DEPTH {
        return Err(ScimError::invalid_syntax(format!("the body is nested deeper than {MAX_JSON_DEPTH}")));
    }
    match value {
        Value::String(text) => clean(text),
        Value::Array(list) if list.len() > most_entries => entries("a list", list.len()),
        Value::Array(list) => list.iter().try_for_each(|entry| within(entry, depth + 1, most_entries)),
        Value::Object(map) if map.len() > MAX_ATTRIBUTES => Err(ScimError::invalid_syntax(format!(
            "an object has {} attributes, and at most {MAX_ATTRIBUTES} are taken",
            map.len()
        ))),
        Value::Object(map) => map.iter().try_for_each(|(key, entry)| {
            clean(key)?;
            within(entry, depth + 1, most_entries)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Checks a resource as it is to be kept: it can be sent again as it stands. [`measure`] looks at its size.
///
/// # Errors
///
/// As [`inspect`].
pub(crate) fn keep(document: &Map<String, Value>) -> Result<(), ScimError> {
    document.iter().try_for_each(|(key, value)| {
        clean(key)?;
        within(value, 2, MAX_ENTRIES)
    })
}

/// Checks how many entries a list has; `at` says where it stands.
///
/// # Errors
///
/// 400 `invalidValue`.
pub(crate) fn entries(at: &str, count: usize) -> Result<(), ScimError> {
    if count > MAX_ENTRIES {
        let detail = format!("{at} has {count} entries, and at most {MAX_ENTRIES} are taken");
        return Err(ScimError::invalid_value(detail));
    }
    Ok(())
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
    fn what_is_kept_is_bounded_as_a_whole_and_by_extension() {
        let of = |document: Value| measure(document.as_object().unwrap());
        let text = |kilobytes: usize| "x".repeat(kilobytes * 1024);
        assert!(of(json!({ "userName": "a", "urn:x": { "shoe": text(60) }, "title": text(60) })).is_ok());
        let error = of(json!({ "urn:x": { "shoe": [text(40), text(40)] } })).unwrap_err();
        assert_eq!(error.status, 400);
        assert!(error.detail.contains("urn:x"), "{error}");
        let many: Vec<String> = (0..10).map(|_| text(30)).collect();
        assert_eq!(of(json!({ "emails": many })).unwrap_err().status, 413);
    }

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
    fn wide_objects_long_lists_and_large_resources_are_refused() {
        let wide = |count: usize| (0..count).map(|n| (n.to_string(), json!(n))).collect::<Map<_, _>>();
        assert!(inspect(&Value::Object(wide(MAX_ATTRIBUTES))).is_ok());
        assert!(inspect(&Value::Object(wide(MAX_ATTRIBUTES + 1))).is_err());
        assert!(entries("emails", MAX_ENTRIES).is_ok() && entries("emails", MAX_ENTRIES + 1).is_err());
        let large =
            |parts: usize| (0..parts).map(|n| (n.to_string(), json!("x".repeat(60 * 1024)))).collect();
        assert!(measure(&large(4)).is_ok());
        assert_eq!(measure(&large(5)).unwrap_err().status, 413);
    }

    #[test]
    fn a_key_is_measured_in_characters() {
        assert!(key("userName", &"å".repeat(MAX_KEY)).is_ok());
        assert!(
            key("userName", &"å".repeat(MAX_KEY + 1)).unwrap_err().detail.starts_with("userName has at most")
        );
    }
}
