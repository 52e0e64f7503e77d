//! Works on the copy of a document: one set of rules for PATCH, POST and PUT.
//!
//! Invariant: whatever is written is canonical; `finish` lets only a valid document out.

use serde_json::{Map, Value};

use super::entries::{self, Site};
use super::members::{self, MemberChange};
use super::slot::{drop_labels, home, merge_complex, set_part};
use super::{Operation, PatchPath, Verb, untyped};
use crate::scim::error::{ScimError, shown};
use crate::scim::limits;
use crate::scim::path::{AttrPath, Field, key_of};
use crate::scim::repairs::{Repair, Repairs};
use crate::scim::schema::{Attribute, Mutability, ResourceKind, Returned};
use crate::scim::value::{self, wrong};

/// What kind of request is being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The whole resource, as in POST and PUT.
    Whole,
    /// Operations on a resource.
    Patch,
}

/// A copy being worked on.
#[derive(Debug)]
pub(crate) struct Editor {
    pub(super) kind: ResourceKind,
    pub(super) document: Map<String, Value>,
    members: Vec<MemberChange>,
    pub(super) repairs: Repairs,
    /// Attributes that lost a part: entries left with nothing but labels go at the end.
    thinned: Vec<&'static str>,
}

/// What comes out.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) document: Map<String, Value>,
    pub(crate) members: Vec<MemberChange>,
    pub(crate) repairs: Repairs,
}

impl Editor {
    pub(crate) fn new(kind: ResourceKind, document: Map<String, Value>) -> Self {
        Self { kind, document, members: Vec::new(), repairs: Repairs::default(), thinned: Vec::new() }
    }

    /// Counts a body that does not say what it is.
    pub(crate) fn schemas_missing(&mut self) {
        self.repairs.note(Repair::SchemasCorrected);
    }

    /// Carries out one operation of a PATCH.
    pub(crate) fn apply(&mut self, operation: &Operation) -> Result<(), ScimError> {
        let value = operation.value.as_ref();
        match &operation.path {
            None => match value {
                Some(Value::Object(map)) => self.merge(operation.verb, map, Reading::Patch),
                Some(other) => Err(wrong("value", "an object, for there is no path", other)),
                None => Err(ScimError::no_target("remove needs a path")),
            },
            Some((text, path)) => {
                if let Some(urn) = self.foreign_extension(text, value) {
                    return self.whole_extension(&urn, operation.verb, value);
                }
                match path {
                    Some(path) => self.put(operation.verb, path, value, true),
                    None if operation.verb == Verb::Remove => Ok(()),
                    None => Err(ScimError::invalid_path(format!("{} names no attribute", shown(text)))),
                }
            }
        }
    }

    /// Takes in an object of attributes: names in any case, dotted, qualified, extensions as objects.
    pub(crate) fn merge(
        &mut self,
        verb: Verb,
        map: &Map<String, Value>,
        reading: Reading,
    ) -> Result<(), ScimError> {
        let mut unknown = Vec::new();
        let mut understood = map.is_empty();
        for (key, value) in map {
            if let Some(urn) = self.foreign_key(key, value) {
                self.whole_extension(&urn, verb, Some(value))?;
                understood = true;
                continue;
            }
            match PatchPath::parse(key, self.kind) {
                Ok(path) => {
                    self.note_spelling(key, &path.attr);
                    self.take(verb, &path, value, reading)?;
                    understood = true;
                }
                Err(error) if key.contains('[') => return Err(error),
                Err(_) if value.is_null() => understood = true,
                Err(_) => {
                    self.repairs.note(Repair::UnknownDropped);
                    unknown.push(key);
                }
            }
        }
        match unknown.first() {
            Some(key) if !understood && reading == Reading::Patch => Err(ScimError::invalid_path(format!(
                "{} is not an attribute of {}",
                shown(key),
                self.kind.name()
            ))),
            _ => Ok(()),
        }
    }

    /// One attribute of an object; what belongs to the server is passed over.
    fn take(
        &mut self,
        verb: Verb,
        path: &PatchPath,
        value: &Value,
        reading: Reading,
    ) -> Result<(), ScimError> {
        let name = path.attr.attribute().and_then(Field::spec).map(|spec| spec.name);
        let core = path.attr.extension().is_none();
        match name.filter(|_| core) {
            Some("schemas") => self.check_schemas(value, reading),
            Some("id") if reading == Reading::Whole => {
                if !value.is_null() {
                    self.repairs.note(Repair::ClientIdIgnored);
                }
                Ok(())
            }
            Some("meta" | "groups") if reading == Reading::Whole => Ok(()),
            Some("members") if value.is_null() && path.filter.is_none() => {
                self.repairs.note(Repair::NullMembersIgnored);
                Ok(())
            }
            _ => self.put(verb, path, value_or_none(value), false),
        }
    }

