//! The searches: whole, in pages, and never otherwise than the evaluation.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use portvakt::domain::grant::GrantKind;
use portvakt::flows::people::{self, ForWhom, Lasting};
use serde_json::{Value, json};

use super::events::tell;
use super::stories::{code, give, name, operator, role, to_item};
use crate::association::Association;
use crate::engines::on_each_engine;

fn subject(who: &str) -> Value {
    json!({ "type": "account", "id": name(who) })
}

async fn search(house: &Association, what: &str, body: Value) -> Value {
    let answer = house.crm(Method::POST, &format!("/access/v1/search/{what}"), body).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.body["page"]["count"], json!(answer.body["results"].as_array().unwrap().len()));
    answer.body
}

/// Every page of a search; gives the ids (or names) and how many pages it took.
async fn pages(house: &Association, what: &str, body: Value, limit: usize) -> (Vec<String>, usize) {
    let (mut found, mut token, mut count) = (Vec::new(), String::new(), 0);
    for _ in 0..1_000 {
        let mut body = body.clone();
        body["page"] = json!({ "limit": limit, "token": token });
        let page = search(house, what, body).await;
        count += 1;
        let results = page["results"].as_array().unwrap();
        assert!(results.len() <= limit);
        let shown = |one: &Value| one.get("id").or(one.get("name")).unwrap().as_str().unwrap().to_owned();
        found.extend(results.iter().map(shown));
        token = page["page"]["next_token"].as_str().expect("a token").to_owned();
        if token.is_empty() {
            return (found, count);
        }
    }
    panic!("the pages of {what} never end");
}

/// Mailings 0 to 8 of Hanna, 9 to 17 of Hugo, 18 and 19 of nobody; 0 is deleted again.
async fn with_items(house: &Association) {
    let mut events: Vec<Value> = (0..20)
        .map(|number| {
            let by = if number < 9 { Some("hanna") } else if number < 18 { Some("hugo") } else { None };
            json!({ "event": "created", "component": "mailing", "item": format!("u{number:02}"), "by": by.map(name) })
        })
        .collect();
    events.push(json!({ "event": "deleted", "component": "mailing", "item": "u00" }));
    events.push(json!({ "event": "assigned", "component": "mailing", "item": "u18", "assignee": { "account": name("hanna") } }));
    events.push(json!({ "event": "assigned", "component": "mailing", "item": "u02", "assignee": { "account": name("hanna") } }));
    tell(house, Value::Array(events)).await;
    let wanted = to_item(ForWhom::Role("communicator".into()), "mailing", "u19");
    people::link(&house.ports, &operator(house), wanted, Lasting::AsUsual, "all").await.unwrap();
}

#[tokio::test]
async fn a_restricted_account_finds_each_item_it_sees_once_and_no_other_on_pages_of_any_size() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        with_items(&house).await;
        let body = json!({ "subject": subject("hanna"), "action": { "name": "view" }, "resource": { "type": "mailing" } });
        let expected: BTreeSet<String> =
            [1, 2, 3, 4, 5, 6, 7, 8, 18, 19].iter().map(|number| format!("u{number:02}")).collect();
        for limit in [1, 3, 9, 10, 11, 1_000] {
            let (found, count) = pages(&house, "resource", body.clone(), limit).await;
            let set: BTreeSet<String> = found.iter().cloned().collect();
            assert_eq!((set.len(), &set), (found.len(), &expected), "pages of {limit}");
            assert_eq!(count, expected.len().div_ceil(limit), "pages of {limit}");
        }
        for number in 0..20 {
            let item = format!("u{number:02}");
            let allowed = code(&house, "hanna", "view", "mailing", &item).await == "allowed";
            assert_eq!(allowed, expected.contains(&item), "{item}");
        }
        let whole = search(&house, "resource", body).await;
        assert_eq!((&whole["context"]["narrowed"], &whole["page"]["next_token"]), (&json!(true), &json!("")));
        assert_eq!(whole["results"][0], json!({ "type": "mailing", "id": "u01" }));
    })
    .await;
}

