//! Names an attribute as clients write it, and finds its values in a resource (RFC 7644 §3.10).
//!
//! Invariant: a resolved path carries the schema's own spelling; only an
//! attribute of an extension that the table does not know stays as written.

use std::fmt;

use serde_json::{Map, Value};

use super::schema::{Attribute, ResourceKind, Returned};

/// One step of a path: the name, and its entry in the schema table if it has one.
#[derive(Debug, Clone)]
pub struct Field {
    name: String,
    spec: Option<&'static Attribute>,
}

impl PartialEq for Field {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Field {}

impl Field {
    pub(crate) fn known(spec: &'static Attribute) -> Self {
        Self { name: spec.name.to_owned(), spec: Some(spec) }
    }

    pub(crate) fn unknown(name: &str) -> Self {
        Self { name: name.to_owned(), spec: None }
    }

    /// The name, in the schema's spelling where the schema knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its entry in the schema table.
    #[must_use]
    pub fn spec(&self) -> Option<&'static Attribute> {
        self.spec
    }

    /// Its value in `map`; names that no schema knows match in any case.
    pub(crate) fn of<'v>(&self, map: &'v Map<String, Value>) -> Option<&'v Value> {
        match self.spec {
            Some(spec) => map.get(spec.name),
            None => map.get(&self.name).or_else(|| value_of(map, &self.name)),
        }
    }
}

/// A path to an attribute, a sub-attribute, or a whole extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttrPath {
    extension: Option<String>,
    attribute: Option<Field>,
    sub: Option<Field>,
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathFault {
    /// The schema has no such attribute.
    #[error("{0} is not an attribute of {1}")]
    Unknown(String, &'static str),
    /// The text does not have the form of a path.
    #[error("{0} is not an attribute path")]
    Malformed(String),
}

impl AttrPath {
    /// Reads `text` against the schemas of `kind`: `userName`, `name.givenName`, fully qualified
    /// with a URN, an extension's attribute without its URN, all in any case.
    pub(crate) fn resolve(text: &str, kind: ResourceKind) -> Result<Self, PathFault> {
        if let Some(found) = qualified_known(text, kind) {
            return found;
        }
        if text.contains(':') {
            return qualified_unknown(text, kind);
        }
        let (name, sub) = split_sub(text)?;
        if let Some(spec) = kind.attribute(name) {
            return with_sub(None, spec, sub, text, kind);
        }
        for schema in kind.extensions() {
            if let Some(spec) = schema.attribute(name) {
                return with_sub(Some(schema.id), spec, sub, text, kind);
            }
        }
        Err(unknown(text, kind))
    }

    /// A path inside an entry of `parent`, as in the brackets of a value path.
    pub(crate) fn within(text: &str, parent: &Field, kind: ResourceKind) -> Result<Self, PathFault> {
        if !is_name(text) {
            return Err(PathFault::Malformed(super::error::shown(text)));
        }
        let field = match parent.spec {
            Some(spec) => Field::known(spec.sub_attribute(text).ok_or_else(|| unknown(text, kind))?),
            None => Field::unknown(text),
        };
        Ok(Self { extension: None, attribute: Some(field), sub: None })
    }

    /// The URN of the extension, where the attribute belongs to one.
    #[must_use]
    pub fn extension(&self) -> Option<&str> {
        self.extension.as_deref()
    }

    /// The attribute; `None` where the path names a whole schema.
    #[must_use]
    pub fn attribute(&self) -> Option<&Field> {
        self.attribute.as_ref()
    }

    /// The sub-attribute.
    #[must_use]
    pub fn sub(&self) -> Option<&Field> {
        self.sub.as_ref()
    }

    /// The table entry of what the path ends in.
    pub(crate) fn leaf(&self) -> Option<&'static Attribute> {
        self.sub.as_ref().or(self.attribute.as_ref()).and_then(Field::spec)
    }

    /// The path is `name`, or `name.sub`, of the core or common attributes.
    #[must_use]
    pub fn is(&self, name: &str, sub: Option<&str>) -> bool {
        self.extension.is_none()
            && self.attribute.as_ref().is_some_and(|field| field.name == name)
            && self.sub.as_ref().map(Field::name) == sub
    }

    pub(crate) fn with_field(mut self, sub: Field) -> Self {
        self.sub = Some(sub);
        self
    }

    pub(crate) fn without_sub(mut self) -> Self {
        self.sub = None;
        self
    }

    /// The value of the attribute, before any sub-attribute.
    pub(crate) fn attribute_in<'v>(&self, resource: &'v Value) -> Option<&'v Value> {
        let map = resource.as_object()?;
        let home = match &self.extension {
            Some(urn) => map.get(urn).or_else(|| value_of(map, urn))?.as_object()?,
            None => map,
        };
        match &self.attribute {
            Some(field) => field.of(home),
            None => self.extension.as_ref().and_then(|urn| value_of(map, urn)),
        }
    }

    /// Calls `test` with each value that the path ends in, lists opened; true when one passes.
    pub(crate) fn any(&self, resource: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool {
        let Some(value) = self.attribute_in(resource) else { return false };
        each(value, &mut |entry| match &self.sub {
            None => test(entry),
            Some(sub) => entry.as_object().and_then(|map| sub.of(map)).is_some_and(|leaf| each(leaf, test)),
        })
    }
}

