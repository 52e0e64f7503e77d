//! Who may do what at the console, and from where.

use axum::http::StatusCode;
use portvakt::domain::account::Status;

use super::cast::{Cast, seat, send, token};
use crate::engines::on_each_engine;
use crate::sign_in::house::{ORIGIN, TestHouse};

/// A form that would freeze somebody, with this token.
fn freeze(id: &str, version: i64, token: &str) -> String {
    format!("token={token}&do=freeze&at=1900000000000000&pick={id}%3A{version}&reason=borta")
}

#[tokio::test]
async fn an_administrator_changes_a_reviewer_and_an_auditor_read_and_others_see_nothing() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut cast = Cast::of(&house).await;
        let target = house.account("dan").await;
        let preview = format!("/people/change?do=freeze&id={}", target.id);
        for (browser, may_change) in
            [(&mut cast.administrator, true), (&mut cast.reviewer, false), (&mut cast.auditor, false)]
        {
            for path in ["/", "/people", "/people/export?format=csv"] {
                let page = browser.get(path).await;
                assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
            }
            let list = browser.get("/people").await;
            assert_eq!(list.body.contains("name=\"do\" value=\"freeze\""), may_change, "{}", list.body);
            let shown = browser.get(&preview).await;
            let expected = if may_change { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(shown.status, expected, "{}", shown.body);
            assert_eq!(shown.body.contains("Du kan läsa men inte ändra"), !may_change);
        }
        // A form with the right mark of their own does not help who may not.
        for browser in [&mut cast.reviewer, &mut cast.auditor] {
            let mark = mark_of(browser);
            let page =
                send(browser, "/people/change", &freeze(&target.id.to_string(), target.version, &mark)).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{}", page.body);
            assert!(page.body.contains("Du kan läsa men inte ändra"), "{}", page.body);
        }
        for path in ["/people", "/people/export", preview.as_str()] {
            let page = cast.nobody.get(path).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path}");
            assert!(page.body.contains("Den här sidan är inte öppen för dig") && !page.body.contains("asa@"));
            let stranger = house.browser().get(path).await;
            assert_eq!(stranger.status, StatusCode::SEE_OTHER, "{path}");
            assert!(
                stranger.location().starts_with("/sso/login?return_to=/people"),
                "{}",
                stranger.location()
            );
        }
        assert_eq!(house.account("dan").await.standing.status, Status::Active);
    })
    .await;
}

/// The mark that a browser's forms bear: the same whatever the form.
fn mark_of(browser: &crate::sign_in::browser::Browser) -> String {
    // Those who may not change anything have no form but the one to sign out; the mark is made of the session alone.
    let secret = browser.cookies.iter().find(|(name, _)| name.ends_with("portvakt")).unwrap().1.clone();
    portvakt::flows::session::mark::mark(&secret.into(), portvakt::flows::session::mark::Purpose::Form, "")
}

#[tokio::test]
async fn a_form_counts_only_from_our_own_page_and_with_the_mark_of_the_session() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let eva = seat(&house, "eva", Some("administrator")).await;
        house.provision("entra", "bo", "sv").await;
        let bo = house.account("bo").await;
        let (id, version) = (bo.id.to_string(), bo.version);
        let page = asa.get(&format!("/people/change?do=freeze&id={id}")).await;
        let own = token(&page);
        let foreign_mark = mark_of(&eva);
        assert_ne!(own, foreign_mark);
        for (origin, mark) in [
            ("https://evil.example", own.as_str()),
            ("null", own.as_str()),
            ("https://portvakt.example.evil.example", own.as_str()),
            (ORIGIN, ""),
            (ORIGIN, "x"),
            (ORIGIN, foreign_mark.as_str()),
        ] {
            let page = asa.post("/people/change", origin, &freeze(&id, version, mark)).await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{origin} {mark}");
            assert!(page.body.contains("Ingenting har ändrats"), "{}", page.body);
        }
        assert_eq!(house.account("bo").await.standing.status, Status::Active);
        let page = asa.post("/people/change", ORIGIN, &freeze(&id, version, &own)).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        assert_eq!(house.account("bo").await.standing.status, Status::Frozen);
    })
    .await;
}

#[tokio::test]
async fn nobody_changes_their_own_account_and_the_last_administrator_stays() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut asa = seat(&house, "asa", Some("administrator")).await;
        let own = house.account("asa").await;
        let page = asa.get(&format!("/people/change?do=deactivate&id={}", own.id)).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("Ditt eget konto. Någon annan får göra det."), "{}", page.body);
        assert!(!page.body.contains("name=\"token\""), "there is nothing to do");
        let mark = mark_of(&asa);
        let form = freeze(&own.id.to_string(), own.version, &mark);
        let page = send(&mut asa, "/people/change", &form).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.body);
        assert!(asa.get("/people").await.body.contains("Ingenting har ändrats"));
        assert_eq!(house.account("asa").await.standing.status, Status::Active);
    })
    .await;
}
