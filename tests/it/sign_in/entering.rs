//! People who get in, and what is remembered of it.

use axum::http::StatusCode;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portvakt::domain::account::{Standing, Status, StatusReason};
use portvakt::domain::actor::Subject;
use portvakt::domain::policy::EvidenceSource;
use portvakt::flows::Clock;
use portvakt::store::{evidence, session, standing, subject};

use super::browser::{Browser, Page};
use super::house::{TENANT, TestHouse, external};
use crate::engines::{TestDb, change, last_seen, look, on_each_engine};

#[tokio::test]
async fn a_first_sign_in_links_the_person_and_records_when_they_were_seen() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let (mut browser, account) = (house.browser(), house.account("asa").await.id);
        let done = house.sign_in(&mut browser, "entra", "asa").await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/"));
        let cookie = done.headers.get_all("set-cookie").iter().next().unwrap().to_str().unwrap();
        assert!(
            cookie.starts_with("__Host-portvakt=")
                && cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure")
        );
        assert_eq!(
            browser.cookies.keys().collect::<Vec<_>>(),
            ["__Host-portvakt"],
            "what kept the sign-in is gone"
        );
        let entra = portvakt::domain::ids::DirectoryId::parse("entra").unwrap();
        let key = format!("{TENANT}/{}", external("asa"));
        let (_, issuer) = look!(t, c => subject::linked(c, &entra, &key)).unwrap();
        assert_eq!(issuer, house.provider.issuer());
        let now = house.clock.now();
        assert_eq!(look!(t, c => last_seen(c, account)), [(EvidenceSource::Sso, now)]);
        let health = look!(t, c => evidence::health(c)).remove(0);
        assert_eq!((health.scope.as_str(), health.last_success), ("entra", Some(now)));
        let last = house.last_about(Subject::new("account", account)).await;
        assert_eq!((last.action.as_str(), last.actor), ("signed_in", format!("account:{account}")));
        let start = browser.get("/").await;
        assert_eq!(start.status, StatusCode::OK);
        assert!(start.body.contains("asa Åkesson") && start.body.contains("asa@bjorkbacken.example"));
    })
    .await;
}

#[tokio::test]
async fn every_sign_in_gives_a_new_session_and_ends_the_one_before() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("okta", "asa", "sv").await;
        let account = house.account("asa").await.id;
        let mut browser = house.browser();
        house.sign_in(&mut browser, "okta", "asa").await;
        let mut former = browser.clone();
        house.sign_in(&mut browser, "okta", "asa").await;
        assert_ne!(former.cookies, browser.cookies);
        assert_eq!(former.get("/sso/verify").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(browser.get("/sso/verify").await.status, StatusCode::OK);
        let mut elsewhere = house.browser();
        house.sign_in(&mut elsewhere, "okta", "asa").await;
        assert_eq!(look!(t, c => session::open_of(c, account)).len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_invited_account_becomes_active_by_its_first_sign_in() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let account = house.account("asa").await;
        let (id, version) = (account.id, account.version);
        let invited = Standing { status: Status::Invited, ..account.standing };
        change!(t, [invited] c => standing::change(c, id, &invited).await).unwrap();
        assert_eq!(house.sign_in(&mut house.browser(), "entra", "asa").await.status, StatusCode::SEE_OTHER);
        let now = house.account("asa").await;
        assert_eq!((now.standing.status, now.standing.reason), (Status::Active, StatusReason::SignedIn));
        assert_eq!(now.version, version + 1);
        house.sign_in(&mut house.browser(), "entra", "asa").await;
        assert_eq!(house.account("asa").await.version, version + 1, "a sign-in alone is no news for the CRM");
    })
    .await;
}

#[tokio::test]
async fn an_answer_is_taken_once_from_the_browser_that_asked_and_within_ten_minutes() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let mut browser = house.browser();
        let away = browser.get("/sso/login?directory=entra").await;
        house.provider.hand_out(&house.claims("asa", &away.sent("nonce").unwrap()));
        let callback = format!("/sso/callback?code=c0de&state={}", away.sent("state").unwrap());
        let mut strange = house.browser();
        let refused = strange.get(&callback).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        strange.get("/sso/login?directory=entra").await;
        assert_eq!(strange.get(&callback).await.status, StatusCode::BAD_REQUEST);
        assert!(!strange.cookies.contains_key("__Host-portvakt"));
        assert_eq!(house.provider.exchanges(), 0);
        let mut again = browser.clone();
        assert_eq!(browser.get(&callback).await.status, StatusCode::SEE_OTHER);
        assert_eq!(again.get(&callback).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(house.provider.exchanges(), 1);

        let mut late = house.browser();
        let away = late.get("/sso/login?directory=entra").await;
        house.pass(11);
        house.provider.hand_out(&house.claims("asa", &away.sent("nonce").unwrap()));
        let late = late.get(&format!("/sso/callback?code=c0de&state={}", away.sent("state").unwrap())).await;
        assert_eq!((late.status, house.provider.exchanges()), (StatusCode::BAD_REQUEST, 1));
        for nonsense in ["", "?state=x", "?code=x", "?state=x&code=y&state=z"] {
            let answer = browser.get(&format!("/sso/callback{nonsense}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{nonsense}");
        }
    })
    .await;
}

