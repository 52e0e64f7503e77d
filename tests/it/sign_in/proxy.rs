//! A proxy in front of a CRM that knows no OpenID: what it is told, and where it sends the browser.

use axum::http::StatusCode;
use serde_json::json;

use super::browser::{Browser, Page};
use super::house::{ORIGIN, TestHouse};
use crate::engines::{TestDb, on_each_engine};

const CRM: &str = "https://crm.example";

fn also_at(text: &str) -> String {
    text.replacen("public_url = ", &format!("also_at = [\"{CRM}\"]\npublic_url = "), 1)
}

/// What Traefik and Caddy add to the browser's own request for `path` at the CRM.
fn forwarded(browser: &mut Browser, path: &str) {
    browser.headers = vec![
        ("x-forwarded-proto", "https".to_owned()),
        ("x-forwarded-host", "crm.example".to_owned()),
        ("x-forwarded-uri", path.to_owned()),
        ("x-forwarded-method", "GET".to_owned()),
    ];
}

async fn helper(house: &TestHouse<'_>) -> Browser {
    let id = house.provision("entra", "asa", "sv").await;
    house.make_helper(&id).await;
    let mut browser = house.browser();
    house.sign_in(&mut browser, "entra", "asa").await;
    browser
}

#[tokio::test]
async fn names_beyond_ascii_stand_percent_encoded_and_inject_no_header() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "åsa %41", "sv").await;
        let mut browser = house.browser();
        house.sign_in(&mut browser, "entra", "åsa %41").await;
        let told = browser.get("/sso/verify").await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.body);
        assert_eq!(told.header("x-portvakt-user"), "%C3%A5sa%20%2541@bjorkbacken.example");
        assert_eq!(told.header("x-portvakt-email"), "%C3%A5sa%20%2541@bjorkbacken.example");
        assert_eq!(told.header("x-portvakt-name"), "%C3%A5sa%20%2541%20%C3%85kesson");
        assert_eq!(told.header("x-portvakt-item-restricted"), "false");
        assert_eq!(told.header("x-portvakt-narrowed"), "false");
        assert!(
            told.headers.contains_key("x-portvakt-roles"),
            "a proxy copies what is not there as it likes"
        );
        assert_eq!(told.header("cache-control"), "no-store");
    })
    .await;
}

#[tokio::test]
async fn a_path_can_demand_a_component_and_an_action() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = helper(&house).await;
        for (query, status, code) in [
            ("component=mailing", StatusCode::OK, ""),
            ("component=mailing&action=edit", StatusCode::OK, ""),
            ("component=member&action=edit", StatusCode::FORBIDDEN, "no_role"),
            ("component=settings&action=administer", StatusCode::FORBIDDEN, ""),
            ("component=nothing", StatusCode::FORBIDDEN, "unknown_component"),
            ("component=mailing&action=eat", StatusCode::FORBIDDEN, "unknown_action"),
            ("component=", StatusCode::FORBIDDEN, "unknown_component"),
            ("max_age=soon", StatusCode::BAD_REQUEST, "query"),
        ] {
            let told = browser.get(&format!("/sso/verify?{query}")).await;
            assert_eq!(told.status, status, "{query}: {}", told.body);
            assert!(told.body.contains(code), "{query}: {}", told.body);
            let is_told = !told.header("x-portvakt-user").is_empty();
            assert_eq!(is_told, status == StatusCode::OK, "{query}: nobody is named without a yes");
        }
        let narrowed = browser.get("/sso/verify?component=mailing").await;
        assert_eq!(narrowed.header("x-portvakt-narrowed"), "true");
        assert_eq!(
            house.browser().get("/sso/verify?component=mailing").await.status,
            StatusCode::UNAUTHORIZED
        );
    })
    .await;
}

#[tokio::test]
async fn the_page_behind_a_no_says_why_under_one_reference_that_can_be_looked_up() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let mut browser = helper(&house).await;
        let reference = |page: &Page| {
            let from = page.body.find("<b class=\"mono\">").unwrap() + "<b class=\"mono\">".len();
            page.body[from..].split('<').next().unwrap().to_owned()
        };
        let page = browser.get("/sso/refused?component=member&action=edit").await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("Du kommer inte åt det här"), "{}", page.body);
        assert!(page.body.contains("mailto:styrelsen@bjorkbacken.example"));
        let first = reference(&page);
        house.pass(5);
        let again = browser.get("/sso/refused?component=member&action=edit").await;
        assert_eq!(reference(&again), first, "a page that is looked at again is one entry");
        let entries = portvakt::flows::records::show(&house.ports, &first).await.unwrap();
        assert_eq!(entries[0].action, "turned_away");
        assert_eq!(entries[0].who.as_deref(), Some("asa@bjorkbacken.example"));
        assert_eq!(entries[0].after, Some(json!({ "code": "no_role" })));
        house.pass(11);
        let later = browser.get("/sso/refused?component=member&action=edit").await;
        assert_ne!(reference(&later), first);
        let open = browser.get("/sso/refused?component=mailing").await;
        assert_eq!(open.status, StatusCode::OK);
        assert_eq!(house.browser().get("/sso/refused").await.location(), "/sso/login");
    })
    .await;
}

