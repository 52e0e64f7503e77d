//! Access questions over HTTP, as a CRM asks them.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use portvakt::flows::decide::{self, Question, Who};
use portvakt::store::audit;
use serde_json::{Value, json};

use crate::association::{Association, MORNING};
use crate::engines::{look, on_each_engine};
use crate::house::Answer;

const ONE: &str = "/access/v1/evaluation";
const MANY: &str = "/access/v1/evaluations";

fn name(who: &str) -> String {
    format!("{who}@bjorkbacken.example")
}

fn question(who: &str, action: &str, component: &str, item: &str) -> Value {
    json!({
        "subject": { "type": "account", "id": name(who) },
        "action": { "name": action },
        "resource": { "type": component, "id": item },
    })
}

async fn ask(house: &Association, question: Value) -> Answer {
    let answer = house.crm(Method::POST, ONE, question).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer
}

/// The code of the answer; a yes that must be narrowed is `narrowed`.
async fn code(house: &Association, who: &str, action: &str, component: &str, item: &str) -> String {
    let body = ask(house, question(who, action, component, item)).await.body;
    let code = body["context"]["code"].as_str().expect("a code");
    assert_eq!(body["decision"], json!(code == "allowed"), "{body}");
    if body["context"]["narrowed"] == json!(true) { "narrowed".into() } else { code.to_owned() }
}

async fn tell(house: &Association, event: Value) {
    let answer = house.crm(Method::POST, "/api/v1/item-events", json!([event])).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.body["results"][0]["result"], "changed", "{}", answer.body);
}

#[tokio::test]
async fn each_kind_of_account_gets_the_answer_that_its_roles_limits_and_sectors_say() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        for (who, action, component, item, expected) in [
            ("anna", "view", "mailing", "1", "allowed"),
            ("anna", "edit", "project", "*", "allowed"),
            ("anna", "view", "member", "*", "allowed"),
            ("anna", "edit", "member", "7", "no_role"),
            ("anna", "view", "settings", "*", "no_role"),
            ("hanna", "view", "mailing", "*", "narrowed"),
            ("hanna", "create", "mailing", "*", "allowed"),
            ("hanna", "view", "mailing", "1", "item_not_linked"),
            ("hanna", "view", "email_case", "1", "no_sector"),
            ("hanna", "view", "member", "*", "no_sector"),
            ("hanna", "view", "settings", "*", "administration_closed"),
            ("hanna", "administer", "mailing", "*", "administration_closed"),
            ("hanna", "view", "project", "1", "no_role"),
            ("rut", "edit", "member", "7", "allowed"),
            ("rut", "edit", "mailing", "1", "no_role"),
            ("nils", "view", "mailing", "*", "no_role"),
            ("olga", "view", "mailing", "*", "unknown_account"),
            ("anna", "fly", "mailing", "*", "unknown_action"),
            ("anna", "view", "nonsense", "*", "unknown_component"),
            ("anna", "view", "Nonsense Å", "1", "unknown_component"),
        ] {
            let found = code(&house, who, action, component, item).await;
            assert_eq!(found, expected, "{who} {action} {component}/{item}");
        }
        let mut other = question("anna", "view", "mailing", "1");
        other["subject"]["type"] = json!("robot");
        assert_eq!(ask(&house, other).await.body["context"]["code"], "unknown_subject");
    })
    .await;
}

#[tokio::test]
async fn an_item_comes_into_sight_by_link_or_assignment_and_goes_when_it_is_reassigned() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let sees = async |who: &str, item: &str| code(&house, who, "edit", "mailing", item).await;
        tell(&house, json!({ "event": "created", "component": "mailing", "item": "1", "by": name("hanna") })).await;
        assert_eq!(sees("hanna", "1").await, "allowed");
        assert_eq!(sees("hugo", "1").await, "item_not_linked");

        let to = |assignee: Value| {
            json!({ "event": "assigned", "component": "mailing", "item": "2", "assignee": assignee })
        };
        tell(&house, to(json!({ "account": name("hanna") }))).await;
        assert_eq!(sees("hanna", "2").await, "allowed");
        tell(&house, to(json!({ "account": name("hugo") }))).await;
        assert_eq!((sees("hanna", "2").await.as_str(), sees("hugo", "2").await.as_str()), ("item_not_linked", "allowed"));
        tell(&house, to(json!({ "role": "communicator" }))).await;
        assert_eq!((sees("hanna", "2").await.as_str(), sees("hugo", "2").await.as_str()), ("allowed", "allowed"));
        tell(&house, to(Value::Null)).await;
        assert_eq!(sees("hugo", "2").await, "item_not_linked");
        // A link that was made when the item was created outlives the assignment.
        tell(&house, json!({ "event": "assigned", "component": "mailing", "item": "1", "assignee": { "account": name("hugo") } })).await;
        assert_eq!(sees("hanna", "1").await, "allowed");
    })
    .await;
}

