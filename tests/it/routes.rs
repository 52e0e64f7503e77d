//! Every route says who may call it, and holds to it.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use portvakt::domain::scope::{Scope, Scopes};
use portvakt::flows::tokens::{TokenKind, roster};
use serde_json::Value;

use crate::engines::{TestDb, on_each_engine};
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
            who if who.starts_with("target: ") => ["", directory.as_str()],
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

/// The routes of targets: path, method, scope.
pub(crate) fn of_targets() -> Vec<(String, String, Scope)> {
    let mut found = Vec::new();
    for (path, who) in listed() {
        let Some(methods) = who.strip_prefix("target: ") else { continue };
        for one in methods.split(", ") {
            let (method, scope) = one.split_once(' ').expect("method and scope");
            let scope = Scope::from_name(scope).expect("a scope that there is");
            found.push((path.clone(), method.to_owned(), scope));
        }
    }
    found
}

/// Whoever has every scope but one is refused exactly where that one is demanded.
#[tokio::test]
async fn a_token_opens_what_its_scopes_say_and_nothing_else() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::new(&t).await;
    let routes = of_targets();
    for missing in Scope::ALL {
        let others = Scope::ALL.iter().copied().filter(|scope| scope != missing).collect();
        let token = house.scoped_token("crm", Scopes::Only(others)).await;
        for (route, method, scope) in &routes {
            let path = route
                .replace("{id}", "1")
                .replace("{name}", "access")
                .replace("{component}", "c")
                .replace("{item}", "1");
            let answer = house.send(method, &path, &token, &Value::Null).await;
            let is_refused = answer.body["code"] == "insufficient_scope";
            assert_eq!(
                is_refused,
                scope == missing,
                "{method} {route} without {missing}: {} {}",
                answer.status,
                answer.body
            );
            if is_refused {
                assert_eq!(
                    (answer.status, &answer.body["scope"]),
                    (StatusCode::FORBIDDEN, &missing.name().into())
                );
                let said = answer.headers["www-authenticate"].to_str().expect("plain text");
                assert!(said.contains(missing.name()), "{said}");
            }
        }
    }
    assert!(
        Scope::ALL.iter().all(|scope| routes.iter().any(|(.., known)| known == scope)),
        "a scope that opens nothing"
    );
    t.db.close().await;
}

#[tokio::test]
async fn every_method_of_a_target_stands_in_the_list() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::new(&t).await;
    let token = house.target_token("crm").await;
    let routes = of_targets();
    for (route, ..) in &routes {
        let path = route
            .replace("{id}", "1")
            .replace("{name}", "access")
            .replace("{component}", "c")
            .replace("{item}", "1");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            let is_listed = routes.iter().any(|(known, by, _)| known == route && by == method);
            let answer = house.send(method, &path, &token, &Value::Null).await;
            assert_eq!(answer.status != StatusCode::METHOD_NOT_ALLOWED, is_listed, "{method} {route}");
        }
    }
    t.db.close().await;
}

#[tokio::test]
async fn a_token_that_was_made_before_there_were_scopes_opens_everything() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.target_token("crm").await;
        let kept = t.raw().await.pairs("SELECT name, scopes FROM token").await;
        assert_eq!(kept, [("test".to_owned(), String::new())]);
        assert_eq!(house.send("GET", "/api/v1/accounts", &token, &Value::Null).await.status, StatusCode::OK);
        let one = Scopes::parse(["changes:read"]).expect("a scope");
        house.scoped_token("crm", one.clone()).await;
        let lines = roster::list(&house.ports, TokenKind::Target, "crm").await.expect("a list");
        assert_eq!(lines.into_iter().filter_map(|line| line.scopes).collect::<Vec<_>>(), [one, Scopes::All]);
    })
    .await;
}
