//! How Entra's provisioning service writes: `Add`, `Replace`, `Remove`, one operation per attribute, booleans as text.
//!
//! Invariant: nothing here is tidier than what Entra sends.

use serde_json::{Value, json};

use super::super::super::association::{Group, Person};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The schema that Entra names beside the core one, and that nobody else knows.
const ADSCIM: &str = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group";

/// The body of `POST /Users`.
pub(super) fn user(person: &Person) -> Value {
    json!({
        "schemas": [CORE, ENTERPRISE],
        "externalId": person.external_id,
        "userName": person.user_name,
        "active": true,
        "displayName": person.name(),
        "emails": [{ "primary": true, "type": "work", "value": person.user_name }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": person.name(), "familyName": person.family, "givenName": person.given },
        "preferredLanguage": person.reads.tag(),
        "title": person.title,
        "roles": [],
        ENTERPRISE: {
            "department": person.department(),
            "employeeNumber": (1000 + person.number.0).to_string(),
        },
    })
}

/// The body of `POST /Groups`: never with members.
pub(super) fn group(group: &Group) -> Value {
    json!({
        "schemas": [GROUP, ADSCIM],
        "externalId": group.external_id,
        "displayName": group.name,
        "meta": { "resourceType": "Group" },
    })
}

/// `Add` with a list of references whose `$ref` is null.
pub(super) fn members_added(ids: &[(&str, &str)]) -> Value {
    let members: Vec<Value> = ids.iter().map(|(id, _)| json!({ "$ref": null, "value": id })).collect();
    json!([{ "op": "Add", "path": "members", "value": members }])
}

/// `Remove` with a list of values: only these are meant, although a reader of the standard would empty the group.
pub(super) fn members_removed(ids: &[(&str, &str)]) -> Value {
    let members: Vec<Value> = ids.iter().map(|(id, _)| json!({ "$ref": null, "value": id })).collect();
    json!([{ "op": "Remove", "path": "members", "value": members }])
}

/// A change of work: a value path for the address, and the extension's attribute by its whole name.
pub(super) fn work_changed(person: &Person, title: &str, department: &str) -> Value {
    json!([
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": person.user_name },
        { "op": "Replace", "path": "title", "value": title },
        { "op": "Add", "path": format!("{ENTERPRISE}:department"), "value": department },
    ])
}

/// `active` as a text with a capital letter.
pub(super) fn active(active: bool) -> Value {
    json!([{ "op": "Replace", "path": "active", "value": if active { "True" } else { "False" } }])
}
