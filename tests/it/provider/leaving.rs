//! Signing out at a client's wish (OpenID Connect RP-Initiated Logout 1.0).

use axum::http::StatusCode;

use super::crm::{self, BYE, Crm, form};
use crate::engines::on_each_engine;
use crate::sign_in::browser::Browser;
use crate::sign_in::house::{ORIGIN, TestHouse};

async fn out(browser: &mut Browser, asked: &[(&str, &str)]) -> crate::sign_in::browser::Page {
    browser.get(&format!("/oauth2/logout?{}", form(asked))).await
}

async fn lives(browser: &Browser) -> bool {
    browser.clone().get("/sso/verify").await.status == StatusCode::OK
}

#[tokio::test]
async fn an_id_token_of_the_session_ends_it_and_leads_back_to_the_client() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let told = crm.tokens(&house, &mut browser, "asa").await;
        let kept = browser.clone();
        // However old the token is.
        house.pass(29);
        assert!(lives(&browser).await);
        house.pass(29);
        assert!(lives(&browser).await);
        house.pass(10);
        let hint = told.text("id_token");
        let asked = [("id_token_hint", hint.as_str()), ("post_logout_redirect_uri", BYE), ("state", "a b&c")];
        let done = out(&mut browser, &asked).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        assert_eq!(done.location(), "https://crm.example/bye?state=a+b%26c");
        assert!(browser.cookies.is_empty());
        assert!(!lives(&kept).await);
        let again = out(&mut browser, &asked).await;
        assert_eq!(again.status, StatusCode::SEE_OTHER, "who is out already goes on all the same");
    })
    .await;
}

#[tokio::test]
async fn without_an_id_token_of_the_session_the_person_is_asked() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        house.provision("entra", "bo", "en").await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let bos = crm.tokens(&house, &mut house.browser(), "bo").await.text("id_token");
        let other = crm.tokens(&house, &mut house.browser(), "asa").await.text("id_token");
        house.sign_in(&mut browser, "entra", "asa").await;
        for hint in ["", bos.as_str(), other.as_str(), "a.b.c"] {
            let asked = [
                ("id_token_hint", hint),
                ("client_id", "crm"),
                ("post_logout_redirect_uri", BYE),
                ("state", "s"),
            ];
            let page = out(&mut browser, &asked).await;
            assert_eq!(page.status, StatusCode::OK, "{hint:.20}");
            assert!(
                page.body.contains("Logga ut?") && page.body.contains("Medlemsregistret"),
                "{}",
                page.body
            );
            assert!(lives(&browser).await, "{hint:.20}");
        }
        let yes = form(&[
            ("confirm", "yes"),
            ("client_id", "crm"),
            ("post_logout_redirect_uri", BYE),
            ("state", "s"),
        ]);
        let foreign = browser.post("/oauth2/logout", "https://evil.example", &yes).await;
        assert!(
            foreign.location().starts_with("/oauth2/logout?client_id=crm"),
            "a yes from elsewhere is a question"
        );
        assert!(!foreign.location().contains("confirm"));
        assert!(lives(&browser).await);
        let kept = browser.clone();
        let done = browser.post("/oauth2/logout", ORIGIN, &yes).await;
        assert_eq!(done.location(), "https://crm.example/bye?state=s");
        assert!(!lives(&kept).await);
    })
    .await;
}

#[tokio::test]
async fn the_browser_goes_on_only_to_an_address_that_the_client_has_registered() {
    on_each_engine(async |t| {
        let house = crm::open(t).await;
        let (crm, mut browser) = (Crm::new(&house), house.browser());
        let hint = crm.tokens(&house, &mut browser, "asa").await.text("id_token");
        for (client, next) in [
            ("crm", "https://evil.example/"),
            ("crm", "https://crm.example/bye/"),
            ("crm", "https://page.example/bye"),
            ("page", BYE),
            ("", "https://page.example/bye"),
            ("nobody", BYE),
        ] {
            let asked =
                [("id_token_hint", hint.as_str()), ("client_id", client), ("post_logout_redirect_uri", next)];
            let page = out(&mut browser, &asked).await;
            assert_eq!((page.status, page.location()), (StatusCode::BAD_REQUEST, ""), "{client} {next}");
            assert!(lives(&browser).await, "{client} {next}: nothing has ended");
        }
        let stray = out(&mut browser, &[("post_logout_redirect_uri", BYE)]).await;
        assert_eq!(stray.status, StatusCode::BAD_REQUEST, "nobody says whose address it is");
        let done = out(&mut browser, &[("id_token_hint", &hint)]).await;
        assert_eq!(done.location(), "/sso/signed-out");
    })
    .await;
}

#[tokio::test]
async fn who_may_not_enter_any_more_is_signed_out_without_a_question() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, crm::CLIENTS).await;
        house.provision("entra", "asa", "sv").await;
        let mut browser = house.browser();
        house.sign_in(&mut browser, "entra", "asa").await;
        let mut ended = house.account("asa").await;
        ended.valid_until = Some("2020-01-01T00:00:00Z".parse().unwrap());
        crate::engines::change!(t, [ended] c => portvakt::store::account::set_terms(c, &ended).await)
            .unwrap();
        let done = out(&mut browser, &[("client_id", "crm")]).await;
        assert_eq!(done.location(), "/sso/signed-out");
        assert!(browser.cookies.is_empty());
    })
    .await;
}
