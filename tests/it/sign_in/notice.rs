//! The page that a notice leads to.

use axum::http::StatusCode;
use portvakt::flows::people;

use super::house::{ORIGIN, TestHouse};
use crate::engines::on_each_engine;

#[tokio::test]
async fn the_link_of_a_notice_says_nothing_and_signs_in_whoever_the_provider_says() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        for name in ["asa", "bo"] {
            let id = house.provision("entra", name, "sv").await;
            assert!(!id.is_empty());
        }
        let mut browser = house.browser();
        let away = browser.get("/sso/notice").await;
        assert_eq!(away.status, StatusCode::SEE_OTHER);
        assert!(away.location().contains("/sso/login?return_to=/sso/notice"), "{}", away.location());
        assert!(!away.body.contains("asa") && !away.body.contains("bo@"));
        // Whoever follows it is who the provider says, however the link came to them.
        let back =
            house.sign_in_with(&mut browser, "directory=entra&return_to=/sso/notice", "bo", |_| {}).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
        let page = browser.get("/sso/notice").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("Ditt konto är kvar") && page.body.contains("bo@bjorkbacken.example"));
        assert!(!page.body.contains("asa"), "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn leave_is_asked_for_by_a_form_of_our_own_alone_and_awaits_a_decision() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "bo", "en").await;
        let mut browser = house.browser();
        house.sign_in(&mut browser, "entra", "bo").await;
        let form = "from=2030-05-01&until=2030-08-31";
        let foreign = browser.post("/sso/notice", "https://evil.example", form).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN);
        for bad in
            ["from=&until=", "from=2030-05-01&until=2029-01-01", "from=2030-05-01&until=2035-01-01", "x=%FF"]
        {
            let page = browser.post("/sso/notice", ORIGIN, bad).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{bad}");
        }
        assert!(people::leave_requests(&house.ports).await.unwrap().is_empty());
        let asked = browser.post("/sso/notice", ORIGIN, form).await;
        assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
        let page = browser.get("/sso/notice").await;
        assert!(
            page.body.contains("1 May 2030 – 31 Aug 2030") && page.body.contains("awaits a decision"),
            "{}",
            page.body
        );
        assert_eq!(people::leave_requests(&house.ports).await.unwrap().len(), 1);
        for forbidden in ["<script", "<style", " style=", " onclick="] {
            assert!(!page.body.contains(forbidden), "{forbidden}");
        }
    })
    .await;
}
