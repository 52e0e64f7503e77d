//! Clients that are told when a session or an account ends (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::http::StatusCode;
use jiff::SignedDuration;
use portvakt::domain::actor::Subject;
use portvakt::flows::Clock;
use portvakt::jobs;
use portvakt::store::client_logout;
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::crm::{self, Crm, SECRET, claims};
use crate::engines::{TestDb, look, on_each_engine};
use crate::sign_in::browser::Browser;
use crate::sign_in::house::{ORIGIN, TestHouse, external};
use crate::sign_in::provider::{CLIENT, sign};
use crate::source::rust_files;

/// The back-channel of two clients, which answers as it is told.
struct Ear {
    server: MockServer,
    status: Arc<AtomicU16>,
}

impl Ear {
    async fn open() -> Self {
        let server = MockServer::start().await;
        let status = Arc::new(AtomicU16::new(200));
        let answers = Arc::clone(&status);
        let answer = move |_: &Request| ResponseTemplate::new(answers.load(Ordering::Relaxed));
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self { server, status }
    }

    fn answers(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    /// The logout tokens that came, with the client that each was sent to.
    async fn heard(&self) -> Vec<(String, String)> {
        let requests = self.server.received_requests().await.unwrap();
        let read = |request: &Request| {
            let body = String::from_utf8(request.body.clone()).unwrap();
            let token = body.strip_prefix("logout_token=").expect("a form with the token").to_owned();
            (request.url.path().trim_start_matches('/').to_owned(), token)
        };
        requests.iter().map(read).collect()
    }

    /// Which clients heard, in order of their names.
    async fn who(&self) -> Vec<String> {
        let mut who: Vec<String> = self.heard().await.into_iter().map(|(client, _)| client).collect();
        who.sort();
        who
    }

    async fn house<'t>(&self, t: &'t TestDb) -> TestHouse<'t> {
        let clients = format!(
            "[[client]]\nid = \"crm\"\nsecret = \"{SECRET}\"\nalgorithm = \"ES256\"\n\
             redirect_uris = [\"https://crm.example/callback?from=portvakt\"]\n\
             backchannel_logout_uri = \"{0}/crm\"\n\
             [[client]]\nid = \"page\"\npublic = true\nalgorithm = \"ES256\"\nsubject = \"pairwise\"\n\
             redirect_uris = [\"https://page.example/\"]\nbackchannel_logout_uri = \"{0}/page\"\n\
             [[client]]\nid = \"old\"\nsecret = \"a-secret-of-the-old-crm-for-tests\"\nalgorithm = \"ES256\"\n\
             redirect_uris = [\"https://old.example/\"]\n",
            self.server.uri()
        );
        let house = TestHouse::with(t, &clients).await;
        house.provision("entra", "asa", "sv").await;
        house
    }
}

/// Tells what was queued. Only what ended by itself needs more.
async fn run(house: &TestHouse<'_>) {
    jobs::run_once(&house.ports, "logout").await.unwrap();
}

/// Queues what ended by itself.
async fn sweep(house: &TestHouse<'_>) {
    jobs::run_once(&house.ports, "client-sessions").await.unwrap();
}

/// Åsa, in both clients that listen and in the one that does not.
async fn entered(house: &TestHouse<'_>) -> (Browser, Value, Value) {
    let mut browser = house.browser();
    let crm = Crm::new(house).tokens(house, &mut browser, "asa").await.claims();
    let page = Crm::page(house).tokens(house, &mut browser, "asa").await.claims();
    Crm::old(house).tokens(house, &mut browser, "asa").await;
    (browser, crm, page)
}

async fn waiting(t: &TestDb) -> Vec<(String, i64)> {
    look!(t, c => client_logout::backlog(c))
}

