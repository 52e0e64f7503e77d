//! Conversations with an Okta of our own on loopback.
//!
//! Invariant: answers are shaped as Okta documents them; nothing leaves this machine.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::matchers::{header, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::pace::Pace;
use super::*;

const USERS: &str = "/api/v1/users";

fn now() -> Timestamp {
    "2025-10-07T12:00:00Z".parse().unwrap()
}

fn client(server: &MockServer) -> OktaClient {
    let settings =
        OktaSettings { base: Url::parse(&server.uri()).unwrap(), token: SecretString::from("00hush") };
    let pace = Pace { first: Duration::from_millis(1), longest: Duration::from_secs(5), tries: 3 };
    OktaClient::new(settings).unwrap().with_pace(pace)
}

fn person(id: &str, status: &str, last_login: Option<&str>) -> Value {
    json!({"id": id, "status": status, "created": "2022-04-04T15:56:05.000Z", "lastLogin": last_login,
        "profile": {"login": format!("{id}@b.example"), "email": null}, "_links": {}})
}

fn page(people: &[Value]) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(people)
}

async fn two_pages(server: &MockServer, first: &[Value], second: ResponseTemplate) {
    let own = format!("<{}{USERS}?limit=200>; rel=\"self\"", server.uri());
    let next = format!("<{}{USERS}?after=00u9&limit=200>; rel=\"next\"", server.uri());
    Mock::given(path(USERS)).and(query_param("after", "00u9")).respond_with(second).mount(server).await;
    Mock::given(path(USERS))
        .and(query_param("limit", "200"))
        .and(header("authorization", "SSWS 00hush"))
        .respond_with(page(first).append_header("link", own.as_str()).append_header("link", next.as_str()))
        .mount(server)
        .await;
}

#[tokio::test]
async fn all_pages_make_one_listing_with_the_last_logins() {
    let server = MockServer::start().await;
    let second = page(&[person("b", "ACTIVE", None)]);
    two_pages(&server, &[person("a", "ACTIVE", Some("2025-05-04T19:50:52.000Z"))], second).await;
    let listing = client(&server).list(now()).await.unwrap();
    assert!(listing.licensed && listing.note.is_none());
    assert_eq!(listing.people.len(), 2);
    assert_eq!(listing.people[0].last_sign_in, Some("2025-05-04T19:50:52Z".parse().unwrap()));
    assert_eq!((listing.people[1].user_name.as_str(), listing.people[1].last_sign_in), ("b@b.example", None));
}

#[tokio::test]
async fn only_the_suspended_and_deprovisioned_are_shut_out_and_an_unknown_state_is_reported() {
    let server = MockServer::start().await;
    let states = [
        "STAGED",
        "PROVISIONED",
        "ACTIVE",
        "RECOVERY",
        "PASSWORD_EXPIRED",
        "LOCKED_OUT",
        "SUSPENDED",
        "DEPROVISIONED",
        "ASLEEP",
    ];
    let people: Vec<_> = states.iter().map(|state| person(state, state, None)).collect();
    Mock::given(path(USERS)).respond_with(page(&people)).mount(&server).await;
    let listing = client(&server).list(now()).await.unwrap();
    let shut_out: Vec<_> =
        listing.people.iter().filter(|p| !p.enabled).map(|p| p.external_id.as_str()).collect();
    assert_eq!(shut_out, ["DEPROVISIONED", "SUSPENDED"]);
    assert_eq!(listing.note.as_deref(), Some("1 in the unknown state \"ASLEEP\", left as they are"));
}

#[tokio::test]
async fn a_failed_or_truncated_page_leaves_no_listing() {
    for second in [
        ResponseTemplate::new(500),
        ResponseTemplate::new(200).set_body_string(r#"[{"id":"b","status""#),
        ResponseTemplate::new(200).set_body_json(json!({"errorCode": "E0000001"})),
        ResponseTemplate::new(404),
    ] {
        let server = MockServer::start().await;
        two_pages(&server, &[person("a", "ACTIVE", None)], second).await;
        let error = client(&server).list(now()).await.unwrap_err();
        assert!(error.to_string().contains("users, page 2"), "{error}");
    }
}

#[tokio::test]
async fn a_reset_in_the_past_is_met_with_our_own_pace() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429)
        .insert_header("x-rate-limit-limit", "0")
        .insert_header("x-rate-limit-remaining", "0")
        .insert_header("x-rate-limit-reset", "1000")
        .set_body_json(json!({"errorCode": "E0000047"}));
    Mock::given(path(USERS)).respond_with(busy).up_to_n_times(1).mount(&server).await;
    Mock::given(path(USERS)).respond_with(page(&[person("a", "ACTIVE", None)])).mount(&server).await;
    assert_eq!(client(&server).list(now()).await.unwrap().people.len(), 1);
}

#[tokio::test]
async fn a_dead_token_is_named_and_not_shown() {
    let server = MockServer::start().await;
    let refusal = ResponseTemplate::new(401).set_body_json(json!({"errorCode": "E0000011"}));
    Mock::given(path(USERS)).respond_with(refusal).expect(1).mount(&server).await;
    let client = client(&server);
    let error = client.list(now()).await.unwrap_err();
    assert!(!error.may_pass() && error.to_string().contains("401 E0000011"), "{error}");
    assert!(!format!("{client:?}").contains("00hush"));
}

#[tokio::test]
async fn the_token_is_not_carried_to_another_host() {
    let (server, elsewhere) = (MockServer::start().await, MockServer::start().await);
    let next = format!("<{}{USERS}?after=x>; rel=\"next\"", elsewhere.uri());
    Mock::given(path(USERS))
        .respond_with(page(&[]).insert_header("link", next.as_str()))
        .mount(&server)
        .await;
    assert!(matches!(client(&server).list(now()).await, Err(PullError::ForeignLink { .. })));
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}
