//! Tokens that are forged or bent, through the real router: each refused for its own reason in the audit, and all with
//! one flat message outside.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use portvakt::domain::actor::Subject;
use portvakt::store::audit;
use serde_json::{Value, json};

use super::browser::Page;
use super::house::{TENANT, TestHouse, external};
use super::provider::{CLIENT, sign, sign_with};
use crate::engines::{look, on_each_engine};

/// What is bent in the claims of a good token; `null` takes a member away.
fn bent(at: i64, issuer: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("token_issuer", json!({ "iss": "https://evil.example" })),
        ("token_issuer", json!({ "iss": format!("{issuer}/") })),
        ("token_issuer", json!({ "iss": issuer.to_uppercase() })),
        ("token_issuer", json!({ "iss": null })),
        ("token_issuer", json!({ "iss": [issuer] })),
        ("token_audience", json!({ "aud": "another" })),
        ("token_audience", json!({ "aud": null })),
        ("token_audience", json!({ "aud": ["another"] })),
        ("token_audience", json!({ "aud": [CLIENT, 7] })),
        ("token_audience", json!({ "aud": { CLIENT: true } })),
        ("token_azp", json!({ "aud": [CLIENT, "another"] })),
        ("token_azp", json!({ "aud": [CLIENT, "another"], "azp": "another" })),
        ("token_azp", json!({ "azp": "another" })),
        ("token_expired", json!({ "exp": at - 60 })),
        ("token_expired", json!({ "exp": 1 })),
        ("token_times", json!({ "exp": null })),
        ("token_times", json!({ "exp": "never" })),
        ("token_times", json!({ "iat": null })),
        ("token_issued_in_future", json!({ "iat": at + 61 })),
        ("token_not_yet_valid", json!({ "nbf": at + 61 })),
        ("token_nonce", json!({ "nonce": null })),
        ("token_nonce", json!({ "nonce": "another" })),
        ("token_nonce", json!({ "nonce": "" })),
        ("token_at_hash", json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" })),
        ("token_at_hash", json!({ "at_hash": 7 })),
        ("token_authentication_age", json!({ "auth_time": "yesterday" })),
        ("token_subject", json!({ "sub": null })),
        ("token_subject", json!({ "sub": 7 })),
        ("token_subject", json!({ "sub": "a\u{0}b" })),
        ("token_subject_claim", json!({ "oid": null })),
        ("token_subject_claim", json!({ "oid": "" })),
        ("token_subject_claim", json!({ "oid": [external("asa")] })),
        ("token_tenant", json!({ "tid": null })),
        ("token_tenant", json!({ "tid": "deadbeef-1111-4222-8333-444455556666" })),
        ("token_tenant", json!({ "tid": [TENANT] })),
        ("token_groups", json!({ "groups": { "a": 1 } })),
        ("token_groups", json!({ "groups": [1] })),
        ("token_groups", json!({ "groups": ["a\u{0}b"] })),
    ]
}

/// Tokens whose form, header, key or signature is wrong.
fn forged(good: &Value, forged_address: &str) -> Vec<(&'static str, String)> {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let real = sign(good);
    let (signed, signature) = real.rsplit_once('.').unwrap();
    let unsigned = |header: Value| format!("{}.{}", encode(&header), encode(good));
    let by_provider = |header: Value| sign_with(&header, good, 7);
    let by_me = |header: Value| sign_with(&header, good, 9);
    let mut boss = good.clone();
    boss["oid"] = external("boss").into();
    let header = json!({ "alg": "EdDSA", "kid": "ed" });
    vec![
        ("token_algorithm", format!("{}.", unsigned(json!({ "alg": "none" })))),
        ("token_algorithm", format!("{}.", unsigned(json!({ "alg": "NONE", "kid": "ed" })))),
        ("token_algorithm", format!("{}.AAAA", unsigned(json!({ "alg": "HS256", "kid": "ed" })))),
        ("token_algorithm", by_provider(json!({ "kid": "ed" }))),
        ("token_algorithm", by_provider(json!({ "alg": "RS512", "kid": "ed" }))),
        ("token_key", by_provider(json!({ "alg": "RS256", "kid": "ed" }))),
        ("token_key", by_me(json!({ "alg": "EdDSA", "kid": "mine" }))),
        ("token_key", by_me(json!({ "alg": "EdDSA" }))),
        ("token_key", by_me(json!({ "alg": "EdDSA", "kid": "mine", "jku": forged_address }))),
        ("token_signature", by_me(header.clone())),
        ("token_signature", by_me(json!({ "alg": "EdDSA", "kid": "ed", "x5u": forged_address }))),
        ("token_signature", format!("{}.{}.{signature}", encode(&header), encode(&boss))),
        ("token_signature", format!("{signed}.")),
        ("token_signature", format!("{signed}.{}", &signature[..40])),
        ("token_crit", by_provider(json!({ "alg": "EdDSA", "kid": "ed", "crit": ["exp"] }))),
        ("token_type", by_provider(json!({ "alg": "EdDSA", "kid": "ed", "typ": "at+jwt" }))),
        ("token_type", by_provider(json!({ "alg": "EdDSA", "kid": "ed", "typ": "logout+jwt" }))),
        ("token_malformed", by_provider(json!({ "alg": "EdDSA", "kid": 7 }))),
        ("token_malformed", signed.to_owned()),
        ("token_malformed", format!("{real}.e30")),
        ("token_malformed", format!("{real}=")),
        ("token_malformed", "not a token".to_owned()),
        ("token_malformed", format!("{signed}.{}", "A".repeat(70_000))),
    ]
}

