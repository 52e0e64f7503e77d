//! Requests that are refused: each with its own error, and nothing handed out.

use axum::http::StatusCode;
use portvakt::domain::actor::Subject;
use portvakt::flows::Clock;
use portvakt::store::{account, client_grant};

use super::crm::{self, CALLBACK, Crm, FORMER, SECRET, VERIFIER, basic, form, through_directory};
use crate::engines::{change, look, on_each_engine};
use crate::sign_in::house::{ORIGIN, TestHouse};

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_the_client_has_not_registered() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        for uri in [
            "https://crm.example/callback",
            "https://crm.example/callback?from=portvakt&x=1",
            "https://crm.example/callback?from=portvakt#",
            "https://crm.example:443/callback?from=portvakt",
            "https://CRM.example/callback?from=portvakt",
            "https://crm.example/callback/../callback?from=portvakt",
            "https://crm.example.evil.example/callback?from=portvakt",
            "https://evil.example/?https://crm.example/callback?from=portvakt",
            "https://page.example/",
            "http://crm.example/callback?from=portvakt",
            "//crm.example/callback",
            "javascript:alert(1)",
            "",
        ] {
            let page = crm.ask(&mut browser, &[("redirect_uri", uri)]).await;
            assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""), "{uri}");
            assert!(page.body.contains("redirect_uri") && !page.body.contains("evil"), "{uri}");
        }
        for id in ["", "nobody", "CRM", "crm ", "a'b"] {
            let page = crm.ask(&mut browser, &[("client_id", id)]).await;
            assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""), "{id}");
            assert!(page.body.contains("client_id"));
        }
        let twice = format!("{}&redirect_uri=https%3A%2F%2Fevil.example", crm.request(&[]));
        assert_eq!(browser.get(&twice).await.status, StatusCode::BAD_REQUEST);
    })
    .await;
}

#[tokio::test]
async fn a_request_that_is_wrong_goes_back_to_the_client_with_its_own_error() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        let long = "x".repeat(4_097);
        for (name, value, error) in [
            ("response_type", "", "invalid_request"),
            ("response_type", "token", "unsupported_response_type"),
            ("response_type", "code id_token", "unsupported_response_type"),
            ("response_mode", "fragment", "invalid_request"),
            ("response_mode", "web_message", "invalid_request"),
            ("scope", "", "invalid_request"),
            ("scope", "profile email", "invalid_scope"),
            ("code_challenge", "", "invalid_request"),
            ("code_challenge", "short", "invalid_request"),
            ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM", "invalid_request"),
            ("code_challenge_method", "", "invalid_request"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("request", "eyJhbGciOiJub25lIn0.e30.", "request_not_supported"),
            ("request_uri", "https://evil.example/r", "request_uri_not_supported"),
            ("registration", "{}", "registration_not_supported"),
            ("prompt", "none login", "invalid_request"),
            ("prompt", "create", "invalid_request"),
            ("max_age", "-1", "invalid_request"),
            ("max_age", "soon", "invalid_request"),
            ("nonce", "a\u{0}b", "invalid_request"),
            ("nonce", &long, "invalid_request"),
            ("id_token_hint", "a.b.c", "invalid_request"),
        ] {
            let back = crm.ask(&mut browser, &[(name, value)]).await;
            assert_eq!(back.status, StatusCode::SEE_OTHER, "{name}={value:.40}");
            assert!(back.location().starts_with(CALLBACK), "{name}={value:.40}: {}", back.location());
            assert_eq!(back.sent("error").as_deref(), Some(error), "{name}={value:.40}");
            assert_eq!(back.sent("state").as_deref(), Some("a state/of+the crm"), "{name}");
            assert_eq!(back.sent("iss").as_deref(), Some(ORIGIN), "{name}");
            assert_eq!(back.sent("code"), None, "{name}");
        }
        for doubled in ["state=x", "scope=openid", "nonce=x", "prompt=login&prompt=login"] {
            let back = browser.get(&format!("{}&{doubled}", crm.request(&[]))).await;
            assert_eq!(back.sent("error").as_deref(), Some("invalid_request"), "{doubled}");
        }
        let unknown = crm.ask(&mut browser, &[("scope", "openid groups"), ("display", "popup")]).await;
        assert!(unknown.sent("code").is_some(), "what nobody knows is passed over");
    })
    .await;
}

