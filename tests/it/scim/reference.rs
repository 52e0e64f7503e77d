//! PATCH written a second time from RFC 7644 §3.5.2 and the list of what is mended: slow, without a line of the real one.
//!
//! Invariant: whatever operations chance puts together, both come to the same document or the same refusal.

mod steps;

use portvakt::scim::{PatchRequest, ResourceKind, ScimType};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use self::steps::{LISTS, OF_ENTERPRISE, Place, Step, entry, step};
use super::{ENTERPRISE, USER};

type Doc = Map<String, Value>;

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
                self.list(verb, name, value.filter(|value| !value.is_null()));
                Ok(())
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

    fn list(&mut self, verb: &str, name: &str, value: Option<&Value>) {
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]
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
            (Err(real), Err(slow)) => prop_assert_eq!(real.scim_type.map(ScimType::name), Some(slow), "{}: {}", body, real.detail),
            (real, slow) => prop_assert!(false, "{body}: {real:?} against {slow:?}"),
        }
    }
}
