//! The pages themselves: languages, headers, the way to the right directory.

use axum::http::StatusCode;

use super::house::{ORIGIN, TestHouse};
use crate::engines::TestDb;

#[tokio::test]
async fn an_address_leads_to_its_directory_and_an_unknown_one_to_a_neutral_answer() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open(&t).await;
    let mut browser = house.browser();
    let page = browser.get("/sso/login?return_to=/kampanjer").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Anställda och styrelse") && page.body.contains("Ideellt engagerade"));
    for address in ["asa%40bjorkbacken.example", "%20ingen%40BJORKBACKEN.example%20"] {
        let form = format!("email={address}&return_to=%2Fkampanjer");
        let away = browser.post("/sso/login", ORIGIN, &form).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER);
        assert!(away.location().starts_with(&format!("{}/auth?", house.provider.issuer())));
        assert!(away.sent("login_hint").unwrap().contains('@'));
        assert_eq!(away.sent("redirect_uri"), Some(format!("{ORIGIN}/sso/callback")));
        assert_eq!(away.sent("code_challenge_method").as_deref(), Some("S256"));
    }
    for address in ["eve%40evil.example", "eve", ""] {
        let page = browser.post("/sso/login", ORIGIN, &format!("email={address}")).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("Vi hittar ingen inloggning för den adressen."), "{}", page.body);
    }
    let page = browser.get("/sso/login?directory=nowhere").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_page_speaks_the_readers_language() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open(&t).await;
    let mut browser = house.browser();
    for (wish, path, heading) in [
        ("sv", "/sso/login", "<h1>Logga in</h1>"),
        ("en-GB, sv;q=0.5", "/sso/login", "<h1>Sign in</h1>"),
        ("fi", "/sso/login", "<h1>Logga in</h1>"),
        ("sv", "/sso/login?lang=en", "<h1>Sign in</h1>"),
        ("en", "/sso/signed-out", "<h1>You are signed out</h1>"),
        ("en", "/sso/callback", "<h1>The sign-in was not completed</h1>"),
    ] {
        browser.language = wish;
        let page = browser.get(path).await;
        assert!(page.body.contains(heading), "{wish} {path}: {}", page.body);
    }
    // Whoever has an account reads its language, whatever the browser wishes.
    house.provision("entra", "bo", "en").await;
    browser.language = "sv";
    house.sign_in(&mut browser, "entra", "bo").await;
    assert!(browser.get("/").await.body.contains("You are signed in as"));
}

#[tokio::test]
async fn a_page_holds_no_script_or_style_and_may_not_be_framed() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open(&t).await;
    house.provision("entra", "asa", "sv").await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "entra", "asa").await;
    for path in ["/", "/sso/login", "/sso/logout", "/sso/callback", "/sso/signed-out"] {
        let page = browser.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'self';") && policy.contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        for forbidden in ["<script", "<style", " style=", " onclick="] {
            assert!(!page.body.contains(forbidden), "{path}: {forbidden}");
        }
    }
}

#[tokio::test]
async fn a_name_is_written_as_text_and_not_as_markup() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open(&t).await;
    house.provision("entra", "<b>eve", "sv").await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "entra", "<b>eve").await;
    let page = browser.get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("<b>eve"), "{}", page.body);
    let hostile = browser.get("/sso/login?return_to=%22%3E%3Cscript%3E&lang=%22%3E").await;
    assert!(!hostile.body.contains("<script"), "{}", hostile.body);
}

#[tokio::test]
async fn a_file_is_kept_for_long_under_the_address_that_pages_name() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open(&t).await;
    let mut browser = house.browser();
    let page = browser.get("/sso/login").await.body;
    for (file, kind) in [("portvakt.css", "text/css; charset=utf-8"), ("mark.svg", "image/svg+xml")] {
        let start = page.find(&format!("/assets/{file}?v=")).expect(file);
        let address = page[start..].split('"').next().unwrap();
        let answer = browser.get(address).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, kind));
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        let bare = browser.get(&format!("/assets/{file}")).await;
        assert_eq!(bare.header("cache-control"), "public, max-age=60");
    }
}
