//! The file that describes a CRM: read as TOML, and filled in by the settings.
//!
//! Invariant: what is wrong is said with the file, the line where it is known, and the key.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

/// Reads a description; `file` is how mistakes call it.
///
/// # Errors
///
/// What is wrong, with file, line and key.
pub(crate) fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, String> {
    parse(text).map_err(|(place, what)| format!("{file}{place}: {what}"))
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, (String, String)> {
    let line = |span: Option<std::ops::Range<usize>>| {
        let start = span.map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or_default();
        format!(":{}", before.matches('\n').count() + 1)
    };
    let document =
        toml::Deserializer::parse(text).map_err(|error| (line(error.span()), error.message().to_owned()))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        let at = if path == "." { String::new() } else { format!("{path}: ") };
        (line(inner.span()), format!("{at}{}", inner.message()))
    })
}

/// What a description leaves to be filled in, filled in by the settings.
///
/// # Errors
///
/// A value that the description does not have, or one that is still missing.
pub(crate) fn filled(
    file: &str,
    described: &BTreeMap<String, String>,
    set: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let mut values = described.clone();
    for (name, value) in set {
        if !values.contains_key(name) {
            let known = described.keys().cloned().collect::<Vec<_>>().join(", ");
            return Err(format!("values.{name}: the description {file} has no such value; it has: {known}"));
        }
        values.insert(name.clone(), value.clone());
    }
    match values.iter().find(|(_, value)| value.is_empty()) {
        Some((name, _)) => Err(format!("values.{name} is missing; the description {file} needs it")),
        None => Ok(values),
    }
}