#[tokio::test]
async fn two_tabs_of_one_browser_sign_in_beside_each_other() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let mut browser = house.browser();
        let first = browser.get("/sso/login?directory=entra&return_to=/first").await;
        browser.get("/sso/login?directory=entra&return_to=/second").await;
        house.provider.hand_out(&house.claims("asa", &first.sent("nonce").unwrap()));
        let back = browser.get(&format!("/sso/callback?code=c&state={}", first.sent("state").unwrap())).await;
        assert_eq!(back.location(), "/first");
    })
    .await;
}

/// The way back from the provider as Åsa.
async fn back(house: &TestHouse<'_>, browser: &mut Browser, away: &Page) -> Page {
    house.provider.hand_out(&house.claims("asa", &away.sent("nonce").unwrap()));
    browser.get(&format!("/sso/callback?code=c&state={}", away.sent("state").unwrap())).await
}

fn tickets(browser: &Browser) -> Vec<String> {
    browser.cookies.keys().filter(|name| name.starts_with("__Host-portvakt-login-")).cloned().collect()
}

#[tokio::test]
async fn a_browser_keeps_its_five_newest_sign_ins_under_way_and_gives_back_what_is_void() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let mut browser = house.browser();
        let mut begun = Vec::new();
        for _ in 0..7 {
            begun.push(browser.get("/sso/login?directory=entra").await);
            house.pass(1);
        }
        assert_eq!(tickets(&browser).len(), 5);
        for (number, away) in begun.iter().enumerate() {
            let status = back(&house, &mut browser.clone(), away).await.status;
            let wanted = if number < 2 { StatusCode::BAD_REQUEST } else { StatusCode::SEE_OTHER };
            assert_eq!(status, wanted, "{number}");
        }
        house.pass(9);
        browser.cookies.insert("__Host-portvakt-login-ab12".to_owned(), "made.up".to_owned());
        browser.get("/sso/login?directory=entra").await;
        assert_eq!(tickets(&browser).len(), 1);
    })
    .await;
}

#[tokio::test]
async fn another_node_takes_the_answer_to_a_sign_in_that_was_begun_here_and_once_among_all() {
    on_each_engine(async |t| {
        if t.db.kind() == portvakt::store::EngineKind::Sqlite {
            return; // one node
        }
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let (_, router) = house.node().await;
        let mut here = house.browser();
        let away = here.get("/sso/login?directory=entra").await;
        let mut there = Browser::new(router);
        there.cookies.clone_from(&here.cookies);
        assert_eq!(back(&house, &mut there, &away).await.status, StatusCode::SEE_OTHER);
        assert_eq!(back(&house, &mut here, &away).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(house.provider.exchanges(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_ticket_of_another_house_or_bent_on_the_way_is_none() {
    on_each_engine(async |t| {
        let (house, other) = (TestHouse::open(t).await, TestDb::sqlite().await);
        let stranger = TestHouse::open(&other).await;
        house.provision("entra", "asa", "sv").await;
        let mut browser = stranger.browser();
        let away = browser.get("/sso/login?directory=entra").await;
        let mut ours = house.browser();
        ours.get("/sso/login?directory=entra").await;
        ours.cookies.extend(browser.cookies.clone());
        assert_eq!(back(&house, &mut ours, &away).await.status, StatusCode::BAD_REQUEST);
        let mut bent = house.browser();
        let away = bent.get("/sso/login?directory=entra").await;
        for sealed in bent.cookies.values_mut() {
            let (text, seal) = sealed.split_once('.').unwrap();
            let payload = BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
            let changed = String::from_utf8(payload).unwrap().replace("entra", "okta");
            *sealed = format!("{}.{seal}", BASE64_URL_SAFE_NO_PAD.encode(changed));
        }
        assert_eq!(back(&house, &mut bent, &away).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(house.provider.exchanges(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_person_lands_on_a_local_path_or_at_the_start() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        for (wanted, lands) in [
            ("/kampanjer?sida=2", "/kampanjer?sida=2"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example/", "/"),
            ("/%2f%2fevil.example", "/"),
            ("/a\r\nSet-Cookie: x=1", "/"),
            ("javascript:alert(1)", "/"),
        ] {
            let bytes: Vec<String> = wanted.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let query = format!("directory=entra&return_to={}", bytes.concat());
            let done = house.sign_in_with(&mut house.browser(), &query, "asa", |_| {}).await;
            assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, lands));
        }
    })
    .await;
}

#[tokio::test]
async fn the_same_subject_in_two_directories_is_two_people() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let refused = house.sign_in(&mut house.browser(), "okta", "asa").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        house.provision("okta", "asa", "en").await;
        let mut people = Vec::new();
        for directory in ["entra", "okta"] {
            let mut browser = house.browser();
            house.sign_in(&mut browser, directory, "asa").await;
            people.push(browser.get("/sso/verify").await.header("x-portvakt-account").to_owned());
        }
        assert!(!people[0].is_empty() && people[0] != people[1], "{people:?}");
    })
    .await;
}

#[tokio::test]
async fn a_changed_address_leads_to_the_same_account() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let mut seen = Vec::new();
        for email in ["asa@bjorkbacken.example", "bo@bjorkbacken.example"] {
            let mut browser = house.browser();
            house.sign_in_with(&mut browser, "directory=entra", "asa", |c| c["email"] = email.into()).await;
            seen.push(browser.get("/sso/verify").await.header("x-portvakt-account").to_owned());
        }
        assert!(!seen[0].is_empty() && seen[0] == seen[1], "{seen:?}");
    })
    .await;
}
