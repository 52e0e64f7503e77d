//! The examples of the specification (`OpenID AuthZEN` 1.0), with its own names and with ours.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};

use super::events::tell;
use super::stories::{give, name, role};
use crate::association::Association;
use crate::engines::on_each_engine;
use crate::house::Answer;

async fn post(house: &Association, path: &str, body: &Value) -> Answer {
    house.crm(Method::POST, path, body.clone()).await
}

fn decisions(answer: &Answer) -> Vec<bool> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let list = answer.body["evaluations"].as_array().expect("evaluations");
    list.iter().map(|one| one["decision"].as_bool().expect("a decision")).collect()
}

/// §5, §6: the specification's own subjects, actions and resources are unknown here, and refused as such.
#[tokio::test]
async fn what_the_specification_asks_in_its_own_words_is_a_no_and_not_an_error() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        for body in [
            json!({ "subject": { "type": "user", "id": "alice@example.com" }, "resource": { "type": "account", "id": "123" },
                "action": { "name": "can_read", "properties": { "method": "GET" } }, "context": { "time": "1985-10-26T01:22-07:00" } }),
            json!({ "subject": { "type": "user", "id": "alice@example.com", "properties": { "department": "Sales",
                "ip_address": "172.217.22.14", "device_id": "8:65:ee:17:7e:0b" } },
                "resource": { "type": "book", "id": "123", "properties": { "library_record": { "title": "AuthZEN in Action", "isbn": "978-0593383322" } } },
                "action": { "name": "extend_loan", "properties": { "period": "2W" } }, "context": {} }),
        ] {
            let answer = post(&house, "/access/v1/evaluation", &body).await;
            assert_eq!((answer.status, &answer.body["decision"]), (StatusCode::OK, &json!(false)), "{}", answer.body);
            assert_eq!(answer.body["context"]["code"], "unknown_action");
        }
    })
    .await;
}

/// §7.1: three questions without defaults, with a subject and a context in common, and with an action that one overrides.
#[tokio::test]
async fn three_questions_have_the_same_answers_however_much_of_them_is_a_default() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let anna = json!({ "type": "account", "id": name("anna") });
        let context = json!({ "time": "2024-05-31T15:22-07:00" });
        let resource = |kind: &str| json!({ "type": kind, "id": "1" });
        let (view, edit) = (json!({ "name": "view" }), json!({ "name": "edit" }));
        let whole = json!({ "evaluations": [
            { "subject": anna, "action": view, "resource": resource("mailing"), "context": context },
            { "subject": anna, "action": view, "resource": resource("member"), "context": context },
            { "subject": anna, "action": edit, "resource": resource("member"), "context": context },
        ]});
        let shared = json!({ "subject": anna, "context": context, "evaluations": [
            { "action": view, "resource": resource("mailing") },
            { "action": view, "resource": resource("member") },
            { "action": edit, "resource": resource("member") },
        ]});
        let overridden = json!({ "subject": anna, "context": context, "action": view, "evaluations": [
            { "resource": resource("mailing") },
            { "resource": resource("member") },
            { "action": edit, "resource": resource("member") },
        ]});
        for body in [whole, shared, overridden] {
            assert_eq!(decisions(&post(&house, "/access/v1/evaluations", &body).await), [true, true, false]);
        }
    })
    .await;
}

/// §7.1.2.1: yes, no, yes; and what each semantic leaves of it. Unknown options are passed over.
#[tokio::test]
async fn each_semantic_stops_where_the_specification_says() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let ask = async |semantic: Value| {
            let body = json!({
                "subject": { "type": "account", "id": name("anna") },
                "action": { "name": "view" },
                "options": { "evaluations_semantic": semantic, "another_option": "value" },
                "evaluations": [
                    { "resource": { "type": "mailing", "id": "1" } },
                    { "resource": { "type": "settings", "id": "2" } },
                    { "resource": { "type": "member", "id": "3" } },
                ],
            });
            post(&house, "/access/v1/evaluations", &body).await
        };
        assert_eq!(decisions(&ask(json!("execute_all")).await), [true, false, true]);
        assert_eq!(decisions(&ask(json!("deny_on_first_deny")).await), [true, false]);
        assert_eq!(decisions(&ask(json!("permit_on_first_permit")).await), [true]);
        let wrong = ask(json!("first_come")).await;
        assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
        assert!(wrong.body["detail"].as_str().unwrap().contains("evaluations_semantic"), "{}", wrong.body);
        let mut plain = json!({ "subject": { "type": "account", "id": name("anna") }, "action": { "name": "view" },
            "resource": { "type": "mailing", "id": "1" }, "evaluations": [] });
        assert_eq!(post(&house, "/access/v1/evaluations", &plain).await.body["decision"], json!(true));
        plain.as_object_mut().unwrap().remove("resource");
        assert_eq!(post(&house, "/access/v1/evaluations", &plain).await.status, StatusCode::BAD_REQUEST);
    })
    .await;
}

