//! An account as SCIM says it.
//!
//! Invariant: pure; what the CRM holds and we do not govern is neither sent nor lost.

use std::collections::BTreeMap;

use reqwest::Url;
use serde_json::{Map, Value, json};

use super::RolesAs;
use crate::crm::AccountState;
use crate::domain::account::Status;
use crate::domain::ids::RoleId;

/// RFC 7643 §8.7.1.
pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// RFC 7644 §8.2.
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The attributes of a user that we govern.
const OURS: [&str; 6] = ["externalId", "userName", "displayName", "active", "emails", "preferredLanguage"];

/// The user as we have it. `_ours` names the roles of the settings, for [`overlaid`] and [`patch`]; it is not sent.
pub(super) fn user(state: &AccountState, roles: &BTreeMap<RoleId, String>, roles_as: RolesAs) -> Value {
    let account = &state.account;
    let mut user = json!({
        "schemas": [USER],
        "externalId": account.id,
        "userName": account.user_name,
        "displayName": account.display_name,
        "active": account.status == Status::Active,
    });
    if let Some(email) = &account.email {
        user["emails"] = json!([{ "value": email, "type": "work", "primary": true }]);
    }
    if let Some(language) = account.language {
        user["preferredLanguage"] = json!(language);
    }
    let attribute = match roles_as {
        RolesAs::Groups => return user,
        RolesAs::Roles => "roles",
        RolesAs::Entitlements => "entitlements",
    };
    let held = roles.iter().filter(|(role, _)| account.roles.contains(*role));
    let mut names: Vec<&String> = held.map(|(_, name)| name).collect();
    names.sort();
    names.dedup();
    user[attribute] = names.into_iter().map(|name| json!({ "value": name })).collect();
    user
}

/// The CRM's user with what we govern put over it, for PUT. Roles or entitlements are ours as a whole.
pub(super) fn overlaid(found: Value, ours: &Value) -> Value {
    let mut whole = match found {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    for read_only in ["meta", "groups"] {
        whole.remove(read_only);
    }
    for (key, value) in ours.as_object().into_iter().flatten() {
        if key != "schemas" || !whole.contains_key("schemas") {
            whole.insert(key.clone(), value.clone());
        }
    }
    Value::Object(whole)
}

/// What must change for the CRM's user to be ours, for PATCH. Who loses access loses it in the first operation.
pub(super) fn patch(ours: &Value, found: &Value, is_active: bool) -> Value {
    let mut operations = vec![json!({ "op": "replace", "path": "active", "value": is_active })];
    let roles = ["roles", "entitlements"].into_iter().filter(|key| ours.get(key).is_some());
    for key in OURS.into_iter().filter(|key| *key != "active").chain(roles) {
        let (wanted, had) = (ours.get(key), found.get(key));
        match wanted {
            Some(Value::Array(list)) if list.is_empty() => {
                if had.is_some_and(|had| had.as_array().is_none_or(|list| !list.is_empty())) {
                    operations.push(json!({ "op": "remove", "path": key }));
                }
            }
            Some(value) if Some(value) != had => {
                operations.push(json!({ "op": "replace", "path": key, "value": value }));
            }
            Some(_) | None => {}
        }
    }
    json!({ "schemas": [PATCH], "Operations": operations })
}

/// What is left of somebody who was removed: nothing that names a person.
pub(super) fn erased(state: &AccountState, id: &str) -> Value {
    json!({
        "schemas": [USER],
        "id": id,
        "externalId": state.account.id,
        "userName": format!("removed-{}", state.account.id),
        "active": false,
    })
}

/// A patch of a group's members.
pub(super) fn members(operation: &str, id: &str) -> Value {
    let one = match operation {
        "add" => json!({ "op": "add", "path": "members", "value": [{ "value": id }] }),
        _ => json!({ "op": "remove", "path": format!("members[value eq {}]", Value::from(id)) }),
    };
    json!({ "schemas": [PATCH], "Operations": [one] })
}

/// The id of a resource.
pub(super) fn id(resource: &Value) -> Option<String> {
    resource.get("id")?.as_str().filter(|id| !id.is_empty()).map(str::to_owned)
}

/// The resources of a list.
pub(super) fn resources(list: &Value) -> Vec<Value> {
    list.get("Resources").and_then(Value::as_array).cloned().unwrap_or_default()
}

/// Whether an attribute has this value; names are compared as SCIM does, without case (RFC 7643 §4.1.1).
pub(super) fn has(resource: &Value, attribute: &str, value: &str) -> bool {
    let held = resource.get(attribute).and_then(Value::as_str).unwrap_or_default();
    held == value || (attribute == "userName" && held.to_lowercase() == value.to_lowercase())
}

/// A query, percent-encoded.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let Ok(mut url) = Url::parse("http://query.invalid/") else { return String::new() };
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// An id as one segment of a path.
pub(super) fn segment(id: &str) -> String {
    let Ok(mut url) = Url::parse("http://path.invalid/") else { return String::new() };
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(id);
    }
    url.path().trim_start_matches('/').to_owned()
}

/// The kind of thing that a path leads to, for messages: no id and no name.
pub(super) fn kind(path: &str) -> &str {
    path.split(['/', '?']).next().unwrap_or_default()
}
