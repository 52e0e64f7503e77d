//! Writes resources and lists as the text that goes out (RFC 7644 §3.4).
//!
//! Invariant: a kept document that is shown whole is copied and not read: it is canonical (see [`super::resource`]) and
//! holds neither `id` nor `meta`, `members` or `groups`, which are written beside it.

use std::io::Write as _;

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::project::{Meta, Projection};
use super::schema::ResourceKind;

/// The whole resource as a value, for a filter or an order to look at: the document, `id`, `meta`, and what was loaded
/// beside it.
#[must_use]
pub fn whole(
    document: Value,
    kind: ResourceKind,
    id: &str,
    meta: Meta<'_>,
    beside: Option<(&'static str, Value)>,
) -> Value {
    let own = if let Value::Object(own) = document { own } else { Map::new() };
    let mut map = Map::with_capacity(own.len() + 4);
    map.insert("schemas".into(), own.get("schemas").cloned().unwrap_or_else(|| json!([kind.core().id])));
    map.insert("id".into(), id.into());
    for (name, value) in own {
        if !matches!(name.as_str(), "schemas" | "id" | "meta") {
            map.insert(name, value);
        }
    }
    if let Some((name, value)) = beside {
        map.insert(name.into(), value);
    }
    map.insert(
        "meta".into(),
        json!({
            "resourceType": kind.name(),
            "created": meta.created.to_string(),
            "lastModified": meta.last_modified.to_string(),
            "location": meta.location,
            "version": meta.version,
        }),
    );
    Value::Object(map)
}

/// A resource that is being written. What stands beside the document follows, then [`Self::end`].
#[derive(Debug)]
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Writer<'o> {
    /// Begins a resource at the end of `out`: what `projection` shows of `document` (JSON text, an object), with `id`
    /// and `meta`.
    ///
    /// # Errors
    ///
    /// When the document is no JSON object.
    pub fn begin(
        out: &'o mut Vec<u8>,
        document: &str,
        kind: ResourceKind,
        id: &str,
        meta: Meta<'_>,
        projection: &Projection,
    ) -> Result<Self, serde_json::Error> {
        let inner = document.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).map(str::trim);
        match inner {
            Some(inner) if projection.shows_document() && inner.contains("\"schemas\"") => {
                begin_copy(out, inner, kind, id, meta);
            }
            _ => {
                let map: Map<String, Value> = serde_json::from_str(document)?;
                let whole = whole(Value::Object(map), kind, id, meta, None);
                let shown = if projection.is_everything() { whole } else { projection.apply(whole, kind) };
                serde_json::to_writer(&mut *out, &shown)?;
                // `id` is always shown, so that something stands before what follows.
                out.pop();
            }
        }
        Ok(Self { out })
    }

    /// Writes an attribute with references to other resources. `name` and `kind` are those of the references, `base`
    /// is the directory's SCIM address.
    pub fn references<'r>(
        &mut self,
        shape: &References<'_>,
        entries: impl Iterator<Item = (Uuid, Option<&'r str>)>,
    ) {
        if !shape.shows_anything() {
            return;
        }
        self.out.extend_from_slice(b",\"");
        self.out.extend_from_slice(shape.name.as_bytes());
        self.out.extend_from_slice(b"\":[");
        for (index, (id, display)) in entries.enumerate() {
            if index > 0 {
                self.out.push(b',');
            }
            shape.write(self.out, id, display);
        }
        self.out.push(b']');
    }

    /// Ends the resource.
    pub fn end(self) {
        self.out.push(b'}');
    }
}

fn begin_copy(out: &mut Vec<u8>, inner: &str, kind: ResourceKind, id: &str, meta: Meta<'_>) {
    out.reserve(inner.len() + 512);
    out.extend_from_slice(b"{\"id\":");
    quoted(out, id);
    if !inner.is_empty() {
        out.push(b',');
        out.extend_from_slice(inner.as_bytes());
    }
    out.extend_from_slice(b",\"meta\":{\"resourceType\":");
    quoted(out, kind.name());
    out.extend_from_slice(b",\"created\":");
    instant(out, meta.created);
    out.extend_from_slice(b",\"lastModified\":");
    instant(out, meta.last_modified);
    out.extend_from_slice(b",\"location\":");
    quoted(out, meta.location);
    out.extend_from_slice(b",\"version\":");
    quoted(out, meta.version);
    out.push(b'}');
}

/// Which parts of references are shown: `members` of a group, `groups` of a person.
#[derive(Debug)]
pub struct References<'r> {
    name: &'static str,
    kind: ResourceKind,
    type_name: &'static str,
    base: &'r str,
    value: bool,
    reference: bool,
    type_: bool,
    display: bool,
}

impl<'r> References<'r> {
    /// The members of a group. Their names are shown only where they are asked for (`returned: request`).
    #[must_use]
    pub fn members(base: &'r str, projection: &Projection) -> Self {
        let display = projection.names("members", "display");
        Self::new("members", ResourceKind::User, "User", base, projection, display)
    }

    /// The groups of a person.
    #[must_use]
    pub fn groups(base: &'r str, projection: &Projection) -> Self {
        let display = projection.shows("groups", "display");
        Self::new("groups", ResourceKind::Group, "direct", base, projection, display)
    }

