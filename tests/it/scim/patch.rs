//! PATCH on the wire: every form of a path, what changes nothing, and what takes nobody in or out.

use axum::http::{StatusCode, header};
use portvakt::store::audit;
use serde_json::{Value, json};

use super::{Client, ENTERPRISE, assert_error, group, person};
use crate::engines::{look, on_each_engine};
use crate::house::TestHouse;

fn full() -> Value {
    let mut body = person("asa");
    body["name"] = json!({ "givenName": "Åsa", "familyName": "Öberg" });
    body["emails"] = json!([{ "type": "work", "value": "w@x", "display": "W", "primary": true }, { "type": "home", "value": "h@x" }]);
    body["addresses"] = json!([{ "type": "work", "locality": "Umeå" }]);
    body[ENTERPRISE] = json!({ "department": "Kansli" });
    body["urn:example:own:2.0:User"] = json!({ "Shoe": 43, "list": [{ "k": "a", "v": 1 }] });
    body
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one row for each form")]
async fn every_form_of_a_path_reaches_what_it_names() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let own = "urn:example:own:2.0:User";
        let id = entra.made("/Users", &full()).await;
        let path = format!("/Users/{id}");
        // (op, path, value, where to look, what is there then); each starts from the full document.
        let rows = [
            ("replace", "TITLE", json!("T"), "/title", json!("T")),
            (
                "add",
                "name.middleName",
                json!("M"),
                "/name",
                json!({ "givenName": "Åsa", "familyName": "Öberg", "middleName": "M" }),
            ),
            (
                "replace",
                "urn:ietf:params:scim:schemas:core:2.0:user:Name.familyName",
                json!("N"),
                "/name/familyName",
                json!("N"),
            ),
            ("replace", "emails[type eq \"work\"].value", json!("n@x"), "/emails/0/value", json!("n@x")),
            (
                "replace",
                "emails[value eq \"H@X\" and not (primary eq true)].display",
                json!("H"),
                "/emails/1/display",
                json!("H"),
            ),
            (
                "replace",
                "emails[type eq \"work\"]",
                json!({ "value": "n@x" }),
                "/emails/0",
                json!({ "type": "work", "value": "n@x" }),
            ),
            (
                "add",
                "emails[type eq \"work\"]",
                json!({ "value": "n@x" }),
                "/emails/0",
                json!({ "type": "work", "value": "n@x", "display": "W", "primary": true }),
            ),
            (
                "add",
                "addresses[type eq \"work\"].country",
                json!("SE"),
                "/addresses/0",
                json!({ "type": "work", "locality": "Umeå", "country": "SE" }),
            ),
            (
                "add",
                "addresses[type eq \"home\"].country",
                json!("SE"),
                "/addresses/1",
                json!({ "type": "home", "country": "SE" }),
            ),
            (
                "remove",
                "emails[type eq \"work\"]",
                Value::Null,
                "/emails",
                json!([{ "type": "home", "value": "h@x" }]),
            ),
            (
                "remove",
                "emails[value pr].display",
                Value::Null,
                "/emails/0",
                json!({ "type": "work", "value": "w@x", "primary": true }),
            ),
            ("remove", "name", Value::Null, "/name", Value::Null),
            ("replace", "department", json!("Ny"), &*format!("/{ENTERPRISE}/department"), json!("Ny")),
            (
                "add",
                &*format!("{ENTERPRISE}:manager.value"),
                json!("m"),
                &*format!("/{ENTERPRISE}/manager"),
                json!({ "value": "m" }),
            ),
            ("remove", ENTERPRISE, Value::Null, "/schemas/1", json!(own)),
            ("replace", &*format!("{own}:shoe"), json!(44), &*format!("/{own}/Shoe"), json!(44)),
            (
                "replace",
                &*format!("{own}:list[k eq \"a\"].v"),
                json!(2),
                &*format!("/{own}/list/0/v"),
                json!(2),
            ),
            ("remove", &*format!("{own}:list[v gt 0]"), Value::Null, &*format!("/{own}/list"), Value::Null),
            (
                "replace",
                "",
                json!({ "name.givenName": "A", (format!("{ENTERPRISE}:department")): "D" }),
                "/name/givenName",
                json!("A"),
            ),
        ];
        for (op, at, value, pointer, expected) in rows {
            let mut operation = json!({ "op": op, "path": at });
            if op != "remove" {
                operation["value"] = value;
            }
            let answer = entra.patched(&path, &json!([operation])).await;
            assert_eq!(answer.status, StatusCode::OK, "{operation}: {}", answer.body);
            let found = answer.body.pointer(pointer).cloned().unwrap_or_default();
            assert_eq!(found, expected, "{operation}: {}", answer.body);
            assert_eq!(
                entra.get(&path).await.body,
                answer.body,
                "{operation}: what is answered is what is kept"
            );
            let back = entra.ask("PUT", &path, &full()).await;
            assert_eq!(back.status, StatusCode::OK, "{}", back.body);
        }
    })
    .await;
}