#[tokio::test]
async fn a_code_gives_nothing_to_whoever_cannot_show_all_that_it_is_bound_to() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        let other = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXx";
        for (name, value, error) in [
            ("code_verifier", "", "invalid_grant"),
            ("code_verifier", other, "invalid_grant"),
            ("code_verifier", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", "invalid_grant"),
            ("redirect_uri", "", "invalid_grant"),
            ("redirect_uri", "https://crm.example/other", "invalid_grant"),
            ("code", "", "invalid_request"),
            ("code", "guessed", "invalid_grant"),
            ("grant_type", "", "invalid_request"),
            ("grant_type", "password", "unsupported_grant_type"),
            ("grant_type", "client_credentials", "unsupported_grant_type"),
            ("grant_type", "refresh_token", "invalid_request"),
        ] {
            let code = crm.code(&house, &mut browser, "asa").await;
            let mut shown = crm.exchange(&code);
            shown.retain(|(own, _)| *own != name);
            if !value.is_empty() {
                shown.push((name, value));
            }
            let told = crm.token(&shown).await;
            assert_eq!(told.status, StatusCode::BAD_REQUEST, "{name}={value}: {}", told.body);
            assert_eq!(told.body["error"], error, "{name}={value}");
            assert!(told.body.get("access_token").is_none());
        }
        // A failed try uses the code up: the right proof comes too late.
        let code = crm.code(&house, &mut browser, "asa").await;
        let mut wrong = crm.exchange(&code);
        wrong.retain(|(name, _)| *name != "code_verifier");
        wrong.push(("code_verifier", other));
        assert_eq!(crm.token(&wrong).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(crm.token(&crm.exchange(&code)).await.body["error"], "invalid_grant");
        // A verifier for a request that came without a challenge: somebody took the challenge away.
        let old = Crm::old(&house);
        let plain = [("code_challenge", ""), ("code_challenge_method", "")];
        let code = old.ask(&mut browser, &plain).await.sent("code").unwrap();
        assert_eq!(old.token(&old.exchange(&code)).await.body["error"], "invalid_grant");
        let code = crm.code(&house, &mut browser, "asa").await;
        house.clock.advance(jiff::SignedDuration::from_secs(60));
        assert_eq!(crm.token(&crm.exchange(&code)).await.body["error"], "invalid_grant", "after a minute");
    })
    .await;
}

#[tokio::test]
async fn a_code_that_comes_twice_takes_back_what_it_gave() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let code = crm.code(&house, &mut browser, "asa").await;
        let told = crm.token(&crm.exchange(&code)).await;
        let (access, refresh) = (told.text("access_token"), told.text("refresh_token"));
        assert_eq!(crm.userinfo(&access).await.status, StatusCode::OK);
        assert_eq!(crm.token(&crm.exchange(&code)).await.body["error"], "invalid_grant");
        assert_eq!(crm.userinfo(&access).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(crm.renew(&refresh).await.body["error"], "invalid_grant");
        let account = house.account("asa").await.id;
        let last = house.last_about(Subject::new("account", account)).await;
        assert_eq!(last.action, "client_tokens_revoked");
        assert!(!last.after.unwrap().to_string().contains(&code));
        let other = crm.tokens(&house, &mut browser, "asa").await;
        assert_eq!(crm.userinfo(&other.text("access_token")).await.status, StatusCode::OK, "others live on");
    })
    .await;
}

#[tokio::test]
async fn another_clients_code_or_token_is_void_from_then_on() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, old, mut browser) = (Crm::new(&house), Crm::old(&house), house.browser());
        let code = crm.code(&house, &mut browser, "asa").await;
        assert_eq!(old.token(&crm.exchange(&code)).await.body["error"], "invalid_grant");
        assert_eq!(crm.token(&crm.exchange(&code)).await.body["error"], "invalid_grant");
        let refresh = crm.tokens(&house, &mut browser, "asa").await.text("refresh_token");
        assert_eq!(old.renew(&refresh).await.body["error"], "invalid_grant");
        assert_eq!(crm.renew(&refresh).await.body["error"], "invalid_grant");
    })
    .await;
}

/// `Authorization`, what else the form shows, the status, the error.
type Case<'c> = (Option<&'c str>, &'c [(&'c str, &'c str)], u16, &'c str);

