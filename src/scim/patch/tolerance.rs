//! The PATCH requests that clients really send, one row each, and what they come to.
//!
//! Invariant: a row names its source; a new quirk arrives as a new row.

use serde_json::{Value, json};

use super::{PatchRequest, Patched};
use crate::scim::error::{ScimError, ScimType};
use crate::scim::repairs::Repair;
use crate::scim::schema::{ENTERPRISE_URN, ResourceKind, USER_URN};

fn person() -> Value {
    json!({
        "schemas": [USER_URN], "userName": "asa@x.se", "active": true, "title": "Kassör",
        "name": { "givenName": "Åsa", "familyName": "Öberg" },
        "emails": [{ "type": "work", "value": "asa@x.se", "primary": true }],
    })
}

fn patch(operations: &Value) -> Result<Patched, ScimError> {
    patch_on(&person(), operations)
}

fn patch_on(document: &Value, operations: &Value) -> Result<Patched, ScimError> {
    let body = json!({ "schemas": [super::PATCH_URN], "Operations": operations });
    PatchRequest::parse(&body, ResourceKind::User)?.apply(document)
}

fn refusal(operation: &Value) -> Option<ScimType> {
    patch(&json!([operation])).unwrap_err().scim_type
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row for each thing that a client does")]
fn each_request_has_the_effect_that_its_client_expects() {
    let manager = format!("{ENTERPRISE_URN}:manager");
    let role = r#"{"id":"1","value":"Redaktör","displayName":"Redaktör"}"#;
    // (source, operation, where to look, what is there then; null for nothing)
    let rows = [
        (
            "Entra: capital op",
            json!({ "op": "Replace", "path": "displayName", "value": "Å" }),
            "/displayName",
            json!("Å"),
        ),
        (
            "Entra: text for a boolean",
            json!({ "op": "Replace", "path": "active", "value": "False" }),
            "/active",
            json!(false),
        ),
        (
            "Entra: list of one for one value",
            json!({ "op": "Add", "path": "title", "value": [{ "$ref": null, "value": "T" }] }),
            "/title",
            json!("T"),
        ),
        (
            "Entra: nested path",
            json!({ "op": "Add", "path": "name.givenName", "value": "A" }),
            "/name",
            json!({ "givenName": "A", "familyName": "Öberg" }),
        ),
        (
            "Entra: value path that exists",
            json!({ "op": "Add", "path": "emails[type eq \"work\"].value", "value": "n@x" }),
            "/emails/0",
            json!({ "type": "work", "value": "n@x", "primary": true }),
        ),
        (
            "Entra: value path that matches nothing",
            json!({ "op": "Replace", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+46 70" }),
            "/phoneNumbers",
            json!([{ "type": "mobile", "value": "+46 70" }]),
        ),
        (
            "Entra: names in another case",
            json!({ "op": "add", "path": "EMAILS[Type eq \"other\"].Value", "value": "o@x" }),
            "/emails/1",
            json!({ "type": "other", "value": "o@x" }),
        ),
        (
            "Entra: bare-string manager",
            json!({ "op": "Add", "path": manager, "value": "m1" }),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager",
            json!({ "value": "m1" }),
        ),
        (
            "Entra: manager as list, no URN",
            json!({ "op": "Add", "path": "manager", "value": [{ "$ref": "../Users/m1", "value": "m1" }] }),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User/manager/value",
            json!("m1"),
        ),
        (
            "Entra: role as JSON text",
            json!({ "op": "Add", "path": "roles", "value": role }),
            "/roles",
            json!([{ "value": "Redaktör", "display": "Redaktör" }]),
        ),
        (
            "Entra: single role by text boolean",
            json!({ "op": "Add", "path": "roles[primary eq \"True\"].value", "value": "R" }),
            "/roles",
            json!([{ "primary": true, "value": "R" }]),
        ),
        (
            "Entra flag: dotted key",
            json!({ "op": "replace", "value": { "name.givenName": "A" } }),
            "/name",
            json!({ "givenName": "A", "familyName": "Öberg" }),
        ),
        (
            "Entra flag: qualified key",
            json!({ "op": "replace", "value": { (format!("{ENTERPRISE_URN}:department")): "D" } }),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            json!({ "department": "D" }),
        ),
        (
            "Entra: extension as object",
            json!({ "op": "add", "value": { (ENTERPRISE_URN): { "Department": "D" } } }),
            "/urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
            json!({ "department": "D" }),
        ),
        (
            "Okta: pathless deactivation",
            json!({ "op": "replace", "value": { "active": false } }),
            "/active",
            json!(false),
        ),
        (
            "Okta: id and password along",
            json!({ "op": "replace", "path": null, "value": { "id": "x", "password": "p", "nickName": "N" } }),
            "/nickName",
            json!("N"),
        ),
        (
            "RFC: null clears",
            json!({ "op": "replace", "path": "title", "value": null }),
            "/title",
            json!(null),
        ),
        (
            "RFC: a complex attribute keeps its other parts",
            json!({ "op": "replace", "path": "name", "value": { "familyName": "N" } }),
            "/name",
            json!({ "givenName": "Åsa", "familyName": "N" }),
        ),
        (
            "RFC: add does not double",
            json!({ "op": "add", "path": "emails", "value": [{ "type": "WORK", "value": "asa@x.se" }] }),
            "/emails/1",
            json!(null),
        ),
        (
            "RFC: a new primary takes over",
            json!({ "op": "add", "path": "emails", "value": { "value": "n@x", "primary": true } }),
            "/emails/0/primary",
            json!(false),
        ),
        (
            "RFC: remove one by filter",
            json!({ "op": "remove", "path": "emails[type eq \"work\"]" }),
            "/emails",
            json!(null),
        ),
        (
            "RFC: remove a part of one",
            json!({ "op": "remove", "path": "emails[type eq \"work\"].primary" }),
            "/emails/0",
            json!({ "type": "work", "value": "asa@x.se" }),
        ),
        (
            "RFC: remove a part",
            json!({ "op": "remove", "path": "name.givenName" }),
            "/name",
            json!({ "familyName": "Öberg" }),
        ),
        (
            "Entra: remove by value list",
            json!({ "op": "Remove", "path": "emails", "value": [{ "value": "other@x" }] }),
            "/emails/0/value",
            json!("asa@x.se"),
        ),
        (
            "ours: an empty removal removes nothing",
            json!({ "op": "Remove", "path": "emails", "value": [] }),
            "/emails/0/value",
            json!("asa@x.se"),
        ),
        (
            "ours: what loses its value goes",
            json!({ "op": "remove", "path": "emails[type eq \"work\"].value" }),
            "/emails",
            json!(null),
        ),
        (
            "ours: unknown extension",
            json!({ "op": "add", "path": "urn:x:2.0:User:Shoe", "value": { "a": [1] } }),
            "/urn:x:2.0:User:Shoe",
            json!({ "a": [1] }),
        ),
        (
            "ours: attribute of an unknown extension",
            json!({ "op": "add", "path": "urn:x:2.0:User:Shoe", "value": 43 }),
            "/urn:x:2.0:User",
            json!({ "Shoe": 43 }),
        ),
    ];
    for (source, operation, pointer, expected) in rows {
        let done = patch(&json!([operation])).unwrap_or_else(|error| panic!("{source}: {error}"));
        let found = done.document.pointer(pointer).cloned().unwrap_or_default();
        assert_eq!(found, expected, "{source}: {}", done.document);
        assert!(!done.document.to_string().contains("password"), "{source}");
    }
}

#[test]
fn what_cannot_be_carried_out_is_refused_with_its_kind() {
    let rows = [
        (json!({ "op": "remove" }), ScimType::NoTarget),
        (json!({ "op": "remove", "path": "" }), ScimType::NoTarget),
        (json!({ "op": "flytta", "path": "title", "value": "x" }), ScimType::InvalidSyntax),
        (json!({ "path": "title", "value": "x" }), ScimType::InvalidSyntax),
        (json!({ "op": "replace", "path": "emails[type eq", "value": "x" }), ScimType::InvalidPath),
        (json!({ "op": "replace", "path": "titel", "value": "x" }), ScimType::InvalidPath),
        (json!({ "op": "replace", "value": { "titel": "x" } }), ScimType::InvalidPath),
        (json!({ "op": "replace", "path": "urn:x", "value": "x" }), ScimType::InvalidPath),
        (json!({ "op": "replace", "path": 7, "value": "x" }), ScimType::InvalidPath),
        (json!({ "op": "replace", "path": "id", "value": "x" }), ScimType::Mutability),
        (json!({ "op": "replace", "path": "meta.created", "value": "x" }), ScimType::Mutability),
        (json!({ "op": "remove", "path": "userName" }), ScimType::Mutability),
        (json!({ "op": "replace", "path": "active", "value": "banana" }), ScimType::InvalidValue),
        (json!({ "op": "replace", "path": "title", "value": 7 }), ScimType::InvalidValue),
        (json!({ "op": "replace", "path": "title" }), ScimType::InvalidValue),
        (json!({ "op": "replace", "value": "x" }), ScimType::InvalidValue),
        (json!({ "op": "replace", "path": "emails", "value": "x" }), ScimType::InvalidValue),
        (
            json!({ "op": "add", "path": "emails[type eq \"a\" or type eq \"b\"].value", "value": "x" }),
            ScimType::NoTarget,
        ),
    ];
    for (operation, kind) in rows {
        assert_eq!(refusal(&operation), Some(kind), "{operation}");
    }
}

#[test]
fn three_adds_on_an_absent_entry_make_one_entry() {
    let path = |part: &str| format!("emails[type eq \"home\"].{part}");
    let done = patch(&json!([
        { "op": "Add", "path": path("primary"), "value": "true" },
        { "op": "Add", "path": path("type"), "value": "home" },
        { "op": "Add", "path": path("value"), "value": "h@x" },
    ]))
    .unwrap();
    let expected = json!([
        { "type": "work", "value": "asa@x.se", "primary": false }, { "type": "home", "primary": true, "value": "h@x" }
    ]);
    assert_eq!(done.document["emails"], expected);
    assert_eq!(done.repairs.count(Repair::StringBoolean), 1);
}

#[test]
fn a_request_without_effect_changes_nothing_and_one_that_fails_neither() {
    let same = json!([{ "op": "replace", "path": "title", "value": "Kassör" }, { "op": "remove", "path": "nickName" }]);
    let done = patch(&same).unwrap();
    assert!(!done.changed && done.document == person());
    let failing = json!([{ "op": "replace", "path": "title", "value": "Ny" }, { "op": "replace", "path": "id", "value": "x" }]);
    let error = patch(&failing).unwrap_err();
    assert!(error.detail.starts_with("operation 2: "), "{}", error.detail);
}

#[test]
fn a_required_attribute_may_go_as_long_as_it_comes_back() {
    let operations =
        json!([{ "op": "remove", "path": "userName" }, { "op": "add", "path": "userName", "value": "n" }]);
    assert_eq!(patch(&operations).unwrap().document["userName"], "n");
}

#[test]
fn another_manager_loses_the_address_of_the_first() {
    let mut document = person();
    document[ENTERPRISE_URN] = json!({ "manager": { "value": "m1", "$ref": "../Users/m1" } });
    let operations = json!([{ "op": "replace", "path": format!("{ENTERPRISE_URN}:manager"), "value": "m2" }]);
    let done = patch_on(&document, &operations).unwrap();
    assert_eq!(done.document[ENTERPRISE_URN]["manager"], json!({ "value": "m2" }));
    let removed = json!([{ "op": "Remove", "path": format!("{ENTERPRISE_URN}:manager") }]);
    let done = patch_on(&done.document, &removed).unwrap();
    assert_eq!(done.document, person());
}

#[test]
fn the_message_is_read_in_any_case_and_its_limits_hold() {
    let body = json!({ "operations": [{ "OP": "ADD", "Path": "title", "VALUE": "T" }] });
    let done = PatchRequest::parse(&body, ResourceKind::User).unwrap().apply(&person()).unwrap();
    assert_eq!(done.document["title"], "T");
    assert!(done.repairs.count(Repair::MessageCase) > 0);
    let one = json!({ "op": "add", "path": "title", "value": "T" });
    let parse = |operations: Vec<Value>| {
        PatchRequest::parse(&json!({ "Operations": operations }), ResourceKind::User)
    };
    assert!(parse(vec![one.clone(); 2000]).is_ok());
    assert_eq!(parse(vec![one; 2001]).unwrap_err().status, 413);
    assert!(parse(vec![]).is_err());
}