#[tokio::test]
async fn a_proxy_that_hands_the_answer_on_gets_a_way_to_sign_in_and_a_page() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open_with(&t, also_at).await;
    let mut browser = house.browser();
    forwarded(&mut browser, "/kampanjer?sida=2&q=%C3%A5");
    let away = browser.get("/sso/verify?answer=page&max_age=300").await;
    assert_eq!(away.status, StatusCode::SEE_OTHER);
    assert_eq!(away.location(), "/sso/login?return_to=/kampanjer%3Fsida%3D2%26q%3D%25C3%25A5&max_age=300");
    // A script cannot follow; it is told plainly.
    browser.headers.push(("sec-fetch-mode", "cors".to_owned()));
    assert_eq!(browser.get("/sso/verify?answer=page").await.status, StatusCode::UNAUTHORIZED);
    forwarded(&mut browser, "/kampanjer");
    browser.headers.retain(|(name, _)| *name != "x-forwarded-method");
    browser.headers.push(("x-forwarded-method", "POST".to_owned()));
    let away = browser.get("/sso/verify?answer=page").await;
    assert_eq!(away.location(), "/sso/login?return_to=", "what was sent would not be sent again");
    let mut browser = helper(&house).await;
    forwarded(&mut browser, "/medlemmar");
    let page = browser.get("/sso/verify?answer=page&component=member&action=edit").await;
    assert_eq!(
        (page.status, page.header("content-type")),
        (StatusCode::FORBIDDEN, "text/html; charset=utf-8")
    );
}

#[tokio::test]
async fn at_a_host_of_the_settings_the_browser_comes_back_to_that_host() {
    on_each_engine(async |t| {
        let house = TestHouse::open_with(t, also_at).await;
        house.provision("entra", "asa", "sv").await;
        let mut browser = house.browser();
        browser.headers = vec![
            ("host", "crm.example".to_owned()),
            ("x-original-url", format!("{CRM}/kampanjer?sida=2")),
            ("x-original-method", "GET".to_owned()),
        ];
        let away = browser.get("/sso/login?directory=entra").await;
        assert_eq!(away.sent("redirect_uri"), Some(format!("{CRM}/sso/callback")));
        house.provider.hand_out(&house.claims("asa", &away.sent("nonce").unwrap()));
        browser.headers.truncate(1);
        let back = browser.get(&format!("/sso/callback?code=c&state={}", away.sent("state").unwrap())).await;
        assert_eq!(back.location(), "/kampanjer?sida=2");
        let exchanged = house.provider.asked("/token").await;
        assert!(
            exchanged[0].contains("redirect_uri=https%3A%2F%2Fcrm.example%2Fsso%2Fcallback"),
            "{exchanged:?}"
        );
        assert_eq!(browser.get("/sso/verify").await.status, StatusCode::OK);
        // A form counts as ours only where the page was.
        assert_eq!(browser.post("/sso/logout", ORIGIN, "").await.status, StatusCode::FORBIDDEN);
        let out = browser.post("/sso/logout", CRM, "").await;
        assert_eq!(out.sent("post_logout_redirect_uri"), Some(format!("{CRM}/sso/signed-out")));
    })
    .await;
}

/// Thirty and more ways to lead a browser elsewhere.
const ELSEWHERE: [&str; 36] = [
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\\evil.example",
    "\\\\evil.example",
    "\\/evil.example",
    "/\\/evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HtTpS://evil.example",
    "http://portvakt.example.evil.example",
    "https://portvakt.example@evil.example",
    "https://evil.example#https://portvakt.example",
    "https://evil.example?https://portvakt.example/",
    "https://portvakt.example.evil.example/",
    "https://portvakt.example:evil@evil.example",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "//evil.example/%2f..",
    "/%2fevil.example",
    "/%5cevil.example",
    "/%252fevil.example",
    "/.//evil.example",
    "/..//evil.example",
    "/a/../../evil.example",
    "/\tevil.example",
    "/\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "/a\r\nLocation: https://evil.example",
    "/\u{ff0f}evil.example",
    "/\u{2215}evil.example",
    "//evil%E3%80%82example",
];

#[tokio::test]
async fn no_address_in_a_request_leads_a_browser_to_another_host() {
    let t = TestDb::sqlite().await;
    let house = TestHouse::open_with(&t, also_at).await;
    house.provision("entra", "asa", "sv").await;
    for wanted in ELSEWHERE {
        let bytes: Vec<String> = wanted.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let bytes = bytes.concat();
        let query = format!("directory=entra&return_to={bytes}");
        let done = house.sign_in_with(&mut house.browser(), &query, "asa", |_| {}).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/"), "{wanted:?}");
        // The same, as a proxy would say it, as far as a header can.
        for name in ["x-original-url", "x-original-uri", "x-forwarded-uri"] {
            if wanted.chars().any(char::is_control) || !wanted.is_ascii() {
                continue;
            }
            let mut browser = house.browser();
            browser.headers =
                vec![(name, wanted.to_owned()), ("x-forwarded-host", "evil.example".to_owned())];
            let asked = browser.get("/sso/verify?answer=page").await;
            let location = asked.location().to_owned();
            assert!(location.starts_with("/sso/login?return_to="), "{wanted:?}: {location}");
            let away = browser.get(&format!("{location}&directory=entra")).await;
            assert_eq!(away.sent("redirect_uri"), Some(format!("{ORIGIN}/sso/callback")), "{wanted:?}");
            house.provider.hand_out(&house.claims("asa", &away.sent("nonce").unwrap()));
            let state = away.sent("state").unwrap();
            let back = browser.get(&format!("/sso/callback?code=c&state={state}")).await;
            assert_eq!(back.location(), "/", "{wanted:?} in {name}");
        }
    }
    assert!(ELSEWHERE.len() >= 30);
}
