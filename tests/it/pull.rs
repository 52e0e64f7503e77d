//! Sign-in times from a provider's own API.

use jiff::SignedDuration;
use portvakt::domain::policy::EvidenceSource;
use portvakt::flows::{Clock, lead, pull};
use portvakt::jobs::{self, Ended};
use portvakt::store::{account, evidence};
use serde_json::{Value, json};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::engines::{TestDb, last_seen, look, on_each_engine};
use crate::house::{POLICY, SETTINGS, TestHouse, at};

/// A house whose directory `okta` is read from `server`.
async fn house(t: &TestDb, server: &MockServer) -> TestHouse {
    let plain = "id = \"okta\"\nkind = \"generic\"";
    let pulled = format!(
        "id = \"okta\"\nkind = \"okta\"\n[directory.pull]\nbase_url = \"{}\"\ntoken = \"for-tests\"\n",
        server.uri()
    );
    TestHouse::with(t, &SETTINGS.replace(plain, &pulled), POLICY).await
}

async fn okta(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(path("/api/v1/users")).respond_with(answer).mount(&server).await;
    server
}

fn listed(id: &str, last_login: Option<&str>) -> Value {
    json!({ "id": id, "status": "ACTIVE", "lastLogin": last_login, "profile": { "login": format!("{id}@b.example") } })
}

async fn make(house: &TestHouse, external: &str) {
    let token = house.directory_token("okta").await;
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "externalId": external,
        "userName": format!("{external}@b.example") });
    let answer = house.send("POST", "/scim/v2/okta/Users", &token, &body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

#[tokio::test]
async fn a_whole_listing_gives_evidence_for_the_people_the_directory_provisioned() {
    on_each_engine(async |t| {
        let people = json!([
            listed("asa", Some("2025-10-01T08:00:00Z")),
            listed("bo", None),
            listed("elsewhere", None)
        ]);
        let server = okta(ResponseTemplate::new(200).set_body_json(people)).await;
        let house = house(t, &server).await;
        for external in ["asa", "bo", "gone"] {
            make(&house, external).await;
        }
        let directory = house.ports.settings.directories[1].id.clone();
        let fence = lead::take(&house.ports, "pull:okta").await.unwrap().unwrap();
        let read = pull::run(&house.ports, &directory, &fence).await.unwrap();
        let expected = pull::Outcome { listed: 3, known: 2, newer: 1, missing: 1, licensed: true };
        assert_eq!(read, expected);
        assert_eq!(
            pull::run(&house.ports, &directory, &fence).await.unwrap().newer,
            0,
            "a repeat is harmless"
        );
        let asa = look!(t, c => account::resolve(c, "asa@b.example", None)).remove(0);
        let seen = look!(t, c => last_seen(c, asa.id));
        assert_eq!(seen, [(EvidenceSource::Directory, at("2025-10-01T08:00:00Z"))]);
        let health = look!(t, c => evidence::health(c)).remove(0);
        assert_eq!((health.scope.as_str(), health.last_success), ("okta", Some(house.clock.now())));
        assert!(health.is_complete && health.is_licensed, "{health:?}");
    })
    .await;
}

#[tokio::test]
async fn a_listing_that_fails_gives_no_evidence_and_the_source_says_why() {
    on_each_engine(async |t| {
        let server = okta(ResponseTemplate::new(403).set_body_json(json!({ "errorCode": "E0000006" }))).await;
        let house = house(t, &server).await;
        make(&house, "asa").await;
        let ended = jobs::run_once(&house.ports, "pull").await.unwrap();
        assert!(matches!(&ended[..], [(name, Ended::Failed(_))] if name == "pull:okta"), "{ended:?}");
        let health = look!(t, c => evidence::health(c)).remove(0);
        assert_eq!((health.last_success, health.is_complete), (None, false));
        assert!(health.note.unwrap().contains("E0000006"));
        house.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(lead::last_run(&house.ports, "pull:okta").await.unwrap(), None, "it stays due");
    })
    .await;
}

#[tokio::test]
async fn a_listing_that_shrank_too_much_is_not_believed_until_a_person_says_so() {
    on_each_engine(async |t| {
        let server = MockServer::start().await;
        let answer = |count: usize| {
            let people: Vec<Value> =
                (0..count).map(|n| listed(&format!("p{n}"), Some("2025-10-01T08:00:00Z"))).collect();
            Mock::given(path("/api/v1/users")).respond_with(ResponseTemplate::new(200).set_body_json(people))
        };
        let house = house(t, &server).await;
        let act = house.ports.act(portvakt::domain::actor::Actor::Operator("karin".to_owned()), "command");
        let read = async |count: usize| {
            server.reset().await;
            answer(count).mount(&server).await;
            jobs::run_once(&house.ports, "pull").await.unwrap();
            look!(t, c => evidence::health(c)).remove(0)
        };
        assert!(read(10).await.is_complete);
        assert!(read(8).await.is_complete, "a fifth may go");
        let doubted = read(5).await;
        assert!(!doubted.is_complete);
        assert!(doubted.note.unwrap().contains("shrank from 8 to 5"));
        assert!(!read(5).await.is_complete, "a repeat makes it no truer");
        assert!(pull::believe(&house.ports, &act, "okta", " ").await.is_err());
        assert!(pull::believe(&house.ports, &act, "nowhere", "x").await.is_err());
        pull::believe(&house.ports, &act, "okta", "the summer helpers have left").await.unwrap();
        assert!(read(5).await.is_complete);
        assert!(!read(3).await.is_complete, "only the next list was believed");
        assert!(read(5).await.is_complete, "as long as before it is believed again");
    })
    .await;
}
