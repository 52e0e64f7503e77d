//! PATCH written a second time from RFC 7644 §3.5.2 and the list of what is mended: slow, without a line of the real one.
//!
//! Invariant: whatever operations chance puts together, both come to the same document or the same refusal.

use portvakt::scim::{PatchRequest, ResourceKind};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{ENTERPRISE, USER};

type Doc = Map<String, Value>;

#[derive(Debug, Clone)]
enum Place {
    Whole,
    Attribute(&'static str),
    Part(&'static str, &'static str),
    /// Attribute, what the filter compares, with what.
    Entry(&'static str, &'static str, &'static str),
    EntryPart(&'static str, &'static str, &'static str, &'static str),
}

#[derive(Debug, Clone)]
struct Step {
    verb: &'static str,
    place: Place,
    value: Option<Value>,
}

const LISTS: [&str; 2] = ["emails", "phoneNumbers"];
const OF_ENTERPRISE: [&str; 2] = ["department", "costCenter"];

impl Step {
    fn json(&self) -> Value {
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

fn same_text(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::String(one)), Some(Value::String(other))) => one.to_lowercase() == other.to_lowercase(),
        (one, other) => one == other,
    }
}

/// The entries of a list as they are kept: no nulls, nothing empty, nothing twice.
fn entries(value: &Value) -> Vec<Value> {
    let all = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    let mut kept: Vec<Value> = Vec::new();
    for one in all {
        let Value::Object(map) = one else { continue };
        let map: Doc = map.into_iter().filter(|(_, value)| !value.is_null()).collect();
        let one = Value::Object(map);
        if one != json!({}) && !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// One entry at most is primary: the first one just written as such.
fn settle(list: &mut [Value], written: &[usize]) {
    let Some(winner) = written.iter().find(|index| list[**index]["primary"] == true).copied() else { return };
    for (index, entry) in list.iter_mut().enumerate() {
        if index != winner && entry["primary"] == true {
            entry["primary"] = json!(false);
        }
    }
}

struct Slow {
    document: Doc,
    thinned: Vec<&'static str>,
}

impl Slow {
    fn step(&mut self, verb: &str, place: &Place, value: Option<&Value>) -> Result<(), &'static str> {
        let clears = verb == "remove" || value.is_none_or(Value::is_null);
        match place {
            Place::Whole => {
                for (key, value) in value.and_then(Value::as_object).into_iter().flatten() {
                    self.step(verb, &place_of(key), Some(value))?;
                }
                Ok(())
            }
            Place::Attribute(name) if LISTS.contains(name) => {
                self.list(verb, name, value.filter(|value| !value.is_null()))
            }
            Place::Attribute(name) if OF_ENTERPRISE.contains(name) => {
                self.in_object(ENTERPRISE, name, value.filter(|_| !clears));
                Ok(())
            }
            Place::Attribute("name") => self.name(value.filter(|_| !clears)),
            Place::Attribute(name) => {
                if clears {
                    self.document.remove(*name);
                    return Ok(());
                }
                let value = value.expect("it does not clear").clone();
                let value = if *name == "active" { flag(&value)? } else { value };
                self.document.insert((*name).to_owned(), value);
                Ok(())
            }
            Place::Part(name, part) if LISTS.contains(name) => {
                let count = self.of(name).len();
                if let (Some(value), "primary", false) = (value, *part, clears) {
                    flag(value)?;
                }
                if !clears && count > 1 {
                    return Err("invalidPath");
                }
                let all: Vec<usize> = (0..count).collect();
                self.entry_part(name, part, value.filter(|_| !clears), &all, Some(Doc::new()))
            }
            Place::Part(name, part) => {
                self.in_object(name, part, value.filter(|_| !clears));
                Ok(())
            }
            Place::EntryPart(name, by, with, part) => {
                let found = self.matching(name, by, with);
                let seed = (verb == "add" || *by != "value")
                    .then(|| Doc::from_iter([((*by).to_owned(), json!(with))]));
                self.entry_part(name, part, value.filter(|_| !clears), &found, seed)
            }
            Place::Entry(name, by, with) => self.entry(verb, (name, by, with), value.filter(|_| !clears)),
        }
    }

    fn of(&self, name: &str) -> Vec<Value> {
        self.document.get(name).and_then(Value::as_array).cloned().unwrap_or_default()
    }

    fn keep(&mut self, name: &str, list: Vec<Value>) {
        if list.is_empty() {
            self.document.remove(name);
        } else {
            self.document.insert(name.to_owned(), Value::Array(list));
        }
    }

    fn matching(&self, name: &str, by: &str, with: &str) -> Vec<usize> {
        let with = json!(with);
        let list = self.of(name);
        (0..list.len())
            .filter(|index| list[*index].get(by).is_some() && same_text(list[*index].get(by), Some(&with)))
            .collect()
    }

    fn in_object(&mut self, home: &str, part: &str, value: Option<&Value>) {
        let mut map = self.document.get(home).and_then(Value::as_object).cloned().unwrap_or_default();
        match value {
            Some(value) => drop(map.insert(part.to_owned(), value.clone())),
            None => drop(map.remove(part)),
        }
        if map.is_empty() {
            self.document.remove(home);
        } else {
            self.document.insert(home.to_owned(), Value::Object(map));
        }
    }

    fn name(&mut self, value: Option<&Value>) -> Result<(), &'static str> {
        match value {
            None => drop(self.document.remove("name")),
            Some(Value::Object(parts)) => {
                for (part, value) in parts {
                    self.in_object("name", part, Some(value).filter(|value| !value.is_null()));
                }
            }
            Some(_) => return Err("invalidValue"),
        }
        Ok(())
    }

    fn list(&mut self, verb: &str, name: &str, value: Option<&Value>) -> Result<(), &'static str> {
        let mut list = self.of(name);
        let mut written = Vec::new();
        match (verb, value) {
            (_, None) => list.clear(),
            ("remove", Some(value)) => {
                for gone in entries(value) {
                    let wanted: Vec<(&String, &Value)> = gone
                        .as_object()
                        .expect("an entry")
                        .iter()
                        .filter(|(part, _)| {
                            gone.get("value").is_none() || !["display", "primary"].contains(&part.as_str())
                        })
                        .collect();
                    list.retain(|own| {
                        !wanted.iter().all(|(part, value)| {
                            own.get(*part).is_some() && same_text(own.get(*part), Some(value))
                        })
                    });
                }
            }
            ("replace", Some(value)) => {
                list = entries(value);
                written = (0..list.len()).collect();
            }
            (_, Some(value)) => {
                for new in entries(value) {
                    let is_it = |own: &Value| match new.get("value") {
                        None => *own == new,
                        Some(_) => {
                            ["value", "type"].iter().all(|part| same_text(own.get(*part), new.get(*part)))
                        }
                    };
                    let index = list.iter().position(is_it).unwrap_or(list.len());
                    if index == list.len() {
                        list.push(json!({}));
                    }
                    list[index]
                        .as_object_mut()
                        .expect("an entry")
                        .extend(new.as_object().expect("an entry").clone());
                    written.push(index);
                }
            }
        }
        settle(&mut list, &written);
        self.keep(name, list);
        Ok(())
    }

