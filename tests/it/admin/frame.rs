//! What all pages of the console have in common.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::cast::{Cast, seat};
use crate::engines::on_each_engine;
use crate::sign_in::house::TestHouse;

#[tokio::test]
async fn the_start_page_is_for_those_whose_role_opens_the_console_and_others_see_who_they_are() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut cast = Cast::of(&house).await;
        for (browser, right) in [
            (&mut cast.administrator, "Administratör"),
            (&mut cast.reviewer, "Granskare"),
            (&mut cast.auditor, "Revisor"),
        ] {
            let page = browser.get("/").await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.body);
            assert!(page.body.contains("Läget i dag") && page.body.contains(right), "{}", page.body);
        }
        let page = cast.nobody.get("/").await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("Ingen egen roll") && !page.body.contains("Läget i dag"));
        let stranger = house.browser().get("/").await;
        assert_eq!((stranger.status, stranger.location()), (StatusCode::SEE_OTHER, "/sso/login"));
    })
    .await;
}

#[tokio::test]
async fn a_page_loads_nothing_from_elsewhere_and_is_kept_by_nobody() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        let page = browser.get("/").await;
        assert_eq!(page.header("cache-control"), "no-store");
        assert_eq!(page.header("content-language"), "sv");
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'self'; base-uri 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        for forbidden in ["<style", " style=", " onclick=", "javascript:", "src=\"http", "href=\"http"] {
            assert!(!page.body.contains(forbidden), "{forbidden}");
        }
        assert_eq!(page.body.matches("<script").count(), page.body.matches("<script src=\"/assets/").count());
    })
    .await;
}

#[tokio::test]
async fn the_language_is_the_persons_until_another_is_chosen_in_the_browser() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = seat(&house, "asa", Some("administrator")).await;
        browser.language = "en";
        let page = browser.get("/").await;
        assert!(page.body.contains("<html lang=\"sv\">") && page.body.contains("Läget i dag"));
        assert!(page.body.contains("href=\"/language/en?back=%2F\""), "{}", page.body);
        let chosen = browser.get("/language/en?back=%2Fpeople%3Frole%3Dboard").await;
        assert_eq!((chosen.status, chosen.location()), (StatusCode::SEE_OTHER, "/people?role=board"));
        let page = browser.get("/").await;
        assert!(page.body.contains("<html lang=\"en\">") && page.body.contains("Where things stand"));
        for elsewhere in ["https%3A%2F%2Fevil.example", "%2F%2Fevil.example", "%5C%5Cevil.example"] {
            let chosen = browser.get(&format!("/language/sv?back={elsewhere}")).await;
            assert_eq!(chosen.location(), "/", "{elsewhere}");
        }
    })
    .await;
}

#[tokio::test]
async fn the_files_of_the_pages_are_sent_packed_to_whoever_takes_that() {
    let t = crate::engines::TestDb::sqlite().await;
    let house = TestHouse::open(&t).await;
    let mut browser = house.browser();
    for path in ["/assets/portvakt.css", "/assets/icons.svg", "/assets/mark.svg", "/assets/htmx.js"] {
        let plain = browser.get(path).await;
        assert_eq!((plain.status, plain.header("content-encoding")), (StatusCode::OK, ""), "{path}");
        assert_eq!(plain.header("vary"), "accept-encoding");
        let request = Request::get(path).header("accept-encoding", "gzip").body(Body::empty()).unwrap();
        let answer = house.router().oneshot(request).await.unwrap();
        assert_eq!(answer.headers()["content-encoding"], "gzip", "{path}");
        let packed = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(packed.len() < plain.body.len() && packed.starts_with(&[0x1f, 0x8b]), "{path}");
    }
    t.db.close().await;
}
