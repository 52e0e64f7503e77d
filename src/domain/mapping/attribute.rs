//! Reads the values of an attribute out of a SCIM document by its dotted path.
//!
//! Invariant: names are found without regard to case (RFC 7643 §2.1), a missing attribute has no values, and
//! nothing is guessed: only what stands at the path is returned.

use serde_json::{Map, Value};

use crate::domain::name::{fold, folds_to};

/// The schema whose attributes stand at the top of a User (RFC 7643 §4.1).
const CORE_USER: &str = "urn:ietf:params:scim:schemas:core:2.0:user";

/// Whether the attribute at `path` has one of `wanted`, compared without case.
pub(in crate::domain) fn has_one_of(document: &Value, path: &str, wanted: &[String]) -> bool {
    let found = values(document, path);
    found.iter().any(|value| wanted.iter().any(|wish| folds_to(wish, value)))
}

/// Every value at `path`, folded for comparison.
///
/// `path` is `userType`, `name.familyName`, `emails.type`, or with an extension's URN before it,
/// `urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department` (RFC 7644 §3.10). Of an attribute with
/// several values each element counts; a complex value counts by its `value` (RFC 7643 §2.4).
#[must_use]
pub fn values(document: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(top) = document.as_object() {
        match start(top, &fold(path)) {
            Some((value, rest)) => collect(value, &rest, &mut found),
            None => return found,
        }
    }
    found
}

/// Where the walk begins and the names still to follow.
fn start<'a>(top: &'a Map<String, Value>, path: &str) -> Option<(&'a Value, Vec<String>)> {
    if let Some(value) = member(top, path) {
        return Some((value, Vec::new()));
    }
    if let Some(rest) = path.strip_prefix(CORE_USER).and_then(|rest| rest.strip_prefix([':', '.'])) {
        return from_top(top, rest);
    }
    if !path.starts_with("urn:") {
        return from_top(top, path);
    }
    // A URN may hold dots ("2.0"), so the document's own keys say where it ends; the longest that fits is meant.
    top.iter()
        .filter_map(|(key, value)| {
            let rest = path.strip_prefix(fold(key).as_str())?.strip_prefix([':', '.'])?;
            Some((key.len(), value, names(rest)))
        })
        .max_by_key(|(length, _, _)| *length)
        .map(|(_, value, rest)| (value, rest))
}

fn from_top<'a>(top: &'a Map<String, Value>, path: &str) -> Option<(&'a Value, Vec<String>)> {
    let mut rest = names(path);
    let first = if rest.is_empty() { return None } else { rest.remove(0) };
    member(top, &first).map(|value| (value, rest))
}

fn names(path: &str) -> Vec<String> {
    path.split('.').map(str::to_owned).collect()
}

fn member<'a>(object: &'a Map<String, Value>, folded: &str) -> Option<&'a Value> {
    object.iter().find(|(key, _)| folds_to(key, folded)).map(|(_, value)| value)
}

fn collect(value: &Value, rest: &[String], found: &mut Vec<String>) {
    match (value, rest.split_first()) {
        (Value::Array(elements), _) => elements.iter().for_each(|element| collect(element, rest, found)),
        (Value::Object(object), Some((name, deeper))) => {
            if let Some(inner) = member(object, name) {
                collect(inner, deeper, found);
            }
        }
        (Value::Object(object), None) => {
            if let Some(inner) = member(object, "value").filter(|inner| !inner.is_object()) {
                collect(inner, rest, found);
            }
        }
        // `groups.value` on a list of bare texts: the element itself is its value.
        (scalar, Some((name, []))) if name == "value" => found.extend(text(scalar)),
        (_, Some(_)) => {}
        (scalar, None) => found.extend(text(scalar)),
    }
}

fn text(scalar: &Value) -> Option<String> {
    match scalar {
        Value::String(text) => Some(fold(text)),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn person() -> Value {
        json!({
            "userName": "Åsa@bjorkbacken.example",
            "active": true,
            "name": {"familyName": "Lindqvist"},
            "emails": [{"type": "work", "value": "a@x.example"}, {"type": "home", "value": "b@x.example"}],
            "roles": ["Styrelse", {"value": "Kassör"}],
            ENTERPRISE: {"department": "Utskick", "manager": {"value": "m-1", "displayName": "Sara"}},
            "urn:other:Flat.dept": "IT",
        })
    }

    #[test]
    fn a_path_is_followed_without_case_through_objects_and_lists() {
        let document = person();
        assert_eq!(values(&document, "NAME.familyname"), ["lindqvist"]);
        assert_eq!(values(&document, "emails.type"), ["work", "home"]);
        assert_eq!(values(&document, "emails"), ["a@x.example", "b@x.example"]);
        assert_eq!(values(&document, "roles"), ["styrelse", "kassör"]);
        assert_eq!(values(&document, "roles.value"), ["styrelse", "kassör"]);
        assert_eq!(values(&document, "active"), ["true"]);
        assert!(has_one_of(&document, "userName", &["ÅSA@BJORKBACKEN.EXAMPLE".to_owned()]));
    }

    #[test]
    fn an_extension_is_reached_by_its_urn() {
        let document = person();
        assert_eq!(values(&document, &format!("{ENTERPRISE}:department")), ["utskick"]);
        assert_eq!(values(&document, &format!("{}.Department", ENTERPRISE.to_uppercase())), ["utskick"]);
        assert_eq!(values(&document, &format!("{ENTERPRISE}:manager")), ["m-1"]);
        assert_eq!(values(&document, &format!("{ENTERPRISE}:manager.displayName")), ["sara"]);
        assert_eq!(values(&document, "urn:other:flat.dept"), ["it"]);
        let core = "urn:ietf:params:scim:schemas:core:2.0:User:name.familyName";
        assert_eq!(values(&document, core), ["lindqvist"]);
    }

    #[test]
    fn what_is_not_there_has_no_values() {
        let document = person();
        for path in ["", "department", "name", "userName.value.x", "urn:unknown:User:x", "name.familyName.x"]
        {
            assert!(values(&document, path).is_empty(), "{path:?} had a value");
        }
        assert!(values(&json!("text"), "userName").is_empty());
    }
}
