//! A person or group as SCIM shows it.
//!
//! Invariant: locations come from the settings, never from a request; what was not asked for was not loaded.

use serde_json::{Value, json};

use crate::scim::{Meta, Projection, ResourceKind, render};

use super::{GroupView, UserView};

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

/// A person.
#[must_use]
pub fn user(view: &UserView, base: &str, projection: &Projection) -> Value {
    let identity = &view.identity;
    let groups: Vec<Value> = view
        .groups
        .iter()
        .map(|(id, name)| {
            let reference = location(base, ResourceKind::Group, id);
            json!({ "value": id, "display": name, "$ref": reference, "type": "direct" })
        })
        .collect();
    let beside = (!groups.is_empty()).then(|| ("groups", Value::Array(groups)));
    let (version, place) = (etag(identity.version), location(base, ResourceKind::User, identity.id));
    let meta = Meta {
        created: identity.created_at,
        last_modified: identity.modified_at,
        version: &version,
        location: &place,
    };
    render(&identity.document, ResourceKind::User, &identity.id.to_string(), meta, beside, projection)
}

/// A group. Members are shown with their names only where these are asked for (`returned: request`).
#[must_use]
pub fn group(view: &GroupView, base: &str, projection: &Projection) -> Value {
    let with_names = projection.names("members", "display");
    group_to_be_judged(view, base, projection, with_names)
}

/// A group as a filter sees it: with the names of its members, where `with_names` says so.
#[must_use]
pub fn group_to_be_judged(view: &GroupView, base: &str, projection: &Projection, with_names: bool) -> Value {
    let beside = view.members.as_ref().map(|members| {
        let entries = members.iter().map(|member| {
            let reference = location(base, ResourceKind::User, member.identity);
            let mut entry = json!({ "value": member.identity, "$ref": reference, "type": "User" });
            if let Some(entry) = entry.as_object_mut().filter(|_| with_names) {
                entry.insert("display".to_owned(), json!(member.display));
            }
            entry
        });
        ("members", entries.collect::<Value>())
    });
    let group = &view.group;
    let (version, place) = (etag(group.version), location(base, ResourceKind::Group, group.id));
    let meta = Meta {
        created: group.created_at,
        last_modified: group.modified_at,
        version: &version,
        location: &place,
    };
    render(&group.document, ResourceKind::Group, &group.id.to_string(), meta, beside, projection)
}

/// The version that an entity tag names; nothing for a tag that we did not issue.
#[must_use]
pub fn version_of(tag: &str) -> Option<i64> {
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').parse().ok()
}
