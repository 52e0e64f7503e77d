//! Every route says who may call it, and holds to it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::Value;

use crate::engines::TestDb;
use crate::house::TestHouse;
use crate::source::{Token, rust_files, tokens};

/// Route and who may call it. A new route needs a line here.
const ROUTES: &str = include_str!("../golden/routes.txt");

/// The routes that the doors open, each with its prefix.
fn opened() -> Vec<String> {
    let mut found = Vec::new();
    for file in rust_files("src/http") {
        let pieces = tokens(&file.text);
        for window in pieces.windows(4) {
            let [Token::Sign('.'), Token::Word(word), Token::Sign('('), Token::Literal(path)] = window else {
                continue;
            };
            if word == "route" {
                let prefix = if file.path.contains("/scim/") { "/scim/v2/{directory}" } else { "" };
                // What is nested has its root where the prefix ends.
                let path = if path == "/" && !prefix.is_empty() { "" } else { path };
                found.push(format!("{prefix}{path}"));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

fn listed() -> BTreeMap<String, String> {
    let lines = ROUTES.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    let pair = |line: &str| {
        let (path, who) = line.split_once('|').expect("route | who");
        (path.trim().to_owned(), who.trim().to_owned())
    };
    lines.map(pair).collect()
}

#[test]
fn every_route_stands_in_the_list_of_who_may_call_it() {
    let listed: Vec<String> = listed().into_keys().collect();
    assert_eq!(opened(), listed, "tests/golden/routes.txt says who may call each route");
}

#[tokio::test]
async fn who_has_no_token_gets_nothing_where_one_is_needed() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::new(&t).await;
    let (directory, target) = (house.directory_token("entra").await, house.target_token("crm").await);
    for (route, who) in listed() {
        let path = route.replace("{directory}", "entra").replace("{id}", "1").replace("{name}", "access");
        let wrong = match who.as_str() {
            "directory" | "metrics" => ["", target.as_str()],
            "target" => ["", directory.as_str()],
            _ => continue,
        };
        for token in wrong {
            for method in ["GET", "POST", "PUT"] {
                let answer = house.send(method, &path, token, &Value::Null).await;
                let is_refused =
                    [StatusCode::UNAUTHORIZED, StatusCode::METHOD_NOT_ALLOWED].contains(&answer.status);
                assert!(is_refused, "{method} {route} answered {}: {}", answer.status, answer.body);
            }
        }
    }
    t.db.close().await;
}
