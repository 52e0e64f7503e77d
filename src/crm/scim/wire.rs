//! An account as SCIM says it.
//!
//! Invariant: pure; what the CRM holds and we do not govern is neither sent nor lost.

use std::collections::{BTreeMap, BTreeSet};

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

/// The user as we have it; of what the CRM holds besides, only the roles or entitlements that are none of ours.
pub(super) fn user(
    state: &AccountState,
    roles: &BTreeMap<RoleId, String>,
    roles_as: RolesAs,
    found: &Value,
) -> Value {
    let account = &state.account;
    let mut user = Map::new();
    let mut put = |key: &str, value: Value| drop(user.insert(key.to_owned(), value));
    put("schemas", json!([USER]));
    put("externalId", json!(account.id));
    put("userName", json!(account.user_name));
    put("displayName", json!(account.display_name));
    put("active", json!(account.status == Status::Active));
    if let Some(email) = &account.email {
        put("emails", json!([{ "value": email, "type": "work", "primary": true }]));
    }
    if let Some(language) = account.language {
        put("preferredLanguage", json!(language));
    }
    let attribute = match roles_as {
        _ if roles.is_empty() => return Value::Object(user),
        RolesAs::Groups => return Value::Object(user),
        RolesAs::Roles => "roles",
        RolesAs::Entitlements => "entitlements",
    };
    let held = roles.iter().filter(|(role, _)| account.roles.contains(*role));
    let held: BTreeSet<&str> = held.map(|(_, name)| name.as_str()).collect();
    put(attribute, merged(found.get(attribute), &held, roles));
    Value::Object(user)
}

/// The values that the CRM gave, those of ours that are held, and none of ours that are not.
fn merged(found: Option<&Value>, held: &BTreeSet<&str>, roles: &BTreeMap<RoleId, String>) -> Value {
    let value_of = |one: &Value| one.get("value").unwrap_or(one).as_str().map(str::to_owned);
    let mut all = match found {
        Some(Value::Array(list)) => list.clone(),
        None | Some(Value::Null) => Vec::new(),
        Some(one) => vec![one.clone()],
    };
    all.retain(|one| {
        value_of(one).is_none_or(|value| {
            held.contains(value.as_str()) || !roles.values().any(|governed| *governed == value)
        })
    });
    let had: BTreeSet<String> = all.iter().filter_map(value_of).collect();
    all.extend(held.iter().filter(|name| !had.contains(**name)).map(|name| json!({ "value": name })));
    Value::Array(all)
}

/// The CRM's user with what we govern put over it, for PUT.
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

/// The resources of a list, where it is one: an empty page must say that there are none (RFC 7644 §3.4.2).
pub(super) fn resources(list: &Value) -> Result<Vec<Value>, &'static str> {
    let total = list.get("totalResults").and_then(Value::as_u64);
    let total = total.ok_or("the answer is no list: it has no totalResults")?;
    let found = list.get("Resources").and_then(Value::as_array).cloned().unwrap_or_default();
    if found.is_empty() && total != 0 {
        return Err("the list is empty, but its totalResults is not 0");
    }
    Ok(found)
}

/// Whether an attribute has this value; names are compared as SCIM does, without case (RFC 7643 §4.1.1, §8.7.1).
pub(super) fn has(resource: &Value, attribute: &str, value: &str) -> bool {
    let held = resource.get(attribute).and_then(Value::as_str).unwrap_or_default();
    held == value || (attribute != "externalId" && held.to_lowercase() == value.to_lowercase())
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
