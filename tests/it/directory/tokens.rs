//! Bearer tokens: listed, revoked, noted when used, warned of before they end.

use axum::http::StatusCode;
use jiff::SignedDuration;
use portvakt::domain::actor::Subject;
use portvakt::flows::tokens::roster::{self, State};
use portvakt::flows::tokens::{TokenKind, expiry};
use portvakt::flows::{Ports, Refusal};
use portvakt::jobs;
use portvakt::store::audit;
use serde_json::Value;

use super::{USERS, operator};
use crate::engines::{look, on_each_engine};
use crate::house::TestHouse;

const DIRECTORY: TokenKind = TokenKind::Directory;

fn hours(count: i64) -> SignedDuration {
    SignedDuration::from_hours(count)
}

#[tokio::test]
async fn several_tokens_are_good_at_once_and_a_revoked_one_opens_nothing_from_the_next_request_on() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let (old, new) = (house.directory_token("entra").await, house.directory_token("entra").await);
        let status = async |token: &str| house.send("GET", USERS, token, &Value::Null).await.status;
        assert_eq!((status(&old).await, status(&new).await), (StatusCode::OK, StatusCode::OK));
        let lines = roster::list(&house.ports, DIRECTORY, "entra").await.unwrap();
        assert_eq!(lines.len(), 2, "the newest first");
        assert!(lines.iter().all(|line| line.state == State::Valid && line.created_by == "operator:test"));
        let told = serde_json::to_string(&lines).unwrap();
        assert!(!told.contains(&old) && !told.contains(&new), "a list shows no token");
        let id = lines[1].id;
        let act = operator(&house);
        let revoke = async |which: &str| roster::revoke(&house.ports, &act, DIRECTORY, "entra", which).await;
        assert_eq!(revoke(&id.to_string()).await.unwrap().ids, [id]);
        assert_eq!((status(&old).await, status(&new).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
        let again = revoke(&id.to_string().to_uppercase()).await.unwrap();
        assert!(again.was_done && again.ids.is_empty());
        let entries = look!(t, c => audit::about(c, &Subject::new("token", id), 10));
        let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["token_revoked", "token_created"], "both are in the audit, once");
        let state = async || roster::list(&house.ports, DIRECTORY, "entra").await.unwrap()[1].state;
        assert_eq!(state().await, State::Revoked);
    })
    .await;
}

#[tokio::test]
async fn an_id_is_taken_by_its_beginning_only_where_it_means_one_token_of_that_directory() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        for directory in ["entra", "entra", "okta"] {
            house.directory_token(directory).await;
        }
        let lines = roster::list(&house.ports, DIRECTORY, "entra").await.unwrap();
        let theirs = roster::list(&house.ports, DIRECTORY, "okta").await.unwrap()[0].id.to_string();
        let act = operator(&house);
        let revoke = async |which: &str| roster::revoke(&house.ports, &act, DIRECTORY, "entra", which).await;
        let (one, two) = (lines[0].id.to_string(), lines[1].id.to_string());
        // Ids that were made one after the other begin alike.
        let shared: String =
            one.chars().zip(two.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
        assert!(matches!(revoke(&shared).await, Err(Refusal::Invalid { .. })), "{shared}");
        assert!(matches!(revoke(&theirs).await, Err(Refusal::NotFound { .. })));
        for nothing in ["", "0", "%", "pv_"] {
            assert!(revoke(nothing).await.is_err(), "{nothing:?}");
        }
        assert_eq!(revoke(&one[..30]).await.unwrap().ids, [lines[0].id]);
    })
    .await;
}

#[tokio::test]
async fn the_last_use_is_noted_afterwards_and_at_most_every_five_minutes() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let token = house.directory_token("entra").await;
        let used = async || roster::list(&house.ports, DIRECTORY, "entra").await.unwrap()[0].last_used_at;
        let mut noted = Vec::new();
        let first = house.ports.clock.now();
        for minutes in [0, 4, 1] {
            house.clock.advance(SignedDuration::from_mins(minutes));
            assert_eq!(house.send("GET", USERS, &token, &Value::Null).await.status, StatusCode::OK);
            let before = used().await;
            jobs::run_once(&house.ports, "activity").await.unwrap();
            noted.push((before, used().await));
        }
        let last = first + SignedDuration::from_mins(5);
        let first = Some(first);
        assert_eq!(noted, [(None, first), (first, first), (first, Some(last))]);
    })
    .await;
}

#[tokio::test]
async fn each_warning_before_the_end_is_told_once_whichever_node_tells_it() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        let other =
            Ports::new(t.db.clone(), house.ports.clock.clone(), house.ports.settings.clone()).unwrap();
        house.directory_token("entra").await;
        let mut told = Vec::new();
        for days in [334, 1, 23, 6, 1] {
            house.clock.advance(hours(24 * days));
            let looked = expiry::look(&house.ports).await.unwrap();
            told.push((looked.warned, looked.ending, expiry::look(&other).await.unwrap().warned));
        }
        assert_eq!(told, [(0, 0, 0), (1, 1, 0), (1, 1, 0), (1, 1, 0), (1, 0, 0)]);
    })
    .await;
}

#[tokio::test]
async fn a_token_about_to_end_is_told_by_the_health_page_and_leaves_the_daemon_ready() {
    on_each_engine(async |t| {
        let house = TestHouse::new(t).await;
        house.target_token("crm").await;
        let health = async || {
            jobs::run_once(&house.ports, "tokens").await.unwrap();
            house.send("GET", "/healthz", "", &Value::Null).await
        };
        assert_eq!(health().await.body, "ok\n");
        house.clock.advance(hours(24 * 360));
        let answer = health().await;
        assert_eq!(answer.status, StatusCode::OK);
        let told = answer.body.as_str().unwrap();
        assert!(told.starts_with("ok\n") && told.contains("1 token"), "{told}");
        assert_eq!(house.send("GET", "/readyz", "", &Value::Null).await.status, StatusCode::OK);
        house.clock.advance(hours(24 * 5));
        assert_eq!(health().await.body, "ok\n", "what has ended is no longer about to");
    })
    .await;
}
