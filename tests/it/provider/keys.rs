//! The keys that sign: made once for all nodes, published before they sign, taken away when nothing needs them.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use portvakt::domain::actor::{Actor, Subject};
use portvakt::flows::Clock;
use portvakt::flows::provider::{keep_keys, list_keys, replace_keys};
use secrecy::ExposeSecret;
use serde_json::Value;

use super::crm::{self, Crm};
use crate::engines::{look, on_each_engine};
use crate::sign_in::browser::Browser;
use crate::sign_in::house::TestHouse;

/// One client, so that there is one algorithm.
const ONE: &str = r#"
[[client]]
id = "crm"
secret = "a-secret-of-the-crm+for:tests%only"
redirect_uris = ["https://crm.example/callback?from=portvakt"]
algorithm = "ES256"
"#;

async fn published(crm: &Crm) -> Vec<String> {
    let keys = crm.send(Request::get("/oauth2/jwks").body(Body::empty()).unwrap()).await.body;
    keys["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

async fn keep(house: &TestHouse<'_>) -> (usize, usize) {
    let act = house.ports.act(Actor::Job("signing-keys".to_owned()), "test");
    let kept = keep_keys(&house.ports, &act).await.unwrap();
    (kept.made, kept.removed)
}

fn signer(token: &str) -> String {
    use base64::Engine as _;
    let head = token.split('.').next().unwrap();
    let head = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(head).unwrap();
    let head: Value = serde_json::from_slice(&head).unwrap();
    head["kid"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_new_key_is_published_a_day_before_it_signs_and_an_old_one_as_long_as_a_session_lasts() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, ONE).await;
        house.provision("entra", "asa", "sv").await;
        let crm = Crm::new(&house);
        let day = 24 * 60;
        assert_eq!(keep(&house).await, (1, 0));
        assert_eq!(keep(&house).await, (0, 0));
        let first = published(&crm).await;
        assert_eq!(first.len(), 1);
        house.pass(89 * day - 1);
        assert_eq!(keep(&house).await, (0, 0));
        house.pass(1);
        assert_eq!(keep(&house).await, (1, 0));
        let both = published(&crm).await;
        assert_eq!((both.len(), &both[0]), (2, &first[0]), "published, both");
        let token = crm.tokens(&house, &mut house.browser(), "asa").await.text("id_token");
        assert_eq!(signer(&token), both[0], "the old one signs still");
        house.pass(day);
        assert_eq!(keep(&house).await, (0, 0));
        let after = crm.tokens(&house, &mut house.browser(), "asa").await.text("id_token");
        assert_eq!(signer(&after), both[1], "the new one has taken over");
        assert!(crm.verified(&token).await.is_some(), "and what the old one signed is believed");
        // Twelve hours of a session and two more.
        house.pass(14 * 60 - 1);
        assert_eq!(keep(&house).await, (0, 0));
        house.pass(1);
        assert_eq!(keep(&house).await, (0, 1));
        assert_eq!(published(&crm).await, both[1..]);
        let last = house.last_about(Subject::new("signing_key", &both[0])).await;
        assert_eq!((last.action.as_str(), last.cause.as_str()), ("signing_key_removed", "outlived"));
    })
    .await;
}

#[tokio::test]
async fn two_nodes_that_need_the_first_key_at_the_same_moment_make_one() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, ONE).await;
        house.provision("entra", "asa", "sv").await;
        let (ports, router) = house.node().await;
        let (here, there) = (Crm::new(&house), Crm::new(&house).at(router.clone()));
        let mut browser = house.browser();
        let (one, two) =
            (here.code(&house, &mut browser, "asa").await, here.code(&house, &mut browser, "asa").await);
        let (one_asked, two_asked) = (here.exchange(&one), there.exchange(&two));
        let (one, two) = tokio::join!(here.token(&one_asked), there.token(&two_asked));
        assert_eq!((one.status, two.status), (StatusCode::OK, StatusCode::OK), "{} {}", one.body, two.body);
        assert_eq!(signer(&one.text("id_token")), signer(&two.text("id_token")));
        assert_eq!(list_keys(&ports).await.unwrap().len(), 1);
        assert!(there.verified(&one.text("id_token")).await.is_some(), "each believes the other's");
        ports.db.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_code_of_one_node_is_good_at_another_and_after_a_restart() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (ports, router) = house.node().await;
        let crm = Crm::new(&house);
        let elsewhere = crm.at(router.clone());
        // Begun at one node, carried on at the other, finished at the first.
        let mut browser = house.browser();
        let away = crm.ask(&mut browser, &[]).await;
        let mut moved = Browser::new(router);
        moved.cookies.clone_from(&browser.cookies);
        let back = crm::through_directory(&house, &mut browser, &away, "asa").await;
        let code = back.sent("code").unwrap();
        let told = elsewhere.token(&elsewhere.exchange(&code)).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.body);
        assert_eq!(crm.token(&crm.exchange(&code)).await.body["error"], "invalid_grant", "once on all nodes");
        assert_eq!(crm.userinfo(&told.text("access_token")).await.status, StatusCode::UNAUTHORIZED);
        let again = crm.tokens(&house, &mut browser, "asa").await;
        assert_eq!(elsewhere.userinfo(&again.text("access_token")).await.status, StatusCode::OK);
        assert_eq!(elsewhere.renew(&again.text("refresh_token")).await.status, StatusCode::OK);
        moved.cookies.clone_from(&browser.cookies);
        assert!(crm.ask(&mut moved, &[("prompt", "none")]).await.sent("code").is_some());
        ports.db.close().await;
    })
    .await;
}

#[tokio::test]
async fn keys_that_somebody_else_may_have_are_replaced_at_once() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, ONE).await;
        house.provision("entra", "asa", "sv").await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let before = crm.tokens(&house, &mut browser, "asa").await.text("id_token");
        let act = house.ports.act(Actor::Operator("test".to_owned()), "leaked");
        let kept = replace_keys(&house.ports, &act).await.unwrap();
        assert_eq!((kept.made, kept.removed), (1, 1));
        assert_eq!(crm.verified(&before).await, None, "what the old key signed is believed no longer");
        let after = crm.tokens(&house, &mut browser, "asa").await.text("id_token");
        assert!(crm.verified(&after).await.is_some());
        let keys = list_keys(&house.ports).await.unwrap();
        assert_eq!((keys.len(), keys[0].id.clone()), (1, signer(&after)));
        assert_eq!(keys[0].signs_from, house.clock.now());
        let last = house.last_about(Subject::new("signing_key", signer(&before))).await;
        assert_eq!((last.action.as_str(), last.actor.as_str()), ("signing_key_removed", "operator:test"));
    })
    .await;
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_passed_over_and_shows_nothing_of_itself() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, ONE).await;
        house.provision("entra", "asa", "sv").await;
        keep(&house).await;
        let stored = look!(t, c => portvakt::store::signing_key::all(c)).remove(0);
        let shown = format!("{stored:?}");
        assert!(
            shown.contains(&stored.id)
                && !shown.contains(&format!("{:?}", stored.private_key.expose_secret()))
        );
        t.raw()
            .await
            .execute(
                "INSERT INTO signing_key (id, algorithm, private_key, made_at, signs_from)
                 VALUES ('broken', 'ES256', '', 0, 0), ('odd', 'HS256', '', 0, 0)",
            )
            .await;
        house.pass(2);
        let crm = Crm::new(&house);
        assert_eq!(published(&crm).await, [stored.id]);
        assert!(crm.sign_in(&house, &mut house.browser(), "asa").await.sent("code").is_some());
    })
    .await;
}