    fn entry_part(
        &mut self,
        name: &'static str,
        part: &str,
        value: Option<&Value>,
        found: &[usize],
        seed: Option<Doc>,
    ) -> Result<(), &'static str> {
        let mut list = self.of(name);
        let Some(value) = value else {
            self.thinned.push(name);
            for index in found {
                list[*index].as_object_mut().expect("an entry").remove(part);
            }
            list.retain(|entry| *entry != json!({}));
            self.keep(name, list);
            return Ok(());
        };
        let value = if part == "primary" { flag(value)? } else { value.clone() };
        let mut written = found.to_vec();
        if found.is_empty() {
            list.push(Value::Object(seed.ok_or("noTarget")?));
            written.push(list.len() - 1);
        }
        for index in &written {
            list[*index][part] = value.clone();
        }
        settle(&mut list, &written);
        self.keep(name, list);
        Ok(())
    }

    fn entry(
        &mut self,
        verb: &str,
        (name, by, with): (&'static str, &str, &str),
        value: Option<&Value>,
    ) -> Result<(), &'static str> {
        let mut list = self.of(name);
        let found = self.matching(name, by, with);
        let Some(value) = value else {
            let mut index = 0;
            list.retain(|_| {
                index += 1;
                !found.contains(&(index - 1))
            });
            self.keep(name, list);
            return Ok(());
        };
        let part: Doc = value
            .as_object()
            .ok_or("invalidValue")?
            .clone()
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect();
        let mut fresh = Doc::from_iter([(by.to_owned(), json!(with))]);
        fresh.extend(part.clone());
        let mut written = found.clone();
        match (verb, found.first()) {
            ("replace", None) if by == "value" => return Err("noTarget"),
            (_, None) => {
                list.push(Value::Object(fresh));
                written.push(list.len() - 1);
            }
            ("replace", Some(first)) => {
                list[*first] = Value::Object(fresh);
                for index in found[1..].iter().rev() {
                    list.remove(*index);
                }
                written.truncate(1);
            }
            (_, Some(_)) => {
                for index in &found {
                    list[*index].as_object_mut().expect("an entry").extend(part.clone());
                }
            }
        }
        settle(&mut list, &written);
        self.keep(name, list);
        Ok(())
    }

    fn end(mut self) -> Result<Value, &'static str> {
        for name in std::mem::take(&mut self.thinned) {
            let mut list = self.of(name);
            list.retain(|entry| {
                entry.as_object().expect("an entry").keys().any(|key| key != "type" && key != "primary")
            });
            self.keep(name, list);
        }
        if self.document.get("userName").and_then(Value::as_str).unwrap_or_default().trim().is_empty() {
            return Err("mutability");
        }
        let mut schemas = vec![USER];
        schemas.extend(self.document.contains_key(ENTERPRISE).then_some(ENTERPRISE));
        self.document.insert("schemas".into(), json!(schemas));
        Ok(Value::Object(self.document))
    }
}