fn apply(claims: &mut Value, change: &Value) {
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
}

/// A page as anybody sees it, without what differs by nature.
fn flat(page: &Page) -> String {
    let cut = |text: &str, from: &str, to: &str| {
        let Some((before, rest)) = text.split_once(from) else { return text.to_owned() };
        let after = rest.split_once(to).map_or("", |(_, after)| after);
        format!("{before}{after}")
    };
    let text = cut(&page.body, "<b class=\"mono\">", "</b>");
    let text = cut(&text, "?subject=", "\"");
    cut(&text, "<time>", "</time>")
}

/// The codes of the newest refusal about the directory, with its id.
async fn newest(house: &TestHouse<'_>) -> (String, String) {
    let about = Subject::new("directory", "entra");
    let entry = look!(house.t, c => audit::about(c, &about, 1)).remove(0);
    assert_eq!(entry.action, "sign_in_refused");
    (entry.after.unwrap()["code"].as_str().unwrap().to_owned(), entry.id.to_string())
}

#[tokio::test]
async fn every_bent_or_forged_token_is_refused_for_its_own_reason_and_with_one_flat_message() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let at = portvakt::flows::Clock::now(&*house.clock).as_second();
        let (mut rows, mut codes, mut pages) = (0, BTreeSet::new(), BTreeSet::new());
        let mut seen = async |code: &str, page: Page, has_session: bool| {
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{code}");
            assert!(!has_session, "{code}");
            assert!(!page.body.contains(code), "{code} is told outside");
            let (told, reference) = newest(&house).await;
            assert_eq!(told, code);
            assert!(page.body.contains(&reference), "{code}: the reference leads to the reason");
            rows += 1;
            codes.insert(told);
            pages.insert(flat(&page));
        };
        for (code, change) in bent(at, &house.provider.issuer()) {
            let mut browser = house.browser();
            let bend = |claims: &mut Value| apply(claims, &change);
            let page = house.sign_in_with(&mut browser, "directory=entra", "asa", bend).await;
            seen(code, page, browser.cookies.contains_key("__Host-portvakt")).await;
        }
        let forged_address = format!("{}/forged", house.provider.issuer());
        let count = forged(&json!({}), &forged_address).len();
        for number in 0..count {
            let (mut browser, mut code) = (house.browser(), "");
            let page = house
                .sign_in_by(&mut browser, "entra", |nonce| {
                    let (named, token) =
                        forged(&house.claims("asa", nonce), &forged_address).swap_remove(number);
                    code = named;
                    token
                })
                .await;
            seen(code, page, browser.cookies.contains_key("__Host-portvakt")).await;
        }
        assert!(rows >= 60, "{rows} rows");
        assert!(codes.len() >= 18, "{codes:?}");
        assert_eq!(pages.len(), 1, "the pages differ: {pages:#?}");
        assert!(house.provider.asked("/forged").await.is_empty());
        assert_eq!(house.sign_in(&mut house.browser(), "entra", "asa").await.status, StatusCode::SEE_OTHER);
    })
    .await;
}