/// §8.2.3: three results on pages of two; the second request names only the token.
#[tokio::test]
async fn three_items_come_on_a_page_of_two_and_a_page_of_one() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let created = |item: &str| json!({ "event": "created", "component": "mailing", "item": item, "by": name("hanna") });
        tell(&house, json!([created("123"), created("456"), created("789")])).await;
        let mut body = json!({ "subject": { "type": "account", "id": name("hanna") }, "action": { "name": "view" },
            "resource": { "type": "mailing" }, "page": { "limit": 2 } });
        let first = post(&house, "/access/v1/search/resource", &body).await.body;
        assert_eq!(first["results"], json!([{ "type": "mailing", "id": "123" }, { "type": "mailing", "id": "456" }]));
        assert_eq!(first["page"]["count"], 2);
        // The page comes first, so that whoever reads on the way knows how much there is (§8.3).
        assert_eq!(first.as_object().unwrap().keys().next().unwrap(), "page");
        body["page"] = json!({ "token": first["page"]["next_token"] });
        let second = post(&house, "/access/v1/search/resource", &body).await.body;
        assert_eq!(second["results"], json!([{ "type": "mailing", "id": "789" }]));
        assert_eq!(second["page"], json!({ "next_token": "", "count": 1 }));
    })
    .await;
}

/// §10.1.3: the same identifier comes back, whatever it is made of.
#[tokio::test]
async fn the_identifier_of_a_request_comes_back_as_it_was_sent() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        for path in ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"] {
            for id in ["bfe9eb29-ab87-4ca3-be83-a1d5d8305716", "any string = {\"even\": this/one}"] {
                let request = house
                    .crm_request(Method::POST, &format!("/access/v1/{path}"))
                    .header("x-request-id", id)
                    .body(Body::from("{}"))
                    .unwrap();
                let answer = house.answer(request).await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST);
                assert_eq!(answer.headers["x-request-id"], id, "{path}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_answer_older_than_the_version_the_caller_knows_is_an_error_and_never_a_yes() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let ask = async |min_version: Value, who: &str| {
            let body = json!({ "subject": { "type": "account", "id": name(who) }, "action": { "name": "view" },
                "resource": { "type": "mailing", "id": "1" }, "context": { "min_version": min_version } });
            post(&house, "/access/v1/evaluation", &body).await
        };
        give(&house, "nils", role("communicator")).await;
        let version = ask(Value::Null, "nils").await.body["context"]["account_version"].as_i64().unwrap();
        assert_eq!(ask(json!(version), "nils").await.body["decision"], json!(true));
        let newer = ask(json!(version + 1), "nils").await;
        assert_eq!((newer.status, &newer.body["code"]), (StatusCode::CONFLICT, &json!("too_old")));
        assert!(newer.body["detail"].as_str().unwrap().contains(&format!("version {version} of the account")));
        assert_eq!(ask(json!(1), "nobody").await.status, StatusCode::CONFLICT);
        assert_eq!(ask(json!("new"), "nils").await.status, StatusCode::BAD_REQUEST);
        let several = json!({ "subject": { "type": "account", "id": name("nils") }, "action": { "name": "view" },
            "resource": { "type": "mailing", "id": "1" },
            "evaluations": [{}, { "context": { "min_version": version + 1 } }, {}] });
        let answer = post(&house, "/access/v1/evaluations", &several).await;
        assert_eq!(decisions(&answer), [true, false, true]);
        assert_eq!(answer.body["evaluations"][1]["context"]["error"]["status"], 409);
        let found = json!({ "subject": { "type": "account", "id": name("nils") }, "action": { "name": "view" },
            "resource": { "type": "mailing" }, "context": { "min_version": version + 1 } });
        assert_eq!(post(&house, "/access/v1/search/resource", &found).await.status, StatusCode::CONFLICT);
    })
    .await;
}

#[tokio::test]
async fn an_answer_tells_code_rule_trace_and_the_sentence_with_whom_to_contact() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let body = json!({ "subject": { "type": "account", "id": name("anna") }, "action": { "name": "view" }, "resource": { "type": "member", "id": "1" } });
        let yes = post(&house, "/access/v1/evaluation", &body).await.body;
        assert_eq!(yes["context"]["rule"], "board");
        assert!(yes["context"]["trace"].as_array().unwrap().len() >= 5, "{yes}");
        let body = json!({ "subject": { "type": "account", "id": name("nils") }, "action": { "name": "view" }, "resource": { "type": "member", "id": "1" }, "context": { "language": "en" } });
        let no = post(&house, "/access/v1/evaluation", &body).await.body;
        assert_eq!((&no["context"]["code"], &no["context"]["rule"]), (&json!("no_role"), &Value::Null));
        assert!(no["context"]["reason_user"].as_str().unwrap().ends_with("Contact the board (styrelsen@bjorkbacken.example)."));
    })
    .await;
}
