//! Tokens at the console: shown once, made anew beside the old one, revoked with a reason; never by the wrong hands.

use axum::http::StatusCode;
use portvakt::domain::actor::Subject;
use portvakt::flows::tokens::TokenKind;
use portvakt::flows::tokens::roster::{self, Line, State};
use serde_json::Value;

use super::cast::{Cast, freshly, mark_of, seat, send};
use super::connections::{CRM, asked};
use crate::engines::on_each_engine;
use crate::sign_in::browser::{Browser, Page};
use crate::sign_in::house::TestHouse;

const NEW: &str = "/connections/directories/entra/tokens/new";
const USERS: (&str, &str) = ("GET", "/scim/v2/entra/Users");

/// What begins so on a page, as far as a secret goes.
fn secret(page: &Page, start: &str) -> String {
    let at = page.body.find(&format!("<span>{start}")).unwrap_or_else(|| panic!("{}", page.body));
    let rest = &page.body[at + "<span>".len()..];
    rest.split('<').next().unwrap().to_owned()
}

/// The id that a form carries.
fn id(page: &Page) -> String {
    let (_, rest) = page.body.split_once("name=\"id\" value=\"").unwrap_or_else(|| panic!("{}", page.body));
    rest.split('"').next().unwrap().to_owned()
}

/// A house with an administrator who signed in this moment.
async fn open(t: &crate::engines::TestDb) -> (TestHouse<'_>, Browser) {
    let house = TestHouse::with(t, CRM).await;
    seat(&house, "asa", Some("administrator")).await;
    let asa = freshly(&house, "asa").await;
    (house, asa)
}

async fn make(browser: &mut Browser, path: &str, more: &str) -> Page {
    let form = browser.get(path).await;
    assert_eq!(form.status, StatusCode::OK, "{}", form.body);
    let (id, mark) = (id(&form), mark_of(browser));
    send(browser, path, &format!("token={mark}&id={id}&{more}")).await
}

async fn tokens_of(house: &TestHouse<'_>, name: &str) -> Vec<Line> {
    let all = roster::list(&house.ports, TokenKind::Directory, "entra").await.unwrap();
    all.into_iter().filter(|line| line.name == name).collect()
}

#[tokio::test]
async fn a_token_is_shown_once_works_and_is_made_once_however_often_the_form_is_sent() {
    on_each_engine(async |t| {
        let (house, mut asa) = open(t).await;
        let form = asa.get(NEW).await;
        let (mark, id) = (mark_of(&asa), id(&form));
        let sent = format!("token={mark}&id={id}&name=Entra+%3Cb%3E&days=90");
        let made = send(&mut asa, NEW, &sent).await;
        assert_eq!(
            (made.status, made.header("cache-control")),
            (StatusCode::OK, "no-store"),
            "{}",
            made.body
        );
        let token = secret(&made, "pv_");
        assert!(made.body.contains("Den visas aldrig igen") && made.body.contains("Entra &#60;b&#62;"));
        assert_eq!(asked(&house, &token, USERS, &Value::Null).await, StatusCode::OK);

        for path in [NEW, "/connections/directories/entra/tokens", "/connections/directories/entra", "/audit"]
        {
            let page = asa.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(!page.body.contains(&token), "{path} shows the token again");
        }
        let again = send(&mut asa, NEW, &sent).await;
        assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
        assert!(!again.body.contains("pv_"), "{}", again.body);
        assert_eq!(tokens_of(&house, "Entra <b>").await.len(), 1);
        let entry = house.last_about(Subject::new("token", &id)).await;
        assert_eq!(entry.action, "token_created");
        assert!(!format!("{entry:?}").contains(&token));
    })
    .await;
}