#[tokio::test]
async fn a_callback_with_another_issuer_or_state_is_refused_before_any_code_is_exchanged() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let mut browser = house.browser();
        let away = browser.get("/sso/login?directory=entra").await;
        let state = away.sent("state").unwrap();
        let wrong =
            browser.get(&format!("/sso/callback?code=c&state={state}&iss=https://evil.example")).await;
        assert_eq!(wrong.status, StatusCode::FORBIDDEN);
        assert_eq!(newest(&house).await.0, "callback_issuer");
        for state in ["", "x", &"A".repeat(43), &format!("{state}x")] {
            let answer = browser.get(&format!("/sso/callback?code=c&state={state}")).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
        }
        assert_eq!(house.provider.exchanges(), 0);
    })
    .await;
}

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn bent_logouts(at: i64) -> Vec<(&'static str, Value)> {
    vec![
        ("token_issuer", json!({ "iss": "https://evil.example" })),
        ("token_audience", json!({ "aud": "another" })),
        ("token_expired", json!({ "exp": at - 60 })),
        ("token_times", json!({ "iat": null })),
        ("token_issued_in_future", json!({ "iat": at + 7100 })),
        ("token_events", json!({ "events": null })),
        ("token_events", json!({ "events": { "urn:other": {} } })),
        ("token_events", json!({ "events": [EVENT] })),
        ("token_nonce_present", json!({ "nonce": "n" })),
        ("token_nonce_present", json!({ "nonce": "" })),
        ("token_logout_target", json!({ "sub": null, "sid": null })),
        ("token_logout_target", json!({ "sub": [external("asa")] })),
        ("token_jti", json!({ "jti": null })),
    ]
}

fn forged_logouts(good: &Value, id_token: &Value) -> Vec<(&'static str, String)> {
    let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    vec![
        ("token_signature", sign_with(&json!({ "alg": "EdDSA", "kid": "ed" }), good, 9)),
        ("token_algorithm", format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&good.to_string()))),
        ("token_type", sign_with(&json!({ "alg": "EdDSA", "typ": "at+jwt" }), good, 7)),
        ("token_events", sign(id_token)),
    ]
}

#[tokio::test]
async fn a_forged_or_repeated_logout_is_refused_for_its_own_reason_without_a_word_and_the_session_lives() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("okta", "asa", "sv").await;
        let mut browser = house.browser();
        house.sign_in(&mut browser, "okta", "asa").await;
        let at = portvakt::flows::Clock::now(&*house.clock).as_second();
        let good = json!({
            "iss": house.provider.issuer(), "aud": CLIENT, "iat": at, "exp": at + 7200, "jti": "one",
            "events": { EVENT: {} }, "sub": external("asa"), "sid": "sid-asa",
        });
        let tell = async |token: String| {
            let form = format!("logout_token={token}");
            house.browser().post("/sso/backchannel-logout/okta", "null", &form).await
        };
        let told = async |limit: i64| {
            let about = Subject::new("directory", "okta");
            look!(t, c => audit::about(c, &about, limit))
        };
        let mut id_token = house.claims("asa", "n");
        id_token["exp"] = (at + 7200).into();
        let bent = bent_logouts(at).into_iter().map(|(code, change)| (code, change, None));
        let forged = forged_logouts(&good, &id_token).into_iter();
        for (code, change, token) in bent.chain(forged.map(|(code, token)| (code, Value::Null, Some(token))))
        {
            let token = token.unwrap_or_else(|| {
                let mut claims = good.clone();
                apply(&mut claims, &change);
                sign(&claims)
            });
            house.pass(2);
            let answer = tell(token).await;
            assert_eq!((answer.status, answer.body.as_str()), (StatusCode::BAD_REQUEST, ""), "{code}");
            let entry = told(1).await.remove(0);
            assert_eq!(entry.action, "provider_logout_refused");
            assert_eq!(entry.after.unwrap()["code"], code);
            let form = "directory=okta";
            house.sign_in_with(&mut browser, form, "asa", |_| {}).await;
            assert_eq!(browser.get("/sso/verify").await.status, StatusCode::OK, "{code}");
        }
        let before = told(200).await.len();
        let forged = sign_with(&json!({ "alg": "EdDSA", "kid": "ed" }), &good, 9);
        house.pass(2);
        for _ in 0..50 {
            tell(forged.clone()).await;
        }
        assert_eq!(told(200).await.len(), before + 1, "a flood is one line a minute");
        let at = portvakt::flows::Clock::now(&*house.clock).as_second();
        let mut right = good.clone();
        apply(&mut right, &json!({ "iat": at, "exp": at + 120 }));
        assert_eq!(tell(sign(&right)).await.status, StatusCode::OK);
        assert_eq!(browser.get("/sso/verify").await.status, StatusCode::UNAUTHORIZED);
        house.sign_in(&mut browser, "okta", "asa").await;
        assert_eq!(tell(sign(&right)).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(told(1).await[0].after.as_ref().unwrap()["code"], "token_replayed");
        assert_eq!(browser.get("/sso/verify").await.status, StatusCode::OK);
    })
    .await;
}