fn flag(value: &Value) -> Result<Value, &'static str> {
    match value {
        Value::Bool(_) => Ok(value.clone()),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(json!(true)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(json!(false)),
        _ => Err("invalidValue"),
    }
}

/// The place that a key of an object without path names.
fn place_of(key: &str) -> Place {
    let known = ["userName", "title", "active", "emails", "phoneNumbers", "name", "department", "costCenter"];
    let bare = key.rsplit(':').next().expect("the last part");
    match bare.split_once('.') {
        Some((_, part)) => Place::Part(
            "name",
            if part.eq_ignore_ascii_case("givenName") { "givenName" } else { "familyName" },
        ),
        None => {
            Place::Attribute(known.iter().find(|name| name.eq_ignore_ascii_case(bare)).expect("a known name"))
        }
    }
}

fn slow(document: &Value, steps: &[Step]) -> Result<Value, &'static str> {
    let mut slow = Slow { document: document.as_object().expect("an object").clone(), thinned: Vec::new() };
    for step in steps {
        slow.step(&step.verb.to_lowercase(), &step.place, step.value.as_ref())?;
    }
    slow.end()
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

fn entry() -> impl Strategy<Value = Value> {
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

fn step() -> impl Strategy<Value = Step> {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]
    #[test]
    fn patch_comes_to_what_a_slow_reading_of_the_rfc_comes_to(
        emails in proptest::collection::vec(entry(), 0..3),
        steps in proptest::collection::vec(step(), 1..5),
    ) {
        let mut before = json!({ "schemas": [USER], "userName": "n", "active": true, "title": "t" });
        let kept = entries(&json!(emails));
        if !kept.is_empty() {
            before["emails"] = json!(kept);
        }
        let body = json!({ "Operations": steps.iter().map(Step::json).collect::<Vec<_>>() });
        let request = PatchRequest::parse(&body, ResourceKind::User).map_err(|error| TestCaseError::fail(error.detail))?;
        let real = request.apply(&before).map(|done| (done.changed, done.document));
        match (real, slow(&before, &steps)) {
            (Ok((changed, real)), Ok(slow)) => {
                prop_assert_eq!(&real, &slow, "{}", body);
                prop_assert_eq!(changed, slow != before, "{}", body);
            }
            (Err(real), Err(slow)) => prop_assert_eq!(real.scim_type.map(|kind| kind.name()), Some(slow), "{}: {}", body, real.detail),
            (real, slow) => prop_assert!(false, "{body}: {real:?} against {slow:?}"),
        }
    }
}
