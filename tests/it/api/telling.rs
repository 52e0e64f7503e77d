//! What a CRM tells, row by row, and the accounts that it reads back.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use portvakt::domain::actor::Subject;
use portvakt::domain::grant::ItemRef;
use portvakt::domain::ids::{AccountId, ComponentId};
use portvakt::domain::policy::EvidenceSource;
use portvakt::store::{audit, evidence, item, link};
use serde_json::{Value, json};

use crate::association::{Association, MORNING};
use crate::engines::{TestDb, look, on_each_engine};
use crate::house::at;

const SIGN_INS: &str = "/api/v1/sign-ins";
const EVENTS: &str = "/api/v1/item-events";
const ACCOUNTS: &str = "/api/v1/accounts";

fn name(who: &str) -> String {
    format!("{who}@bjorkbacken.example")
}

async fn post(house: &Association, path: &str, body: Value) -> Value {
    let answer = house.crm(Method::POST, path, body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

fn results(body: &Value) -> Vec<&str> {
    let rows = body["results"].as_array().expect("results");
    rows.iter().map(|row| row["result"].as_str().expect("a result")).collect()
}

async fn show(house: &Association, id: &str) -> Value {
    let answer = house.crm(Method::GET, &format!("{ACCOUNTS}/{id}"), Value::Null).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

async fn newest(t: &TestDb) -> (String, Option<Value>) {
    let entries = look!(t, c => audit::newest(c, 1));
    (entries[0].action.clone(), entries[0].after.clone())
}

#[tokio::test]
async fn each_sign_in_is_answered_for_itself_and_last_seen_never_moves_back() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let rows = json!([
            { "account": name("anna"), "at": "2026-03-01T08:00:00Z" },
            { "account": name("ANNA").to_uppercase(), "at": "2026-02-01T08:00:00Z" },
            { "account": name("olga"), "at": "2026-03-01T08:00:00Z" },
            { "account": name("hanna"), "at": "2026-03-02T08:04:00Z" },
            { "account": name("rut"), "at": "2026-03-02T08:06:00Z" },
            { "account": name("rut"), "at": "yesterday" },
            { "account": 5, "at": "2026-03-01T08:00:00Z" },
            { "account": "a\u{0}b", "at": "2026-03-01T08:00:00Z" },
            7,
        ]);
        let body = post(&house, SIGN_INS, rows.clone()).await;
        assert_eq!(
            results(&body),
            [
                "recorded",
                "recorded",
                "unknown_account",
                "recorded",
                "in_future",
                "invalid",
                "invalid",
                "unknown_account",
                "invalid"
            ]
        );
        assert_eq!(body["recorded"], 3);
        assert!(body["results"][6]["detail"].as_str().expect("a detail").starts_with("account: "), "{body}");
        let (action, counts) = newest(t).await;
        assert_eq!(action, "sign_ins_reported");
        assert_eq!(counts.expect("counts")["in_future"], 1);
        let again = post(&house, SIGN_INS, rows).await;
        assert_eq!(results(&again)[..4], ["older", "older", "unknown_account", "older"]);
        let anna = show(&house, &name("anna")).await;
        assert_eq!(anna["last_seen"], "2026-03-01T08:00:00Z");
        assert_eq!(anna["evidence"], json!({ "crm": "2026-03-01T08:00:00Z" }));
    })
    .await;
}

#[tokio::test]
async fn an_empty_list_says_alive_and_a_list_of_nonsense_does_not() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let fresh = async || {
            let health = look!(t, c => evidence::health(c));
            let own = health.into_iter().find(|one| one.source == EvidenceSource::Crm && one.scope == "crm");
            own.and_then(|one| one.last_success)
        };
        post(&house, SIGN_INS, json!([{ "account": name("anna"), "at": "2027-01-01T00:00:00Z" }])).await;
        assert_eq!(fresh().await, None);
        assert_eq!(post(&house, SIGN_INS, json!([])).await, json!({ "recorded": 0, "results": [] }));
        assert_eq!(fresh().await, Some(at(MORNING)));
        house.after_hours(1);
        post(&house, SIGN_INS, json!([{ "account": "nobody", "at": MORNING }])).await;
        assert_eq!(fresh().await, Some(at("2026-03-02T09:00:00Z")));
    })
    .await;
}

