//! Deliveries against a CRM on loopback.
//!
//! Invariant: nothing leaves this machine, and no test waits for a clock.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use jiff::{SignedDuration, Timestamp};
use reqwest::Url;
use wiremock::matchers::{header, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::resolver::tests::Scripted;
use super::state::tests::anna;
use super::*;

fn now() -> Timestamp {
    "2025-10-07T12:00:00Z".parse().unwrap()
}

fn settings(url: &str) -> WebhookSettings {
    WebhookSettings {
        target: TargetId::parse("crm").unwrap(),
        url: Url::parse(url).unwrap(),
        keys: vec![SigningKey::parse("the new key").unwrap(), SigningKey::parse("the old key").unwrap()],
        allow_private: true,
    }
}

fn crm(url: &str) -> Crm {
    Crm::Webhook(Webhook::new(settings(url)).unwrap())
}

async fn answering(response: ResponseTemplate) -> (MockServer, Crm) {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/hook")).respond_with(response).mount(&server).await;
    let crm = crm(&format!("{}/hook", server.uri()));
    (server, crm)
}

fn error_of(delivery: Delivery) -> String {
    match delivery {
        Delivery::Again { error, .. } => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_delivery_is_signed_by_both_keys_and_teaches_the_crms_id() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(header("content-type", "application/json"))
        .and(header_exists(ID_HEADER))
        .respond_with(ResponseTemplate::new(201).set_body_json(serde_json::json!({"crm_id": "17"})))
        .mount(&server)
        .await;
    let crm = crm(&server.uri());
    let Delivery::Taken { answer, crm_id } = crm.deliver(now(), &anna()).await else { panic!("not taken") };
    assert_eq!((answer.as_str(), crm_id.as_deref()), (r#"201 Created: {"crm_id":"17"}"#, Some("17")));
    let got = server.received_requests().await.unwrap();
    for key in ["the new key", "the old key"] {
        let key = SigningKey::parse(key).unwrap();
        assert_eq!(verify(&key, &got[0].headers, &got[0].body, now()), Ok(()));
    }
    let body: serde_json::Value = got[0].body_json().unwrap();
    assert_eq!(body["account"]["display_name"], "Åsa Lindqvist");
    assert_eq!(body["version"], 7);
}

#[tokio::test]
async fn a_repeat_carries_the_same_id_and_a_new_version_another() {
    let (server, crm) = answering(ResponseTemplate::new(204)).await;
    crm.deliver(now(), &anna()).await;
    crm.deliver(now() + SignedDuration::from_hours(2), &anna()).await;
    crm.deliver(now(), &AccountState { version: 8, ..anna() }).await;
    let got = server.received_requests().await.unwrap();
    let id = |at: usize| got[at].headers[ID_HEADER].to_str().unwrap().to_owned();
    assert_eq!(id(0), id(1));
    assert_ne!(id(0), id(2));
    assert!(!id(0).contains('.'));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = MockServer::start().await;
    let moved = ResponseTemplate::new(307).insert_header("location", elsewhere.uri().as_str());
    let (_server, crm) = answering(moved).await;
    let error = error_of(crm.deliver(now(), &anna()).await);
    assert!(error.contains("redirects are not followed"), "{error}");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_busy_crm_is_asked_again_after_the_pause_it_wants() {
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "90").set_body_string("slow down");
    let (_server, crm) = answering(busy).await;
    let Delivery::Again { after, error } = crm.deliver(now(), &anna()).await else { panic!("not again") };
    assert_eq!(after, Some(SignedDuration::from_secs(90)));
    assert_eq!(error, "429 Too Many Requests: slow down");
}

#[tokio::test]
async fn a_huge_answer_is_read_to_its_limit_and_still_a_yes() {
    let (_server, crm) = answering(ResponseTemplate::new(200).set_body_bytes(vec![b'x'; 1_000_000])).await;
    let Delivery::Taken { answer, .. } = crm.deliver(now(), &anna()).await else { panic!("not taken") };
    assert!(answer.len() < 300, "{}", answer.len());
}

#[tokio::test]
async fn nobody_there_and_a_connection_that_breaks_mean_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let crm = crm(&format!("http://{}/hook?token=hush", listener.local_addr().unwrap()));
    let server = std::thread::spawn(move || {
        let (mut caller, _) = listener.accept().unwrap();
        let _ = caller.read(&mut [0; 512]);
        let _ = caller.write_all(b"HTTP/1.1 2");
    });
    let broken = error_of(crm.deliver(now(), &anna()).await);
    server.join().unwrap();
    let refused = error_of(crm.deliver(now(), &anna()).await);
    assert!(!broken.contains("hush") && !refused.contains("hush"), "{broken} / {refused}");
}

#[tokio::test]
async fn a_name_is_checked_at_each_look_up_so_rebinding_gains_nothing() {
    let server = MockServer::start().await;
    let url = format!("https://crm.example:{}/hook", server.address().port());
    let names = Scripted::new([&["127.0.0.1:0"], &["169.254.169.254:0"]]);
    let hook = Webhook::resolving_by(settings(&url), names).unwrap();
    // The first answer is allowed here, so the connection is made, and fails only because nobody speaks TLS there.
    let first = error_of(hook.deliver(now(), &anna()).await);
    assert!(!first.contains("leads to"), "{first}");
    let second = error_of(hook.deliver(now(), &anna()).await);
    assert!(second.contains("crm.example leads to 169.254.169.254"), "{second}");
}

#[tokio::test]
async fn a_name_that_leads_inwards_is_refused_unless_private_networks_are_allowed() {
    for inward in ["127.0.0.1:0", "10.0.0.1:0", "[::1]:0", "[::ffff:10.0.0.1]:0", "169.254.169.254:0"] {
        let strict = WebhookSettings { allow_private: false, ..settings("https://crm.example/hook") };
        let hook = Webhook::resolving_by(strict, Scripted::new([&[inward]])).unwrap();
        let error = error_of(hook.deliver(now(), &anna()).await);
        assert!(error.contains("crm.example leads to"), "{inward}: {error}");
    }
}

#[test]
fn an_address_that_may_not_be_used_is_refused_when_the_target_is_set() {
    let refused = |url: &str, allow_private| {
        Webhook::new(WebhookSettings { allow_private, ..settings(url) }).unwrap_err().to_string()
    };
    for url in [
        "https://127.0.0.1/",
        "https://2130706433/",
        "https://0177.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://192.168.0.9/",
    ] {
        assert!(refused(url, false).contains("allow_private"), "{url}");
    }
    for url in
        ["https://169.254.169.254/latest", "https://[fe80::1]/", "https://0.0.0.0/", "https://224.0.0.1/"]
    {
        assert!(refused(url, true).contains("leads to"), "{url}");
    }
    for (url, allow_private) in
        [("http://crm.example/", true), ("http://10.0.0.1/", true), ("http://127.0.0.1/", false)]
    {
        assert!(refused(url, allow_private).contains("use https"), "{url}");
    }
    for url in ["https://user:pw@crm.example/", "ftp://crm.example/", "data:x"] {
        assert!(refused(url, true).contains("https://host/path"), "{url}");
    }
}

#[tokio::test]
async fn a_state_that_is_too_large_is_a_dead_letter_and_is_not_sent() {
    let (server, crm) = answering(ResponseTemplate::new(204)).await;
    let mut state = anna();
    state.account.display_name = "x".repeat(20_000);
    assert!(matches!(crm.deliver(now(), &state).await, Delivery::Refused { .. }));
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[test]
fn a_target_does_not_show_its_keys() {
    let shown = format!("{:?}", crm("https://crm.example/hook"));
    assert!(!shown.contains("the new key") && shown.contains("***"), "{shown}");
}
