//! Sessions as whoever looks after accounts sees and ends them, and as they end with the access.

use axum::http::StatusCode;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::flows::session::{self, Which};
use portvakt::flows::{Act, Clock, Refusal, people};
use portvakt::store::{Db, erasure};

use super::browser::Browser;
use super::house::{ORIGIN, POLICY, TestHouse};
use crate::engines::{change, look, on_each_engine};

fn operator(house: &TestHouse<'_>) -> Act {
    house.ports.act(Actor::Operator("eva".to_owned()), "stolen laptop")
}

async fn signed_in(house: &TestHouse<'_>, name: &str) -> Browser {
    let mut browser = house.browser();
    house.sign_in(&mut browser, "entra", name).await;
    assert_eq!(browser.get("/sso/verify").await.status, StatusCode::OK);
    browser
}

async fn verify(browser: &mut Browser) -> StatusCode {
    browser.get("/sso/verify").await.status
}

#[tokio::test]
async fn one_session_or_all_of_an_account_are_ended_and_it_is_written_down() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        house.provision("entra", "bo", "sv").await;
        let (mut first, mut bos) = (signed_in(&house, "asa").await, signed_in(&house, "bo").await);
        house.pass(1);
        let mut second = signed_in(&house, "asa").await;
        let name = "ASA@bjorkbacken.example";
        let lines = session::list(&house.ports, name).await.unwrap();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].since > lines[1].since && lines[0].directory.as_str() == "entra");
        let act = operator(&house);
        let one = Which::One(lines[1].session);
        let foreign = session::end_some(&house.ports, &act, "bo@bjorkbacken.example", one).await;
        assert!(matches!(foreign, Err(Refusal::NotFound { .. })), "{foreign:?}");
        assert_eq!(session::end_some(&house.ports, &act, name, one).await.unwrap(), 1);
        assert_eq!(verify(&mut first).await, StatusCode::UNAUTHORIZED);
        assert_eq!(verify(&mut second).await, StatusCode::OK);
        let account = house.account("asa").await.id;
        let entry = house.last_about(Subject::new("account", account)).await;
        assert_eq!((entry.action.as_str(), entry.actor.as_str()), ("sessions_ended", "operator:eva"));
        assert_eq!(entry.cause, "stolen laptop");
        assert_eq!(session::end_some(&house.ports, &act, name, Which::All).await.unwrap(), 1);
        assert_eq!(session::end_some(&house.ports, &act, name, Which::All).await.unwrap(), 0);
        assert_eq!(verify(&mut second).await, StatusCode::UNAUTHORIZED);
        assert_eq!(verify(&mut bos).await, StatusCode::OK);
        assert!(session::list(&house.ports, name).await.unwrap().is_empty());
    })
    .await;
}

/// How access is taken from asa, by her SCIM id.
enum Loss {
    Directory,
    Deleted,
    Operator,
    Leave,
    Removed,
}

#[tokio::test]
async fn every_way_of_losing_access_ends_every_session_at_once_on_every_node() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        for (number, loss) in [Loss::Directory, Loss::Deleted, Loss::Operator, Loss::Leave, Loss::Removed]
            .into_iter()
            .enumerate()
        {
            let name = format!("asa{number}");
            let id = house.provision("entra", &name, "sv").await;
            // More accounts, so that the safety limits hold nothing back.
            for other in 0..4 {
                house.provision("entra", &format!("other{number}{other}"), "sv").await;
            }
            house.pass(25 * 60);
            let (mut one, mut other) = (signed_in(&house, &name).await, signed_in(&house, &name).await);
            let user_name = format!("{name}@bjorkbacken.example");
            let act = operator(&house);
            match loss {
                Loss::Directory => house.set_active("entra", &id, false).await,
                Loss::Deleted => {
                    house.scim("entra", "DELETE", &format!("/Users/{id}"), &serde_json::Value::Null).await;
                }
                Loss::Operator => {
                    people::deactivate(&house.ports, &act, &user_name, "slutat").await.unwrap();
                }
                Loss::Leave => {
                    let from = house.clock.now();
                    let until = from + jiff::SignedDuration::from_hours(48);
                    let wish = people::LeaveWish::new(from, until, "eva");
                    people::grant_leave(&house.ports, &act, &user_name, wish).await.unwrap();
                }
                Loss::Removed => {
                    let (account, now) = (house.account(&name).await.id, house.clock.now());
                    change!(t, [] c => erasure::erase(c, account, now).await).unwrap();
                }
            }
            for browser in [&mut one, &mut other] {
                assert_eq!(verify(browser).await, StatusCode::UNAUTHORIZED, "{name}");
            }
            // Another node sees the same database, and asks it at every request.
            if t.file().is_none() {
                let elsewhere = Db::open(&t.url, 2).await.unwrap();
                let mut c = elsewhere.read().await.unwrap();
                let hash = portvakt::flows::tokens::digest(&one.cookies["__Host-portvakt"]);
                let visit = portvakt::store::visit::by_hash(&mut c, &hash).await.unwrap();
                assert!(visit.is_none_or(|visit| visit.session.ended_at.is_some()), "{name}");
                drop(c);
                elsewhere.close().await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_id_from_outside_is_never_taken_and_more_privileges_need_a_new_one() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let id = house.provision("entra", "asa", "sv").await;
        let mut browser = house.browser();
        let preset = "A".repeat(43);
        browser.cookies.insert("__Host-portvakt".to_owned(), preset.clone());
        house.sign_in(&mut browser, "entra", "asa").await;
        assert_ne!(browser.cookies["__Host-portvakt"], preset);
        let mut former = browser.clone();
        // A role of the CRM is no privilege here; one that administers Portvakt is.
        house.make_helper(&id).await;
        assert_eq!(verify(&mut browser).await, StatusCode::OK);
        let privileged = POLICY.replace(
            "[[role]]\nid = \"communicator\"",
            "[[role]]\nconsole = \"auditor\"\nid = \"communicator\"",
        );
        assert_ne!(privileged, POLICY);
        house.apply(&privileged).await;
        assert_eq!(verify(&mut browser).await, StatusCode::UNAUTHORIZED);
        assert_eq!(verify(&mut former).await, StatusCode::UNAUTHORIZED);
        house.sign_in(&mut browser, "entra", "asa").await;
        assert_ne!(browser.cookies, former.cookies);
        assert_eq!(verify(&mut browser).await, StatusCode::OK);
        assert_eq!(verify(&mut former).await, StatusCode::UNAUTHORIZED);
    })
    .await;
}

#[tokio::test]
async fn the_provider_is_told_whose_session_ends_by_the_token_it_gave_and_the_database_alone_does_not_hold_it()
 {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("okta", "asa", "sv").await;
        let mut browser = house.browser();
        house.sign_in(&mut browser, "okta", "asa").await;
        let open = session::list(&house.ports, "asa@bjorkbacken.example").await.unwrap();
        let id = open[0].session;
        let kept = look!(t, c => portvakt::store::session::sealed_id_token(c, id)).unwrap();
        assert!(kept.len() > 100 && !String::from_utf8_lossy(&kept).contains("eyJ"));
        let secret = browser.cookies["__Host-portvakt"].clone();
        let out = browser.post("/sso/logout", ORIGIN, "").await;
        let hint = out.sent("id_token_hint").unwrap();
        assert_eq!(hint.split('.').count(), 3);
        assert!(hint.starts_with("eyJ") && !hint.contains(&secret));
    })
    .await;
}