#[tokio::test]
async fn every_client_that_listens_is_told_under_the_names_it_knows() {
    on_each_engine(async |t| {
        let ear = Ear::open().await;
        let house = ear.house(t).await;
        let (mut browser, crm, page) = entered(&house).await;
        run(&house).await;
        assert!(ear.heard().await.is_empty(), "nothing has ended");
        browser.post("/sso/logout", ORIGIN, "").await;
        assert_eq!(waiting(t).await, [("crm".into(), 1), ("old".into(), 1), ("page".into(), 1)]);
        run(&house).await;
        assert_eq!(ear.who().await, ["crm", "page"]);
        assert!(waiting(t).await.is_empty(), "who does not listen is not waited for");
        let now = house.clock.now().as_second();
        for (client, token) in ear.heard().await {
            let known = if client == "crm" { &crm } else { &page };
            let told = Crm::new(&house).verified(&token).await.expect("a published key has signed it");
            for (name, value) in [
                ("iss", json!(ORIGIN)),
                ("aud", json!(client)),
                ("sub", known["sub"].clone()),
                ("sid", known["sid"].clone()),
                ("iat", json!(now)),
                ("exp", json!(now + 120)),
                ("events", json!({ "http://schemas.openid.net/event/backchannel-logout": {} })),
            ] {
                assert_eq!(told[name], value, "{client} {name}");
            }
            assert!(told["jti"].is_string() && told.get("nonce").is_none());
        }
        let account = house.account("asa").await.id;
        let last = house.last_about(Subject::new("account", account)).await;
        assert_eq!(last.action, "client_logout_told");
        assert_eq!(last.after.unwrap()["status"], 200);
        run(&house).await;
        assert_eq!(ear.heard().await.len(), 2, "once is enough");
    })
    .await;
}

#[tokio::test]
async fn however_a_session_ends_its_clients_are_told() {
    on_each_engine(async |t| {
        let ear = Ear::open().await;
        let house = ear.house(t).await;
        let scim_id = house.provision("entra", "bo", "sv").await;
        let (crm, mut before) = (Crm::new(&house), 0);
        let mut expect_told = async |how: &str| {
            run(&house).await;
            let heard = ear.heard().await.len();
            assert_eq!(heard, before + 1, "{how}");
            before = heard;
        };
        // The account is taken out of use by the directory.
        crm.tokens(&house, &mut house.browser(), "bo").await;
        house.set_active("entra", &scim_id, false).await;
        expect_told("deactivated").await;
        // The directory's own session ends.
        let mut browser = house.browser();
        crm.tokens(&house, &mut browser, "asa").await;
        let at = house.clock.now().as_second();
        let token = sign(&json!({
            "iss": house.provider.issuer(), "aud": CLIENT, "iat": at, "exp": at + 120, "jti": "j-1",
            "sub": external("asa"), "sid": "sid-asa",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        }));
        let told = browser
            .post("/sso/backchannel-logout/entra", "null", &crm::form(&[("logout_token", &token)]))
            .await;
        assert_eq!(told.status, StatusCode::OK);
        expect_told("logged out by the directory").await;
        // Somebody else signs in with the same browser.
        house.set_active("entra", &scim_id, true).await;
        let mut browser = house.browser();
        crm.tokens(&house, &mut browser, "asa").await;
        house.sign_in(&mut browser, "entra", "bo").await;
        expect_told("another person in the same browser").await;
        // The longest time has passed, and nobody came.
        crm.tokens(&house, &mut house.browser(), "asa").await;
        house.pass(12 * 60 - 1);
        sweep(&house).await;
        run(&house).await;
        assert_eq!(ear.heard().await.len(), 3, "a session that only rests may be at work in the CRM");
        house.pass(1);
        sweep(&house).await;
        expect_told("it ran out").await;
        // A client asks for it.
        let mut browser = house.browser();
        let hint = crm.tokens(&house, &mut browser, "asa").await.text("id_token");
        browser.get(&format!("/oauth2/logout?{}", crm::form(&[("id_token_hint", &hint)]))).await;
        expect_told("signed out at a client's wish").await;
    })
    .await;
}

