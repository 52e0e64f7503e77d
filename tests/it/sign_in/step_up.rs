//! What a directory is asked for at each sign-in, and doors that a sign-in of this morning does not open.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::browser::{Browser, Page};
use super::house::{TENANT, TestHouse, external};
use crate::engines::{TestDb, on_each_engine};

/// Comes back as asa with claims of one's own, from an address that was sent to the provider.
async fn back(house: &TestHouse<'_>, browser: &mut Browser, away: &Page, claims: Value) -> Page {
    let mut all = house.claims("asa", &away.sent("nonce").unwrap());
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    house.provider.hand_out(&all);
    browser.get(&format!("/sso/callback?code=c&state={}", away.sent("state").unwrap())).await
}

fn now(house: &TestHouse<'_>) -> i64 {
    portvakt::flows::Clock::now(&*house.clock).as_second()
}

#[tokio::test]
async fn what_the_settings_of_a_directory_ask_for_is_sent_and_demanded() {
    on_each_engine(async |t| {
        let house = TestHouse::open_with(t, |text| {
            text.replace("domains = [\"frivillig.example\"]\n[directory.oidc]", "domains = [\"frivillig.example\"]\n[directory.oidc]\nprompt = \"consent\"\nmax_age = \"8h\"\nacr_values = [\"urn:mfa\", \"urn:key\"]\nlogin_hint = false")
        })
        .await;
        house.provision("okta", "asa", "sv").await;
        let mut browser = house.browser();
        let form = "email=asa%40frivillig.example";
        let away = browser.post("/sso/login", super::house::ORIGIN, form).await;
        assert_eq!(away.sent("login_hint"), None);
        assert_eq!(away.sent("prompt").as_deref(), Some("consent"));
        assert_eq!(away.sent("max_age").as_deref(), Some("28800"));
        assert_eq!(away.sent("acr_values").as_deref(), Some("urn:mfa urn:key"));
        for (claims, code) in [
            (json!({ "acr": "urn:mfa" }), "token_authentication_age"),
            (json!({ "acr": "urn:mfa", "auth_time": now(&house) - 28_900 }), "token_authentication_age"),
            (json!({ "auth_time": now(&house) }), "token_acr"),
            (json!({ "acr": "urn:pwd", "auth_time": now(&house) }), "token_acr"),
            (json!({ "acr": "urn:mfa urn:key", "auth_time": now(&house) }), "token_acr"),
            (json!({ "acr": ["urn:mfa"], "auth_time": now(&house) }), "token_acr"),
        ] {
            let mut browser = house.browser();
            let away = browser.get("/sso/login?directory=okta").await;
            let page = back(&house, &mut browser, &away, claims.clone()).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{claims}");
            let subject = portvakt::domain::actor::Subject::new("directory", "okta");
            let entry = house.last_about(subject).await;
            assert_eq!(entry.after.unwrap()["code"], code, "{claims}");
        }
        let away = browser.get("/sso/login?directory=okta&prompt=login&max_age=60").await;
        assert_eq!(away.sent("prompt").as_deref(), Some("login"));
        assert_eq!(away.sent("max_age").as_deref(), Some("60"), "the shorter of the two");
        let claims = json!({ "acr": "urn:key", "auth_time": now(&house) - 30 });
        assert_eq!(back(&house, &mut browser, &away, claims).await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_path_that_demands_a_fresh_sign_in_is_opened_by_one_and_by_nothing_else() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("okta", "asa", "sv").await;
        let mut browser = house.browser();
        house
            .sign_in_with(&mut browser, "directory=okta", "asa", |claims| {
                claims["auth_time"] = (claims["iat"].as_i64().unwrap() - 100).into();
            })
            .await;
        let fresh = "/sso/verify?max_age=300&acr=urn:mfa%20urn:key";
        let ask = browser.get(fresh).await;
        assert_eq!(ask.status, StatusCode::UNAUTHORIZED);
        assert!(ask.body.contains("step_up_required"), "{}", ask.body);
        assert_eq!(
            ask.header("www-authenticate"),
            "Bearer error=\"insufficient_user_authentication\", acr_values=\"urn:mfa urn:key\", max_age=\"300\""
        );
        assert_eq!(browser.get("/sso/verify?max_age=300").await.status, StatusCode::OK);
        assert_eq!(browser.get("/sso/verify?max_age=99").await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(browser.get("/sso/verify").await.status, StatusCode::OK, "nothing else is taken from them");

        browser.headers = vec![("x-forwarded-uri", "/ekonomi".to_owned())];
        let away = browser.get("/sso/verify?answer=page&max_age=300&acr=urn:mfa").await;
        let expected = "/sso/login?directory=okta&return_to=/ekonomi&max_age=300&acr_values=urn%3Amfa";
        assert_eq!((away.status, away.location()), (StatusCode::SEE_OTHER, expected));
        let away = browser.get(expected).await;
        assert_eq!(away.sent("acr_values").as_deref(), Some("urn:mfa"));
        let (before, at) = (browser.cookies["__Host-portvakt"].clone(), now(&house));
        let weak = back(&house, &mut browser, &away, json!({ "auth_time": at, "acr": "urn:pwd" })).await;
        assert_eq!(weak.status, StatusCode::FORBIDDEN, "a token that is too weak signs nobody in");
        assert_eq!(browser.cookies["__Host-portvakt"], before, "and takes no session away");
        let away = browser.get(expected).await;
        let done = back(&house, &mut browser, &away, json!({ "auth_time": at, "acr": "urn:mfa" })).await;
        assert_eq!(done.location(), "/ekonomi");
        assert_ne!(browser.cookies["__Host-portvakt"], before, "a stronger sign-in has a session of its own");
        assert_eq!(browser.get(fresh).await.status, StatusCode::OK);
        house.pass(6);
        assert_eq!(browser.get(fresh).await.status, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn a_page_that_the_settings_name_asks_for_a_fresh_sign_in() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open_with(&t, |text| {
        text.replacen("[[directory]]", "[step_up]\nmax_age = \"5m\"\npages = [\"/\"]\n[[directory]]", 1)
    })
    .await;
    house.provision("okta", "asa", "sv").await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "okta", "asa").await;
    let away = browser.get("/").await;
    assert_eq!(away.location(), "/sso/login?directory=okta&return_to=/&max_age=300");
    let away = browser.get(away.location()).await;
    back(&house, &mut browser, &away, json!({ "auth_time": now(&house) })).await;
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    house.pass(6);
    assert_eq!(browser.get("/").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn entra_is_asked_for_authentication_contexts_and_answers_with_them() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open(&t).await;
    house.provision("entra", "asa", "sv").await;
    let mut browser = house.browser();
    let away = browser.get("/sso/login?directory=entra&acr_values=c1").await;
    assert_eq!(away.sent("acr_values"), None);
    let claims: Value = serde_json::from_str(&away.sent("claims").unwrap()).unwrap();
    assert_eq!(claims, json!({ "id_token": { "acrs": { "essential": true, "value": "c1" } } }));
    let context = json!({ "acrs": ["c2", "c1"], "acr": "1", "tid": TENANT, "oid": external("asa") });
    assert_eq!(back(&house, &mut browser, &away, context).await.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/sso/verify?acr=c2").await.status, StatusCode::OK);
    assert_eq!(browser.get("/sso/verify?acr=1").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_request_is_pushed_where_the_provider_offers_it_and_the_browser_carries_a_reference() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open(&t).await;
    house.provider.offer_par();
    house.provision("okta", "asa", "sv").await;
    let mut browser = house.browser();
    let away = browser.get("/sso/login?directory=okta&max_age=60").await;
    assert_eq!(away.sent("request_uri").as_deref(), Some("urn:ietf:params:oauth:request_uri:x"));
    assert_eq!((away.sent("state"), away.sent("scope")), (None, None));
    let pushed = house.provider.asked("/par").await.remove(0);
    for part in ["client_id=portvakt", "code_challenge_method=S256", "max_age=60", "state=", "nonce="] {
        assert!(pushed.contains(part), "{part}: {pushed}");
    }
    assert_eq!(pushed.matches("client_id=").count(), 1, "once, however the client proves itself");
}

#[tokio::test]
async fn a_provider_that_cannot_do_what_the_settings_demand_signs_nobody_in() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open_with(&t, |text| {
        text.replace("[directory.oidc]", "[directory.oidc]\npar = \"require\"")
    })
    .await;
    let page = house.browser().get("/sso/login?directory=okta").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(house.provider.asked("/par").await.is_empty());
}
