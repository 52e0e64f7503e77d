//! Sets and merges the value of one attribute in place.
//!
//! Invariant: an attribute left without parts becomes null, which the editor takes out.

use serde_json::{Map, Value};

use crate::scim::error::ScimError;
use crate::scim::path::key_of;
use crate::scim::repairs::{Repair, Repairs};
use crate::scim::schema::Attribute;
use crate::scim::value::{self, wrong};

/// The object that holds the attribute: the document, or the extension's part of it.
pub(super) fn home<'d>(
    document: &'d mut Map<String, Value>,
    extension: Option<&str>,
) -> Result<&'d mut Map<String, Value>, ScimError> {
    let Some(urn) = extension else { return Ok(document) };
    let key = key_of(document, urn).unwrap_or(urn).to_owned();
    match document.entry(key).or_insert_with(|| Value::Object(Map::new())) {
        Value::Object(map) => Ok(map),
        other => Err(wrong(urn, "an object", other)),
    }
}

pub(super) fn set_part(slot: &mut Value, name: &str, made: Option<Value>) {
    let mut map = match slot.take() {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    match made {
        Some(value) => {
            forget_stale(&mut map, name, &value);
            map.insert(name.to_owned(), value);
        }
        None => {
            map.shift_remove(name);
        }
    }
    *slot = if map.is_empty() { Value::Null } else { Value::Object(map) };
}

/// The given sub-attributes change, the others stay (RFC 7644 §3.5.2.3).
pub(super) fn merge_complex(
    slot: &mut Value,
    spec: &'static Attribute,
    value: &Value,
    at: &str,
    repairs: &mut Repairs,
) -> Result<(), ScimError> {
    let one = match value {
        Value::Array(list) => match list.as_slice() {
            [] => &Value::Null,
            [only] => {
                repairs.note(Repair::ListUnwrapped);
                only
            }
            _ => return Err(wrong(at, "one value, not a list", value)),
        },
        other => other,
    };
    if one.is_null() || one.as_str().is_some_and(str::is_empty) {
        *slot = Value::Null;
        return Ok(());
    }
    let made = value::complex(spec, one, at, repairs)?;
    for (name, value) in one.as_object().into_iter().flatten() {
        if let Some(sub) = spec.sub_attribute(name).filter(|_| value.is_null()) {
            set_part(slot, sub.name, None);
        }
    }
    // `value` first: a new one drops the old address, not the one that comes with it.
    let (values, others): (Vec<_>, Vec<_>) = made.into_iter().partition(|(name, _)| name == "value");
    for (name, value) in values.into_iter().chain(others) {
        set_part(slot, &name, Some(value));
    }
    Ok(())
}

/// A new `value` of a reference makes the address and the name beside it untrue.
fn forget_stale(map: &mut Map<String, Value>, name: &str, value: &Value) {
    if name == "value" && map.get("value").is_some_and(|own| own != value) {
        map.shift_remove("$ref");
        map.shift_remove("displayName");
    }
}

/// Drops entries of which a `remove` has left only the labels.
pub(super) fn drop_labels(document: &mut Map<String, Value>, name: &str) {
    let Some(Value::Array(list)) = document.get_mut(name) else { return };
    list.retain(|entry| {
        entry.as_object().is_none_or(|map| map.keys().any(|key| !["type", "primary"].contains(&key.as_str())))
    });
    if list.is_empty() {
        document.shift_remove(name);
    }
}
