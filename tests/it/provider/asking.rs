//! What a client can ask of the sign-in: nothing shown, a new one, a fresh one, a stronger one, of somebody.

use axum::http::StatusCode;
use jiff::SignedDuration;
use serde_json::json;

use super::crm::{self, CALLBACK, Crm, form, through_directory};
use crate::engines::on_each_engine;
use crate::sign_in::browser::{Browser, Page};
use crate::sign_in::house::TestHouse;

/// From our sign-in page towards the directory: what the directory is asked.
async fn asked_of_directory(browser: &mut Browser, away: &Page) -> Page {
    let return_to = away.sent("return_to").unwrap();
    let query = form(&[("directory", "entra"), ("return_to", &return_to)]);
    let asked = browser.get(&format!("/sso/login?{query}")).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    asked
}

/// The same, and back as Åsa, who proved who she is so many seconds ago.
async fn sign_in_anew(house: &TestHouse<'_>, browser: &mut Browser, away: &Page, seconds_ago: i64) -> Page {
    let return_to = away.sent("return_to").unwrap();
    let query = form(&[("directory", "entra"), ("return_to", &return_to)]);
    house
        .sign_in_with(browser, &query, "asa", |claims| {
            claims["auth_time"] = json!(claims["iat"].as_i64().unwrap() - seconds_ago);
        })
        .await;
    browser.get(&return_to).await
}

fn is_sign_in(page: &Page) -> bool {
    page.location().starts_with("/sso/login?")
}

#[tokio::test]
async fn with_prompt_none_nothing_is_shown_and_the_client_is_told() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let quiet = [("prompt", "none")];
        let back = crm.ask(&mut browser, &quiet).await;
        assert!(back.location().starts_with(CALLBACK));
        assert_eq!(back.sent("error").as_deref(), Some("login_required"));
        house.sign_in(&mut browser, "entra", "asa").await;
        assert!(crm.ask(&mut browser, &quiet).await.sent("code").is_some());
        house.pass(5);
        let old = crm.ask(&mut browser, &[("prompt", "none"), ("max_age", "60")]).await;
        assert_eq!(old.sent("error").as_deref(), Some("login_required"));
        let weak = crm.ask(&mut browser, &[("prompt", "none"), ("acr_values", "urn:mfa")]).await;
        assert!(weak.sent("code").is_some(), "a level is a wish, and the token says what it is");
    })
    .await;
}

#[tokio::test]
async fn with_prompt_login_who_is_signed_in_signs_in_anew_and_once() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        let before = browser.cookies.clone();
        house.pass(10);
        for prompt in ["login", "consent login", "select_account"] {
            let away = crm.ask(&mut browser, &[("prompt", prompt)]).await;
            assert!(is_sign_in(&away), "{prompt}: {}", away.location());
            let asked = asked_of_directory(&mut browser, &away).await;
            let word = prompt.rsplit(' ').next();
            assert_eq!(asked.sent("prompt").as_deref(), word, "the directory is asked the same");
            // Coming back without having signed in leads there again, and to no code.
            let skipped = browser.get(&away.sent("return_to").unwrap()).await;
            assert!(is_sign_in(&skipped), "{}", skipped.location());
            let back = sign_in_anew(&house, &mut browser, &away, 0).await;
            assert!(back.sent("code").is_some(), "{prompt}: {} {}", back.status, back.location());
        }
        assert_ne!(before, browser.cookies);
        assert!(crm.ask(&mut browser, &[("prompt", "consent")]).await.sent("code").is_some());
    })
    .await;
}

#[tokio::test]
async fn a_directory_that_did_not_ask_anew_is_told_apart_from_one_that_did() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        house.pass(10);
        for asked in [("prompt", "login"), ("max_age", "60"), ("max_age", "0")] {
            let away = crm.ask(&mut browser, &[asked]).await;
            let stale = sign_in_anew(&house, &mut browser, &away, 600).await;
            assert_eq!(stale.sent("error").as_deref(), Some("login_required"), "{asked:?}");
            let fresh = sign_in_anew(&house, &mut browser, &away, 1).await;
            let code = fresh.sent("code").unwrap_or_else(|| panic!("{asked:?}: {}", fresh.location()));
            let told = crm.token(&crm.exchange(&code)).await.claims();
            assert_eq!(told["auth_time"].as_i64().unwrap(), told["iat"].as_i64().unwrap() - 1);
            house.pass(10);
        }
    })
    .await;
}

#[tokio::test]
async fn a_proof_that_is_fresh_enough_costs_no_new_sign_in() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let away = crm.ask(&mut browser, &[("max_age", "900")]).await;
        let asked = asked_of_directory(&mut browser, &away).await;
        assert_eq!(asked.sent("max_age").as_deref(), Some("900"));
        assert_eq!(asked.sent("prompt"), None, "a session there may do");
        sign_in_anew(&house, &mut browser, &away, 0).await;
        house.clock.advance(SignedDuration::from_secs(900));
        assert!(crm.ask(&mut browser, &[("max_age", "900")]).await.sent("code").is_some());
        house.clock.advance(SignedDuration::from_secs(1));
        let away = crm.ask(&mut browser, &[("max_age", "900")]).await;
        let asked = asked_of_directory(&mut browser, &away).await;
        assert_eq!(asked.sent("prompt").as_deref(), Some("login"), "not every directory heeds max_age");
    })
    .await;
}

