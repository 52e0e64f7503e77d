//! Versions: entity tags on reads and on writes (RFC 7644 §3.14).

use axum::http::header;
use serde_json::{Value, json};

use super::{Client, assert_error, group, patch, person};
use crate::engines::on_each_engine;
use crate::house::TestHouse;

const KIND: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn a_version_that_is_known_is_not_sent_again() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let user = format!("/Users/{}", entra.made("/Users", &person("asa")).await);
        let team = format!("/Groups/{}", entra.made("/Groups", &group("g", &[])).await);
        for path in [&user, &team] {
            let tag = entra.get(path).await.headers[header::ETAG].to_str().expect("a tag").to_owned();
            assert_eq!(tag, "W/\"1\"");
            let table = [
                ("W/\"1\"", 304),
                ("\"1\"", 304),
                ("*", 304),
                ("\"x\", W/\"7\", W/\"1\"", 304),
                ("W/\"2\"", 200),
                ("\"x\"", 200),
            ];
            for (known, status) in table {
                let answer = entra.ask_with("GET", path, &[("if-none-match", known)], b"").await;
                assert_eq!(answer.status.as_u16(), status, "{path} {known}");
                assert_eq!(answer.headers[header::ETAG], "W/\"1\"", "{path} {known}");
                assert_eq!(answer.body == Value::Null, status == 304, "{path} {known}");
            }
            let two = [("if-none-match", "\"x\""), ("if-none-match", "W/\"1\"")];
            assert_eq!(entra.ask_with("GET", path, &two, b"").await.status.as_u16(), 304, "in two headers");
        }
    })
    .await;
}

#[tokio::test]
async fn a_write_is_done_only_on_a_version_that_it_names() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let entra = Client::of(&house, "entra").await;
        let user = format!("/Users/{}", entra.made("/Users", &person("asa")).await);
        let team = format!("/Groups/{}", entra.made("/Groups", &group("g", &[])).await);
        // What changes nothing leaves the version at 1, so that each row starts from the same.
        let same = patch(&json!([{ "op": "remove", "path": "externalId[" }])).to_string();
        assert_error(
            &entra.ask_with("PATCH", &user, &[KIND], same.as_bytes()).await,
            400,
            Some("invalidPath"),
            "",
        );
        let bodies = [
            (&user, "PATCH", patch(&json!([{ "op": "replace", "path": "displayName", "value": "asa" }]))),
            (&user, "PUT", person("asa")),
            (&team, "PATCH", patch(&json!([{ "op": "add", "path": "members", "value": [] }]))),
            (&team, "PUT", group("g", &[])),
        ];
        let table = [
            ("if-match", "W/\"1\"", true),
            ("if-match", "\"1\"", true),
            ("if-match", "*", true),
            ("if-match", "W/\"9\", W/\"1\"", true),
            ("if-match", "W/\"9\"", false),
            ("if-match", "nonsense", false),
            ("if-match", "", false),
            ("if-none-match", "*", false),
            ("if-none-match", "W/\"1\"", false),
            ("if-none-match", "W/\"9\"", true),
        ];
        for (path, method, body) in &bodies {
            for (name, value, is_done) in table {
                let headers = [KIND, (name, value)];
                let answer = entra.ask_with(method, path, &headers, body.to_string().as_bytes()).await;
                let what = format!("{method} {path} {name}: {value}");
                if is_done {
                    assert!(answer.status.is_success(), "{what}: {}", answer.body);
                    assert_eq!(answer.headers[header::ETAG], "W/\"1\"", "{what}");
                } else {
                    assert_error(&answer, 412, None, &what);
                }
            }
        }
        for path in [&user, &team] {
            let stale = entra.ask_with("DELETE", path, &[("if-match", "W/\"9\"")], b"").await;
            assert_error(&stale, 412, None, path);
            let fresh = entra.ask_with("DELETE", path, &[("if-match", "W/\"1\"")], b"").await;
            assert_eq!(fresh.status.as_u16(), 204, "{path}");
        }
    })
    .await;
}
