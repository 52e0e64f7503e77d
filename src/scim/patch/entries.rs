//! Adds, replaces and removes entries of a multi-valued attribute.
//!
//! Invariant: at most one entry is primary afterwards, and the one that was
//! written as primary is it (RFC 7644 §3.5.2).

use serde_json::{Map, Value};

use super::Verb;
use crate::scim::error::{ScimError, shown};
use crate::scim::filter::{CompareOp, Filter, Literal};
use crate::scim::limits;
use crate::scim::repairs::{Repair, Repairs};
use crate::scim::schema::Attribute;
use crate::scim::value;

/// Where in a multi-valued attribute an operation works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Site<'p> {
    pub(super) spec: &'static Attribute,
    pub(super) filter: Option<&'p Filter>,
    pub(super) sub: Option<&'static Attribute>,
    pub(super) at: &'p str,
}

/// Carries out one operation on the entries of `list`.
pub(super) fn edit(
    list: &mut Vec<Value>,
    site: Site<'_>,
    verb: Verb,
    value: Option<&Value>,
    repairs: &mut Repairs,
) -> Result<(), ScimError> {
    let value = value.filter(|value| !value.is_null());
    let (Verb::Add | Verb::Replace, Some(value)) = (verb, value) else {
        return remove(list, site, value, repairs);
    };
    let written = match (site.filter, site.sub) {
        (None, None) if verb == Verb::Replace => {
            *list = value::entries(site.spec, value, site.at, repairs)?;
            (0..list.len()).collect()
        }
        (None, None) => add(list, site, value, repairs)?,
        (_, Some(sub)) => set_sub(list, site, sub, verb, value, repairs)?,
        (Some(_), None) => set_entry(list, site, verb, value, repairs)?,
    };
    limits::entries(site.at, list.len())?;
    settle_primary(list, &written, repairs);
    Ok(())
}

/// Appends, or completes the entry with the same value and type; says which entries were written.
fn add(
    list: &mut Vec<Value>,
    site: Site<'_>,
    value: &Value,
    repairs: &mut Repairs,
) -> Result<Vec<usize>, ScimError> {
    let mut written = Vec::new();
    for entry in value::entries(site.spec, value, site.at, repairs)? {
        let found = list.iter().position(|own| is_same_entry(site.spec, own, &entry));
        match found.and_then(|index| list.get_mut(index).map(|own| (index, own))) {
            Some((index, Value::Object(own))) => {
                if let Value::Object(entry) = entry {
                    own.extend(entry);
                }
                written.push(index);
            }
            Some((index, _)) => written.push(index),
            None => {
                written.push(list.len());
                list.push(entry);
            }
        }
    }
    Ok(written)
}

/// The pair of value and type makes an entry (RFC 7643 §2.4); without a value, everything does.
fn is_same_entry(spec: &'static Attribute, own: &Value, new: &Value) -> bool {
    let part = |entry: &Value, name: &str| entry.get(name).cloned().unwrap_or(Value::Null);
    if new.get("value").is_none() {
        return own == new;
    }
    ["value", "type"]
        .iter()
        .all(|name| value::same(spec.sub_attribute(name), &part(own, name), &part(new, name)))
}

fn matched(list: &[Value], filter: Option<&Filter>) -> Vec<usize> {
    let meets = |entry: &Value| filter.is_none_or(|filter| filter.matches(entry));
    list.iter().enumerate().filter(|(_, entry)| meets(entry)).map(|(index, _)| index).collect()
}

/// `attribute[filter].sub`, or `attribute.sub` where there is no doubt which entry is meant.
fn set_sub(
    list: &mut Vec<Value>,
    site: Site<'_>,
    sub: &'static Attribute,
    verb: Verb,
    value: &Value,
    repairs: &mut Repairs,
) -> Result<Vec<usize>, ScimError> {
    let at = format!("{}.{}", site.at, sub.name);
    let Some(made) = value::attribute(sub, value, &at, repairs)? else {
        remove(list, site, None, repairs)?;
        return Ok(Vec::new());
    };
    let mut part = Map::new();
    part.insert(sub.name.to_owned(), made);
    if site.filter.is_none() && list.len() > 1 {
        let detail = format!("{at} names {} entries; choose one: {}[type eq \"work\"]", list.len(), site.at);
        return Err(ScimError::invalid_path(detail));
    }
    let found = matched(list, site.filter);
    if found.is_empty() {
        return create(list, site, verb, part, repairs);
    }
    complete(list, &found, &part);
    Ok(found)
}

/// `attribute[filter]`: `add` completes the entries, `replace` puts the new one in their place (RFC 7644 §3.5.2.3).
fn set_entry(
    list: &mut Vec<Value>,
    site: Site<'_>,
    verb: Verb,
    value: &Value,
    repairs: &mut Repairs,
) -> Result<Vec<usize>, ScimError> {
    let one = match value {
        Value::Array(all) => match all.as_slice() {
            [only] => {
                repairs.note(Repair::ListUnwrapped);
                only
            }
            _ => return Err(value::wrong(site.at, "one entry, for the path names one", value)),
        },
        other => other,
    };
    let part = value::complex(site.spec, one, site.at, repairs)?;
    let found = matched(list, site.filter);
    let Some(first) = found.first().copied() else {
        return create(list, site, verb, part, repairs);
    };
    if verb == Verb::Add {
        complete(list, &found, &part);
        return Ok(found);
    }
    // What the filter says of the entry stays said, unless the new one says otherwise.
    let mut entry = site.filter.and_then(seed).unwrap_or_default();
    entry.extend(part);
    let mut index = 0;
    list.retain_mut(|own| {
        let is_first = index == first;
        let stays = is_first || !found.contains(&index);
        if is_first {
            *own = Value::Object(std::mem::take(&mut entry));
        }
        index += 1;
        stays
    });
    Ok(vec![first])
}