#[tokio::test]
async fn what_names_nothing_is_refused_by_its_kind_and_leaves_everything_as_it_was() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let path = format!("/Users/{}", entra.made("/Users", &full()).await);
        let team = format!("/Groups/{}", entra.made("/Groups", &group("g", &[])).await);
        let stranger = entra.made("/Users", &person("bo")).await;
        let member = format!("members[value eq \"{stranger}\"]");
        let rows = [
            (&path, json!({ "op": "remove" }), "noTarget"),
            (&path, json!({ "op": "remove", "path": null }), "noTarget"),
            (&path, json!({ "op": "replace", "path": "emails[value eq \"gone@x\"].display", "value": "x" }), "noTarget"),
            (&path, json!({ "op": "replace", "path": "emails[value eq \"gone@x\"]", "value": { "value": "x" } }), "noTarget"),
            (&path, json!({ "op": "add", "path": "emails[type sw \"q\"].value", "value": "x" }), "noTarget"),
            (&path, json!({ "op": "replace", "path": "emails[type eq \"a\" or type eq \"b\"].value", "value": "x" }), "noTarget"),
            (&path, json!({ "op": "replace", "path": "emails.value", "value": "x" }), "invalidPath"),
            (&path, json!({ "op": "replace", "path": "nonsense", "value": "x" }), "invalidPath"),
            (&path, json!({ "op": "replace", "path": "emails[type eq \"work\"", "value": "x" }), "invalidPath"),
            (&path, json!({ "op": "replace", "path": "emails[]", "value": "x" }), "invalidPath"),
            (&path, json!({ "op": "replace", "path": "id", "value": "x" }), "mutability"),
            (&path, json!({ "op": "remove", "path": "meta.created" }), "mutability"),
            (&path, json!({ "op": "remove", "path": "userName" }), "mutability"),
            (&path, json!({ "op": "replace", "path": "active", "value": "banana" }), "invalidValue"),
            (&path, json!({ "op": "replace", "path": "active", "value": 1 }), "invalidValue"),
            (&path, json!({ "op": "add", "path": "emails[value eq \"a\\u0007b\"].type", "value": "x" }), "invalidPath"),
            (&path, json!({ "op": "move", "path": "title", "value": "x" }), "invalidSyntax"),
            (&team, json!({ "op": "replace", "path": format!("{member}.display"), "value": "x" }), "noTarget"),
            (&team, json!({ "op": "add", "path": format!("{member}.display"), "value": "x" }), "noTarget"),
            (&team, json!({ "op": "replace", "path": member, "value": { "value": stranger } }), "noTarget"),
            (&team, json!({ "op": "replace", "path": format!("{member}.value"), "value": "x" }), "mutability"),
            (&team, json!({ "op": "remove", "path": "displayName" }), "mutability"),
        ];
        for (target, operation, kind) in rows {
            let before = entra.get(target).await.body;
            let first = json!({ "op": "replace", "path": "displayName", "value": "Annan" });
            let answer = entra.patched(target, &json!([first, operation])).await;
            assert_error(&answer, 400, Some(kind), &operation.to_string());
            assert_eq!(entra.get(target).await.body, before, "{operation}: nothing has changed, lastModified included");
        }
    })
    .await;
}