    fn new(
        name: &'static str,
        kind: ResourceKind,
        type_name: &'static str,
        base: &'r str,
        projection: &Projection,
        display: bool,
    ) -> Self {
        let shows = |sub| projection.shows(name, sub);
        Self {
            name,
            kind,
            type_name,
            base,
            value: shows("value"),
            reference: shows("$ref"),
            type_: shows("type"),
            display,
        }
    }

    /// Names are shown.
    #[must_use]
    pub fn shows_names(&self) -> bool {
        self.display
    }

    fn shows_anything(&self) -> bool {
        self.value || self.reference || self.type_ || self.display
    }

    fn write(&self, out: &mut Vec<u8>, id: Uuid, display: Option<&str>) {
        let mut letters = Uuid::encode_buffer();
        let id: &str = id.hyphenated().encode_lower(&mut letters);
        let mut before = b'{';
        let mut key = |out: &mut Vec<u8>, name: &str| {
            out.push(before);
            before = b',';
            out.push(b'"');
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
        };
        if self.value {
            key(out, "value");
            quoted(out, id);
        }
        if let Some(display) = display.filter(|_| self.display) {
            key(out, "display");
            quoted(out, display);
        }
        if self.reference {
            key(out, "$ref");
            // An address, as the settings read it, holds nothing that JSON would have to escape.
            for part in ["\"", self.base, "/", self.kind.endpoint(), "/", id, "\""] {
                out.extend_from_slice(part.as_bytes());
            }
        }
        if self.type_ {
            key(out, "type");
            quoted(out, self.type_name);
        }
        if before == b'{' {
            out.push(b'{');
        }
        out.push(b'}');
    }
}

fn quoted(out: &mut Vec<u8>, text: &str) {
    // Writing text into memory does not fail.
    drop(serde_json::to_writer(out, text));
}

fn instant(out: &mut Vec<u8>, at: Timestamp) {
    drop(write!(out, "\"{at}\""));
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://x/scim/v2/entra";

    fn written(document: &Value, projection: &Projection) -> Value {
        let at: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let meta =
            Meta { created: at, last_modified: at, version: "W/\"1\"", location: "https://x/Groups/g" };
        let mut out = Vec::new();
        let mut writer =
            Writer::begin(&mut out, &document.to_string(), ResourceKind::Group, "g", meta, projection)
                .unwrap();
        if projection.wants_members() {
            let names = [(Uuid::from_u128(1), Some("Åsa \"Ö\"")), (Uuid::from_u128(2), None)];
            writer.references(&References::members(BASE, projection), names.into_iter());
        }
        writer.end();
        serde_json::from_slice(&out).unwrap()
    }

    fn projection(attributes: Option<&str>, excluded: &str) -> Projection {
        Projection::parse(attributes.map(|names| [names]), [excluded], ResourceKind::Group)
    }

    #[test]
    fn a_document_that_is_copied_reads_as_one_that_was_put_together() {
        let document = json!({ "schemas": ["s"], "displayName": "G \"}", "externalId": "å" });
        let at: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let meta =
            Meta { created: at, last_modified: at, version: "W/\"1\"", location: "https://x/Groups/g" };
        let mut expected = whole(document.clone(), ResourceKind::Group, "g", meta, None);
        assert_eq!(expected["meta"]["created"], "2026-03-01T08:00:00Z");
        assert_eq!(written(&document, &projection(None, "members")), expected);
        expected["members"] = json!([
            { "value": Uuid::from_u128(1), "$ref": format!("{BASE}/Users/{}", Uuid::from_u128(1)), "type": "User" },
            { "value": Uuid::from_u128(2), "$ref": format!("{BASE}/Users/{}", Uuid::from_u128(2)), "type": "User" },
        ]);
        assert_eq!(written(&document, &projection(None, "")), expected);
    }

    #[test]
    fn a_document_without_schemas_is_given_them() {
        assert_eq!(
            written(&json!({}), &projection(None, "members"))["schemas"],
            json!([ResourceKind::Group.core().id])
        );
        let at = Timestamp::UNIX_EPOCH;
        let meta = Meta { created: at, last_modified: at, version: "", location: "" };
        for broken in ["", "{", "[]", "7"] {
            let mut out = Vec::new();
            let begun =
                Writer::begin(&mut out, broken, ResourceKind::Group, "g", meta, &projection(None, ""));
            assert!(begun.is_err(), "{broken}");
        }
    }

    #[test]
    fn of_members_only_the_parts_that_were_asked_for_are_written() {
        let document = json!({ "schemas": ["s"], "displayName": "G" });
        let one = |attributes, excluded| {
            written(&document, &projection(attributes, excluded))["members"][0].clone()
        };
        let id = Uuid::from_u128(1);
        assert_eq!(one(Some("members.value"), ""), json!({ "value": id }));
        assert_eq!(
            one(Some("members.value,members.display"), ""),
            json!({ "value": id, "display": "Åsa \"Ö\"" })
        );
        assert_eq!(one(None, "members.$ref,members.type"), json!({ "value": id }));
        assert_eq!(one(Some("displayName"), ""), Value::Null);
        let shown = written(&document, &projection(Some("members.type"), ""));
        assert_eq!(shown["members"], json!([{ "type": "User" }, { "type": "User" }]));
        assert!(shown.get("displayName").is_none());
    }
}