#[tokio::test]
async fn a_stronger_proof_is_asked_for_once_and_what_came_is_passed_on() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        let wish = [("acr_values", "urn:mfa c1 c25 c100")];
        let away = crm.ask(&mut browser, &wish).await;
        let asked = asked_of_directory(&mut browser, &away).await;
        let claims = json!({ "id_token": { "acrs": { "values": ["c1", "c25"] } } });
        assert_eq!(
            asked.sent("claims").as_deref(),
            Some(claims.to_string().as_str()),
            "Entra's own levels alone"
        );
        let back = through_directory(&house, &mut browser, &away, "asa").await;
        assert!(back.sent("code").is_some(), "the directory knows no levels: the client judges");
        let away = crm.ask(&mut browser, &wish).await;
        let return_to = away.sent("return_to").unwrap();
        let query = form(&[("directory", "entra"), ("return_to", &return_to)]);
        let strong = |claims: &mut serde_json::Value| claims["acrs"] = json!(["c25"]);
        house.sign_in_with(&mut browser, &query, "asa", strong).await;
        let code = browser.get(&return_to).await.sent("code").unwrap();
        assert_eq!(crm.token(&crm.exchange(&code)).await.claims()["acr"], "c25");
        assert!(crm.ask(&mut browser, &wish).await.sent("code").is_some(), "it is strong enough now");
    })
    .await;
}

#[tokio::test]
async fn a_hint_leads_to_the_directory_of_the_address_and_stays_out_of_ours() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let away = crm.ask(&mut browser, &[("login_hint", "eva@frivillig.example")]).await;
        assert_eq!(away.sent("directory").as_deref(), Some("okta"));
        assert!(!away.location().contains("eva"), "{}", away.location());
        let asked = browser.get(away.location()).await;
        assert_eq!(asked.sent("login_hint").as_deref(), Some("eva@frivillig.example"));
        let unknown = crm.ask(&mut browser, &[("login_hint", "eva@elsewhere.example")]).await;
        assert_eq!(unknown.sent("directory"), None);
    })
    .await;
}

#[tokio::test]
async fn a_hint_of_somebody_else_than_who_is_there_gives_no_code() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        house.provision("entra", "bo", "sv").await;
        let (crm, page, mut browser) = (Crm::new(&house), Crm::page(&house), house.browser());
        let own = crm.tokens(&house, &mut browser, "asa").await.text("id_token");
        let others = page.tokens(&house, &mut browser, "asa").await.text("id_token");
        let bos = crm.tokens(&house, &mut house.browser(), "bo").await.text("id_token");
        let ask =
            async |browser: &mut Browser, hint: &str| crm.ask(browser, &[("id_token_hint", hint)]).await;
        assert!(ask(&mut browser, &own).await.sent("code").is_some());
        house.pass(25);
        assert!(ask(&mut browser, &own).await.sent("code").is_some(), "however old");
        assert_eq!(ask(&mut browser, &bos).await.sent("error").as_deref(), Some("login_required"));
        let foreign = ask(&mut browser, &others).await;
        assert_eq!(foreign.sent("error").as_deref(), Some("invalid_request"), "another client's token");
    })
    .await;
}

#[tokio::test]
async fn a_request_waits_for_half_an_hour_and_a_form_is_as_good_as_an_address() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let away = crm.ask(&mut browser, &[]).await;
        let return_to = away.sent("return_to").unwrap();
        house.sign_in(&mut browser, "entra", "asa").await;
        house.pass(29);
        assert!(browser.get(&return_to).await.sent("code").is_some());
        let away = crm.ask(&mut browser, &[("prompt", "login")]).await;
        let return_to = away.sent("return_to").unwrap();
        house.pass(30);
        assert_eq!(browser.get(&return_to).await.status, StatusCode::BAD_REQUEST);
        let request = crm.request(&[]);
        let (path, asked) = request.split_once('?').unwrap();
        let turned = browser.post(path, "https://crm.example", asked).await;
        assert_eq!((turned.status, turned.location()), (StatusCode::SEE_OTHER, request.as_str()));
    })
    .await;
}

#[tokio::test]
async fn a_client_that_wants_a_form_gets_its_answer_and_its_errors_by_one() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        let by_form = ("response_mode", "form_post");
        let page = crm.ask(&mut browser, &[by_form, ("state", "\"><script>x</script>")]).await;
        assert_eq!((page.status, page.location()), (StatusCode::OK, ""));
        assert!(
            page.body.contains(&format!("<form method=\"post\" action=\"{CALLBACK}\">")),
            "{}",
            page.body
        );
        assert!(!page.body.contains("<script>x"), "what the client sent stays text");
        assert!(page.header("content-security-policy").contains("default-src 'self'"));
        let value = |page: &Page, name: &str| {
            let rest = page.body.split(&format!("name=\"{name}\" value=\"")).nth(1)?;
            rest.split('"').next().map(str::to_owned)
        };
        let code = value(&page, "code").unwrap();
        assert_eq!(value(&page, "iss").as_deref(), Some("https://portvakt.example"));
        assert_eq!(crm.token(&crm.exchange(&code)).await.status, StatusCode::OK);
        let page = crm.ask(&mut browser, &[by_form, ("scope", "email")]).await;
        assert_eq!(value(&page, "error").as_deref(), Some("invalid_scope"));
        let page = crm.ask(&mut house.browser(), &[by_form, ("prompt", "none")]).await;
        assert_eq!(value(&page, "error").as_deref(), Some("login_required"));
        let script = browser.get("/assets/send.js").await;
        assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(script.header("x-content-type-options"), "nosniff");
        let mut other = house.browser();
        let away = crm.ask(&mut other, &[by_form]).await;
        let page = through_directory(&house, &mut other, &away, "asa").await;
        assert!(value(&page, "code").is_some(), "after the sign-in, too");
    })
    .await;
}
