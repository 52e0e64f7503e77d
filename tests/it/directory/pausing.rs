//! A paused directory is turned away as a whole, and never answered with nothing.

use axum::http::{StatusCode, header};
use portvakt::domain::actor::Subject;
use portvakt::flows::{Refusal, directories};
use portvakt::store::audit;
use serde_json::{Value, json};

use super::{GROUPS, USERS, entra, operator, patch, person, seen};
use crate::engines::{look, on_each_engine};
use crate::house::TestHouse;

#[tokio::test]
async fn a_paused_directory_is_answered_503_on_every_address_and_nothing_changes() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let (token, okta) = (house.directory_token("entra").await, house.directory_token("okta").await);
        let made = house.send("POST", USERS, &token, &person("asa", "a")).await;
        let asa = format!("{USERS}/{}", made.body["id"].as_str().unwrap());
        let (pause, is_new) =
            directories::pause(&house.ports, &operator(&house), &entra(), " flytt ").await.unwrap();
        assert!(is_new && pause.reason == "flytt");
        let away = json!([{ "op": "replace", "path": "active", "value": false }]);
        let requests = [
            ("GET", USERS.to_owned(), Value::Null),
            ("GET", asa.clone(), Value::Null),
            ("GET", "/scim/v2/entra/ServiceProviderConfig".to_owned(), Value::Null),
            ("GET", "/scim/v2/entra/nowhere".to_owned(), Value::Null),
            ("POST", format!("{USERS}/.search"), json!({})),
            ("POST", USERS.to_owned(), person("bo", "b")),
            ("POST", "/scim/v2/entra/Bulk".to_owned(), json!({})),
            ("POST", GROUPS.to_owned(), json!({ "displayName": "x" })),
            ("PATCH", asa.clone(), patch(&away)),
            ("DELETE", asa.clone(), Value::Null),
        ];
        for (method, path, body) in &requests {
            let answer = house.send(method, path, &token, body).await;
            assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
            assert_eq!(answer.headers[header::RETRY_AFTER], "300", "{method} {path}");
            assert_eq!(answer.headers[header::CONTENT_TYPE], "application/scim+json");
            assert_eq!(answer.body["status"], "503", "{}", answer.body);
            assert!(answer.body["detail"].as_str().unwrap().contains("paused"), "{}", answer.body);
        }
        assert_eq!(house.send("GET", &asa, "", &Value::Null).await.status, StatusCode::UNAUTHORIZED);
        let elsewhere = "/scim/v2/okta/Users";
        assert_eq!(house.send("GET", elsewhere, &token, &Value::Null).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(house.send("GET", elsewhere, &okta, &Value::Null).await.status, StatusCode::OK);
        assert!(directories::resume(&house.ports, &operator(&house), &entra()).await.unwrap());
        let answer = house.send("GET", USERS, &token, &Value::Null).await;
        assert_eq!((answer.status, &answer.body["totalResults"]), (StatusCode::OK, &json!(1)));
        assert_eq!(answer.body["Resources"][0]["active"], true, "nothing was changed meanwhile");
    })
    .await;
}

#[tokio::test]
async fn a_pause_needs_a_reason_is_told_and_is_in_the_audit() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let act = operator(&house);
        let pause = async |reason: &str| directories::pause(&house.ports, &act, &entra(), reason).await;
        assert!(matches!(pause(" ").await, Err(Refusal::Invalid { .. })));
        assert!(!directories::resume(&house.ports, &act, &entra()).await.unwrap());
        assert!(pause("flytt").await.unwrap().1);
        let (known, is_new) = pause("något annat").await.unwrap();
        assert!(!is_new && known.reason == "flytt", "the first reason stands");
        let shown = directories::show(&house.ports, "entra").await.unwrap();
        assert_eq!(shown.row.paused_since, Some(act.now));
        assert_eq!(shown.pause.unwrap().by, "operator:test");
        let rows = directories::list(&house.ports).await.unwrap();
        assert_eq!(rows.iter().filter(|row| row.paused_since.is_some()).count(), 1);
        assert!(directories::resume(&house.ports, &act, &entra()).await.unwrap());
        let entries = look!(t, c => audit::about(c, &Subject::new("directory", "entra"), 10));
        let actions: Vec<&str> = entries.iter().rev().map(|entry| entry.action.as_str()).collect();
        let mut sorted = actions.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, ["directory_paused", "directory_resumed"], "{actions:?}");
    })
    .await;
}

#[tokio::test]
async fn what_a_pause_turned_away_is_seen_until_the_provider_sends_it_again() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let made = house.send("POST", USERS, &token, &person("asa", "a")).await;
        let id = made.body["id"].as_str().unwrap().to_owned();
        let change = async |active: bool| {
            let operations = json!([{ "op": "replace", "path": "active", "value": active }]);
            house.send("PATCH", &format!("{USERS}/{id}"), &token, &patch(&operations)).await
        };
        directories::pause(&house.ports, &operator(&house), &entra(), "flytt").await.unwrap();
        change(false).await;
        house.send("POST", USERS, &token, &person("bo", "b")).await;
        let standing = seen(&house).await;
        let left: Vec<_> = standing.refused.iter().map(|one| (&*one.reference, one.status)).collect();
        assert_eq!(left, [(&*format!("id:{id}"), 503)]);
        let count = |method: &str, outcome: &str| {
            let mut all = standing.counts.iter();
            all.find(|one| one.method == method && one.outcome == outcome).map(|one| one.times)
        };
        assert_eq!((count("PATCH", "paused"), count("POST", "paused")), (Some(1), Some(1)));
        directories::resume(&house.ports, &operator(&house), &entra()).await.unwrap();
        change(false).await;
        assert_eq!(seen(&house).await.refused, []);
    })
    .await;
}
