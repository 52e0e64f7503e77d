//! Bulk requests, operation by operation (RFC 7644 §3.7).

use serde_json::{Value, json};

use super::{Client, ENTERPRISE, assert_error, patch, person};
use crate::engines::on_each_engine;
use crate::house::TestHouse;

async fn bulk(client: &Client<'_>, operations: &Value) -> Vec<Value> {
    let body =
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": operations });
    let answer = client.ask("POST", "/Bulk", &body).await;
    assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
    answer.body["Operations"].as_array().expect("operations").clone()
}

fn statuses(operations: &[Value]) -> Vec<&str> {
    operations.iter().map(|one| one["status"].as_str().expect("a status is a text")).collect()
}

fn user(bulk_id: &str, more: &Value) -> Value {
    let mut data = person(bulk_id);
    data.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": data })
}

#[tokio::test]
async fn what_refers_to_a_later_operation_waits_for_it_and_answers_keep_their_order() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let manager = json!({ (ENTERPRISE): { "manager": { "value": "bulkId:bo" } } });
        let operations = json!([
            { "method": "PATCH", "path": "/Groups/bulkId:g",
              "data": patch(&json!([{ "op": "remove", "path": "members[value eq \"bulkId:bo\"]" }])) },
            { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "bulkId",
              "members": [{ "value": "bulkId:asa" }, { "value": "bulkId:bo" }] } },
            user("asa", &manager),
            user("bo", &json!({})),
        ]);
        let done = bulk(&entra, &operations).await;
        assert_eq!(statuses(&done), ["200", "201", "201", "201"], "{done:?}");
        let methods: Vec<&str> = done.iter().map(|one| one["method"].as_str().expect("a method")).collect();
        assert_eq!(methods, ["PATCH", "POST", "POST", "POST"]);
        for one in &done {
            let place = one["location"].as_str().expect("a place");
            let path = place.strip_prefix("http://127.0.0.1:8080/scim/v2/entra").expect("our own address");
            let shown = entra.get(path).await;
            assert_eq!(shown.body["meta"]["location"], place);
        }
        let id = |index: usize| {
            done[index]["location"].as_str().and_then(|at| at.rsplit('/').next()).expect("an id")
        };
        assert_eq!(entra.members(id(1)).await, [id(2)]);
        let asa = entra.get(&format!("/Users/{}", id(2))).await.body;
        assert_eq!(asa[ENTERPRISE]["manager"]["value"], id(3));
        assert_eq!(done[1]["version"], "W/\"1\"", "each answer tells the version that it made");
        assert_eq!(done[0]["version"], "W/\"2\"");
    })
    .await;
}

#[tokio::test]
async fn an_unsound_operation_is_refused_for_itself() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let id = entra.made("/Users", &person("asa")).await;
        let path = format!("/Users/{id}");
        let title = |text: &str| patch(&json!([{ "op": "add", "path": "title", "value": text }]));
        let operations = json!([
            { "method": "GET", "path": path },
            { "method": "POST", "path": "/Users", "data": person("bo") },
            { "method": "POST", "path": "/Me", "bulkId": "m", "data": {} },
            { "method": "DELETE", "path": "/Users/bulkId:nobody" },
            { "method": "PATCH", "path": path, "version": "W/\"9\"", "data": title("A") },
            { "method": "PATCH", "path": path, "version": "W/\"1\"", "data": title("B") },
            { "method": "PUT", "path": path, "version": "*", "data": person("asa") },
            user("one", &json!({})),
            { "method": "POST", "path": "/Users", "bulkId": "one", "data": person("two") },
            { "method": "POST", "path": "/Users", "bulkId": "dup", "data": person("one") },
            { "method": "POST", "path": "/Groups", "bulkId": "h", "data": { "displayName": "H",
              "members": [{ "value": "bulkId:dup" }] } },
            7,
            { "method": "DELETE", "path": path },
            { "method": "DELETE", "path": path },
        ]);
        let done = bulk(&entra, &operations).await;
        let expected = [
            "400", "400", "400", "409", "412", "200", "200", "201", "400", "409", "409", "400", "204", "404",
        ];
        assert_eq!(statuses(&done), expected, "{done:#?}");
        for one in done.iter().filter(|one| one["status"].as_str() >= Some("4")) {
            assert_eq!(one["response"]["status"], one["status"], "{one}");
            assert!(one["location"].as_str().is_none_or(|at| !at.contains("bulkId:")), "{one}");
        }
        assert_eq!(done[8]["response"]["scimType"], "invalidValue", "a bulkId stands for one resource");
        assert_eq!(done[9]["response"]["scimType"], "uniqueness");
    })
    .await;
}

#[tokio::test]
async fn after_as_many_errors_as_are_allowed_the_rest_is_not_begun() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let gone = json!({ "method": "DELETE", "path": "/Users/nobody" });
        let body = json!({ "failOnErrors": 2, "Operations": [gone, user("asa", &json!({})), gone, user("bo", &json!({}))] });
        let answer = entra.ask("POST", "/Bulk", &body).await;
        let done = answer.body["Operations"].as_array().expect("operations").clone();
        assert_eq!(statuses(&done), ["404", "201", "404"]);
        assert_eq!(entra.found("/Users", "userName sw \"bo\"").await.len(), 0);
        for wrong in [json!(0), json!(-1), json!("1"), json!(1.5)] {
            let body = json!({ "failOnErrors": wrong, "Operations": [] });
            assert_error(&entra.ask("POST", "/Bulk", &body).await, 400, Some("invalidValue"), &wrong.to_string());
        }
        for wrong in [json!({}), json!([]), json!({ "Operations": {} })] {
            assert_error(&entra.ask("POST", "/Bulk", &wrong).await, 400, Some("invalidSyntax"), &wrong.to_string());
        }
    })
    .await;
}

#[tokio::test]
async fn groups_in_a_circle_get_each_other_or_neither_is_answered_as_created() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let boss = |own: &str, other: &str| {
            user(own, &json!({ (ENTERPRISE): { "manager": { "value": format!("bulkId:{other}") } } }))
        };
        let done = bulk(&entra, &json!([boss("asa", "bo"), boss("bo", "cia"), boss("cia", "asa")])).await;
        assert_eq!(statuses(&done), ["201", "201", "201"], "{done:?}");
        let id = |index: usize| {
            done[index]["location"].as_str().and_then(|at| at.rsplit('/').next()).expect("an id")
        };
        for (own, other) in [(0, 1), (1, 2), (2, 0)] {
            let shown = entra.get(&format!("/Users/{}", id(own))).await;
            assert_eq!(shown.body[ENTERPRISE]["manager"]["value"], id(other));
            assert_eq!(shown.body["meta"]["version"], done[own]["version"], "the version that was told");
        }
    })
    .await;
}
