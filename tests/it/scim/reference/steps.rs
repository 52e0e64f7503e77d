//! The operations of a PATCH that chance puts together: of the right form, often without anything to work on.
//!
//! Invariant: few values, so that operations meet each other's.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::ENTERPRISE;

#[derive(Debug, Clone)]
pub(super) enum Place {
    Whole,
    Attribute(&'static str),
    Part(&'static str, &'static str),
    /// Attribute, what the filter compares, with what.
    Entry(&'static str, &'static str, &'static str),
    EntryPart(&'static str, &'static str, &'static str, &'static str),
}

#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) verb: &'static str,
    pub(super) place: Place,
    pub(super) value: Option<Value>,
}

pub(super) const LISTS: [&str; 2] = ["emails", "phoneNumbers"];
pub(super) const OF_ENTERPRISE: [&str; 2] = ["department", "costCenter"];

impl Step {
    pub(super) fn json(&self) -> Value {
        let path = match &self.place {
            Place::Whole => None,
            Place::Attribute(name) if OF_ENTERPRISE.contains(name) => Some(format!("{ENTERPRISE}:{name}")),
            Place::Attribute(name) => Some((*name).to_owned()),
            Place::Part(name, part) => Some(format!("{name}.{part}")),
            Place::Entry(name, by, with) => Some(format!("{name}[{by} eq \"{with}\"]")),
            Place::EntryPart(name, by, with, part) => Some(format!("{name}[{by} eq \"{with}\"].{part}")),
        };
        let mut made = json!({ "op": self.verb });
        if let Some(path) = path {
            made["path"] = json!(path);
        }
        if let Some(value) = &self.value {
            made["value"] = value.clone();
        }
        made
    }
}

fn word() -> impl Strategy<Value = Value> {
    proptest::sample::select(vec![
        json!("a"),
        json!("A"),
        json!("å"),
        json!("Å"),
        json!("b@x"),
        json!("work"),
        json!("Work"),
    ])
}

pub(super) fn entry() -> impl Strategy<Value = Value> {
    let part = |values: Vec<Value>| proptest::option::weighted(0.7, proptest::sample::select(values));
    let value = part(vec![json!("a"), json!("A"), json!("b@x"), Value::Null]);
    let kind = part(vec![json!("work"), json!("Work"), json!("home")]);
    let primary = part(vec![json!(true), json!(false)]);
    let display = part(vec![json!("a"), json!("D")]);
    (value, kind, primary, display).prop_map(|(value, kind, primary, display)| {
        let parts = [("value", value), ("type", kind), ("primary", primary), ("display", display)];
        Value::Object(parts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    })
}

fn list() -> impl Strategy<Value = Value> {
    prop_oneof![3 => proptest::collection::vec(entry(), 0..3).prop_map(Value::Array), 1 => entry(), 1 => Just(Value::Null)]
}

fn value_of(name: &'static str) -> BoxedStrategy<Value> {
    match name {
        "emails" | "phoneNumbers" => list().boxed(),
        "active" | "primary" => proptest::sample::select(vec![
            json!(true),
            json!(false),
            json!("True"),
            json!("FALSE"),
            json!("banana"),
        ])
        .boxed(),
        "name" => {
            (proptest::option::of(word()), proptest::option::of(prop_oneof![word(), Just(Value::Null)]))
                .prop_map(|(given, family)| {
                    let parts = [("givenName", given), ("familyName", family)];
                    Value::Object(
                        parts
                            .into_iter()
                            .filter_map(|(name, value)| Some((name.to_owned(), value?)))
                            .collect(),
                    )
                })
                .boxed()
        }
        _ => prop_oneof![6 => word(), 1 => Just(Value::Null)].boxed(),
    }
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let attribute = proptest::sample::select(vec![
        "userName",
        "title",
        "active",
        "name",
        "emails",
        "phoneNumbers",
        "department",
        "costCenter",
    ]);
    let list = proptest::sample::select(LISTS.to_vec());
    let by = proptest::sample::select(vec![
        ("type", "work"),
        ("type", "home"),
        ("type", "new"),
        ("value", "a"),
        ("value", "gone"),
    ]);
    let part = proptest::sample::select(vec!["value", "type", "display", "primary"]);
    let keys = proptest::sample::select(vec![
        ("userName", "userName"),
        ("TITLE", "title"),
        ("active", "active"),
        ("name.givenName", "word"),
        ("Name.FamilyName", "word"),
        ("emails", "emails"),
        ("department", "department"),
        ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter", "costCenter"),
    ]);
    let object =
        proptest::collection::vec(keys.prop_flat_map(|(key, kind)| (Just(key), value_of(kind))), 1..4)
            .prop_map(|pairs| {
                Value::Object(pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
            });
    let placed = prop_oneof![
        2 => object.prop_map(|value| (Place::Whole, value)),
        4 => attribute.prop_flat_map(|name| (Just(Place::Attribute(name)), value_of(name))),
        1 => (proptest::sample::select(vec!["givenName", "familyName"]), value_of("word")).prop_map(|(part, value)| (Place::Part("name", part), value)),
        1 => (list.clone(), part.clone()).prop_flat_map(|(name, part)| (Just(Place::Part(name, part)), value_of(part))),
        2 => (list.clone(), by.clone(), entry()).prop_map(|(name, (by, with), value)| (Place::Entry(name, by, with), value)),
        3 => (list, by, part).prop_flat_map(|(name, (by, with), part)| (Just(Place::EntryPart(name, by, with, part)), value_of(part))),
    ];
    let verb = proptest::sample::select(vec!["add", "replace", "remove", "Add", "Replace", "Remove"]);
    (verb, placed, any::<bool>()).prop_map(|(verb, (place, value), with_value)| {
        let is_list = matches!(place, Place::Attribute(name) if LISTS.contains(&name));
        match (verb.eq_ignore_ascii_case("remove"), &place) {
            (true, Place::Whole) => Step { verb: "replace", place, value: Some(value) },
            // What is to go can be listed only where there is a list.
            (true, _) => Step {
                verb,
                place,
                value: Some(value).filter(|value| is_list && with_value && listed(value)),
            },
            (false, _) => Step { verb, place, value: Some(value) },
        }
    })
}

/// A list in which each entry says which one is meant.
fn listed(value: &Value) -> bool {
    let all = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    all.iter().all(|one| one.as_object().is_some_and(|map| map.values().any(|value| !value.is_null())))
}
