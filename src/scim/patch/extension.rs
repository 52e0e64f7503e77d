//! Whole schemas as targets of PATCH, and extensions that no table knows.
//!
//! Invariant: an unknown extension is kept as it came, under the URN it came with.

use serde_json::Value;

use super::editor::{Editor, Reading, value_or_none};
use super::slot::home;
use super::{PatchPath, Verb, untyped};
use crate::scim::error::ScimError;
use crate::scim::path::{after_urn, is_urn, key_of};
use crate::scim::repairs::Repair;
use crate::scim::schema::ResourceKind;
use crate::scim::value::wrong;

impl Editor {
    /// The path names a schema as a whole: the core one means the resource itself.
    pub(super) fn whole_schema(
        &mut self,
        verb: Verb,
        path: &PatchPath,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
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

    /// The unknown extension that a key of a whole object names: an object under a URN is always one.
    pub(super) fn foreign_key(&self, key: &str, value: &Value) -> Option<String> {
        if !value.is_object() || !Self::may_name_extension(key, self.kind) {
            return self.foreign_extension(key, Some(value));
        }
        Some(key_of(&self.document, key).unwrap_or(key).to_owned())
    }

    /// The key of an unknown extension that the path `text` names as a whole.
    ///
    /// `urn:x:2.0:User:a` can be the extension itself or its attribute `a`: what the document
    /// holds decides, and without it an object is taken for an extension.
    pub(super) fn foreign_extension(&self, text: &str, value: Option<&Value>) -> Option<String> {
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

    pub(super) fn whole_extension(
        &mut self,
        urn: &str,
        verb: Verb,
        value: Option<&Value>,
    ) -> Result<(), ScimError> {
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
}
