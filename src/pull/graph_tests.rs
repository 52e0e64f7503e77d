//! Conversations with a Graph of our own on loopback.
//!
//! Invariant: answers are shaped as Microsoft documents them; nothing leaves this machine.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, header, method, path, query_param, query_param_contains};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::pace::Pace;
use super::*;

const USERS: &str = "/v1.0/users";

fn now() -> Timestamp {
    "2025-10-07T12:00:00Z".parse().unwrap()
}

fn client(server: &MockServer) -> GraphClient {
    let settings = GraphSettings {
        authority: Url::parse(&server.uri()).unwrap(),
        base: Url::parse(&format!("{}/", server.uri())).unwrap(),
        tenant_id: "11111111-2222-3333-4444-555555555555".to_owned(),
        client_id: "portvakt & co".to_owned(),
        client_secret: SecretString::from("hush+hush"),
    };
    let pace = Pace { first: Duration::from_millis(1), longest: Duration::from_secs(5), tries: 3 };
    GraphClient::new(settings).unwrap().with_pace(pace)
}

async fn server() -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token"))
        .and(body_string_contains(
            "grant_type=client_credentials&client_id=portvakt+%26+co&client_secret=hush%2Bhush&scope=",
        ))
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(json!({"token_type": "Bearer", "access_token": "t1", "expires_in": 3599})),
        )
        .mount(&server)
        .await;
    server
}

fn page(people: &[Value], next: Option<String>) -> ResponseTemplate {
    let mut body = json!({"@odata.context": "x", "value": people});
    if let Some(next) = next {
        body["@odata.nextLink"] = json!(next);
    }
    ResponseTemplate::new(200).set_body_json(body)
}

fn anna() -> Value {
    json!({"id": "87d3", "userPrincipalName": "anna@b.example", "accountEnabled": true,
        "signInActivity": {"lastSignInDateTime": "2025-10-06T09:00:00Z", "lastSuccessfulSignInDateTime": "2025-09-01T08:00:00Z"}})
}

fn complaint(status: u16, code: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({"error": {"code": code, "message": "…"}}))
}

/// Answers the first page with `first`, and the second, named by a token, with `second`.
async fn two_pages(server: &MockServer, first: &[Value], second: ResponseTemplate) {
    let link = format!("{}{USERS}?$skiptoken=next", server.uri());
    Mock::given(path(USERS)).and(query_param("$skiptoken", "next")).respond_with(second).mount(server).await;
    Mock::given(path(USERS))
        .and(query_param("$top", "100"))
        .respond_with(page(first, Some(link)))
        .mount(server)
        .await;
}

#[tokio::test]
async fn all_pages_make_one_listing_with_the_successful_sign_ins() {
    let server = server().await;
    let bo = json!({"id": "11aa", "userPrincipalName": "bo@b.example", "accountEnabled": false});
    two_pages(&server, &[anna()], page(&[bo, anna()], None)).await;
    let listing = client(&server).list(now()).await.unwrap();
    assert!(listing.licensed && listing.note.is_none());
    let [bo, anna] = listing.people.as_slice() else { panic!("{listing:?}") };
    assert_eq!((bo.external_id.as_str(), bo.enabled, bo.last_sign_in), ("11aa", false, None));
    assert_eq!(anna.last_sign_in, Some("2025-09-01T08:00:00Z".parse().unwrap()));
    assert!(anna.enabled && !anna.is_attempt);
    let asked = server.received_requests().await.unwrap();
    assert!(asked.iter().skip(1).all(|request| request.headers["authorization"] == "Bearer t1"));
}

#[tokio::test]
async fn an_attempt_is_marked_a_future_time_is_cut_and_the_beginning_of_time_is_none() {
    let server = server().await;
    let of = |id: &str, name: &str, at: &str| json!({"id": id, "userPrincipalName": id, "accountEnabled": true, "signInActivity": {name: at}});
    let people = [
        of("a", "lastNonInteractiveSignInDateTime", "2025-01-01T00:00:00Z"),
        of("b", "lastSuccessfulSignInDateTime", "2031-01-01T00:00:00Z"),
        of("c", "lastSignInDateTime", "0001-01-01T00:00:00Z"),
    ];
    Mock::given(path(USERS)).respond_with(page(&people, None)).mount(&server).await;
    let people = client(&server).list(now()).await.unwrap().people;
    assert_eq!(
        (people[0].is_attempt, people[0].last_sign_in),
        (true, Some("2025-01-01T00:00:00Z".parse().unwrap()))
    );
    assert_eq!((people[1].is_attempt, people[1].last_sign_in), (false, Some(now())));
    assert_eq!((people[2].is_attempt, people[2].last_sign_in), (false, None));
}

