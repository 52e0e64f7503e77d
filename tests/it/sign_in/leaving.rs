//! Sessions that end: by time, by sign-out, by the provider, by losing access.

use axum::http::StatusCode;
use portvakt::domain::actor::Subject;
use portvakt::flows::Clock;
use portvakt::store::account;
use serde_json::{Value, json};

use super::browser::Browser;
use super::house::{ORIGIN, TestHouse, external};
use super::provider::{CLIENT, sign};
use crate::engines::{change, on_each_engine};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

async fn verify(browser: &mut Browser) -> StatusCode {
    browser.get("/sso/verify").await.status
}

async fn signed_in(house: &TestHouse<'_>, directory: &str, name: &str) -> Browser {
    let mut browser = house.browser();
    house.sign_in(&mut browser, directory, name).await;
    assert_eq!(verify(&mut browser).await, StatusCode::OK);
    browser
}

#[tokio::test]
async fn a_session_ends_when_it_rests_too_long_and_at_the_latest_after_its_whole_time() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let mut resting = signed_in(&house, "entra", "asa").await;
        house.pass(29);
        assert_eq!(verify(&mut resting).await, StatusCode::OK);
        house.pass(29);
        assert_eq!(verify(&mut resting).await, StatusCode::OK, "its use was noted");
        house.pass(30);
        assert_eq!(verify(&mut resting).await, StatusCode::UNAUTHORIZED);
        let mut busy = signed_in(&house, "entra", "asa").await;
        for _ in 0..28 {
            house.pass(25);
            assert_eq!(verify(&mut busy).await, StatusCode::OK);
        }
        house.pass(20);
        assert_eq!(verify(&mut busy).await, StatusCode::UNAUTHORIZED);
        assert_eq!(busy.get("/").await.location(), "/sso/login");
    })
    .await;
}

#[tokio::test]
async fn a_person_who_loses_access_loses_the_session_with_it() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let id = house.provision("entra", "asa", "sv").await;
        let mut browser = signed_in(&house, "entra", "asa").await;
        house.set_active("entra", &id, false).await;
        assert_eq!(verify(&mut browser).await, StatusCode::UNAUTHORIZED);
        house.set_active("entra", &id, true).await;
        assert_eq!(verify(&mut browser).await, StatusCode::UNAUTHORIZED, "an ended session stays ended");
        let mut browser = signed_in(&house, "entra", "asa").await;
        let mut ending = house.account("asa").await;
        ending.valid_until = Some(house.clock.now());
        change!(t, [ending] c => account::set_terms(c, &ending).await).unwrap();
        let refused = browser.get("/sso/verify").await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN);
        assert!(refused.body.contains("\"code\":\"expired\""), "{}", refused.body);
        assert_eq!(browser.get("/").await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_proxy_is_told_who_is_there_and_what_they_hold() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let id = house.provision("entra", "asa", "sv").await;
        house.make_helper(&id).await;
        assert_eq!(verify(&mut house.browser()).await, StatusCode::UNAUTHORIZED);
        let mut browser = signed_in(&house, "entra", "asa").await;
        let told = browser.get("/sso/verify").await;
        let account = house.account("asa").await;
        for (name, value) in [
            ("x-portvakt-account", account.id.to_string()),
            ("x-portvakt-user", "asa@bjorkbacken.example".to_owned()),
            ("x-portvakt-roles", "communicator".to_owned()),
            ("x-portvakt-sectors", "mailings".to_owned()),
            ("x-portvakt-limited", "true".to_owned()),
            ("x-portvakt-version", account.version.to_string()),
        ] {
            assert_eq!(told.header(name), value, "{name}");
        }
        browser.cookies.insert("__Host-portvakt".to_owned(), "guessed".to_owned());
        assert_eq!(verify(&mut browser).await, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn only_a_form_of_our_own_signs_out_and_then_the_provider_does_too() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let mut browser = signed_in(&house, "entra", "asa").await;
        assert!(browser.get("/sso/logout").await.body.contains("Logga ut?"));
        for origin in ["https://evil.example", "null", "https://portvakt.example.evil.example"] {
            let refused = browser.post("/sso/logout", origin, "").await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN);
            assert_eq!(verify(&mut browser).await, StatusCode::OK);
        }
        let mut kept = browser.clone();
        let done = browser.post("/sso/logout", ORIGIN, "").await;
        assert_eq!(done.status, StatusCode::SEE_OTHER);
        assert!(done.location().starts_with(&format!("{}/end?", house.provider.issuer())));
        let back = format!("{ORIGIN}/sso/signed-out");
        assert_eq!(done.sent("post_logout_redirect_uri"), Some(back));
        assert!(browser.cookies.is_empty());
        assert_eq!(verify(&mut kept).await, StatusCode::UNAUTHORIZED);
        let account = house.account("asa").await.id;
        assert_eq!(house.last_about(Subject::new("account", account)).await.action, "signed_out");
        assert!(browser.get("/sso/signed-out").await.body.contains("Du är utloggad"));
        let again = browser.post("/sso/logout", ORIGIN, "").await;
        assert_eq!(again.location(), "/sso/signed-out");
    })
    .await;
}

