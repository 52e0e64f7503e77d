//! Properties of PATCH over requests that nobody wrote by hand, and the table of group requests.
//!
//! Invariant: no request panics, and one that is refused is refused whole.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{MemberChange, MemberRef, PatchRequest};
use crate::scim::error::ScimType;
use crate::scim::resource::normalise_create;
use crate::scim::schema::ResourceKind;

fn group(operation: &Value) -> Result<Vec<MemberChange>, Option<ScimType>> {
    let body = json!({ "Operations": [operation] });
    PatchRequest::parse(&body, ResourceKind::Group)
        .and_then(|request| request.apply(&json!({ "displayName": "G" })))
        .map(|done| done.members)
        .map_err(|error| error.scim_type)
}

fn refs(ids: &[&str]) -> Vec<MemberRef> {
    let one = |id: &&str| MemberRef { value: (*id).to_owned(), display: None, member_type: None };
    ids.iter().map(one).collect()
}

#[test]
fn member_requests_become_the_changes_that_their_clients_mean() {
    let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    let u = json!([{ "$ref": null, "value": "u" }]);
    let rows = [
        (json!({ "op": "Add", "path": "members", "value": u }), vec![MemberChange::Add(refs(&["u"]))]),
        (
            json!({ "op": "add", "path": "Members", "value": { "value": "u" } }),
            vec![MemberChange::Add(refs(&["u"]))],
        ),
        (
            json!({ "op": "add", "path": "members", "value": ["u", "v", "u"] }),
            vec![MemberChange::Add(refs(&["u", "v"]))],
        ),
        (json!({ "op": "add", "value": { "members": u } }), vec![MemberChange::Add(refs(&["u"]))]),
        (
            json!({ "op": "add", "path": "members", "value": [{ "$ref": "https://x/Users/u" }] }),
            vec![MemberChange::Add(refs(&["u"]))],
        ),
        (json!({ "op": "add", "path": "members", "value": [] }), vec![]),
        (json!({ "op": "Remove", "path": "members", "value": u }), vec![MemberChange::Remove(ids(&["u"]))]),
        (json!({ "op": "Remove", "path": "members", "value": [] }), vec![]),
        (
            json!({ "op": "remove", "path": "members[value eq \"u\"]" }),
            vec![MemberChange::Remove(ids(&["u"]))],
        ),
        (
            json!({ "op": "remove", "path": "members[value eq \"u\" or value eq \"v\"]" }),
            vec![MemberChange::Remove(ids(&["u", "v"]))],
        ),
        (json!({ "op": "remove", "path": "members" }), vec![MemberChange::RemoveAll]),
        (
            json!({ "op": "replace", "path": "members", "value": u }),
            vec![MemberChange::Replace(refs(&["u"]))],
        ),
        (json!({ "op": "replace", "path": "members", "value": [] }), vec![MemberChange::Replace(vec![])]),
        (json!({ "op": "replace", "value": { "id": "g", "displayName": "N", "members": null } }), vec![]),
        (
            json!({ "op": "replace", "path": "members[value eq \"u\"]", "value": { "value": "v" } }),
            vec![MemberChange::Exchange { from: ids(&["u"]), to: refs(&["v"]) }],
        ),
        (
            json!({ "op": "replace", "path": "members[value eq \"u\"]", "value": { "display": "U" } }),
            vec![MemberChange::Exchange { from: ids(&["u"]), to: refs(&["u"]) }],
        ),
        (
            json!({ "op": "replace", "path": "members[value eq \"u\"].display", "value": "U" }),
            vec![MemberChange::Keep(ids(&["u"]))],
        ),
        (
            json!({ "op": "add", "path": "members[value eq \"u\"]", "value": { "value": "u" } }),
            vec![MemberChange::Add(refs(&["u"]))],
        ),
    ];
    for (operation, expected) in rows {
        assert_eq!(group(&operation), Ok(expected), "{operation}");
    }
    let all = group(&json!({ "op": "remove", "path": "members[display sw \"Å\"]" })).unwrap();
    assert!(
        matches!(all.as_slice(), [MemberChange::RemoveMatching(filter)] if filter.to_string() == "display sw \"Å\"")
    );
}

