//! The practice CRM against signed messages, and its reports against a server.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use wiremock::matchers::{body_json, header, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::crm::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};
use crate::demo::association::{Assignee, Association, ItemEvent, PersonNo};
use crate::flows::SetClock;

fn now() -> Timestamp {
    "2025-03-01T08:00:00Z".parse().unwrap()
}

fn key() -> SigningKey {
    SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
}

fn crm() -> PracticeCrm {
    PracticeCrm::new(key(), Arc::new(SetClock::new(now())))
}

fn state(version: i64, status: &str) -> Value {
    json!({
        "type": "account.state", "version": version, "at": "2025-03-01T08:00:00Z",
        "account": {
            "id": "0198c1de-0000-7000-8000-000000000001", "crm_id": null, "email": null, "language": "sv",
            "user_name": "asa.lindqvist@bjorkbacken.example", "display_name": "Åsa <Lindqvist>",
            "status": status, "reason": "provisioned", "since": "2025-03-01T08:00:00Z", "roles": ["board"],
            "modules": [], "limited": false, "item_restricted": false, "sectors": [], "valid_until": null,
            "external_ids": {},
        },
    })
}

async fn post(
    crm: &PracticeCrm,
    body: &Value,
    signed_at: Timestamp,
    key: &SigningKey,
) -> (StatusCode, String) {
    let body = body.to_string();
    let request = Request::post(HOOK)
        .header(ID_HEADER, "msg_1")
        .header(TIMESTAMP_HEADER, signed_at.as_second().to_string())
        .header(SIGNATURE_HEADER, sign(std::slice::from_ref(key), "msg_1", signed_at, body.as_bytes()))
        .body(Body::from(body))
        .unwrap();
    let response = crm.router().oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 100_000).await.unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn only_what_is_signed_with_the_key_and_just_now_is_believed() {
    let crm = crm();
    let other = SigningKey::parse("another").unwrap();
    let late = now() - jiff::SignedDuration::from_mins(6);
    assert_eq!(post(&crm, &state(1, "active"), now(), &other).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(post(&crm, &state(1, "active"), late, &key()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!((crm.accounts().len(), crm.tally().refused), (0, 2));
    let (status, answer) = post(&crm, &state(1, "active"), now(), &key()).await;
    assert_eq!((status, answer.as_str()), (StatusCode::OK, r#"{"crm_id":"bb-1"}"#));
    assert_eq!(
        post(&crm, &json!({"type": "account.state"}), now(), &key()).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[tokio::test]
async fn the_highest_version_wins_in_whatever_order_they_come() {
    let crm = crm();
    for (version, status) in [(3, "deactivated"), (2, "active"), (3, "active")] {
        assert_eq!(post(&crm, &state(version, status), now(), &key()).await.0, StatusCode::OK);
    }
    let known = crm.known("asa.lindqvist@bjorkbacken.example").unwrap();
    assert_eq!((known.version, known.account.status.as_str()), (3, "deactivated"));
    assert_eq!(crm.tally(), Tally { taken: 1, older: 2, refused: 0 });
    let page = crm.router().oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    let bytes = axum::body::to_bytes(page.into_body(), 100_000).await.unwrap();
    let page = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(page.contains("Åsa &lt;Lindqvist&gt;") && page.contains("deactivated"));
}

#[tokio::test]
async fn reports_name_accounts_by_id_once_they_are_known() {
    let server = MockServer::start().await;
    let (crm, association) = (crm(), Association::bjorkbacken());
    post(&crm, &state(1, "active"), now(), &key()).await;
    let reporter = Reporter::new(crm, &server.uri(), "t0ken".into()).unwrap();
    let rows = json!([
        { "account": "0198c1de-0000-7000-8000-000000000001", "at": "2025-03-01T08:00:00Z" },
        { "account": "goran.sjostrom@bjorkbacken.example", "at": "2025-03-01T08:00:00Z" },
    ]);
    let answer =
        json!({ "recorded": 1, "results": [{ "result": "recorded" }, { "result": "unknown_account" }] });
    Mock::given(path("/api/v1/sign-ins"))
        .and(header("authorization", "Bearer t0ken"))
        .and(body_json(rows))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let events = json!([
        { "event": "assigned", "component": "mailing", "item": "u1",
          "assignee": { "account": "0198c1de-0000-7000-8000-000000000001" }, "at": "2025-03-01T08:00:00Z" },
        { "event": "assigned", "component": "mailing", "item": "u1", "assignee": null, "at": "2025-03-01T08:00:00Z" },
    ]);
    let answer = json!({ "results": [{ "result": "changed" }, { "result": "unchanged" }] });
    Mock::given(path("/api/v1/item-events"))
        .and(body_json(events))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let rows = [(PersonNo(2), now()), (PersonNo(3), now())];
    let answered = reporter.sign_ins(&association, &rows).await.unwrap();
    assert_eq!(answered, Reported { effective: 1, without_effect: 0, refused: 1 });
    let assigned = |to| (ItemEvent::Assigned { component: "mailing", item: "u1", to }, now());
    let events = [assigned(Some(Assignee::Person(PersonNo(2)))), assigned(None)];
    let answered = reporter.items(&association, &events).await.unwrap();
    assert_eq!(answered, Reported { effective: 1, without_effect: 1, refused: 0 });
}