#[tokio::test]
async fn events_say_what_came_and_went_and_a_bad_one_refuses_only_itself() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let (anna, hanna, hugo) = (name("anna"), name("hanna"), name("hugo"));
        let batch = json!([
            { "event": "created", "component": "board_discussion", "item": "5", "by": anna, "participants": [anna, hanna] },
            { "event": "created", "component": "nonsense", "item": "5" },
            { "event": "participants", "component": "board_discussion", "item": "5", "participants": [hanna, hugo] },
            { "event": "assigned", "component": "mailing", "item": "6" },
            { "event": "assigned", "component": "mailing", "item": "6", "assignee": { "role": "king" } },
            { "event": "assigned", "component": "mailing", "item": "6", "assignee": { "account": "olga" } },
            { "event": "assigned", "component": "mailing", "item": "6", "assignee": { "role": "communicator" } },
            { "event": "created", "component": "note", "item": "a\nb" },
            { "event": "created", "component": "note", "item": "8", "by": hanna, "project": "214" },
            { "event": "created", "component": "note", "item": "9", "at": "2027-01-01T00:00:00Z" },
            { "event": "exploded", "component": "note", "item": "8" },
            { "component": "note", "item": 8 },
        ]);
        let body = post(&house, EVENTS, batch.clone()).await;
        let expected = [
            "changed", "refused", "changed", "refused", "refused", "refused", "changed", "refused", "changed", "refused",
            "refused", "refused",
        ];
        assert_eq!(results(&body), expected, "{body}");
        let codes: Vec<&str> = body["results"].as_array().expect("rows").iter().filter_map(|row| row["code"].as_str()).collect();
        assert_eq!(
            codes,
            ["unknown_component", "incomplete", "unknown_role", "unknown_account", "invalid", "in_future", "unknown_event", "invalid"]
        );
        let id = show(&house, &hugo).await["account"]["id"].clone();
        assert_eq!(body["results"][2]["links_came"], json!([{ "account": id, "origin": "participant" }]));
        assert_eq!(body["results"][2]["links_went"].as_array().expect("a list").len(), 1);
        assert_eq!(body["results"][6]["assignment"], json!({ "from": null, "to": { "role": "communicator" } }));
        assert_eq!(body["results"][8]["links_came"].as_array().expect("a list").len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_repeated_batch_leads_to_the_same_state() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let hanna = name("hanna");
        let batch = json!([
            { "event": "created", "component": "mailing", "item": "1", "by": hanna, "project": "3" },
            { "event": "assigned", "component": "mailing", "item": "1", "assignee": { "account": hanna } },
            { "event": "deleted", "component": "mailing", "item": "2" },
        ]);
        post(&house, EVENTS, batch.clone()).await;
        let one = ItemRef::parse(ComponentId::parse("mailing").expect("a name"), "1").expect("an item");
        let state = async || {
            let links = look!(t, c => link::of_item(c, &one, None));
            (links, look!(t, c => item::assignee(c, &one, None)), look!(t, c => audit::count(c)))
        };
        let before = state().await;
        assert_eq!(before.0.len(), 2);
        house.after_hours(1);
        let again = post(&house, EVENTS, batch).await;
        assert_eq!(results(&again), ["unchanged", "unchanged", "unchanged"]);
        assert_eq!(state().await, before);
        let subject = Subject::new("item", "mailing/1");
        let told: Vec<String> =
            look!(t, c => audit::about(c, &subject, 9)).into_iter().map(|entry| entry.action).collect();
        assert_eq!(told.len(), 2, "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn a_deleted_item_stays_gone_until_it_is_created_again() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let event = |kind: &str| json!({ "event": kind, "component": "mailing", "item": "1", "by": name("hanna") });
        let late = json!({ "event": "assigned", "component": "mailing", "item": "1", "assignee": { "account": name("hanna") } });
        let body = post(&house, EVENTS, json!([event("created"), event("deleted"), late, event("created")])).await;
        assert_eq!(results(&body), ["changed", "changed", "refused", "changed"], "{body}");
        assert_eq!(body["results"][2]["code"], "item_deleted");
        let one = ItemRef::parse(ComponentId::parse("mailing").expect("a name"), "1").expect("an item");
        assert_eq!(look!(t, c => link::of_item(c, &one, None)).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn accounts_are_read_page_by_page_as_crms_are_told_of_them() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let (mut names, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let body = house.crm(Method::GET, &format!("{ACCOUNTS}?limit=2{cursor}"), Value::Null).await.body;
            names.extend(
                body["accounts"]
                    .as_array()
                    .expect("a list")
                    .iter()
                    .map(|one| one["account"]["user_name"].clone()),
            );
            pages += 1;
            let Some(next) = body["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!((names.len(), pages), (5, 3));
        let hanna = show(&house, &name("hanna")).await;
        let account = &hanna["account"];
        assert_eq!(hanna["type"], "account.state");
        assert_eq!(account["roles"], json!(["communicator"]));
        assert_eq!(account["modules"], json!(["communication"]));
        assert_eq!((&account["limited"], &account["item_restricted"]), (&json!(true), &json!(true)));
        assert_eq!(account["sectors"], json!(["mailings"]));
        assert_eq!(account["status"], "active");
        assert_eq!(account["external_ids"], json!({ "entra": "oid-hanna" }));
        assert!(hanna["last_seen"].is_null() && hanna["version"].as_i64().expect("a version") > 0);
    })
    .await;
}

#[tokio::test]
async fn a_crm_teaches_its_own_id_once_and_is_understood_by_it() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        let teach = async |who: &str, id: &str| {
            let path = format!("{ACCOUNTS}/{}/crm-id", name(who));
            house.crm(Method::PUT, &path, json!({ "crm_id": id })).await.status
        };
        assert_eq!(teach("anna", "4711").await, StatusCode::OK);
        let anna = show(&house, "4711").await;
        assert_eq!(
            (&anna["account"]["user_name"], &anna["account"]["crm_id"]),
            (&json!(name("anna")), &json!("4711"))
        );
        let before = look!(t, c => audit::count(c));
        assert_eq!(teach("anna", "4711").await, StatusCode::OK);
        assert_eq!(teach("hanna", "4711").await, StatusCode::CONFLICT);
        assert_eq!(teach("anna", "4712").await, StatusCode::CONFLICT);
        assert_eq!(teach("olga", "1").await, StatusCode::NOT_FOUND);
        assert_eq!(teach("anna", " ").await, StatusCode::BAD_REQUEST);
        assert_eq!(look!(t, c => audit::count(c)), before);
        let id = AccountId::parse(anna["account"]["id"].as_str().expect("an id")).expect("an id");
        let entries = look!(t, c => audit::about(c, &Subject::new("account", id), 1));
        assert_eq!(entries[0].action, "crm_id_learnt");
        assert_eq!(entries[0].actor, "target:crm");
    })
    .await;
}