#[test]
fn a_member_request_that_cannot_be_read_is_refused_and_never_empties_a_group() {
    let rows = [
        (json!({ "op": "remove", "path": "members", "value": null }), ScimType::InvalidValue),
        (json!({ "op": "replace", "path": "members", "value": null }), ScimType::InvalidValue),
        (json!({ "op": "remove", "path": "members", "value": [{}] }), ScimType::InvalidValue),
        (json!({ "op": "add", "path": "members", "value": [7] }), ScimType::InvalidValue),
        (json!({ "op": "add", "path": "members", "value": 7 }), ScimType::InvalidValue),
        (
            json!({ "op": "replace", "path": "members[value eq \"u\"].value", "value": "v" }),
            ScimType::Mutability,
        ),
        (json!({ "op": "remove", "path": "members.value" }), ScimType::InvalidPath),
        (json!({ "op": "remove", "path": "members[value eq \"u\"" }), ScimType::InvalidPath),
        (json!({ "op": "remove", "path": "displayName" }), ScimType::Mutability),
    ];
    for (operation, kind) in rows {
        assert_eq!(group(&operation), Err(Some(kind)), "{operation}");
    }
}

#[test]
fn an_unknown_schema_on_a_group_is_let_through() {
    let body = json!({ "schemas": ["http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"], "displayName": "G", "externalId": "e" });
    let made = normalise_create(&body, ResourceKind::Group).unwrap();
    assert_eq!(made.document["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:Group"]));
    assert_eq!(made.document["externalId"], "e");
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!("True")),
        Just(json!(false)),
        Just(json!(7)),
        "\\PC{0,8}".prop_map(|text| json!(text)),
        Just(json!({ "value": "v", "type": "work", "primary": true })),
        Just(json!({ "userName": "n", "emails": [{ "value": "e" }], "urn:x:2.0:User": { "a": 1 } })),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| proptest::collection::vec(inner, 0..3).prop_map(Value::Array))
}

fn any_operation() -> impl Strategy<Value = Value> {
    let paths = vec![
        "userName",
        "active",
        "name",
        "name.givenName",
        "emails",
        "emails.value",
        "emails[type eq \"work\"]",
        "emails[type eq \"home\"].value",
        "emails[primary eq true].type",
        "urn:x:2.0:User:a",
        "urn:x:2.0:User",
        "urn:x:2.0:User:list[k eq 1].v",
        "manager",
        "roles",
        "id",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
        "",
    ];
    let op = proptest::sample::select(vec!["add", "Replace", "remove"]);
    (op, proptest::sample::select(paths), proptest::option::of(any_value())).prop_map(|(op, path, value)| {
        let mut made = json!({ "op": op, "path": path });
        if let Some(value) = value {
            made["value"] = value;
        }
        made
    })
}

proptest! {
    #[test]
    fn any_request_gives_a_valid_document_or_a_refusal_and_repeating_it_alone_agrees(
        operations in proptest::collection::vec(any_operation(), 1..6)
    ) {
        let before = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "a", "active": true,
            "emails": [{ "type": "work", "value": "w" }]
        });
        let body = json!({ "Operations": operations });
        let Ok(request) = PatchRequest::parse(&body, ResourceKind::User) else { return Ok(()) };
        let whole = request.apply(&before);
        // Entries that lost their value go at the end of a request, so parts of one are not the whole.
        let thins = operations.iter().any(|one| {
            let path = one["path"].as_str().unwrap_or_default();
            path.starts_with("emails") && path.contains('.') && (one["op"] == "remove" || !one["value"].is_string())
        });
        // The slow reference: one request per operation, stopped at the first refusal.
        let mut slow = Ok(before.clone());
        for operation in &operations {
            let Ok(document) = &slow else { break };
            let one = PatchRequest::parse(&json!({ "Operations": [operation] }), ResourceKind::User);
            slow = one.and_then(|one| one.apply(document)).map(|done| done.document);
        }
        if let Ok(done) = &whole {
            prop_assert!(done.document["userName"].as_str().is_some_and(|name| !name.trim().is_empty()));
            prop_assert!(done.document["active"].is_boolean() || done.document.get("active").is_none());
            let again = normalise_create(&done.document, ResourceKind::User).unwrap().document;
            let mut stated = done.document.clone();
            stated.as_object_mut().unwrap().entry("active").or_insert(json!(true));
            prop_assert_eq!(again, stated);
            if let (Ok(slow), false) = (slow, thins) {
                prop_assert_eq!(&done.document, &slow);
            }
        }
    }
}
