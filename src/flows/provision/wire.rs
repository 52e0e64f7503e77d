//! A person or group as SCIM shows it.
//!
//! Invariant: locations come from the settings, never from a request; what was not asked for was not loaded.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::Refusal;
use super::{GroupView, UserView};
use crate::scim::write::{References, Writer, whole};
use crate::scim::{Meta, Projection, ResourceKind};
use crate::store::StoreError;
use crate::store::sheet::{Members, Sheet};

/// A resource as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Grows with every change.
    pub version: i64,
    /// Where it is found.
    pub location: String,
    /// The body, JSON.
    pub body: Vec<u8>,
}

/// What reading a resource comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The client has this version already.
    Known(i64),
    /// The resource.
    Shown(Shown),
}

/// The entity tag of a version (RFC 7644 §3.14): weak, for the answer also holds what is not versioned.
#[must_use]
pub fn etag(version: i64) -> String {
    format!("W/\"{version}\"")
}

/// Where a resource is found. `base` is the directory's SCIM address without a slash at the end.
#[must_use]
pub fn location(base: &str, kind: ResourceKind, id: impl std::fmt::Display) -> String {
    format!("{base}/{}/{id}", kind.endpoint())
}

/// The version that an entity tag names; nothing for a tag that we did not issue.
#[must_use]
pub fn version_of(tag: &str) -> Option<i64> {
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').parse().ok()
}

/// A person, as a change left them.
///
/// # Errors
///
/// [`Refusal::Store`] when the document is none.
pub fn user(view: &UserView, base: &str, projection: &Projection) -> Result<Shown, Refusal> {
    let identity = &view.identity;
    let document = identity.document.to_string();
    let face = Face {
        kind: ResourceKind::User,
        id: identity.id.uuid(),
        version: identity.version,
        created: identity.created_at,
        modified: identity.modified_at,
        document: &document,
    };
    let groups = view.groups.iter().map(|(id, name)| (id.uuid(), Some(name.as_str())));
    face.shown(base, projection, |writer| {
        if !view.groups.is_empty() {
            writer.references(&References::groups(base, projection), groups);
        }
    })
}

/// A group, as a change left it.
///
/// # Errors
///
/// [`Refusal::Store`] when the document is none.
pub fn group(view: &GroupView, base: &str, projection: &Projection) -> Result<Shown, Refusal> {
    let group = &view.group;
    let document = group.document.to_string();
    let face = Face {
        kind: ResourceKind::Group,
        id: group.id.uuid(),
        version: group.version,
        created: group.created_at,
        modified: group.modified_at,
        document: &document,
    };
    face.shown(base, projection, |writer| {
        if let Some(members) = view.members.as_ref().filter(|_| projection.wants_members()) {
            let entries =
                members.iter().map(|member| (member.identity.uuid(), Some(member.display.as_str())));
            writer.references(&References::members(base, projection), entries);
        }
    })
}

/// A person, as they were read.
pub(super) fn person_sheet(sheet: &Sheet, base: &str, projection: &Projection) -> Result<Shown, Refusal> {
    let groups = sheet.groups.iter().map(|(id, name)| (id.uuid(), Some(name.as_str())));
    Face::of(sheet, ResourceKind::User).shown(base, projection, |writer| {
        if !sheet.groups.is_empty() {
            writer.references(&References::groups(base, projection), groups);
        }
    })
}

/// A group, as it was read; `names` are those of its members, in their order, where they are to be shown.
pub(super) fn group_sheet(
    sheet: &Sheet,
    members: Option<&Members>,
    names: &[String],
    base: &str,
    projection: &Projection,
) -> Result<Shown, Refusal> {
    Face::of(sheet, ResourceKind::Group).shown(base, projection, |writer| {
        if let Some(members) = members {
            let named = names.iter().map(|name| Some(name.as_str())).chain(std::iter::repeat(None));
            let entries = members.ids().map(|id| id.uuid()).zip(named);
            writer.references(&References::members(base, projection), entries);
        }
    })
}

/// The whole resource as a value, for a filter or an order to look at. `members` of a group are those that matter.
pub(super) fn value(
    sheet: &Sheet,
    kind: ResourceKind,
    base: &str,
    members: Option<(&Members, &[String])>,
) -> Result<Value, Refusal> {
    let beside = match kind {
        ResourceKind::User if !sheet.groups.is_empty() => Some(("groups", groups_value(sheet, base))),
        ResourceKind::User => None,
        ResourceKind::Group => members.map(|(ids, names)| ("members", members_value(ids, names, base))),
    };
    let document: Value = serde_json::from_str(&sheet.document).map_err(|e| unreadable(sheet.id, e))?;
    let (version, place) = (etag(sheet.version), location(base, kind, sheet.id));
    let meta = Meta {
        created: sheet.created_at,
        last_modified: sheet.modified_at,
        version: &version,
        location: &place,
    };
    Ok(whole(document, kind, &sheet.id.to_string(), meta, beside))
}

fn groups_value(sheet: &Sheet, base: &str) -> Value {
    let entry = |(id, name): &(_, String)| json!({ "value": id, "display": name, "$ref": location(base, ResourceKind::Group, id), "type": "direct" });
    sheet.groups.iter().map(entry).collect()
}

fn members_value(ids: &Members, names: &[String], base: &str) -> Value {
    let mut names = names.iter();
    let entry = |id| {
        let mut entry =
            json!({ "value": id, "$ref": location(base, ResourceKind::User, id), "type": "User" });
        if let (Some(map), Some(name)) = (entry.as_object_mut(), names.next()) {
            map.insert("display".to_owned(), json!(name));
        }
        entry
    };
    ids.ids().map(entry).collect()
}

/// What every resource has.
struct Face<'f> {
    kind: ResourceKind,
    id: Uuid,
    version: i64,
    created: Timestamp,
    modified: Timestamp,
    document: &'f str,
}

impl<'f> Face<'f> {
    fn of(sheet: &'f Sheet, kind: ResourceKind) -> Self {
        Self {
            kind,
            id: sheet.id,
            version: sheet.version,
            created: sheet.created_at,
            modified: sheet.modified_at,
            document: &sheet.document,
        }
    }

    fn shown(
        &self,
        base: &str,
        projection: &Projection,
        beside: impl FnOnce(&mut Writer<'_>),
    ) -> Result<Shown, Refusal> {
        let mut letters = Uuid::encode_buffer();
        let id: &str = self.id.hyphenated().encode_lower(&mut letters);
        let (version, location) = (etag(self.version), location(base, self.kind, id));
        let meta = Meta {
            created: self.created,
            last_modified: self.modified,
            version: &version,
            location: &location,
        };
        let mut body = Vec::new();
        let mut writer = Writer::begin(&mut body, self.document, self.kind, id, meta, projection)
            .map_err(|e| unreadable(self.id, e))?;
        beside(&mut writer);
        writer.end();
        Ok(Shown { version: self.version, location, body })
    }
}

fn unreadable(id: Uuid, error: impl std::fmt::Display) -> Refusal {
    Refusal::Store(StoreError::corrupt("identity", id, error))
}
