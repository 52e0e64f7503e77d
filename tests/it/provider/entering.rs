//! People who enter a CRM, and what the CRM is told.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use portvakt::domain::actor::Subject;
use portvakt::domain::ids::ClientSessionId;
use portvakt::domain::policy::EvidenceSource;
use portvakt::flows::Clock;
use portvakt::store::client_session;
use serde_json::{Value, json};

use super::crm::{self, Crm, claims, through_directory};
use crate::engines::{last_seen, look, on_each_engine};
use crate::sign_in::house::{ORIGIN, TestHouse};

#[tokio::test]
async fn who_has_no_session_signs_in_at_the_directory_and_comes_back_with_a_code() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let away = crm.ask(&mut browser, &[]).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER);
        let return_to = away.sent("return_to").unwrap();
        assert!(return_to.starts_with("/oauth2/authorize?continue="), "{return_to}");
        for own in ["state", "nonce", "crm.example"] {
            assert!(!away.location().contains(own), "{own} travels: {}", away.location());
        }
        let back = through_directory(&house, &mut browser, &away, "asa").await;
        assert_eq!(back.status, StatusCode::SEE_OTHER);
        assert!(back.location().starts_with("https://crm.example/callback?from=portvakt&code="));
        assert_eq!(back.sent("state").as_deref(), Some("a state/of+the crm"));
        assert_eq!(back.sent("iss").as_deref(), Some(ORIGIN), "RFC 9207");
        let again = browser.get(&return_to).await;
        assert_eq!(again.status, StatusCode::BAD_REQUEST, "the request is used up");
        assert!(again.body.contains("Gå till CRM:et och logga in därifrån"));
        // With a session there is no detour.
        let straight = crm.ask(&mut browser, &[]).await;
        assert!(straight.sent("code").is_some(), "{}", straight.location());
    })
    .await;
}

#[tokio::test]
async fn the_tokens_say_who_it_is_to_this_client_and_for_this_request() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let told = crm.tokens(&house, &mut browser, "asa").await;
        let account = house.account("asa").await;
        let now = house.clock.now().as_second();
        let id_token = crm.verified(&told.text("id_token")).await.expect("a published key has signed it");
        for (name, value) in [
            ("iss", json!(ORIGIN)),
            ("aud", json!("crm")),
            ("sub", json!(account.id)),
            ("nonce", json!("n-0S6_WzA2Mj")),
            ("iat", json!(now)),
            ("exp", json!(now + 3600)),
            ("auth_time", json!(now)),
            ("name", json!("asa Åkesson")),
            ("preferred_username", json!("asa@bjorkbacken.example")),
            ("locale", json!("sv")),
            ("email", json!("asa@bjorkbacken.example")),
            ("account_version", json!(account.version)),
            ("limited", json!(false)),
            ("roles", json!([])),
        ] {
            assert_eq!(id_token[name], value, "{name}");
        }
        assert!(id_token.get("at_hash").is_some());
        assert_eq!(told.body["token_type"], "Bearer");
        assert_eq!(told.body["expires_in"], 600);
        assert_eq!(told.body["scope"], "openid profile email offline_access");
        assert_eq!(told.headers["cache-control"], "no-store");
        let userinfo = crm.userinfo(&told.text("access_token")).await;
        assert_eq!(userinfo.status, StatusCode::OK);
        for name in ["sub", "name", "email", "account_version", "roles"] {
            assert_eq!(userinfo.body[name], id_token[name], "{name}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_person_may_do_is_told_as_the_webhook_tells_it() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, crm::CLIENTS).await;
        let id = house.provision("entra", "asa", "sv").await;
        house.make_helper(&id).await;
        let told = Crm::new(&house).tokens(&house, &mut house.browser(), "asa").await.claims();
        assert_eq!(told["roles"], json!(["communicator"]));
        assert_eq!(told["sectors"], json!(["mailings"]));
        assert_eq!(told["modules"], json!(["communication"]));
        assert_eq!((&told["limited"], &told["item_restricted"]), (&json!(true), &json!(true)));
    })
    .await;
}

#[tokio::test]
async fn a_client_is_told_no_more_than_its_settings_allow() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (page, mut browser) = (Crm::page(&house), house.browser());
        let told = page.tokens(&house, &mut browser, "asa").await;
        assert_eq!(told.body["scope"], "openid profile offline_access", "email is not for it");
        let told = told.claims();
        assert_eq!(told["name"], "asa Åkesson");
        for kept in ["email", "roles", "account_version", "limited"] {
            assert!(told.get(kept).is_none(), "{kept}");
        }
        let crm = Crm { scope: "openid", ..Crm::new(&house) };
        let told = crm.tokens(&house, &mut browser, "asa").await;
        assert!(told.body.get("refresh_token").is_none(), "it did not ask to come back");
        let told = told.claims();
        assert!(told.get("name").is_none() && told.get("email").is_none());
        assert!(told.get("roles").is_some(), "given whatever is asked for");
    })
    .await;
}

