//! Holds JSON against a schema: as much of JSON Schema 2020-12 as the described API uses.
//!
//! Invariant: a keyword that is not known stops the test, and so does a member that the schema does not speak of,
//! unless it allows any.

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// Words that say nothing about the value.
const REMARKS: &[&str] = &["description", "example", "maxItems", "uniqueItems"];

/// What is wrong with `value`, each with its place.
pub(super) fn faults(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    look(document, schema, value, "$", &mut found);
    found
}

fn look(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let mut wrong = |what: String| found.push(format!("{at}: {what}"));
    let words = schema.as_object().expect("a schema is an object");
    for (word, said) in words {
        match word.as_str() {
            "type" if !is_of_type(said, value) => wrong(format!("{value} is not of type {said}")),
            "const" if value != said => wrong(format!("{value} is not {said}")),
            "enum" if !said.as_array().expect("a list").contains(value) => {
                wrong(format!("{value} is none of {said}"));
            }
            "format" if value.is_string() && !is_of_format(said, value) => {
                wrong(format!("{value} is no {said}"));
            }
            "minimum" if value.as_i64().is_some_and(|n| n < said.as_i64().expect("a number")) => {
                wrong(format!("{value} is less than {said}"));
            }
            "maxLength"
                if value
                    .as_str()
                    .is_some_and(|text| text.chars().count() as u64 > said.as_u64().expect("a number")) =>
            {
                wrong("it is too long".to_owned());
            }
            "required" => {
                let names = said.as_array().expect("a list").iter().filter_map(Value::as_str);
                for name in names.filter(|name| value.is_object() && value.get(name).is_none()) {
                    wrong(format!("{name} is missing"));
                }
            }
            _ => {}
        }
    }
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        return look(document, resolve(document, target), value, at, found);
    }
    if let Some(choices) = schema.get("oneOf").and_then(Value::as_array) {
        let fitting = choices.iter().filter(|one| faults(document, one, value).is_empty()).count();
        if fitting != 1 {
            found.push(format!("{at}: {value} fits {fitting} of the choices, not one"));
        }
        return;
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (number, one) in values.iter().enumerate() {
            look(document, items, one, &format!("{at}[{number}]"), found);
        }
    }
    if let Some(members) = value.as_object() {
        let known = schema.get("properties").and_then(Value::as_object);
        for (name, one) in members {
            let place = format!("{at}.{name}");
            let others = schema.get("additionalProperties");
            match known.and_then(|known| known.get(name)).or(others) {
                Some(Value::Bool(true)) => {}
                Some(schema @ Value::Object(_)) => look(document, schema, one, &place, found),
                _ => found.push(format!("{place}: nothing is said of it")),
            }
        }
    }
    unknown_words(words, at, found);
}

fn unknown_words(words: &serde_json::Map<String, Value>, at: &str, found: &mut Vec<String>) {
    const KNOWN: &[&str] = &[
        "type",
        "const",
        "enum",
        "format",
        "minimum",
        "maximum",
        "maxLength",
        "required",
        "$ref",
        "oneOf",
        "items",
        "properties",
        "additionalProperties",
    ];
    let strange =
        words.keys().filter(|word| !KNOWN.contains(&word.as_str()) && !REMARKS.contains(&word.as_str()));
    found
        .extend(strange.map(|word| format!("{at}: the schema says {word:?}, which this test does not know")));
}

/// What a reference within the document means.
pub(super) fn resolve<'a>(document: &'a Value, target: &str) -> &'a Value {
    let path = target.strip_prefix('#').expect("a reference within the document");
    document.pointer(path).unwrap_or_else(|| panic!("{target} is not there"))
}

fn is_of_type(said: &Value, value: &Value) -> bool {
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("there is no type {other:?}"),
    };
    match said {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        other => panic!("{other} is no type"),
    }
}

fn is_of_format(said: &Value, value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    match said.as_str() {
        Some("date-time") => text.parse::<Timestamp>().is_ok(),
        Some("uuid") => Uuid::parse_str(text).is_ok(),
        other => panic!("there is no format {other:?}"),
    }
}