fn logout_token(house: &TestHouse<'_>, jti: &str, names: &Value) -> Value {
    let at = house.clock.now().as_second();
    let mut claims = json!({
        "iss": house.provider.issuer(), "aud": CLIENT, "iat": at, "exp": at + 120, "jti": jti,
        "events": { EVENT: {} },
    });
    for (name, value) in names.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

async fn tell(house: &TestHouse<'_>, directory: &str, claims: &Value) -> StatusCode {
    let path = format!("/sso/backchannel-logout/{directory}");
    let form = format!("logout_token={}", sign(claims));
    house.browser().post(&path, "null", &form).await.status
}

#[tokio::test]
async fn the_provider_ends_one_session_or_all_of_a_person_by_a_token_that_works_once() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("okta", "asa", "sv").await;
        let mut browser = signed_in(&house, "okta", "asa").await;
        let by_session = logout_token(&house, "1", &json!({ "sid": "sid-asa", "sub": external("asa") }));
        assert_eq!(tell(&house, "okta", &by_session).await, StatusCode::OK);
        assert_eq!(verify(&mut browser).await, StatusCode::UNAUTHORIZED);
        let mut browser = signed_in(&house, "okta", "asa").await;
        assert_eq!(tell(&house, "okta", &by_session).await, StatusCode::BAD_REQUEST);
        assert_eq!(verify(&mut browser).await, StatusCode::OK, "a token does not work twice");
        let mut other = signed_in(&house, "okta", "asa").await;
        let by_person = logout_token(&house, "2", &json!({ "sub": external("asa") }));
        assert_eq!(tell(&house, "okta", &by_person).await, StatusCode::OK);
        assert_eq!(verify(&mut browser).await, StatusCode::UNAUTHORIZED);
        assert_eq!(verify(&mut other).await, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn a_logout_token_that_is_not_right_ends_nothing() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("okta", "asa", "sv").await;
        let mut browser = signed_in(&house, "okta", "asa").await;
        let names = json!({ "sub": external("asa") });
        let mut with_nonce = logout_token(&house, "3", &names);
        with_nonce["nonce"] = "n".into();
        let mut without_event = logout_token(&house, "4", &names);
        without_event["events"] = json!({});
        let mut for_another = logout_token(&house, "5", &names);
        for_another["aud"] = "another".into();
        let wrong = [with_nonce, without_event, for_another, house.claims("asa", "n")];
        for claims in &wrong {
            assert_eq!(tell(&house, "okta", claims).await, StatusCode::BAD_REQUEST, "{claims}");
        }
        let right = logout_token(&house, "6", &names);
        assert_eq!(tell(&house, "nowhere", &right).await, StatusCode::BAD_REQUEST);
        assert_eq!(tell(&house, "entra", &right).await, StatusCode::OK, "of another directory: names nobody");
        assert_eq!(house.browser().post("/sso/backchannel-logout/okta", "null", "").await.body, "");
        assert_eq!(verify(&mut browser).await, StatusCode::OK);
    })
    .await;
}