#[tokio::test]
async fn the_sentence_comes_in_the_language_asked_for_or_the_accounts_own() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let said = async |who: &str, context: Value| {
            let mut asked = question(who, "view", "settings", "*");
            asked["context"] = context;
            ask(&house, asked).await.body["context"]["reason_user"].as_str().expect("a sentence").to_owned()
        };
        let swedish = said("hanna", json!({})).await;
        assert!(swedish.contains("begränsat") && swedish.contains("Kontakta styrelsen"), "{swedish}");
        assert!(said("hugo", json!({ "ip": "192.0.2.1" })).await.contains("Contact the board"));
        assert!(said("hanna", json!({ "language": "en-GB" })).await.contains("Your account is limited"));
        assert!(said("hanna", json!({ "language": "de" })).await.contains("Ditt konto"));
        let body = ask(&house, question("hanna", "view", "mailing", "*")).await.body;
        assert!(body["context"]["account_version"].as_i64().expect("a version") > 0, "{body}");
        assert!(
            body["context"]["reason_admin"].as_str().expect("a trace").starts_with("allowed: account active")
        );
    })
    .await;
}

#[tokio::test]
async fn the_past_is_answered_as_it_was() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let then = async |who: &str, at: &str| {
            let mut asked = question(who, "view", "mailing", "9");
            asked["context"] = json!({ "as_of": at });
            ask(&house, asked).await.body["context"]["code"].as_str().expect("a code").to_owned()
        };
        house.after_hours(24);
        tell(&house, json!({ "event": "assigned", "component": "mailing", "item": "9", "assignee": { "account": name("hanna") } })).await;
        house.after_hours(24);
        tell(&house, json!({ "event": "assigned", "component": "mailing", "item": "9", "assignee": { "account": name("hugo") } })).await;
        let late = house.person("late", "sv").await;
        let gone = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "active", "value": false }] });
        house.after_hours(24);
        let answer = house.scim(Method::PATCH, &format!("/scim/v2/entra/Users/{late}"), gone).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(then("hanna", MORNING).await, "item_not_linked");
        assert_eq!(then("hanna", "2026-03-03T20:00:00Z").await, "allowed");
        assert_eq!(then("hanna", "2026-03-04T20:00:00Z").await, "item_not_linked");
        assert_eq!(then("hugo", "2026-03-04T20:00:00Z").await, "allowed");
        assert_eq!(then("late", "2026-03-03T20:00:00Z").await, "unknown_account");
        assert_eq!(then("late", "2026-03-04T20:00:00Z").await, "no_role");
        assert_eq!(code(&house, "late", "view", "mailing", "*").await, "not_active");
    })
    .await;
}

#[tokio::test]
async fn a_name_that_two_accounts_bear_is_refused_and_never_guessed_at() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let all = house.crm(Method::GET, "/api/v1/accounts", Value::Null).await.body;
        let id = |number: usize| all["accounts"][number]["account"]["id"].as_str().expect("an id").to_owned();
        for (number, target) in [(0, "crm"), (1, "other")] {
            let account = portvakt::domain::ids::AccountId::parse(&id(number)).expect("an id");
            let target = portvakt::domain::ids::TargetId::parse(target).expect("a target");
            t.db.write::<_, portvakt::store::StoreError, _>(move |c| {
                Box::pin(async move { portvakt::store::account::set_crm_id(c, &target, account, "17").await })
            })
            .await
            .expect("the id is free");
        }
        let asked = Question {
            who: Who::Account("17".into()),
            action: "view".into(),
            component: "mailing".into(),
            item: None,
            language: None,
            as_of: None,
            min_version: None,
        };
        // From the command line no CRM asks, so that 17 may be either; over HTTP it is the asking CRM's own.
        let alone = decide::evaluate(&house.ports, None, &asked).await.expect("an answer");
        assert_eq!((alone.decision, alone.code), (false, "ambiguous_account"));
        let mut over_http = question("anna", "view", "mailing", "*");
        over_http["subject"]["id"] = json!("17");
        assert_eq!(ask(&house, over_http).await.body["context"]["account"], json!(id(0)));
    })
    .await;
}

#[tokio::test]
async fn the_flow_says_what_http_says() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        for (who, action, component) in
            [("anna", "view", "mailing"), ("hanna", "view", "member"), ("x", "y", "z")]
        {
            let body = ask(&house, question(who, action, component, "*")).await.body;
            let asked = Question {
                who: Who::Account(name(who)),
                action: action.into(),
                component: component.into(),
                item: None,
                language: None,
                as_of: None,
                min_version: None,
            };
            let answer = decide::evaluate(&house.ports, None, &asked).await.expect("an answer");
            assert_eq!(body["decision"], json!(answer.decision));
            assert_eq!(body["context"]["reason_user"], json!(answer.reason_user));
            assert_eq!(body["context"]["reason_admin"], json!(answer.reason_admin));
        }
    })
    .await;
}