#[tokio::test]
async fn who_sees_everything_finds_the_component_as_a_whole_and_then_every_known_item() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        with_items(&house).await;
        let body = json!({ "subject": subject("anna"), "action": { "name": "edit" }, "resource": { "type": "mailing", "id": "ignored" } });
        for limit in [1, 2, 19, 20, 21] {
            let (found, _) = pages(&house, "resource", body.clone(), limit).await;
            assert_eq!((found.len(), found[0].as_str()), (20, "*"), "pages of {limit}");
            assert!(!found.contains(&"u00".to_owned()));
        }
        let none = json!({ "subject": subject("nils"), "action": { "name": "edit" }, "resource": { "type": "mailing" } });
        let none = search(&house, "resource", none).await;
        assert_eq!((&none["results"], &none["context"]["code"]), (&json!([]), &json!("no_role")));
        let empty = json!({ "subject": subject("anna"), "action": { "name": "view" }, "resource": { "type": "nonsense" } });
        assert_eq!(search(&house, "resource", empty).await["context"]["code"], "unknown_component");
        let members = json!({ "subject": subject("anna"), "action": { "name": "view" }, "resource": { "type": "member" } });
        assert_eq!(search(&house, "resource", members).await["results"], json!([{ "type": "member", "id": "*" }]));
    })
    .await;
}

#[tokio::test]
async fn the_accounts_that_may_are_those_whom_the_evaluation_lets() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        with_items(&house).await;
        for number in 0..7 {
            let who = format!("extra{number}");
            house.person(&who, "sv").await;
            give(&house, &who, role(if number % 2 == 0 { "board" } else { "communicator" })).await;
        }
        give(&house, "extra0", GrantKind::ItemRestricted).await;
        let everybody = ["anna", "hanna", "hugo", "rut", "nils", "extra0", "extra1", "extra2", "extra3", "extra4", "extra5", "extra6"];
        for (action, component, item) in
            [("view", "mailing", "u01"), ("edit", "mailing", "u19"), ("view", "member", "*"), ("edit", "project", "*"), ("fly", "member", "1"), ("view", "nonsense", "1")]
        {
            let body = json!({ "subject": { "type": "account" }, "action": { "name": action }, "resource": { "type": component, "id": item } });
            let mut expected = BTreeSet::new();
            for who in everybody {
                if ["allowed", "narrowed"].contains(&code(&house, who, action, component, item).await.as_str()) {
                    expected.insert(people::find_one(&house.ports, &name(who)).await.unwrap().id.to_string());
                }
            }
            for limit in [1, 4, 100] {
                let (found, _) = pages(&house, "subject", body.clone(), limit).await;
                let set: BTreeSet<String> = found.iter().cloned().collect();
                assert_eq!((set.len(), &set), (found.len(), &expected), "{action} {component}/{item}");
            }
        }
        let body = json!({ "subject": { "type": "account", "id": "ignored" }, "action": { "name": "view" }, "resource": { "type": "mailing", "id": "u01" } });
        let found = search(&house, "subject", body.clone()).await;
        let names = found["results"].as_array().unwrap().iter().map(|one| &one["properties"]["user_name"]);
        assert!(names.into_iter().any(|user| *user == json!(name("hanna"))), "{found}");
        let mut robots = body;
        robots["subject"]["type"] = json!("robot");
        assert_eq!(search(&house, "subject", robots).await["results"], json!([]));
    })
    .await;
}