#[tokio::test]
async fn what_changes_nothing_makes_no_version_and_no_entry_in_the_audit() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let asa = entra.made("/Users", &full()).await;
        let path = format!("/Users/{asa}");
        let team = format!("/Groups/{}", entra.made("/Groups", &group("g", &[&asa, "ext-later"])).await);
        let one = format!("members[value eq \"{asa}\"]");
        let before = (entra.get(&path).await.body, entra.get(&team).await.body, look!(t, c => audit::count(c)));
        let rows = [
            (&path, json!([{ "op": "replace", "path": "name.givenName", "value": "Åsa" }])),
            (&path, json!([{ "op": "replace", "path": "name.givenName", "value": "A\u{30a}sa" }])),
            (&path, json!([{ "op": "add", "path": "emails", "value": [{ "type": "work", "value": "w@x" }] }])),
            (&path, json!([{ "op": "Replace", "path": "active", "value": "True" }])),
            (&path, json!([{ "op": "remove", "path": "nickName" }, { "op": "remove", "path": "emails[type eq \"q\"]" }])),
            (&path, json!([{ "op": "add", "path": "title", "value": "x" }, { "op": "remove", "path": "title" }])),
            (&path, json!([{ "op": "replace", "value": { "id": "other", "groups": [], "password": "p", "displayName": "asa" } }])),
            (&team, json!([{ "op": "add", "path": "members", "value": [{ "value": asa }] }])),
            (&team, json!([{ "op": "add", "path": "members", "value": [{ "value": "ext-later" }] }])),
            (&team, json!([{ "op": "add", "path": "members", "value": [{ "value": "ext-asa" }] }])),
            (&team, json!([{ "op": "replace", "path": one, "value": { "value": asa, "display": "Å" } }])),
            (&team, json!([{ "op": "replace", "path": format!("{one}.display"), "value": "Å" }])),
            (&team, json!([{ "op": "remove", "path": one }, { "op": "add", "path": "members", "value": [{ "value": asa }] }])),
            (&team, json!([{ "op": "Remove", "path": "members", "value": [] }])),
            (&team, json!([{ "op": "remove", "path": "members[value eq \"nobody\"]" }])),
            (&team, json!([{ "op": "replace", "path": "members", "value": [{ "value": asa }, { "value": "ext-later" }] }])),
            (&team, json!([{ "op": "replace", "value": { "displayName": "g", "members": null } }])),
        ];
        for (target, operations) in rows {
            house.clock.advance(jiff::SignedDuration::from_secs(1));
            let answer = entra.patched(target, &operations).await;
            assert!(answer.status.is_success(), "{operations}: {}", answer.body);
            assert_eq!(answer.headers[header::ETAG], "W/\"1\"", "{operations}");
            let after = (entra.get(&path).await.body, entra.get(&team).await.body, look!(t, c => audit::count(c)));
            assert_eq!(after, before, "{operations}");
        }
        for (target, body) in [(&path, before.0.clone()), (&team, before.1.clone())] {
            assert_eq!(entra.ask("PUT", target, &body).await.body, body, "what was read can be put back");
        }
    })
    .await;
}

#[tokio::test]
async fn who_was_added_by_any_of_their_ids_is_removed_by_any_of_them() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let asa = entra.made("/Users", &person("asa")).await;
        let bo = entra.made("/Users", &person("bo")).await;
        let team = entra.made("/Groups", &group("g", &[&bo])).await;
        let path = format!("/Groups/{team}");
        for added in [asa.as_str(), "ext-asa"] {
            for removed in [asa.as_str(), "ext-asa"] {
                let forms = [
                    json!({ "op": "Remove", "path": "members", "value": [{ "value": removed }] }),
                    json!({ "op": "remove", "path": format!("members[value eq \"{removed}\"]") }),
                    json!({ "op": "remove", "path": "members", "value": removed }),
                    json!({ "op": "remove", "path": "members", "value": [{ "$ref": format!("../Users/{removed}") }] }),
                ];
                for form in forms {
                    let add = json!([{ "op": "add", "path": "members", "value": [{ "value": added }] }]);
                    entra.change(&path, &add).await;
                    assert_eq!(entra.members(&team).await, [asa.as_str(), &bo], "{added}");
                    entra.change(&path, &json!([form])).await;
                    assert_eq!(entra.members(&team).await, [bo.as_str()], "added by {added}, {form}");
                }
            }
        }
    })
    .await;
}
