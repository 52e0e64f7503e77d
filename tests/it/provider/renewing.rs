//! Refresh tokens and access tokens: renewed in turn, and dead with the session, the account, or a theft.

use axum::http::StatusCode;
use portvakt::domain::actor::Subject;
use portvakt::flows::{Clock, housekeeping};
use portvakt::jobs;
use serde_json::json;

use super::crm::{self, Crm};
use crate::engines::{look, on_each_engine};
use crate::sign_in::house::{ORIGIN, POLICY, TestHouse};

#[tokio::test]
async fn each_refresh_gives_a_new_token_and_keeps_the_session_awake() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let mut told = crm.tokens(&house, &mut browser, "asa").await;
        let first = told.claims();
        for _ in 0..3 {
            house.pass(25);
            let renewed = crm.renew(&told.text("refresh_token")).await;
            assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.body);
            assert_ne!(renewed.text("refresh_token"), told.text("refresh_token"));
            assert_ne!(renewed.text("access_token"), told.text("access_token"));
            let claims = renewed.claims();
            for same in ["iss", "sub", "aud", "auth_time", "sid"] {
                assert_eq!(claims[same], first[same], "{same}");
            }
            assert!(claims.get("nonce").is_none());
            assert_eq!(claims["iat"], json!(house.clock.now().as_second()));
            assert_eq!(crm.userinfo(&told.text("access_token")).await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(crm.userinfo(&renewed.text("access_token")).await.status, StatusCode::OK);
            told = renewed;
        }
        assert_eq!(browser.get("/sso/verify").await.status, StatusCode::OK, "its use was noted");
        house.pass(30);
        assert_eq!(crm.renew(&told.text("refresh_token")).await.body["error"], "invalid_grant", "it rested");
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_comes_twice_takes_the_whole_family_with_it() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let first = crm.tokens(&house, &mut browser, "asa").await.text("refresh_token");
        let second = crm.renew(&first).await;
        assert_eq!(crm.renew(&first).await.body["error"], "invalid_grant");
        assert_eq!(crm.renew(&second.text("refresh_token")).await.body["error"], "invalid_grant");
        assert_eq!(crm.userinfo(&second.text("access_token")).await.status, StatusCode::UNAUTHORIZED);
        let account = house.account("asa").await.id;
        let last = house.last_about(Subject::new("account", account)).await;
        assert_eq!(last.action, "client_tokens_revoked");
        assert_eq!(browser.get("/sso/verify").await.status, StatusCode::OK, "the person stays signed in");
    })
    .await;
}

#[tokio::test]
async fn a_race_for_one_refresh_token_has_one_winner() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let refresh = crm.tokens(&house, &mut browser, "asa").await.text("refresh_token");
        let tries = (0..6).map(|_| crm.renew(&refresh));
        let told = futures_util::future::join_all(tries).await;
        let won: Vec<_> = told.iter().filter(|told| told.status == StatusCode::OK).collect();
        assert_eq!(won.len(), 1);
        let access = won[0].text("access_token");
        assert_eq!(crm.userinfo(&access).await.status, StatusCode::UNAUTHORIZED, "and what it won is void");
    })
    .await;
}

#[tokio::test]
async fn less_can_be_asked_for_and_never_more() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let crm = Crm { scope: "openid profile offline_access", ..Crm::new(&house) };
        let refresh = crm.tokens(&house, &mut house.browser(), "asa").await.text("refresh_token");
        let renew = async |refresh: &str, scope: &str| {
            crm.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh), ("scope", scope)]).await
        };
        assert_eq!(renew(&refresh, "openid email").await.body["error"], "invalid_scope");
        let less = renew(&refresh, "openid offline_access").await;
        assert_eq!(less.status, StatusCode::OK, "the refusal used nothing up: {}", less.body);
        assert_eq!(less.body["scope"], "openid offline_access");
        assert!(less.claims().get("name").is_none());
        let whole = crm.renew(&less.text("refresh_token")).await;
        assert_eq!(whole.claims()["name"], "asa Åkesson", "what was granted can be had again");
    })
    .await;
}

#[tokio::test]
async fn nothing_outlives_the_account_the_session_or_the_sign_out() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, crm::CLIENTS).await;
        let id = house.provision("entra", "asa", "sv").await;
        let crm = Crm::new(&house);
        let is_dead = async |told: &crm::Told| {
            let userinfo = crm.userinfo(&told.text("access_token")).await;
            let renewed = crm.renew(&told.text("refresh_token")).await;
            assert_eq!(userinfo.headers["www-authenticate"], "Bearer error=\"invalid_token\"");
            userinfo.status == StatusCode::UNAUTHORIZED && renewed.body["error"] == "invalid_grant"
        };
        let told = crm.tokens(&house, &mut house.browser(), "asa").await;
        house.set_active("entra", &id, false).await;
        assert!(is_dead(&told).await, "deactivated over SCIM");
        house.set_active("entra", &id, true).await;
        assert!(is_dead(&told).await, "and what is dead stays dead");
        let mut browser = house.browser();
        let told = crm.tokens(&house, &mut browser, "asa").await;
        browser.post("/sso/logout", ORIGIN, "").await;
        assert!(is_dead(&told).await, "signed out");
        let mut told = crm.tokens(&house, &mut house.browser(), "asa").await;
        for _ in 0..28 {
            house.pass(25);
            told = crm.renew(&told.text("refresh_token")).await;
        }
        house.pass(20);
        assert!(is_dead(&told).await, "twelve hours after the sign-in");
    })
    .await;
}

#[tokio::test]
async fn who_loses_what_a_client_requires_is_out_at_the_next_refresh() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let helper = house.provision("entra", "bo", "sv").await;
        house.make_helper(&helper).await;
        let (board, mut browser) = (Crm::board(&house), house.browser());
        let told = board.tokens(&house, &mut browser, "bo").await;
        let narrower = POLICY.replace("[\"communication\", \"members:view\"]", "[\"members:view\"]");
        assert_ne!(narrower, POLICY);
        house.apply(&narrower).await;
        assert_eq!(house.account("bo").await.standing.status.name(), "active");
        assert_eq!(board.userinfo(&told.text("access_token")).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(board.renew(&told.text("refresh_token")).await.body["error"], "invalid_grant");
        let account = house.account("bo").await.id;
        let last = house.last_about(Subject::new("account", account)).await;
        assert_eq!(last.action, "client_refused");
        assert_eq!(last.after.unwrap()["code"], "client_requirement");
        assert!(Crm::new(&house).ask(&mut browser, &[]).await.sent("code").is_some(), "elsewhere he may");
    })
    .await;
}

#[tokio::test]
async fn what_has_expired_is_put_away_and_what_has_not_stays() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let told = crm.tokens(&house, &mut browser, "asa").await;
        house.pass(15);
        assert_eq!(housekeeping::tidy(&house.ports).await.unwrap().client_tokens, 1, "the access token");
        assert_eq!(crm.renew(&told.text("refresh_token")).await.status, StatusCode::OK);
        house.pass(31 * 24 * 60);
        jobs::run_once(&house.ports, "client-sessions").await.unwrap();
        housekeeping::tidy(&house.ports).await.unwrap();
        let hash = portvakt::flows::tokens::digest(&told.text("refresh_token"));
        let use_ = portvakt::store::client_grant::TokenUse::Refresh;
        assert!(look!(t, c => portvakt::store::client_grant::token(c, use_, &hash)).is_none());
    })
    .await;
}
