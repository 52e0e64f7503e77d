//! Reads whole resources (POST, PUT) and answers questions about kept documents.
//!
//! Invariant: a kept document has canonical names, right types, no `id`, `meta`,
//! `groups`, `members` or `password`, and a `schemas` list that fits it.

use serde_json::{Map, Value};

use super::error::ScimError;
use super::limits;
use super::patch::{Editor, MemberChange, MemberRef, Reading, Verb};
use super::repairs::Repairs;
use super::schema::ResourceKind;

/// A resource as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Normalised {
    /// The document, without what the server adds.
    pub document: Value,
    /// For a group: the members, where the body speaks of them at all.
    pub members: Option<Vec<MemberRef>>,
    /// What was mended on the way.
    pub repairs: Repairs,
}

/// Reads the body of a POST. A person whose `active` is not stated is active.
///
/// # Errors
///
/// 400 `invalidSyntax` or `invalidValue`, with the attribute's path and what would be right.
pub fn normalise_create(body: &Value, kind: ResourceKind) -> Result<Normalised, ScimError> {
    let mut made = normalise(body, kind)?;
    if let (ResourceKind::User, Some(map)) = (kind, made.document.as_object_mut()) {
        map.entry("active").or_insert(Value::Bool(true));
    }
    Ok(made)
}

/// Reads the body of a PUT. What is left out is cleared (RFC 7644 §3.5.1), except:
///
/// * `active`: silence must not bring a person back. The document is then silent, too, and
///   [`keep_active`] completes it from the row that is being replaced, once that row is locked;
/// * members of a group: [`Normalised::members`] is `None`, and silence must not empty the group.
///
/// # Errors
///
/// 400 `invalidSyntax` or `invalidValue`, with the attribute's path and what would be right.
pub fn normalise_replace(body: &Value, kind: ResourceKind) -> Result<Normalised, ScimError> {
    normalise(body, kind)
}

/// Where a PUT said nothing about `active`, what `current` says stays.
pub fn keep_active(document: &mut Value, current: &Value) {
    if let (Some(map), Some(flag)) = (document.as_object_mut(), active(current)) {
        map.entry("active").or_insert(Value::Bool(flag));
    }
}

fn normalise(body: &Value, kind: ResourceKind) -> Result<Normalised, ScimError> {
    limits::inspect(body)?;
    let Some(map) = body.as_object() else {
        return Err(ScimError::invalid_syntax(format!("the body must be an object, a {}", kind.name())));
    };
    let mut editor = Editor::new(kind, Map::new());
    if !map.keys().any(|key| key.eq_ignore_ascii_case("schemas")) {
        editor.schemas_missing();
    }
    editor.merge(Verb::Replace, map, Reading::Whole)?;
    let done = editor.finish(Reading::Whole)?;
    limits::measure(&done.document)?;
    let members = done.members.into_iter().next_back().and_then(|change| match change {
        MemberChange::Replace(members) => Some(members),
        MemberChange::Add(_)
        | MemberChange::Remove(_)
        | MemberChange::Keep(_)
        | MemberChange::Exchange { .. }
        | MemberChange::RemoveMatching(_)
        | MemberChange::RemoveAll => None,
    });
    Ok(Normalised { document: Value::Object(done.document), members, repairs: done.repairs })
}

/// `userName`.
#[must_use]
pub fn user_name(document: &Value) -> Option<&str> {
    text(document, "userName")
}

/// `externalId`, case counted.
#[must_use]
pub fn external_id(document: &Value) -> Option<&str> {
    text(document, "externalId")
}

/// `displayName`.
#[must_use]
pub fn display_name(document: &Value) -> Option<&str> {
    text(document, "displayName")
}

/// `active`, where it is stated.
///
/// `None` after a client has removed the attribute: that says nothing about the person, who then
/// keeps the standing from before. A new person is always stated by [`normalise_create`].
#[must_use]
pub fn active(document: &Value) -> Option<bool> {
    document.get("active").and_then(Value::as_bool)
}

/// The values of `emails`, the primary one first.
#[must_use]
pub fn emails(document: &Value) -> Vec<&str> {
    let list = document.get("emails").and_then(Value::as_array);
    let mut entries: Vec<&Value> = list.into_iter().flatten().collect();
    entries.sort_by_key(|entry| entry.get("primary") != Some(&Value::Bool(true)));
    entries.into_iter().filter_map(|entry| text(entry, "value")).collect()
}

/// The primary e-mail address; where none is marked, the work address, else the first one.
#[must_use]
pub fn primary_email(document: &Value) -> Option<&str> {
    let list = document.get("emails").and_then(Value::as_array)?;
    let marked = |entry: &&Value| entry.get("primary") == Some(&Value::Bool(true));
    let work = |entry: &&Value| text(entry, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("work"));
    let with_value = || list.iter().filter(|entry| text(entry, "value").is_some());
    let chosen =
        with_value().find(marked).or_else(|| with_value().find(work)).or_else(|| with_value().next());
    chosen.and_then(|entry| text(entry, "value"))
}

/// `name.givenName`.
#[must_use]
pub fn given_name(document: &Value) -> Option<&str> {
    document.get("name").and_then(|name| text(name, "givenName"))
}

