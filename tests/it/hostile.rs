//! Requests that nobody in their right mind sends: refused, on both engines alike, and never a fault of ours.

use axum::http::StatusCode;
use portvakt::store::audit;
use serde_json::{Value, json};

use crate::engines::{look, on_each_engine};
use crate::house::TestHouse;

const USERS: &str = "/scim/v2/entra/Users";
const GROUPS: &str = "/scim/v2/entra/Groups";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

fn patch(operation: &Value) -> Value {
    json!({ "schemas": [PATCH], "Operations": [operation] })
}

/// A text that PostgreSQL cannot keep.
const NUL: &str = "a\u{0}b";

type Case = (&'static str, String, Value);

fn provisioned(user: &str, group: &str) -> Vec<Case> {
    let extension = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    vec![
        ("POST", USERS.into(), json!({ "userName": NUL })),
        ("POST", USERS.into(), json!({ "userName": "bo", "externalId": NUL })),
        ("POST", USERS.into(), json!({ "userName": "bo", "title": NUL })),
        ("POST", USERS.into(), json!({ "userName": "bo", extension: { "department": NUL } })),
        ("POST", USERS.into(), json!({ "userName": "bo", "urn:example:own": { NUL: NUL } })),
        ("PUT", user.into(), json!({ "userName": "asa", "displayName": NUL })),
        ("PATCH", user.into(), patch(&json!({ "op": "add", "path": "title", "value": NUL }))),
        ("PATCH", user.into(), patch(&json!({ "op": "add", "path": NUL, "value": "x" }))),
        ("PATCH", user.into(), patch(&json!({ "op": "add", "value": { "nickName": NUL } }))),
        ("POST", GROUPS.into(), json!({ "displayName": NUL })),
        ("POST", GROUPS.into(), json!({ "displayName": "h", "members": [{ "value": NUL }] })),
        (
            "PATCH",
            group.into(),
            patch(&json!({ "op": "add", "path": "members", "value": [{ "value": NUL }] })),
        ),
        (
            "PATCH",
            group.into(),
            patch(&json!({ "op": "remove", "path": "members", "value": [{ "value": NUL }] })),
        ),
        (
            "PATCH",
            group.into(),
            patch(&json!({ "op": "remove", "path": format!("members[value eq \"{NUL}\"]") })),
        ),
        ("PATCH", group.into(), patch(&json!({ "op": "remove", "path": "members[value eq \"a\\u0000b\"]" }))),
    ]
}

fn searched() -> Vec<Case> {
    let search = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
            "filter": format!("externalId eq \"{NUL}\"") });
    let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            { "method": "POST", "path": "/Users", "bulkId": NUL, "data": { "userName": NUL } }] });
    let filter = |text: &str| format!("{USERS}?filter={text}");
    vec![
        ("GET", filter("userName%20eq%20%22a%00b%22"), Value::Null),
        ("GET", filter("userName%20eq%20%22a%5Cu0000b%22"), Value::Null),
        ("GET", filter("externalId%20eq%20%22a%00b%22"), Value::Null),
        ("GET", filter("externalId%20eq%20%22a%5Cu0000b%22"), Value::Null),
        ("GET", filter("displayName%20eq%20%22a%5Cu0000b%22"), Value::Null),
        ("GET", filter("id%20eq%20%22%00%22"), Value::Null),
        ("GET", format!("{USERS}?cursor=%00&filter=%00&sortBy=%00&attributes=%00"), Value::Null),
        ("GET", format!("{USERS}/%00"), Value::Null),
        ("GET", format!("{GROUPS}/a%00b"), Value::Null),
        ("GET", "/scim/v2/%00/Users".into(), Value::Null),
        ("GET", "/scim/v2/entra/Schemas/%00".into(), Value::Null),
        ("POST", "/scim/v2/entra/.search".into(), search),
        ("POST", "/scim/v2/entra/Bulk".into(), bulk),
    ]
}

