//! References between operations of a bulk request: `bulkId:NAME` (RFC 7644 §3.7.2).
//!
//! Invariant: a reference is replaced by the id that it stands for wherever it stands, in values and in PATCH paths.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// What a reference begins with.
pub(super) const REFERENCE: &str = "bulkId:";

/// `text` stands for a resource of the same request.
#[must_use]
pub fn is_reference(text: &str) -> bool {
    text.starts_with(REFERENCE)
}

/// Gathers the names that a value refers to.
pub(super) fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(text.strip_prefix(REFERENCE).map(str::to_owned)),
        Value::Array(list) => list.iter().for_each(|one| collect(one, found)),
        Value::Object(map) => {
            for (key, one) in map {
                match one.as_str().filter(|_| key.eq_ignore_ascii_case("path")) {
                    Some(path) => found.extend(quoted(path).map(str::to_owned)),
                    None => collect(one, found),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The references in the quotes of a PATCH path: `members[value eq "bulkId:x"]`.
fn quoted(path: &str) -> impl Iterator<Item = &str> {
    path.split('"').skip(1).step_by(2).filter_map(|part| part.strip_prefix(REFERENCE))
}

/// Puts ids in the place of references.
pub(super) fn replace(value: &mut Value, ids: &BTreeMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(id) = id_of(text, ids) {
                *text = id;
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|one| replace(one, ids)),
        Value::Object(map) => {
            for (key, one) in map {
                match one {
                    Value::String(path) if key.eq_ignore_ascii_case("path") => *path = with_ids(path, ids),
                    other => replace(other, ids),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The body without the values that refer to what `is_missing`: an entry of a list goes whole, and so does a member
/// of an object whose value would be nothing else.
#[must_use]
pub fn without_references(value: &Value, is_missing: impl Fn(&str) -> bool + Copy) -> Value {
    trimmed(value, is_missing).unwrap_or(Value::Null)
}

fn trimmed(value: &Value, is_missing: impl Fn(&str) -> bool + Copy) -> Option<Value> {
    match value {
        Value::String(text) => match text.strip_prefix(REFERENCE) {
            Some(name) if is_missing(name) => None,
            _ => Some(value.clone()),
        },
        Value::Array(list) => {
            let whole = |one: &&Value| {
                let mut found = BTreeSet::new();
                collect(one, &mut found);
                !found.iter().any(|name| is_missing(name))
            };
            Some(list.iter().filter(whole).cloned().collect())
        }
        Value::Object(map) => {
            let kept: Map<String, Value> = map
                .iter()
                .filter_map(|(name, one)| trimmed(one, is_missing).map(|one| (name.clone(), one)))
                .collect();
            (!kept.is_empty() || map.is_empty()).then_some(Value::Object(kept))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.clone()),
    }
}

/// The id that a text refers to.
pub(super) fn id_of(text: &str, ids: &BTreeMap<String, String>) -> Option<String> {
    text.strip_prefix(REFERENCE).and_then(|name| ids.get(name)).cloned()
}

fn with_ids(path: &str, ids: &BTreeMap<String, String>) -> String {
    let made: Vec<String> = path
        .split('"')
        .enumerate()
        .map(|(index, part)| id_of(part, ids).filter(|_| index % 2 == 1).unwrap_or_else(|| part.to_owned()))
        .collect();
    made.join("\"")
}