#[tokio::test]
async fn a_client_proves_itself_in_one_way_and_with_its_own_secret() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, page, mut browser) = (Crm::new(&house), Crm::page(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        let right = basic("crm", SECRET);
        let former = basic("crm", FORMER);
        let in_form = [("client_id", "crm"), ("client_secret", SECRET)];
        let wrong = [("client_id", "crm"), ("client_secret", "guessed")];
        let none = [("client_id", "crm")];
        let nobody = [("client_id", "nobody"), ("client_secret", SECRET)];
        let public_with_secret = [("client_id", "page"), ("client_secret", SECRET)];
        let other = [("client_id", "old")];
        let (bad, garbled) = (basic("crm", "guessed"), "Basic !".to_owned());
        let (empty, unencoded) = (Vec::new(), basic("nobody", SECRET));
        let cases: [Case<'_>; 12] = [
            (Some(&right), &empty, 200, ""),
            (Some(&former), &empty, 200, ""),
            (None, &in_form, 200, ""),
            (Some(&bad), &empty, 401, "invalid_client"),
            (Some(&unencoded), &empty, 401, "invalid_client"),
            (Some(&garbled), &empty, 401, "invalid_client"),
            (None, &wrong, 401, "invalid_client"),
            (None, &none, 401, "invalid_client"),
            (None, &nobody, 401, "invalid_client"),
            (None, &public_with_secret, 401, "invalid_client"),
            (Some(&right), &in_form, 400, "invalid_request"),
            (Some(&right), &other, 400, "invalid_request"),
        ];
        for (header, shown, status, error) in cases {
            let code = crm.code(&house, &mut browser, "asa").await;
            let mut asked = crm.exchange(&code);
            asked.extend(shown);
            let told = crm.post("/oauth2/token", header, &asked).await;
            assert_eq!(told.status.as_u16(), status, "{header:?} {shown:?}: {}", told.body);
            if status == 401 {
                assert_eq!(told.headers["www-authenticate"], "Basic realm=\"portvakt\"");
            }
            assert_eq!(told.body["error"].as_str().unwrap_or_default(), error, "{header:?} {shown:?}");
        }
        let code = page.code(&house, &mut browser, "asa").await;
        assert_eq!(page.token(&page.exchange(&code)).await.status, StatusCode::OK, "PKCE is its proof");
        let stray = crm.post("/oauth2/token", None, &[("grant_type", "authorization_code")]).await;
        assert_eq!(stray.body["error"], "invalid_client");
        let code = crm.code(&house, &mut browser, "asa").await;
        let twice = form(&crm.exchange(&code)) + "&code_verifier=" + VERIFIER;
        let request = axum::http::Request::post("/oauth2/token")
            .header("authorization", &right)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(axum::body::Body::from(twice));
        assert_eq!(crm.send(request.unwrap()).await.body["error"], "invalid_request");
        let request = axum::http::Request::post("/oauth2/token").header("content-type", "application/json");
        let told = crm.send(request.body(axum::body::Body::from("{}")).unwrap()).await;
        assert_eq!(
            (told.status, told.body["error"].as_str()),
            (StatusCode::BAD_REQUEST, Some("invalid_request"))
        );
    })
    .await;
}

#[tokio::test]
async fn who_may_not_enter_sees_why_and_the_client_gets_no_code() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        house.sign_in(&mut browser, "entra", "asa").await;
        let mut ended = house.account("asa").await;
        ended.valid_until = Some("2020-01-01T00:00:00Z".parse().unwrap());
        change!(t, [ended] c => account::set_terms(c, &ended).await).unwrap();
        let page = crm.ask(&mut browser, &[]).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("expired") && page.body.contains("styrelsen"), "{}", page.body);
        let last = house.last_about(Subject::new("account", ended.id)).await;
        assert_eq!(last.action, "client_refused");
        assert!(page.body.contains(&last.id.to_string()), "the page gives the reference");
        let quiet = crm.ask(&mut browser, &[("prompt", "none")]).await;
        assert_eq!(quiet.sent("error").as_deref(), Some("access_denied"));
        ended.valid_until = None;
        change!(t, [ended] c => account::set_terms(c, &ended).await).unwrap();
        let again = page.body.split("href=\"").find(|rest| rest.starts_with("/oauth2/authorize?continue="));
        let again = again.and_then(|rest| rest.split('"').next()).expect("the page leads back");
        assert!(browser.get(again).await.sent("code").is_some(), "put right, the same way leads in");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_requires_something_lets_nobody_else_in() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (board, mut browser) = (Crm::board(&house), house.browser());
        let away = board.ask(&mut browser, &[]).await;
        let page = through_directory(&house, &mut browser, &away, "asa").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(
            page.body.contains("client_requirement") && page.body.contains("Styrelserummet"),
            "{}",
            page.body
        );
        browser.language = "en";
        assert!(browser.get("/oauth2/authorize?continue=unknown").await.body.contains("Go to the CRM"));
        let helper = house.provision("entra", "bo", "sv").await;
        house.make_helper(&helper).await;
        let mut browser = house.browser();
        assert!(board.sign_in(&house, &mut browser, "bo").await.sent("code").is_some());
        let crm = Crm::new(&house);
        assert!(
            crm.sign_in(&house, &mut house.browser(), "asa").await.sent("code").is_some(),
            "elsewhere she may"
        );
    })
    .await;
}

#[tokio::test]
async fn access_that_ends_between_code_and_token_gives_no_token() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, crm::CLIENTS).await;
        let id = house.provision("entra", "asa", "sv").await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let code = crm.code(&house, &mut browser, "asa").await;
        house.set_active("entra", &id, false).await;
        assert_eq!(crm.token(&crm.exchange(&code)).await.body["error"], "invalid_grant");
        house.set_active("entra", &id, true).await;
        // An end date ends no session by itself: the account is asked.
        let code = crm.code(&house, &mut house.browser(), "asa").await;
        let mut ended = house.account("asa").await;
        ended.valid_until = Some(house.clock.now());
        let id = ended.id;
        change!(t, [ended] c => account::set_terms(c, &ended).await).unwrap();
        assert_eq!(crm.token(&crm.exchange(&code)).await.body["error"], "invalid_grant");
        let last = house.last_about(Subject::new("account", id)).await;
        assert_eq!(last.action, "client_refused");
        assert_eq!(last.after.unwrap()["code"], "expired");
        let hash = portvakt::flows::tokens::digest(&code);
        assert!(look!(t, c => client_grant::by_code(c, &hash)).unwrap().grant.revoked_at.is_some());
    })
    .await;
}
