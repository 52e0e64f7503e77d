//! Works on the copy of a document: one set of rules for PATCH, POST and PUT.
//!
//! Invariant: whatever is written is canonical; `finish` lets only a valid document out.

use serde_json::{Map, Value};

use super::entries::{self, Site};
use super::members::{self, MemberChange};
use super::{Operation, PatchPath, Verb, untyped};
use crate::scim::error::{ScimError, shown};
use crate::scim::path::{AttrPath, after_urn, is_urn, key_of};
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
    kind: ResourceKind,
    document: Map<String, Value>,
    members: Vec<MemberChange>,
    repairs: Repairs,
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
                    None => Ok(()),
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
            if let Some(urn) = self.foreign_extension(key, Some(value)) {
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
        let name = path.attr.attribute().and_then(|field| field.spec()).map(|spec| spec.name);
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
    fn put(
        &mut self,
        verb: Verb,
        path: &PatchPath,
        value: Option<&Value>,
        explicit: bool,
    ) -> Result<(), ScimError> {
        let Some(field) = path.attr.attribute() else { return self.whole_schema(verb, path, value) };
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
        let sub = path.attr.sub().and_then(|sub| sub.spec());
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

    /// The path names a schema as a whole: the core one means the resource itself.
    fn whole_schema(&mut self, verb: Verb, path: &PatchPath, value: Option<&Value>) -> Result<(), ScimError> {
        let Some(urn) = path.attr.extension().map(str::to_owned) else {
            return match value {
                Some(Value::Object(map)) if verb != Verb::Remove => self.merge(verb, map, Reading::Patch),
                _ => Err(ScimError::no_target("the whole resource cannot be removed by PATCH")),
            };
        };
        match value {
            Some(Value::Object(map)) if verb != Verb::Remove => {
                for (key, value) in map {
                    match PatchPath::parse(&format!("{urn}:{key}"), self.kind) {
                        Ok(path) => self.put(verb, &path, value_or_none(value), false)?,
                        Err(_) if value.is_null() => {}
                        Err(_) => self.repairs.note(Repair::UnknownDropped),
                    }
                }
                Ok(())
            }
            Some(other) if verb != Verb::Remove && !other.is_null() => Err(wrong(&urn, "an object", other)),
            _ => {
                self.document.shift_remove(&urn);
                Ok(())
            }
        }
    }

    /// `text` could be the URN of an extension that the table does not know.
    pub(crate) fn may_name_extension(text: &str, kind: ResourceKind) -> bool {
        let reserved = ["urn:ietf:params:scim:schemas:core:", "urn:ietf:params:scim:api:"];
        let lower = text.to_ascii_lowercase();
        let known = kind.extensions().iter().any(|schema| after_urn(text, schema.id).is_some());
        is_urn(text)
            && !known
            && !text.contains(['[', ']', '"'])
            && !text.contains(char::is_whitespace)
            && !reserved.iter().any(|prefix| lower.starts_with(prefix))
    }

    /// The key of an unknown extension that `text` names as a whole.
    ///
    /// `urn:x:2.0:User:a` can be the extension itself or its attribute `a`: what the document
    /// holds decides, and without it an object is taken for an extension.
    fn foreign_extension(&self, text: &str, value: Option<&Value>) -> Option<String> {
        if !Self::may_name_extension(text, self.kind) {
            return None;
        }
        if let Some(key) = key_of(&self.document, text) {
            return Some(key.to_owned());
        }
        let holder = text.rsplit_once(':').and_then(|(urn, _)| key_of(&self.document, urn));
        let is_object = value.is_some_and(Value::is_object);
        (holder.is_none() && is_object).then(|| text.to_owned())
    }

    fn whole_extension(&mut self, urn: &str, verb: Verb, value: Option<&Value>) -> Result<(), ScimError> {
        match value {
            _ if verb == Verb::Remove => {
                self.document.shift_remove(urn);
            }
            None | Some(Value::Null) => {
                self.document.shift_remove(urn);
            }
            Some(Value::Object(new)) => untyped::merge(home(&mut self.document, Some(urn))?, new),
            Some(other) => return Err(wrong(urn, "an object", other)),
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
        let mut schemas = vec![Value::from(self.kind.core().id)];
        schemas.extend(self.document.keys().filter(|key| key.contains(':')).map(|key| key.as_str().into()));
        let mut document = Map::with_capacity(self.document.len() + 1);
        document.insert("schemas".into(), schemas.into());
        self.document.shift_remove("schemas");
        document.extend(self.document);
        Ok(Finished { document, members: self.members, repairs: self.repairs })
    }
}

fn value_or_none(value: &Value) -> Option<&Value> {
    (!value.is_null()).then_some(value)
}

/// The object that holds the attribute: the document, or the extension's part of it.
fn home<'d>(
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

fn set_part(slot: &mut Value, name: &str, made: Option<Value>) {
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
fn merge_complex(
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
fn drop_labels(document: &mut Map<String, Value>, name: &str) {
    let Some(Value::Array(list)) = document.get_mut(name) else { return };
    list.retain(|entry| {
        entry.as_object().is_none_or(|map| map.keys().any(|key| !["type", "primary"].contains(&key.as_str())))
    });
    if list.is_empty() {
        document.shift_remove(name);
    }
}