#[tokio::test]
async fn a_form_without_a_name_or_with_days_that_do_not_do_is_shown_again_and_makes_nothing() {
    on_each_engine(async |t| {
        let (house, mut asa) = open(t).await;
        for (more, told) in [
            ("days=90", "Skriv ett namn"),
            ("name=x&days=0", "Skriv ett antal dagar"),
            ("name=x&days=9999", "Skriv ett antal dagar"),
            ("name=x&days=snart", "Skriv ett antal dagar"),
        ] {
            let page = make(&mut asa, NEW, more).await;
            assert_eq!(page.status, StatusCode::BAD_REQUEST, "{more}");
            assert!(page.body.contains(told) && !page.body.contains("<span>pv_"), "{more}: {}", page.body);
        }
        assert!(tokens_of(&house, "x").await.is_empty());
        let crm = "/connections/targets/crm/tokens/new";
        let page = make(&mut asa, crm, "name=x&days=9&scope=allt").await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "{}", page.body);
    })
    .await;
}

#[tokio::test]
async fn a_token_is_replaced_with_an_overlap_and_the_old_one_revoked_with_a_reason() {
    on_each_engine(async |t| {
        let (house, mut asa) = open(t).await;
        let old = secret(&make(&mut asa, NEW, "name=provisionering&days=30").await, "pv_");
        let line = tokens_of(&house, "provisionering").await.remove(0);
        let path = format!("/connections/directories/entra/tokens/{}", line.id);
        let page = asa.get(&path).await;
        assert!(page.body.contains("Byt ut") && page.body.contains("asa Åkesson"), "{}", page.body);
        let mark = mark_of(&asa);
        let renewed =
            send(&mut asa, &path, &format!("token={mark}&act=renew&days=365&id={}", id(&page))).await;
        assert_eq!((renewed.status, renewed.header("cache-control")), (StatusCode::OK, "no-store"));
        let new = secret(&renewed, "pv_");
        assert!(renewed.body.contains("återkalla den gamla") && new != old, "{}", renewed.body);
        for token in [&old, &new] {
            assert_eq!(asked(&house, token, USERS, &Value::Null).await, StatusCode::OK, "both are good");
        }

        let without = send(&mut asa, &path, &format!("token={mark}&act=revoke")).await;
        assert_eq!(without.status, StatusCode::BAD_REQUEST, "{}", without.body);
        assert_eq!(asked(&house, &old, USERS, &Value::Null).await, StatusCode::OK);
        let form = format!("token={mark}&act=revoke&reason=bytt+hos+leverant%C3%B6ren");
        let done = send(&mut asa, &path, &form).await;
        let list = "/connections/directories/entra/tokens";
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, list), "{}", done.body);
        assert!(asa.get(list).await.body.contains("Återkallad: den öppnar ingenting mer"));
        assert_eq!(asked(&house, &old, USERS, &Value::Null).await, StatusCode::UNAUTHORIZED);
        assert_eq!(asked(&house, &new, USERS, &Value::Null).await, StatusCode::OK);
        let entry = house.last_about(Subject::new("token", line.id)).await;
        assert_eq!((entry.action.as_str(), entry.cause.as_str()), ("token_revoked", "bytt hos leverantören"));
        send(&mut asa, &path, &form).await;
        assert!(asa.get(list).await.body.contains("Den var redan återkallad"));
        let page = asa.get(&path).await;
        let form = format!("token={mark}&act=renew&days=365&id={}", id(&page));
        assert_eq!(
            send(&mut asa, &path, &form).await.status,
            StatusCode::CONFLICT,
            "nothing renews what is revoked"
        );
    })
    .await;
}