#[tokio::test]
async fn the_actions_that_are_found_are_those_that_the_evaluation_allows() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        with_items(&house).await;
        for (who, component, item) in [
            ("hanna", "mailing", "u01"),
            ("hanna", "mailing", "u17"),
            ("hanna", "mailing", "*"),
            ("anna", "member", "1"),
            ("nobody", "member", "1"),
        ] {
            let body = json!({ "subject": subject(who), "resource": { "type": component, "id": item } });
            let mut expected = Vec::new();
            for action in ["view", "create", "edit", "delete", "assign", "administer"] {
                if ["allowed", "narrowed"]
                    .contains(&code(&house, who, action, component, item).await.as_str())
                {
                    expected.push(action.to_owned());
                }
            }
            for limit in [1, 2, 6] {
                assert_eq!(
                    pages(&house, "action", body.clone(), limit).await.0,
                    expected,
                    "{who} {component}/{item}"
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_belongs_to_its_search_and_a_bad_request_is_told_where_it_is_wrong() {
    on_each_engine(async |t| {
        let house = Association::open(t).await;
        with_items(&house).await;
        let body = json!({ "subject": subject("hanna"), "action": { "name": "view" }, "resource": { "type": "mailing" },
            "context": { "ip": "192.0.2.1", "language": "en" }, "page": { "limit": 2 }, "extra": true });
        let first = search(&house, "resource", body.clone()).await;
        let token = first["page"]["next_token"].as_str().unwrap().to_owned();
        let said = async |what: &str, change: &dyn Fn(&mut Value)| {
            let mut body = body.clone();
            body["page"] = json!({ "token": token });
            change(&mut body);
            let answer = house.crm(Method::POST, &format!("/access/v1/search/{what}"), body).await;
            (answer.status.as_u16(), answer.body["detail"].as_str().unwrap_or_default().to_owned())
        };
        // The token remembers how long the pages are; the order of members says nothing.
        assert_eq!(said("resource", &|_| {}).await.0, 200);
        assert_eq!(said("resource", &|body| body["page"]["limit"] = json!(2)).await.0, 200);
        assert_eq!(said("resource", &|body| body["context"] = json!({ "language": "en", "ip": "192.0.2.1" })).await.0, 200);
        for (what, change, says) in [
            ("resource", (|body: &mut Value| body["subject"] = subject("hugo")) as fn(&mut Value), "another search"),
            ("resource", |body| body["action"]["name"] = json!("edit"), "another search"),
            ("resource", |body| body["context"]["ip"] = json!("192.0.2.2"), "another search"),
            ("action", |body| body["resource"]["id"] = json!("1"), "another search"),
            ("resource", |body| body["page"]["limit"] = json!(3), "page.limit"),
            ("resource", |body| body["page"]["token"] = json!("x"), "page.token"),
            ("resource", |body| body["page"]["limit"] = json!(-1), "page.limit"),
            ("resource", |body| body["page"] = json!(1), "page"),
            ("resource", |body| body["subject"] = json!({ "type": "account" }), "subject"),
            ("resource", |body| body["resource"] = json!({}), "resource"),
            ("subject", |body| body["resource"] = json!({ "type": "mailing" }), "resource"),
            ("resource", |body| body["context"]["as_of"] = json!("2026-03-01T00:00:00Z"), "another search"),
        ] {
            let (status, detail) = said(what, &change).await;
            assert_eq!(status, 400, "{what}: {detail}");
            assert!(detail.contains(says), "{what}: {detail}");
        }
        let (status, detail) = said("resource", &|body| {
            body["page"] = json!({});
            body["context"] = json!({ "as_of": "2026-03-01T00:00:00Z" });
        })
        .await;
        assert!(status == 400 && detail.contains("context.as_of"), "{status} {detail}");
        let other = house.target_token("other").await;
        let mut foreign = body.clone();
        foreign["page"] = json!({ "token": token });
        let answer = house.send("POST", "/access/v1/search/resource", &other, &foreign).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "another CRM's token: {}", answer.body);
        let nothing = json!({ "subject": subject("hanna"), "action": { "name": "view" }, "resource": { "type": "mailing" }, "page": { "limit": 0 } });
        let nothing = search(&house, "resource", nothing).await;
        assert_eq!(nothing["results"], json!([]));
        assert_ne!(nothing["page"]["next_token"], json!(""), "there is more");
    })
    .await;
}