#[tokio::test]
async fn bad_requests_are_refused_in_words_and_change_nothing() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        post(&house, SIGN_INS, json!([])).await;
        let before = look!(t, c => audit::count(c));
        let many = |rows: usize, row: Value| Value::Array(vec![row; rows]).to_string();
        let row = json!({ "account": "x", "at": MORNING });
        let (post, get, put) = (Method::POST, Method::GET, Method::PUT);
        for (method, path, body, status, says) in [
            (&post, SIGN_INS, "[".to_owned(), 400, "not JSON"),
            (&post, SIGN_INS, "{}".to_owned(), 400, "expected a sequence"),
            (&post, SIGN_INS, many(10_001, row), 400, "at most 10000"),
            (&post, SIGN_INS, format!("[\"{}\"]", "x".repeat(1_048_576)), 413, "request_limit_bytes"),
            (&post, EVENTS, many(1_001, json!({})), 400, "at most 1000"),
            (&post, EVENTS, "null".to_owned(), 400, "expected a sequence"),
            (&get, SIGN_INS, String::new(), 405, "method"),
            (&put, ACCOUNTS, String::new(), 405, "method"),
            (&get, "/api/v1/nothing", String::new(), 404, "address"),
            (&get, "/api/v1/accounts/nobody", String::new(), 404, "nobody"),
            (&get, "/api/v1/accounts?limit=0", String::new(), 400, "limit"),
            (&get, "/api/v1/accounts?limit=1001", String::new(), 400, "limit"),
            (&get, "/api/v1/accounts?limit=many", String::new(), 400, "limit"),
            (&get, "/api/v1/accounts?cursor=x", String::new(), 400, "cursor"),
            (&get, "/api/v1/accounts?page=2", String::new(), 400, "page"),
            (&put, "/api/v1/accounts/x/crm-id", "{\"crm_id\": 5}".to_owned(), 400, "crm_id"),
        ] {
            let request = house.crm_request(method.clone(), path).body(Body::from(body)).expect("a request");
            let answer = house.answer(request).await;
            assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.body);
            let detail = answer.body["detail"].as_str().expect("a detail");
            assert!(detail.contains(says), "{method} {path}: {detail}");
        }
        for (method, path) in [
            (&post, SIGN_INS),
            (&post, EVENTS),
            (&get, ACCOUNTS),
            (&get, "/api/v1/accounts/x"),
            (&put, "/api/v1/accounts/x/crm-id"),
        ] {
            let bare = Request::builder().method(method).uri(path).body(Body::empty()).expect("a request");
            assert_eq!(house.answer(bare).await.status, StatusCode::UNAUTHORIZED, "{path}");
            let foreign = Request::builder()
                .method(method)
                .uri(path)
                .header(header::AUTHORIZATION, format!("Bearer {}", house.entra));
            let answer = house.answer(foreign.body(Body::empty()).expect("a request")).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        }
        let plain = Request::post(SIGN_INS).header(header::AUTHORIZATION, format!("Bearer {}", house.crm));
        let answer = house.answer(plain.body(Body::from("[]")).expect("a request")).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        assert_eq!(look!(t, c => audit::count(c)), before);
    })
    .await;
}