#[tokio::test]
async fn the_same_person_signing_in_anew_stays_in_the_clients() {
    on_each_engine(async |t| {
        let ear = Ear::open().await;
        let house = ear.house(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let told = crm.tokens(&house, &mut browser, "asa").await;
        house.pass(10);
        house.sign_in(&mut browser, "entra", "asa").await;
        run(&house).await;
        assert!(ear.heard().await.is_empty());
        let renewed = crm.renew(&told.text("refresh_token")).await;
        assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.body);
        assert_eq!(crm.tokens(&house, &mut browser, "asa").await.claims()["sid"], told.claims()["sid"]);
        browser.post("/sso/logout", ORIGIN, "").await;
        run(&house).await;
        assert_eq!(ear.who().await, ["crm"], "once, and when it really ended");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_does_not_hear_is_told_again_with_growing_pauses_and_given_up_in_the_end() {
    on_each_engine(async |t| {
        let ear = Ear::open().await;
        let house = ear.house(t).await;
        let mut browser = house.browser();
        Crm::new(&house).tokens(&house, &mut browser, "asa").await;
        browser.post("/sso/logout", ORIGIN, "").await;
        for (pause, status) in [(0, 503), (6, 400), (6 * 60, 404), (36 * 60, 302)] {
            house.clock.advance(SignedDuration::from_secs(pause));
            ear.answers(status);
            run(&house).await;
            assert_eq!(waiting(t).await, [("crm".into(), 1)], "{status}");
        }
        let tried = ear.heard().await.len();
        assert_eq!(tried, 4);
        run(&house).await;
        assert_eq!(ear.heard().await.len(), tried, "not before its time");
        let ids: std::collections::BTreeSet<String> =
            ear.heard().await.iter().map(|(_, token)| claims(token)["jti"].to_string()).collect();
        assert_eq!(ids.len(), 4, "a client refuses the same jti twice");
        for _ in 0..6 {
            house.pass(29 * 60);
            run(&house).await;
        }
        assert!(waiting(t).await.is_empty());
        let account = house.account("asa").await.id;
        let last = house.last_about(Subject::new("account", account)).await;
        assert_eq!(last.action, "client_logout_given_up");
        assert_eq!(last.after.unwrap()["attempts"], 10);
    })
    .await;
}

#[tokio::test]
async fn what_had_rested_stays_void_though_the_person_comes_back() {
    on_each_engine(async |t| {
        let ear = Ear::open().await;
        let house = ear.house(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let told = crm.tokens(&house, &mut browser, "asa").await;
        house.pass(31);
        house.sign_in(&mut browser, "entra", "asa").await;
        assert_eq!(crm.renew(&told.text("refresh_token")).await.body["error"], "invalid_grant");
        let again = crm.tokens(&house, &mut browser, "asa").await;
        assert_eq!(again.claims()["sid"], told.claims()["sid"], "the CRM's own session goes on");
        assert_eq!(crm.renew(&again.text("refresh_token")).await.status, StatusCode::OK);
        sweep(&house).await;
        run(&house).await;
        assert!(ear.heard().await.is_empty());
    })
    .await;
}

#[test]
fn whoever_ends_a_session_in_sql_queues_its_clients() {
    let mut ending = 0;
    for file in rust_files("src/store") {
        for function in file.text.split("pub async fn ").skip(1) {
            if function.contains("UPDATE session SET ended_at") {
                ending += 1;
                let name = function.split('(').next().unwrap_or_default();
                assert!(function.contains("client_logout::of_"), "{}: {name} tells no client", file.path);
            }
        }
    }
    assert!(ending >= 4, "sessions are ended somewhere else now");
}

#[tokio::test]
async fn what_waits_survives_a_restart_and_another_node_can_tell_it() {
    on_each_engine(async |t| {
        let ear = Ear::open().await;
        let house = ear.house(t).await;
        let mut browser = house.browser();
        Crm::new(&house).tokens(&house, &mut browser, "asa").await;
        browser.post("/sso/logout", ORIGIN, "").await;
        ear.answers(503);
        run(&house).await;
        house.clock.advance(SignedDuration::from_secs(10));
        ear.answers(204);
        let (ports, _) = house.node().await;
        jobs::run_once(&ports, "logout").await.unwrap();
        assert_eq!(ear.heard().await.len(), 2);
        assert!(waiting(t).await.is_empty());
        run(&house).await;
        assert_eq!(ear.heard().await.len(), 2);
        ports.db.close().await;
    })
    .await;
}