#[tokio::test]
async fn a_client_gets_a_second_secret_and_is_revoked_as_a_whole() {
    on_each_engine(async |t| {
        let (house, mut asa) = open(t).await;
        let made = make(&mut asa, NEW, "name=entra&days=365&kind=client").await;
        let client = secret(&made, "pvc_");
        let first = secret(&made, "pvs_");
        assert!(made.body.contains("https://portvakt.example/scim/v2/entra/token"), "{}", made.body);
        let lines = roster::list(&house.ports, TokenKind::Client, "entra").await.unwrap();
        let path = format!("/connections/directories/entra/tokens/{}", lines[0].id);
        let (page, mark) = (asa.get(&path).await, mark_of(&asa));
        let renewed =
            send(&mut asa, &path, &format!("token={mark}&act=renew&days=30&id={}", id(&page))).await;
        assert_eq!(secret(&renewed, "pvc_"), client);
        assert_ne!(secret(&renewed, "pvs_"), first);
        let done = send(&mut asa, &path, &format!("token={mark}&act=revoke-client&reason=slut")).await;
        assert_eq!(done.status, StatusCode::SEE_OTHER, "{}", done.body);
        let lines = roster::list(&house.ports, TokenKind::Client, "entra").await.unwrap();
        assert_eq!(lines.iter().map(|line| line.state).collect::<Vec<_>>(), [State::Revoked, State::Revoked]);
        let page = make(&mut asa, "/connections/targets/crm/tokens/new", "name=x&days=9&kind=client").await;
        assert_eq!(page.status, StatusCode::BAD_REQUEST, "a CRM has no such clients: {}", page.body);
    })
    .await;
}

#[tokio::test]
async fn a_crms_token_opens_the_scopes_that_were_marked_and_its_successor_the_same() {
    on_each_engine(async |t| {
        let (house, mut asa) = open(t).await;
        let list = "/connections/targets/crm/tokens";
        let made = make(&mut asa, &format!("{list}/new"), "name=crm&days=30&scope=accounts%3Aread").await;
        let (accounts, reports) = (("GET", "/api/v1/accounts"), ("GET", "/api/v1/reports/access"));
        let old = secret(&made, "pv_");
        assert_eq!(asked(&house, &old, accounts, &Value::Null).await, StatusCode::OK);
        assert_eq!(asked(&house, &old, reports, &Value::Null).await, StatusCode::FORBIDDEN);
        assert!(asa.get(list).await.body.contains("accounts:read"));
        let line = roster::list(&house.ports, TokenKind::Target, "crm").await.unwrap().remove(0);
        let path = format!("{list}/{}", line.id);
        let (page, mark) = (asa.get(&path).await, mark_of(&asa));
        let renewed =
            send(&mut asa, &path, &format!("token={mark}&act=renew&days=30&id={}", id(&page))).await;
        let new = secret(&renewed, "pv_");
        assert_eq!(asked(&house, &new, accounts, &Value::Null).await, StatusCode::OK);
        assert_eq!(asked(&house, &new, reports, &Value::Null).await, StatusCode::FORBIDDEN);
        // What belongs to a CRM is not found under a directory.
        let elsewhere = asa.get(&format!("/connections/directories/entra/tokens/{}", line.id)).await;
        assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);
    })
    .await;
}

#[tokio::test]
async fn who_may_not_makes_no_token_and_an_old_sign_in_is_asked_for_anew() {
    on_each_engine(async |t| {
        let house = TestHouse::with(t, CRM).await;
        let mut cast = Cast::of(&house).await;
        let fields = "id=0198c1de-0000-7000-8000-000000000001&name=x&days=9";
        for browser in [&mut cast.reviewer, &mut cast.auditor] {
            let form = format!("token={}&{fields}", mark_of(browser));
            assert_eq!(browser.get(NEW).await.status, StatusCode::FORBIDDEN);
            assert_eq!(send(browser, NEW, &form).await.status, StatusCode::FORBIDDEN);
            let list = browser.get("/connections/directories/entra/tokens").await;
            assert!(!list.body.contains("/tokens/"), "nothing to do is offered: {}", list.body);
        }
        // The administrator's sign-in says nothing of when it was.
        let asa = &mut cast.administrator;
        let form = format!("token={}&{fields}", mark_of(asa));
        for away in [asa.get(NEW).await, send(asa, NEW, &form).await] {
            assert_eq!(away.status, StatusCode::SEE_OTHER, "{}", away.body);
            assert!(
                away.location().contains("/sso/login") || away.location().contains("prompt"),
                "{}",
                away.location()
            );
        }
        assert!(tokens_of(&house, "x").await.is_empty());
        let mut fresh = freshly(&house, "asa").await;
        house.pass(20);
        assert_eq!(fresh.get(NEW).await.status, StatusCode::SEE_OTHER, "twenty minutes are too long");
    })
    .await;
}