/// What a CRM asks and tells, and what a browser brings.
fn asked() -> Vec<Case> {
    let ask = json!({ "subject": { "type": "account", "id": NUL }, "action": { "name": NUL },
            "resource": { "type": NUL, "id": NUL } });
    let known = json!({ "subject": { "type": "account", "id": "asa" }, "action": { "name": "view" },
            "resource": { "type": "mailing", "id": NUL } });
    let event = json!([{ "event": "created", "component": "mailing", "item": NUL, "by": NUL,
            "project": NUL, "assignee": { "role": NUL }, "participants": [NUL] }]);
    vec![
        ("POST", "/access/v1/evaluation".into(), ask.clone()),
        ("POST", "/access/v1/evaluation".into(), known),
        ("POST", "/access/v1/evaluations".into(), json!({ "evaluations": [ask, NUL] })),
        ("POST", "/api/v1/sign-ins".into(), json!([{ "account": NUL, "at": NUL }])),
        ("POST", "/api/v1/item-events".into(), event),
        ("GET", "/api/v1/accounts/a%00b".into(), Value::Null),
        ("GET", "/api/v1/accounts/%FF".into(), Value::Null),
        ("GET", "/api/v1/accounts?cursor=%00".into(), Value::Null),
        ("PUT", "/api/v1/accounts/asa/crm-id".into(), json!({ "crm_id": NUL })),
        ("GET", "/sso/login?directory=%00&return_to=%00".into(), Value::Null),
        ("GET", "/sso/login?directory=entra&acr_values=%00&max_age=%00&prompt=%00".into(), Value::Null),
        ("GET", "/sso/callback?state=%00&code=%00&iss=%00".into(), Value::Null),
        ("GET", "/sso/verify?component=%00&action=%00&acr=%00&answer=%00".into(), Value::Null),
        ("GET", "/sso/refused?component=%00&action=%00".into(), Value::Null),
        ("GET", "/sso/invite?code=%00".into(), Value::Null),
        ("POST", "/sso/backchannel-logout/%00".into(), Value::Null),
    ]
}

#[tokio::test]
async fn a_nul_anywhere_is_the_callers_mistake_and_not_the_databases() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let (entra, crm) = (house.directory_token("entra").await, house.target_token("crm").await);
        let made = house.send("POST", USERS, &entra, &json!({ "userName": "asa", "externalId": "x" })).await;
        let user = format!("{USERS}/{}", made.body["id"].as_str().expect("an id"));
        let made =
            house.send("POST", GROUPS, &entra, &json!({ "displayName": "g", "externalId": "g" })).await;
        let group = format!("{GROUPS}/{}", made.body["id"].as_str().expect("an id"));
        let before = look!(t, c => audit::count(c));
        let cases = provisioned(&user, &group).into_iter().map(|case| (case, &entra));
        let cases = cases.chain(searched().into_iter().map(|case| (case, &entra)));
        let cases = cases.chain(asked().into_iter().map(|case| (case, &crm)));
        for ((method, path, body), token) in cases {
            let answer = house.send(method, &path, token, &body).await;
            assert!(!answer.status.is_server_error(), "{method} {path} {body}: {answer:?}");
        }
        let told = look!(t, c => audit::newest(c, 100));
        let count = look!(t, c => audit::count(c));
        let new = usize::try_from(count - before).expect("a number");
        let mut kinds: Vec<&str> = told.iter().take(new).map(|entry| entry.action.as_str()).collect();
        kinds.retain(|kind| *kind != "sign_ins_reported");
        assert_eq!(kinds, ["invite_refused"], "the first wrong code is told, and nothing else");
    })
    .await;
}

#[tokio::test]
async fn a_bulk_resource_that_lacks_its_references_is_not_answered_as_created() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let named = |id: &str, member: &str| {
            json!({ "displayName": id, "externalId": id,
            "members": [{ "value": format!("bulkId:{member}") }] })
        };
        let standing = json!({ "displayName": "taken", "externalId": "taken" });
        house.send("POST", GROUPS, &token, &standing).await;
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
            { "method": "POST", "path": "/Groups", "bulkId": "one", "data": named("free", "two") },
            { "method": "POST", "path": "/Groups", "bulkId": "two", "data": named("taken", "one") }] });
        let answer = house.send("POST", "/scim/v2/entra/Bulk", &token, &body).await;
        assert_eq!(answer.status, StatusCode::OK);
        let statuses: Vec<&Value> =
            answer.body["Operations"].as_array().expect("operations").iter().map(|o| &o["status"]).collect();
        assert_eq!(statuses, [&json!("409"), &json!("409")], "{}", answer.body);
    })
    .await;
}
