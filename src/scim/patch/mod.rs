//! PATCH: a request read once, and applied to a copy (RFC 7644 §3.5.2).
//!
//! Invariant: atomic and pure. Either every operation holds and the result is a
//! valid resource, or the error is all that comes back.
//!
//! Members of a group are rows, not part of the document: with 100,000 of them
//! a copy would cost more than the change. Operations on `members` are
//! therefore translated, in their order, into [`MemberChange`]s that the store
//! carries out; everything else lands in the document.

mod editor;
mod entries;
mod extension;
mod members;
mod path;
#[cfg(test)]
mod properties;
mod slot;
#[cfg(test)]
mod tolerance;
mod untyped;

use serde_json::{Map, Value};

pub use members::{MemberChange, MemberRef};
pub use path::PatchPath;

pub(crate) use editor::{Editor, Reading};

use super::error::{ScimError, shown};
use super::limits;
use super::path::key_of;
use super::repairs::{Repair, Repairs};
use super::schema::ResourceKind;

/// URN of the PATCH message.
pub const PATCH_URN: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// The most operations in one PATCH.
pub const MAX_OPERATIONS: usize = 2000;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Adds values, or sets what takes one value.
    Add,
    /// Sets values.
    Replace,
    /// Takes values away.
    Remove,
}

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    pub(crate) verb: Verb,
    /// The path as sent, and as understood; `None` for the whole resource.
    pub(crate) path: Option<(String, Option<PatchPath>)>,
    pub(crate) value: Option<Value>,
}

/// A PATCH request, its form checked.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchRequest {
    kind: ResourceKind,
    operations: Vec<Operation>,
    repairs: Repairs,
}

/// What a PATCH comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Patched {
    /// The document after every operation.
    pub document: Value,
    /// For a group: what happens to its members, in order.
    pub members: Vec<MemberChange>,
    /// What was mended on the way.
    pub repairs: Repairs,
    /// The document differs from the one before; says nothing about members.
    pub changed: bool,
}

impl PatchRequest {
    /// Reads the body of a PATCH on a resource of `kind`.
    ///
    /// `op` and the message's keys are taken in any case; a `null` or empty path is no path.
    ///
    /// # Errors
    ///
    /// 400 `invalidSyntax`, `invalidPath`, `invalidValue` or `noTarget`, naming the operation by its
    /// number from 1; 413 for more than [`MAX_OPERATIONS`].
    pub fn parse(body: &Value, kind: ResourceKind) -> Result<Self, ScimError> {
        limits::inspect(body)?;
        let mut repairs = Repairs::default();
        let Some(body) = body.as_object() else {
            return Err(ScimError::invalid_syntax("the body must be an object with schemas and Operations"));
        };
        let list = match member(body, "Operations", &mut repairs) {
            Some(Value::Array(list)) if !list.is_empty() => list,
            _ => {
                return Err(ScimError::invalid_syntax("Operations must be a list of at least one operation"));
            }
        };
        if list.len() > MAX_OPERATIONS {
            let detail =
                format!("{} operations are more than {MAX_OPERATIONS}; send several requests", list.len());
            return Err(ScimError::status(413, detail));
        }
        if !declares_patch(body) {
            repairs.note(Repair::SchemasCorrected);
        }
        let mut operations = Vec::with_capacity(list.len());
        for (index, entry) in list.iter().enumerate() {
            operations.push(operation(entry, kind, &mut repairs).map_err(|error| numbered(error, index))?);
        }
        Ok(Self { kind, operations, repairs })
    }

    /// Applies every operation, in order, to a copy of `document` (without `id`, `meta` and members).
    ///
    /// # Errors
    ///
    /// The first operation that cannot be carried out, by its number from 1, or a result that
    /// lacks a required attribute. Nothing has changed then.
    pub fn apply(&self, document: &Value) -> Result<Patched, ScimError> {
        let before = document.as_object().cloned().unwrap_or_default();
        let mut editor = Editor::new(self.kind, before.clone());
        for (index, operation) in self.operations.iter().enumerate() {
            editor.apply(operation).map_err(|error| numbered(error, index))?;
        }
        let done = editor.finish(Reading::Patch)?;
        let mut repairs = self.repairs.clone();
        repairs.absorb(&done.repairs);
        let changed = done.document != before;
        if changed {
            limits::measure(&done.document)?;
        }
        Ok(Patched { document: Value::Object(done.document), members: done.members, repairs, changed })
    }
}

fn numbered(mut error: ScimError, index: usize) -> ScimError {
    error.detail = format!("operation {}: {}", index + 1, error.detail);
    error
}

fn declares_patch(body: &Map<String, Value>) -> bool {
    let schemas = key_of(body, "schemas").and_then(|key| body.get(key)).and_then(Value::as_array);
    schemas.is_some_and(|list| {
        list.iter().filter_map(Value::as_str).any(|urn| urn.eq_ignore_ascii_case(PATCH_URN))
    })
}

/// The value under `name`, whatever the case of the key.
fn member<'v>(map: &'v Map<String, Value>, name: &str, repairs: &mut Repairs) -> Option<&'v Value> {
    if let Some(value) = map.get(name) {
        return Some(value);
    }
    let value = key_of(map, name).and_then(|key| map.get(key));
    if value.is_some() {
        repairs.note(Repair::MessageCase);
    }
    value
}

fn operation(entry: &Value, kind: ResourceKind, repairs: &mut Repairs) -> Result<Operation, ScimError> {
    let Some(entry) = entry.as_object() else {
        return Err(ScimError::invalid_syntax("an operation is an object with op, path and value"));
    };
    let verb = verb(member(entry, "op", repairs), repairs)?;
    let path = match member(entry, "path", repairs) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text.trim()).filter(|text| !text.is_empty()),
        Some(_) => return Err(ScimError::invalid_path("path must be a text")),
    };
    let value = member(entry, "value", repairs).cloned();
    match (verb, path, &value) {
        (Verb::Remove, None, _) => Err(ScimError::no_target("remove needs a path")),
        (Verb::Add | Verb::Replace, _, None) => {
            Err(ScimError::invalid_value("add and replace need a value; null clears the attribute"))
        }
        (_, None, _) => Ok(Operation { verb, path: None, value }),
        (_, Some(text), _) => {
            let path = match PatchPath::parse(text, kind) {
                Ok(path) => Some(path),
                // A whole extension that no table knows; the document decides.
                Err(_) if Editor::may_name_extension(text, kind) => None,
                Err(error) => return Err(error),
            };
            Ok(Operation { verb, path: Some((text.to_owned(), path)), value })
        }
    }
}

fn verb(op: Option<&Value>, repairs: &mut Repairs) -> Result<Verb, ScimError> {
    let Some(name) = op.and_then(Value::as_str) else {
        return Err(ScimError::invalid_syntax("op must be add, replace or remove"));
    };
    let verb = match name.to_ascii_lowercase().as_str() {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "remove" => Verb::Remove,
        _ => {
            let detail = format!("op must be add, replace or remove, not {}", shown(name));
            return Err(ScimError::invalid_syntax(detail));
        }
    };
    if name.chars().any(|c| c.is_ascii_uppercase()) {
        repairs.note(Repair::MessageCase);
    }
    Ok(verb)
}