#[tokio::test]
async fn several_questions_take_defaults_and_end_where_the_semantic_says() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let ask = async |semantic: &str| {
            let body = json!({
                "subject": { "type": "account", "id": name("anna") },
                "action": { "name": "view" },
                "context": { "language": "en" },
                "options": { "evaluations_semantic": semantic },
                "evaluations": [
                    { "resource": { "type": "mailing", "id": "1" } },
                    { "resource": { "type": "settings", "id": "*" } },
                    { "resource": { "type": "member" } },
                    { "action": { "name": "edit" }, "resource": { "type": "project", "id": "3" }, "extra": 1 },
                ],
            });
            let answer = house.crm(Method::POST, MANY, body).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
            answer.body["evaluations"].as_array().expect("a list").clone()
        };
        let all = ask("execute_all").await;
        let decisions: Vec<bool> = all.iter().map(|one| one["decision"].as_bool().expect("a decision")).collect();
        assert_eq!(decisions, [true, false, false, true]);
        let error = &all[2]["context"]["error"];
        assert_eq!(error["status"], 400);
        assert!(error["message"].as_str().expect("a text").starts_with("evaluations[2].resource"), "{error}");
        assert_eq!(ask("deny_on_first_deny").await.len(), 2);
        assert_eq!(ask("permit_on_first_permit").await.len(), 1);
        let single = house.crm(Method::POST, MANY, question("anna", "view", "mailing", "1")).await;
        assert_eq!(single.body["decision"], json!(true), "{}", single.body);
    })
    .await;
}

#[tokio::test]
async fn what_there_is_is_announced_and_nothing_more() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let request =
            Request::get("/.well-known/authzen-configuration").body(Body::empty()).expect("a request");
        let answer = house.answer(request).await;
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(
            answer.body,
            json!({
                "policy_decision_point": "https://portvakt.example",
                "access_evaluation_endpoint": "https://portvakt.example/access/v1/evaluation",
                "access_evaluations_endpoint": "https://portvakt.example/access/v1/evaluations",
                "search_subject_endpoint": "https://portvakt.example/access/v1/search/subject",
                "search_resource_endpoint": "https://portvakt.example/access/v1/search/resource",
                "search_action_endpoint": "https://portvakt.example/access/v1/search/action",
            })
        );
    })
    .await;
}

#[tokio::test]
async fn a_bad_question_is_told_what_is_wrong_and_changes_nothing() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        ask(&house, question("anna", "view", "mailing", "*")).await;
        let before = look!(t, c => audit::count(c));
        let mut wrong = Vec::new();
        for (pointer, value, says) in [
            ("/subject/id", json!(5), "subject.id"),
            ("/subject", json!("anna"), "subject"),
            ("/action", json!({}), "action"),
            ("/resource/type", Value::Null, "resource.type"),
            ("/resource/id", json!(" "), "resource.id"),
            ("/resource/id", json!("a\u{0}b"), "resource.id"),
        ] {
            let mut body = question("anna", "view", "mailing", "1");
            *body.pointer_mut(pointer).expect("a member") = value;
            wrong.push((body.to_string(), says));
        }
        let mut body = question("anna", "view", "mailing", "1");
        body["context"] = json!({ "as_of": "2030-01-01T00:00:00Z" });
        wrong.push((body.to_string(), "context.as_of"));
        body["context"] = json!({ "language": 1 });
        wrong.push((body.to_string(), "context.language"));
        wrong.push(("{\"subject\":".into(), "not JSON"));
        wrong.push((String::new(), "not JSON"));
        wrong.push(("[]".into(), "invalid length"));
        for (body, says) in wrong {
            let request =
                house.crm_request(Method::POST, ONE).body(Body::from(body.clone())).expect("a request");
            let answer = house.answer(request).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.body);
            assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
            let detail = answer.body["detail"].as_str().expect("a detail");
            assert!(detail.contains(says), "{body}: {detail}");
        }
        let mut nul = question("anna", "view", "mailing", "1");
        nul["subject"]["id"] = json!("an\u{0}na");
        assert_eq!(ask(&house, nul).await.body["context"]["code"], "unknown_account");
        assert_eq!(look!(t, c => audit::count(c)), before);
    })
    .await;
}

#[tokio::test]
async fn whoever_is_not_a_crm_of_ours_gets_no_answer() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let body = question("anna", "view", "mailing", "*").to_string();
        for token in ["", "Bearer", "Bearer nonsense", "Basic YTpi", &format!("Bearer {}", house.entra)] {
            let request = Request::post(ONE)
                .header(header::AUTHORIZATION, token)
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.clone()))
                .expect("a request");
            let answer = house.answer(request).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token:?}");
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
            assert!(answer.body["decision"].is_null());
        }
        let request = house.crm_request(Method::POST, ONE).header("x-request-id", "abc-1");
        let answer = house.answer(request.body(Body::from(body)).expect("a request")).await;
        assert_eq!(answer.headers["x-request-id"], "abc-1");
    })
    .await;
}