impl fmt::Display for AttrPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(urn) = &self.extension {
            f.write_str(urn)?;
        }
        if let Some(field) = &self.attribute {
            if self.extension.is_some() {
                f.write_str(":")?;
            }
            f.write_str(&field.name)?;
        }
        if let Some(field) = &self.sub {
            write!(f, ".{}", field.name)?;
        }
        Ok(())
    }
}

/// Calls `test` with `value`, or with each entry when it is a list; true when one passes.
pub(crate) fn each(value: &Value, test: &mut dyn FnMut(&Value) -> bool) -> bool {
    match value {
        Value::Array(list) => list.iter().any(test),
        other => test(other),
    }
}

/// The key of `map` that is `name` in any case.
pub(crate) fn key_of<'m>(map: &'m Map<String, Value>, name: &str) -> Option<&'m str> {
    map.keys().find(|key| key.eq_ignore_ascii_case(name)).map(String::as_str)
}

fn value_of<'v>(map: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    key_of(map, name).and_then(|key| map.get(key))
}

/// `name` may stand as an attribute name (RFC 7643 §2.1); `$ref` and digits first are let through.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'))
}

/// `text` after `prefix`, in any case, and the colon that follows; `""` when nothing follows.
pub(crate) fn after_urn<'t>(text: &'t str, urn: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(urn.len())?;
    if !head.eq_ignore_ascii_case(urn) {
        return None;
    }
    if rest.is_empty() { Some("") } else { rest.strip_prefix(':') }
}

fn qualified_known(text: &str, kind: ResourceKind) -> Option<Result<AttrPath, PathFault>> {
    if let Some(rest) = after_urn(text, kind.core().id) {
        if rest.is_empty() {
            return Some(Ok(AttrPath { extension: None, attribute: None, sub: None }));
        }
        return Some(in_schema(rest, None, |name| kind.attribute(name), text, kind));
    }
    for schema in kind.extensions() {
        if let Some(rest) = after_urn(text, schema.id) {
            if rest.is_empty() {
                let extension = Some(schema.id.to_owned());
                return Some(Ok(AttrPath { extension, attribute: None, sub: None }));
            }
            return Some(in_schema(rest, Some(schema.id), |name| schema.attribute(name), text, kind));
        }
    }
    None
}

fn in_schema(
    rest: &str,
    extension: Option<&'static str>,
    find: impl Fn(&str) -> Option<&'static Attribute>,
    text: &str,
    kind: ResourceKind,
) -> Result<AttrPath, PathFault> {
    let (name, sub) = split_sub(rest)?;
    let spec = find(name).ok_or_else(|| unknown(text, kind))?;
    with_sub(extension, spec, sub, text, kind)
}

/// An extension that the table does not know: its URN ends at the last colon.
fn qualified_unknown(text: &str, kind: ResourceKind) -> Result<AttrPath, PathFault> {
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("urn:ietf:params:scim:schemas:core:")
        || lower.starts_with("urn:ietf:params:scim:api:")
    {
        return Err(unknown(text, kind));
    }
    let (urn, rest) = text.rsplit_once(':').unwrap_or_default();
    if !is_urn(urn) {
        return Err(unknown(text, kind));
    }
    let is_strange = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '[' | ']' | '"');
    let plain = |part: &str| !part.is_empty() && !part.contains(is_strange);
    let (name, sub) = match rest.split_once('.') {
        // The last part of a URN may hold a dot of its own: `…:ext:2.0`.
        Some((name, sub)) if is_name(name) && is_name(sub) => (name, Some(sub)),
        _ => (rest, None),
    };
    if !plain(urn) || !plain(name) {
        return Err(PathFault::Malformed(super::error::shown(text)));
    }
    Ok(AttrPath {
        extension: Some(urn.to_owned()),
        attribute: Some(Field::unknown(name)),
        sub: sub.map(Field::unknown),
    })
}

/// `text` may name a schema: a URN, or the web address that some vendors use for one.
pub(crate) fn is_urn(text: &str) -> bool {
    let named = text
        .split_at_checked(4)
        .is_some_and(|(head, rest)| head.eq_ignore_ascii_case("urn:") && !rest.is_empty());
    named || text.contains("://")
}

fn split_sub(text: &str) -> Result<(&str, Option<&str>), PathFault> {
    let (name, sub) = match text.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (text, None),
    };
    if !is_name(name) || sub.is_some_and(|sub| !is_name(sub)) {
        return Err(PathFault::Malformed(super::error::shown(text)));
    }
    Ok((name, sub))
}

fn with_sub(
    extension: Option<&'static str>,
    spec: &'static Attribute,
    sub: Option<&str>,
    text: &str,
    kind: ResourceKind,
) -> Result<AttrPath, PathFault> {
    let sub = match sub {
        None => None,
        Some(name) => Some(Field::known(spec.sub_attribute(name).ok_or_else(|| unknown(text, kind))?)),
    };
    Ok(AttrPath { extension: extension.map(str::to_owned), attribute: Some(Field::known(spec)), sub })
}

fn unknown(text: &str, kind: ResourceKind) -> PathFault {
    PathFault::Unknown(super::error::shown(text), kind.name())
}

/// A path whose value may be read back: never a password.
pub(crate) fn is_readable(path: &AttrPath) -> bool {
    path.attribute().and_then(Field::spec).is_none_or(|spec| spec.returned != Returned::Never)
}
