//! How Okta's provisioning writes: small letters, no paths where it can do without, whole bodies for profiles.
//!
//! Invariant: nothing here is tidier than what Okta sends.

use serde_json::{Value, json};

use super::super::super::association::{Group, Person};
use super::super::super::chance;
use super::super::super::error::DemoError;

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

/// The body of `POST /Users`: a random password always comes along.
///
/// # Errors
///
/// [`DemoError::NoRandomness`] when the operating system gives none.
pub(super) fn user(person: &Person) -> Result<Value, DemoError> {
    Ok(json!({
        "schemas": [CORE],
        "userName": person.user_name,
        "name": { "givenName": person.given, "familyName": person.family },
        "emails": [{ "primary": true, "value": person.user_name, "type": "work" }],
        "displayName": person.name(),
        "title": person.title,
        "locale": person.reads.tag(),
        "externalId": person.external_id,
        "groups": [],
        "password": chance::text()?,
        "active": true,
    }))
}

/// The body of `POST /Groups`: Okta has no id of its own to send.
pub(super) fn group(group: &Group) -> Value {
    json!({ "schemas": [GROUP], "displayName": group.name, "members": [] })
}

/// The name comes along with every change of members, without a path.
fn renamed(group: &Group, id: &str) -> Value {
    json!({ "op": "replace", "value": { "id": id, "displayName": group.name } })
}

/// Members in, with the name that Okta shows and without a type.
pub(super) fn members_added(group: &Group, id: &str, ids: &[(&str, &str)]) -> Value {
    let members: Vec<Value> = ids.iter().map(|(id, name)| json!({ "value": id, "display": name })).collect();
    json!([renamed(group, id), { "op": "add", "path": "members", "value": members }])
}

/// Members out, each by a value path of its own.
pub(super) fn members_removed(group: &Group, id: &str, ids: &[(&str, &str)]) -> Value {
    let removed =
        |(id, _): &(&str, &str)| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") });
    std::iter::once(renamed(group, id)).chain(ids.iter().map(removed)).collect()
}

/// `active` without a path.
pub(super) fn active(active: bool) -> Value {
    json!([{ "op": "replace", "value": { "active": active } }])
}

/// Changes title and department in the whole body, which is then sent back with `id`, `groups` and `meta`.
pub(super) fn change_work(whole: &mut Value, title: &str, department: &str) {
    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let Some(body) = whole.as_object_mut() else { return };
    body.insert("title".to_owned(), json!(title));
    body.insert(ENTERPRISE.to_owned(), json!({ "department": department }));
    body.insert("schemas".to_owned(), json!([CORE, ENTERPRISE]));
}