/// Sets the given sub-attributes of entries; their others stay.
fn complete(list: &mut [Value], found: &[usize], part: &Map<String, Value>) {
    for index in found {
        if let Some(own) = list.get_mut(*index).and_then(Value::as_object_mut) {
            own.extend(part.clone());
        }
    }
}

/// Makes the entry that a filter describes where there is none. RFC 7644 §3.5.2.3 asks for `noTarget`; but Entra
/// sets a first value this way, by its labels. A `replace` of a value that is not there is refused all the same.
fn create(
    list: &mut Vec<Value>,
    site: Site<'_>,
    verb: Verb,
    part: Map<String, Value>,
    repairs: &mut Repairs,
) -> Result<Vec<usize>, ScimError> {
    let mut entry = match site.filter {
        None => Map::new(),
        Some(filter) => seed(filter)
            .filter(|entry| verb == Verb::Add || !entry.contains_key("value"))
            .ok_or_else(|| no_entry(site.at, filter))?,
    };
    entry.extend(part);
    repairs.note(Repair::EntryCreated);
    list.push(Value::Object(entry));
    Ok(vec![list.len() - 1])
}

/// 400 `noTarget`; a filter can be long, and the answer is not.
pub(super) fn no_entry(at: &str, filter: &Filter) -> ScimError {
    ScimError::no_target(format!("no entry of {at} meets the filter {}", shown(&filter.to_string())))
}

/// The entry that a filter describes: its equalities. `None` where it describes more than one.
pub(super) fn seed(filter: &Filter) -> Option<Map<String, Value>> {
    match filter {
        Filter::Compare { path, op: CompareOp::Eq, value } if *value != Literal::Null => {
            let mut entry = Map::new();
            entry.insert(path.attribute()?.name().to_owned(), value.to_json());
            Some(entry)
        }
        Filter::And(all) => {
            let mut entry = Map::new();
            for one in all {
                entry.extend(seed(one)?);
            }
            Some(entry)
        }
        Filter::Compare { .. }
        | Filter::Or(_)
        | Filter::Not(_)
        | Filter::Present(_)
        | Filter::ValuePath { .. } => None,
    }
}

fn remove(
    list: &mut Vec<Value>,
    site: Site<'_>,
    value: Option<&Value>,
    repairs: &mut Repairs,
) -> Result<(), ScimError> {
    match (site.filter, site.sub, value) {
        (filter, Some(sub), _) => {
            for index in matched(list, filter) {
                if let Some(own) = list.get_mut(index).and_then(Value::as_object_mut) {
                    own.shift_remove(sub.name);
                }
            }
            list.retain(|entry| entry.as_object().is_none_or(|map| !map.is_empty()));
        }
        (Some(filter), None, _) => list.retain(|entry| !filter.matches(entry)),
        (None, None, None) => list.clear(),
        (None, None, Some(value)) => remove_listed(list, site, value, repairs)?,
    }
    Ok(())
}

/// `remove` with a list of values takes only these away (Entra), and an empty list nothing.
fn remove_listed(
    list: &mut Vec<Value>,
    site: Site<'_>,
    value: &Value,
    repairs: &mut Repairs,
) -> Result<(), ScimError> {
    let named = match value {
        Value::Array(all) => all.as_slice(),
        other => std::slice::from_ref(other),
    };
    repairs.note(if named.is_empty() { Repair::EmptyRemoval } else { Repair::RemoveByValue });
    for entry in named {
        let wanted = match entry {
            Value::String(text) => Map::from_iter([("value".to_owned(), text.clone().into())]),
            other => value::complex(site.spec, other, site.at, repairs)?,
        };
        if wanted.is_empty() {
            return Err(value::wrong(site.at, "an entry that says which one is meant", entry));
        }
        list.retain(|own| !is_covered(site.spec, &wanted, own));
    }
    Ok(())
}

/// `own` is what `wanted` names. With a value given, labels for people do not count.
fn is_covered(spec: &'static Attribute, wanted: &Map<String, Value>, own: &Value) -> bool {
    let labels = ["display", "$ref", "primary"];
    let by_value = wanted.contains_key("value");
    wanted.iter().filter(|(name, _)| !(by_value && labels.contains(&name.as_str()))).all(|(name, value)| {
        own.get(name).is_some_and(|own| value::same(spec.sub_attribute(name), own, value))
    })
}

/// The first written entry that is primary stays so; every other one is not.
fn settle_primary(list: &mut [Value], written: &[usize], repairs: &mut Repairs) {
    let is_primary = |entry: &Value| entry.get("primary") == Some(&Value::Bool(true));
    let winner = written.iter().copied().find(|index| list.get(*index).is_some_and(is_primary));
    let Some(winner) = winner else { return };
    for (index, entry) in list.iter_mut().enumerate() {
        if index == winner || !is_primary(entry) {
            continue;
        }
        if written.contains(&index) {
            repairs.note(Repair::PrimaryCorrected);
        }
        if let Some(map) = entry.as_object_mut() {
            map.insert("primary".into(), false.into());
        }
    }
}