#[tokio::test]
async fn a_pairwise_subject_is_the_same_each_time_and_another_than_elsewhere() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        house.provision("entra", "bo", "sv").await;
        let (page, crm) = (Crm::page(&house), Crm::new(&house));
        let mut browser = house.browser();
        let first = page.tokens(&house, &mut browser, "asa").await.claims();
        let elsewhere = crm.tokens(&house, &mut browser, "asa").await.claims();
        let second = page.tokens(&house, &mut house.browser(), "asa").await.claims();
        let other = page.tokens(&house, &mut house.browser(), "bo").await.claims();
        assert_eq!(first["sub"], second["sub"]);
        assert_ne!(first["sub"], other["sub"]);
        assert_ne!(first["sub"], elsewhere["sub"]);
        assert_eq!(elsewhere["sub"], json!(house.account("asa").await.id));
        // One session, but each client has a name of its own for it, and keeps it.
        assert_ne!(first["sid"], elsewhere["sid"]);
        let again = page.tokens(&house, &mut browser, "asa").await.claims();
        assert_eq!(first["sid"], again["sid"]);
        let sid = ClientSessionId::parse(first["sid"].as_str().unwrap()).unwrap();
        let known = look!(t, c => client_session::get(c, sid)).unwrap();
        assert_eq!((known.client.as_str(), json!(known.subject)), ("page", first["sub"].clone()));
    })
    .await;
}

#[tokio::test]
async fn an_address_counts_as_verified_only_while_it_is_the_one_that_the_directory_vouched_for() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, crm::CLIENTS).await;
        let id = house.provision("entra", "asa", "sv").await;
        let crm = Crm::new(&house);
        let enter = async |bend: fn(&mut Value)| {
            let mut browser = house.browser();
            house.sign_in_with(&mut browser, "directory=entra", "asa", bend).await;
            crm.tokens(&house, &mut browser, "asa").await
        };
        // Entra says by xms_edov whether it vouches; email_verified is nothing to it.
        let unsaid = enter(|_| {}).await.claims();
        assert_eq!(unsaid["email"], "asa@bjorkbacken.example");
        assert!(unsaid.get("email_verified").is_none());
        let other = enter(|claims| {
            claims["xms_edov"] = json!(true);
            claims["email"] = json!("chef@bjorkbacken.example");
        });
        assert!(other.await.claims().get("email_verified").is_none(), "it vouched for another address");
        let vouched = enter(|claims| claims["xms_edov"] = json!(true)).await;
        assert_eq!(vouched.claims()["email_verified"], json!(true));
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "ny@bjorkbacken.example" }],
        });
        house.scim("entra", "PATCH", &format!("/Users/{id}"), &patch).await;
        let now = crm.userinfo(&vouched.text("access_token")).await.body;
        assert_eq!(now["email"], "ny@bjorkbacken.example");
        assert!(now.get("email_verified").is_none());
    })
    .await;
}

#[tokio::test]
async fn how_the_person_proved_who_they_are_is_passed_on() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let mut browser = house.browser();
        house
            .sign_in_with(&mut browser, "directory=entra", "asa", |claims| {
                claims["acrs"] = json!(["c1"]);
                claims["amr"] = json!(["pwd", "mfa"]);
                claims["auth_time"] = json!(claims["iat"].as_i64().unwrap() - 120);
            })
            .await;
        house.pass(3);
        let told = Crm::new(&house).tokens(&house, &mut browser, "asa").await.claims();
        assert_eq!((&told["acr"], &told["amr"]), (&json!("c1"), &json!(["pwd", "mfa"])));
        assert_eq!(told["auth_time"], json!(house.clock.now().as_second() - 300));
    })
    .await;
}

#[tokio::test]
async fn entering_a_client_is_written_down_and_counts_as_being_seen() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let mut browser = house.browser();
        house.sign_in(&mut browser, "entra", "asa").await;
        house.pass(20);
        let told = Crm::new(&house).tokens(&house, &mut browser, "asa").await;
        let account = house.account("asa").await.id;
        assert_eq!(look!(t, c => last_seen(c, account)), [(EvidenceSource::Sso, house.clock.now())]);
        let last = house.last_about(Subject::new("account", account)).await;
        assert_eq!(last.action, "client_signed_in");
        assert_eq!(last.actor, format!("account:{account}"));
        let after = last.after.unwrap();
        assert_eq!(after["client"], "crm");
        assert_eq!(after["sid"], told.claims()["sid"]);
    })
    .await;
}

#[tokio::test]
async fn a_client_without_pkce_is_let_be_only_where_its_settings_say_so_and_gets_rs256() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (old, mut browser) = (Crm::old(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        let plain = [("code_challenge", ""), ("code_challenge_method", "")];
        let code = old.ask(&mut browser, &plain).await.sent("code").unwrap();
        let form =
            [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", old.redirect_uri)];
        let told = old.token(&form).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.body);
        let token = told.text("id_token");
        assert_eq!(old.verified(&token).await, Some(claims(&token)));
        let refused = Crm::new(&house).ask(&mut browser, &plain).await;
        assert_eq!(refused.sent("error").as_deref(), Some("invalid_request"));
    })
    .await;
}

#[tokio::test]
async fn what_is_announced_is_under_the_public_address_and_can_be_read_by_anybody() {
    let t = crate::engines::TestDb::sqlite().await;
    let house = crm::open(&t).await;
    let crm = Crm::new(&house);
    let get = async |path: &str| crm.send(Request::get(path).body(Body::empty()).unwrap()).await;
    let told = get("/.well-known/openid-configuration").await;
    assert_eq!(told.status, StatusCode::OK);
    assert_eq!(told.body["issuer"], ORIGIN);
    for (name, path) in [
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "token"),
        ("userinfo_endpoint", "userinfo"),
        ("jwks_uri", "jwks"),
        ("end_session_endpoint", "logout"),
    ] {
        assert_eq!(told.body[name], json!(format!("{ORIGIN}/oauth2/{path}")));
    }
    assert_eq!(told.body["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(told.body["request_uri_parameter_supported"], json!(false), "true where nothing is said");
    assert_eq!(told.body["authorization_response_iss_parameter_supported"], json!(true));
    assert_eq!(get("/oauth2/jwks").await.headers["cache-control"], "public, max-age=300");
    t.db.close().await;
}