/// `name.familyName`.
#[must_use]
pub fn family_name(document: &Value) -> Option<&str> {
    document.get("name").and_then(|name| text(name, "familyName"))
}

/// `name.formatted`.
#[must_use]
pub fn formatted_name(document: &Value) -> Option<&str> {
    document.get("name").and_then(|name| text(name, "formatted"))
}

/// `preferredLanguage`, else `locale`.
#[must_use]
pub fn language(document: &Value) -> Option<&str> {
    text(document, "preferredLanguage").or_else(|| text(document, "locale"))
}

fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scim::repairs::Repair;
    use crate::scim::schema::{ENTERPRISE_URN, USER_URN};

    #[test]
    fn a_create_is_brought_into_form_and_every_repair_is_counted() {
        let body = json!({
            "schemas": [USER_URN, "urn:example:ext:2.0:User"], "id": "mine", "UserName": " asa@x ", "password": "s3cret",
            "name.givenName": "Åsa", "department": "Utskick", "manager": null, "shoe": 43, "roles": [], "groups": [],
            "meta": { "resourceType": "User" }, "phoneNumbers": null,
            "emails": [{ "value": "a@x", "primary": "True" }, { "value": "b@x", "type": "work", "primary": true }],
            "urn:example:ext:2.0:User": { "Any": [1, { "thing": null }] },
            "urn:empty:2.0:User": {},
        });
        let made = normalise_create(&body, ResourceKind::User).unwrap();
        assert_eq!(
            made.document,
            json!({
                "schemas": [USER_URN, ENTERPRISE_URN, "urn:example:ext:2.0:User"],
                "userName": "asa@x", "name": { "givenName": "Åsa" }, "active": true,
                "emails": [{ "value": "a@x", "primary": true }, { "value": "b@x", "type": "work", "primary": false }],
                (ENTERPRISE_URN): { "department": "Utskick" },
                "urn:example:ext:2.0:User": { "Any": [1, { "thing": null }] },
            })
        );
        for repair in [
            Repair::ClientIdIgnored,
            Repair::NameCase,
            Repair::PasswordDropped,
            Repair::DottedKey,
            Repair::MovedToExtension,
            Repair::UnknownDropped,
            Repair::StringBoolean,
            Repair::PrimaryCorrected,
        ] {
            assert!(made.repairs.count(repair) > 0, "{}", repair.name());
        }
        assert!(!made.document.to_string().contains("s3cret"));
    }

    #[test]
    fn an_ordinary_body_needs_no_repair() {
        let body = json!({ "schemas": [USER_URN], "userName": "a", "active": false, "groups": [] });
        let made = normalise_create(&body, ResourceKind::User).unwrap();
        assert!(made.repairs.is_empty(), "{:?}", made.repairs);
        assert_eq!(active(&made.document), Some(false));
    }

    #[test]
    fn a_body_without_what_is_required_or_of_another_form_is_refused() {
        let user = |body: &Value| normalise_create(body, ResourceKind::User).unwrap_err().detail;
        assert_eq!(user(&json!({ "schemas": [USER_URN] })), "userName is required");
        assert_eq!(user(&json!({ "userName": "  " })), "userName is required");
        assert!(user(&json!([])).contains("object"));
        assert!(user(&json!({ "userName": "a", "emails": "text" })).starts_with("emails must be a list"));
        assert!(user(&json!({ "userName": "a", "active": "banana" })).starts_with("active must be"));
        assert!(user(&json!({ "userName": "a\u{0}" })).contains("control"));
        assert!(normalise_create(&json!({ "members": [] }), ResourceKind::Group).is_err());
    }

    #[test]
    fn a_put_that_is_silent_about_active_brings_nobody_back() {
        let body = json!({ "schemas": [USER_URN], "userName": "a", "title": null });
        let current = json!({ "userName": "a", "active": false, "title": "Kassör" });
        let mut made = normalise_replace(&body, ResourceKind::User).unwrap();
        keep_active(&mut made.document, &current);
        assert_eq!(active(&made.document), Some(false));
        assert!(made.document.get("title").is_none());
    }

    #[test]
    fn members_come_beside_the_group_and_silence_is_not_an_empty_list() {
        let group = |body: &Value| normalise_create(body, ResourceKind::Group).unwrap();
        let made = group(
            &json!({ "displayName": "G", "members": [{ "value": "u", "display": "U" }, { "value": "u" }] }),
        );
        assert_eq!(made.members.map(|members| members.len()), Some(1));
        assert!(made.document.get("members").is_none());
        assert_eq!(group(&json!({ "displayName": "G", "members": [] })).members, Some(vec![]));
        assert_eq!(group(&json!({ "displayName": "G", "members": null })).members, None);
        assert_eq!(group(&json!({ "displayName": "G" })).members, None);
    }

    #[test]
    fn the_primary_address_is_found_with_and_without_a_mark() {
        let marked = json!({ "emails": [{ "value": "a" }, { "value": "b", "primary": true }] });
        assert_eq!((primary_email(&marked), emails(&marked)), (Some("b"), vec!["b", "a"]));
        let work = json!({ "emails": [{ "value": "a" }, { "value": "b", "type": "Work" }] });
        assert_eq!(primary_email(&work), Some("b"));
        assert_eq!(primary_email(&json!({ "emails": [{ "type": "work" }] })), None);
    }
}