#[tokio::test]
async fn a_broken_failed_or_lost_page_leaves_no_listing() {
    for second in [
        ResponseTemplate::new(200).set_body_string(r#"{"value":[{"id":"11aa","userPr"#),
        ResponseTemplate::new(200).set_body_json(json!({"value": [{"id": "11aa"}]})),
        ResponseTemplate::new(200).set_body_json(json!({"error": {}})),
        ResponseTemplate::new(302).insert_header("location", "/elsewhere"),
        complaint(400, "BadRequest"),
        complaint(404, "Request_ResourceNotFound"),
        complaint(500, "InternalServerError"),
        page(&[json!({"id": "", "userPrincipalName": "x", "accountEnabled": true})], None),
    ] {
        let server = server().await;
        two_pages(&server, &[anna()], second).await;
        let error = client(&server).list(now()).await.unwrap_err();
        assert!(error.to_string().contains("users, page 2"), "{error}");
        assert!(!error.to_string().contains("11aa"), "{error}");
    }
}

#[tokio::test]
async fn a_busy_provider_is_asked_again_after_its_pause() {
    let server = server().await;
    let busy = complaint(429, "TooManyRequests").insert_header("retry-after", "0");
    Mock::given(path(USERS)).respond_with(busy).up_to_n_times(1).mount(&server).await;
    Mock::given(path(USERS)).respond_with(complaint(503, "x")).up_to_n_times(1).mount(&server).await;
    Mock::given(path(USERS)).respond_with(page(&[anna()], None)).mount(&server).await;
    assert_eq!(client(&server).list(now()).await.unwrap().people.len(), 1);
}

#[tokio::test]
async fn a_pause_longer_than_our_patience_ends_the_pull_at_once() {
    let server = server().await;
    let busy = complaint(429, "TooManyRequests").insert_header("retry-after", "3600");
    Mock::given(path(USERS)).respond_with(busy).expect(1).mount(&server).await;
    let error = client(&server).list(now()).await.unwrap_err();
    assert!(error.may_pass() && error.to_string().contains("3600 s"), "{error}");
}

#[tokio::test]
async fn a_tenant_without_the_licence_gives_people_without_times_and_says_so() {
    let server = server().await;
    let unlicensed = complaint(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant");
    Mock::given(path(USERS))
        .and(query_param_contains("$select", "signInActivity"))
        .respond_with(unlicensed)
        .mount(&server)
        .await;
    let bare = json!({"id": "87d3", "userPrincipalName": "anna@b.example", "accountEnabled": true});
    Mock::given(path(USERS))
        .and(query_param("$top", "500"))
        .respond_with(page(&[bare], None))
        .mount(&server)
        .await;
    let listing = client(&server).list(now()).await.unwrap();
    assert!(!listing.licensed && listing.note.unwrap().contains("P1 or P2"));
    assert_eq!(listing.people[0].last_sign_in, None);
}

#[tokio::test]
async fn missing_consent_is_not_taken_for_a_missing_licence() {
    let server = server().await;
    Mock::given(path(USERS))
        .respond_with(complaint(403, "Authorization_RequestDenied"))
        .expect(1)
        .mount(&server)
        .await;
    let error = client(&server).list(now()).await.unwrap_err();
    assert!(!error.may_pass() && error.to_string().contains("AuditLog.Read.All"), "{error}");
}

#[tokio::test]
async fn a_token_that_dies_on_the_way_is_renewed_once() {
    let server = server().await;
    Mock::given(path(USERS))
        .respond_with(complaint(401, "InvalidAuthenticationToken"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    Mock::given(path(USERS))
        .and(header("authorization", "Bearer t1"))
        .respond_with(page(&[anna()], None))
        .mount(&server)
        .await;
    assert_eq!(client(&server).list(now()).await.unwrap().people.len(), 1);
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked.iter().filter(|request| request.method.as_str() == "POST").count(), 2);
}

#[tokio::test]
async fn the_token_is_not_carried_to_another_host() {
    let (server, elsewhere) = (server().await, MockServer::start().await);
    let link = format!("{}{USERS}?$skiptoken=x", elsewhere.uri());
    Mock::given(path(USERS)).respond_with(page(&[anna()], Some(link))).mount(&server).await;
    let error = client(&server).list(now()).await.unwrap_err();
    assert!(matches!(error, PullError::ForeignLink { .. }), "{error}");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_expired_secret_is_named_and_not_shown() {
    let server = MockServer::start().await;
    let refusal = json!({"error": "invalid_client", "error_description": "AADSTS7000222: …", "error_codes": [7_000_222]});
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(401).set_body_json(refusal))
        .mount(&server)
        .await;
    let client = client(&server);
    let error = client.list(now()).await.unwrap_err().to_string();
    assert!(error.contains("AADSTS7000222") && error.contains("has expired"), "{error}");
    assert!(!format!("{client:?}").contains("hush"));
}

#[test]
fn secrets_go_only_over_https_or_to_this_machine() {
    let settings = |authority: &str, tenant: &str| GraphSettings {
        authority: Url::parse(authority).unwrap(),
        base: Url::parse("https://graph.microsoft.com").unwrap(),
        tenant_id: tenant.to_owned(),
        client_id: "x".to_owned(),
        client_secret: SecretString::from("x"),
    };
    assert!(GraphClient::new(settings("https://login.microsoftonline.com", "t-1")).is_ok());
    assert!(GraphClient::new(settings("http://login.microsoftonline.com", "t-1")).is_err());
    for tenant in ["", "../x", "a/b", "a?b"] {
        assert!(GraphClient::new(settings("https://login.microsoftonline.com", tenant)).is_err(), "{tenant}");
    }
}