    fn check_schemas(&mut self, value: &Value, reading: Reading) -> Result<(), ScimError> {
        let list = match value {
            Value::Array(list) => list.as_slice(),
            Value::Null => &[],
            other => return Err(wrong("schemas", "a list of URNs", other)),
        };
        let core = self.kind.core().id;
        let names_core = list.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(core));
        if !names_core && reading == Reading::Whole {
            self.repairs.note(Repair::SchemasCorrected);
        }
        Ok(())
    }

    fn note_spelling(&mut self, key: &str, path: &AttrPath) {
        if path.extension().is_some() && !key.contains(':') {
            self.repairs.note(Repair::MovedToExtension);
        } else if key.contains(':') && path.attribute().is_some() {
            self.repairs.note(Repair::QualifiedKey);
        } else if path.sub().is_some() {
            self.repairs.note(Repair::DottedKey);
        } else if path.attribute().is_some_and(|field| field.name() != key) {
            self.repairs.note(Repair::NameCase);
        }
    }

    /// Carries out `verb` at `path`. `explicit`: the client named the path, so that what it may not
    /// change is an error; in a whole object it is passed over.
    pub(super) fn put(
        &mut self,
        verb: Verb,
        path: &PatchPath,
        value: Option<&Value>,
        explicit: bool,
    ) -> Result<(), ScimError> {
        let Some(field) = path.attr.attribute() else { return self.whole_schema(verb, path, value) };
        let clears = verb == Verb::Remove || value.is_none_or(Value::is_null);
        if clears && path.attr.extension().is_some_and(|urn| key_of(&self.document, urn).is_none()) {
            return Ok(());
        }
        let Some(spec) = field.spec() else {
            let home = home(&mut self.document, path.attr.extension())?;
            return untyped::edit(home, field, path, verb, value, &mut self.repairs);
        };
        if spec.returned == Returned::Never {
            self.repairs.note(Repair::PasswordDropped);
            return Ok(());
        }
        if spec.name == "members" {
            let made = members::changes(verb, path, value, &mut self.repairs)?;
            self.members.extend(made);
            return Ok(());
        }
        let sub = path.attr.sub().and_then(Field::spec);
        let read_only = |spec: &Attribute| spec.mutability == Mutability::ReadOnly;
        if read_only(spec) || spec.name == "schemas" || sub.is_some_and(read_only) {
            if explicit && !["schemas", "groups"].contains(&spec.name) {
                return Err(ScimError::mutability(format!("{} is read-only", path.attr)));
            }
            self.repairs.note(Repair::ReadOnlyIgnored);
            return Ok(());
        }
        self.write(verb, path, spec, sub, value)
    }

    fn write(
        &mut self,
        verb: Verb,
        path: &PatchPath,
        spec: &'static Attribute,
        sub: Option<&'static Attribute>,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
        let at = path.attr.clone().without_sub().to_string();
        let clears = verb == Verb::Remove || value.is_none_or(Value::is_null);
        if spec.multi_valued && sub.is_some() && clears {
            self.thinned.push(spec.name);
        }
        let home = home(&mut self.document, path.attr.extension())?;
        let slot = home.entry(spec.name).or_insert(Value::Null);
        let repairs = &mut self.repairs;
        if spec.multi_valued {
            let mut list = match slot.take() {
                Value::Array(list) => list,
                _ => Vec::new(),
            };
            let site = Site { spec, filter: path.filter.as_ref(), sub, at: &at };
            entries::edit(&mut list, site, verb, value, repairs)?;
            *slot = if list.is_empty() { Value::Null } else { Value::Array(list) };
        } else if let Some(sub) = sub {
            let made = match value.filter(|_| !clears) {
                None => None,
                Some(value) => value::attribute(sub, value, &path.attr.to_string(), repairs)?,
            };
            set_part(slot, sub.name, made);
        } else if clears {
            *slot = Value::Null;
        } else if let Some(value) = value {
            if spec.is_complex() {
                merge_complex(slot, spec, value, &at, repairs)?;
            } else {
                *slot = value::attribute(spec, value, &at, repairs)?.unwrap_or(Value::Null);
            }
        }
        if slot.is_null() {
            home.shift_remove(spec.name);
        }
        Ok(())
    }

    /// The document, if it is valid: required attributes there, `schemas` as the content says.
    pub(crate) fn finish(mut self, reading: Reading) -> Result<Finished, ScimError> {
        for name in &self.thinned {
            drop_labels(&mut self.document, name);
        }
        self.document.retain(|key, value| {
            !(key.contains(':') && value.as_object().is_some_and(Map::is_empty) || value.is_null())
        });
        let required = self.kind.required();
        let value = self.document.get(required).and_then(Value::as_str).unwrap_or_default();
        if value.trim().is_empty() {
            let detail = format!("{required} is required");
            return Err(match reading {
                Reading::Whole => ScimError::invalid_value(detail),
                Reading::Patch => ScimError::mutability(detail + " and cannot be removed"),
            });
        }
        check_keys(&self.document)?;
        limits::keep(&self.document)?;
        let mut schemas = vec![Value::from(self.kind.core().id)];
        // In one order, whatever the order of the keys, which PostgreSQL does not keep: it would pass for a change.
        let mut extensions: Vec<&str> =
            self.document.keys().filter(|key| key.contains(':')).map(String::as_str).collect();
        extensions.sort_unstable();
        schemas.extend(extensions.into_iter().map(Value::from));
        let mut document = Map::with_capacity(self.document.len() + 1);
        document.insert("schemas".into(), schemas.into());
        self.document.shift_remove("schemas");
        document.extend(self.document);
        Ok(Finished { document, members: self.members, repairs: self.repairs })
    }
}

/// What resources are found by must fit an index, however it came into the document.
fn check_keys(document: &Map<String, Value>) -> Result<(), ScimError> {
    for name in ["userName", "externalId", "displayName"] {
        limits::key(name, document.get(name).and_then(Value::as_str).unwrap_or_default())?;
    }
    let emails = document.get("emails").and_then(Value::as_array);
    emails.into_iter().flatten().try_for_each(|entry| {
        limits::key("emails.value", entry.get("value").and_then(Value::as_str).unwrap_or_default())
    })
}

pub(super) fn value_or_none(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}
