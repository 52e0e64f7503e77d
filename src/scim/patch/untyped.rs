//! PATCH within an extension that the schema table does not know.
//!
//! Invariant: JSON in, the same JSON out; nothing is renamed, typed or dropped.

use serde_json::{Map, Value};

use super::entries::{no_entry, seed};
use super::{PatchPath, Verb};
use crate::scim::error::ScimError;
use crate::scim::limits;
use crate::scim::path::{Field, key_of};
use crate::scim::repairs::{Repair, Repairs};
use crate::scim::value::wrong;

/// Carries out one operation on an attribute of the extension `home`.
pub(super) fn edit(
    home: &mut Map<String, Value>,
    field: &Field,
    path: &PatchPath,
    verb: Verb,
    value: Option<&Value>,
    repairs: &mut Repairs,
) -> Result<(), ScimError> {
    let key = key_of(home, field.name()).unwrap_or(field.name()).to_owned();
    let value = value.filter(|value| !value.is_null());
    let slot = home.entry(key.clone()).or_insert(Value::Null);
    match (&path.filter, path.attr.sub()) {
        (Some(_), _) => in_entries(slot, path, verb, value, repairs)?,
        (None, Some(sub)) => in_object(slot, sub, verb, value, &path.attr.to_string())?,
        (None, None) => whole(slot, verb, value, &path.attr.to_string(), repairs)?,
    }
    if is_unassigned(slot) {
        home.shift_remove(&key);
    }
    Ok(())
}

fn is_unassigned(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn whole(
    slot: &mut Value,
    verb: Verb,
    value: Option<&Value>,
    at: &str,
    repairs: &mut Repairs,
) -> Result<(), ScimError> {
    match (verb, value, slot) {
        (Verb::Remove, Some(value), Value::Array(list)) => {
            let named = match value {
                Value::Array(named) => named.as_slice(),
                other => std::slice::from_ref(other),
            };
            repairs.note(if named.is_empty() { Repair::EmptyRemoval } else { Repair::RemoveByValue });
            limits::entries(at, named.len())?;
            list.retain(|own| !named.contains(own));
        }
        (Verb::Remove, _, slot) | (_, None, slot) => *slot = Value::Null,
        (Verb::Add, Some(value), Value::Array(list)) => {
            let new = match value {
                Value::Array(new) => new.as_slice(),
                other => std::slice::from_ref(other),
            };
            limits::entries(at, list.len() + new.len())?;
            for entry in new {
                if !list.contains(entry) {
                    list.push(entry.clone());
                }
            }
        }
        (_, Some(Value::Object(new)), Value::Object(own)) => merge(own, new),
        (_, Some(value), slot) => *slot = value.clone(),
    }
    Ok(())
}

/// Sets the given keys and takes away those that are null.
pub(super) fn merge(own: &mut Map<String, Value>, new: &Map<String, Value>) {
    for (name, value) in new {
        let key = key_of(own, name).unwrap_or(name).to_owned();
        if value.is_null() {
            own.shift_remove(&key);
        } else {
            own.insert(key, value.clone());
        }
    }
}

fn in_object(
    slot: &mut Value,
    sub: &Field,
    verb: Verb,
    value: Option<&Value>,
    at: &str,
) -> Result<(), ScimError> {
    if slot.is_null() {
        *slot = Value::Object(Map::new());
    }
    let Value::Object(own) = slot else { return Err(wrong(at, "a part of an object", slot)) };
    let key = key_of(own, sub.name()).unwrap_or(sub.name()).to_owned();
    match (verb, value) {
        (Verb::Remove, _) | (_, None) => {
            own.shift_remove(&key);
        }
        (Verb::Add | Verb::Replace, Some(value)) => {
            own.insert(key, value.clone());
        }
    }
    Ok(())
}

fn in_entries(
    slot: &mut Value,
    path: &PatchPath,
    verb: Verb,
    value: Option<&Value>,
    repairs: &mut Repairs,
) -> Result<(), ScimError> {
    let Some(filter) = &path.filter else { return Ok(()) };
    let at = path.attr.to_string();
    if slot.is_null() {
        *slot = Value::Array(Vec::new());
    }
    let Value::Array(list) = slot else { return Err(wrong(&at, "a list", slot)) };
    if path.attr.sub().is_none() && (verb == Verb::Remove || value.is_none()) {
        list.retain(|entry| !filter.matches(entry));
        return Ok(());
    }
    let any = list.iter().any(|entry| filter.matches(entry));
    if !any && verb != Verb::Remove && value.is_some() {
        let entry = seed(filter).ok_or_else(|| no_entry(&at, filter))?;
        repairs.note(Repair::EntryCreated);
        list.push(Value::Object(entry));
    }
    for entry in list.iter_mut().filter(|entry| filter.matches(entry)) {
        match (path.attr.sub(), value, &mut *entry) {
            (Some(sub), value, entry) => in_object(entry, sub, verb, value, &at)?,
            (None, Some(Value::Object(new)), Value::Object(own)) => {
                if verb == Verb::Replace {
                    *own = seed(filter).unwrap_or_default();
                }
                merge(own, new);
            }
            (None, Some(other), _) => return Err(wrong(&at, "an object", other)),
            (None, None, _) => {}
        }
    }
    Ok(())
}
