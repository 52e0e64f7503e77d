//! The first administrator, and the way in when no provider answers.

use axum::http::StatusCode;
use portvakt::domain::account::AccountKind;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::flows::invite::{self, Made, Wish};
use portvakt::flows::{Act, Refusal, people};
use portvakt::store::audit;
use secrecy::ExposeSecret;

use super::browser::{Browser, Page};
use super::house::{ORIGIN, TestHouse};
use crate::engines::{look, on_each_engine};

fn operator(house: &TestHouse<'_>) -> Act {
    house.ports.act(Actor::Operator("root".to_owned()), "test")
}

fn wish(name: &str) -> Wish {
    Wish { user_name: name.to_owned(), role: None, is_new: false, reason: "first start".to_owned() }
}

async fn invite(house: &TestHouse<'_>, wish: Wish) -> Result<Made, Refusal> {
    invite::make(&house.ports, &operator(house), wish).await
}

/// The path of a link.
fn path(made: &Made) -> String {
    made.link.expose_secret().strip_prefix(ORIGIN).unwrap().to_owned()
}

/// Presses the button of the page that a link opens.
async fn press(browser: &mut Browser, path: &str) -> Page {
    let (_, form) = path.split_once('?').unwrap();
    browser.post("/sso/invite", ORIGIN, form).await
}

#[tokio::test]
async fn the_first_administrator_comes_in_by_a_link_that_works_once() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provider.set_down(true);
        let made = invite(&house, wish("eva")).await.unwrap();
        assert!(made.is_new && !made.is_protected);
        let path = path(&made);
        let mut browser = house.browser();
        assert_eq!(press(&mut browser, &path).await.status, StatusCode::FORBIDDEN, "nobody opened it yet");
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("<b>eva</b>") && !browser.cookies.contains_key("__Host-portvakt"));
        // Another browser that has the link, and a form of another site, come to nothing.
        let mut thief = house.browser();
        assert_eq!(thief.get(&path).await.status, StatusCode::FORBIDDEN);
        assert_eq!(press(&mut thief, &path).await.status, StatusCode::FORBIDDEN);
        let (_, form) = path.split_once('?').unwrap();
        let foreign = browser.post("/sso/invite", "https://evil.example", form).await;
        assert_eq!(foreign.status, StatusCode::FORBIDDEN);
        assert_eq!(browser.get(&path).await.status, StatusCode::OK, "it is still theirs");
        let done = press(&mut browser, &path).await;
        assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, "/"));
        let start = browser.get("/").await;
        assert!(start.body.contains("Administratör"), "{}", start.body);
        house.pass(2);
        for again in [&mut browser.clone(), &mut house.browser()] {
            assert_eq!(press(again, &path).await.status, StatusCode::FORBIDDEN);
            assert_eq!(again.get(&path).await.status, StatusCode::FORBIDDEN);
        }
        let account = people::find_one(&house.ports, "eva").await.unwrap();
        assert_eq!(account.kind, AccountKind::BreakGlass);
        let subject = Subject::new("account", account.id);
        let about = look!(t, c => audit::about(c, &subject, 30));
        for action in ["invite_made", "invite_opened", "invite_used", "signed_in", "role_given"] {
            assert_eq!(about.iter().filter(|entry| entry.action == action).count(), 1, "{action}");
        }
        let lines = invite::list(&house.ports).await.unwrap();
        assert_eq!((lines[0].state, lines[0].created_by.as_str()), ("used", "operator:root"));
        assert!(lines[0].is_break_glass && lines[0].opened_at.is_some());
        let out = browser.post("/sso/logout", ORIGIN, "").await;
        assert_eq!(out.location(), "/sso/signed-out");
    })
    .await;
}

#[tokio::test]
async fn a_link_is_void_after_fifteen_minutes_and_when_a_newer_one_is_made() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let first = path(&invite(&house, wish("eva")).await.unwrap());
        let second = path(&invite(&house, wish("eva")).await.unwrap());
        assert_eq!(house.browser().get(&first).await.status, StatusCode::FORBIDDEN);
        house.pass(14);
        let mut browser = house.browser();
        assert_eq!(browser.get(&second).await.status, StatusCode::OK);
        house.pass(1);
        assert_eq!(press(&mut browser, &second).await.status, StatusCode::FORBIDDEN);
        assert_eq!(browser.get(&second).await.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn twenty_guesses_are_slowed_and_neither_the_right_link_nor_the_usual_sign_in_is() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        house.provision("entra", "asa", "sv").await;
        let path = path(&invite(&house, wish("eva")).await.unwrap());
        let mut answers = Vec::new();
        for guess in 0..20 {
            let guessed = format!("/sso/invite?code={guess:043}");
            let answer = house.browser().get(&guessed).await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                assert_eq!(answer.header("retry-after"), "60");
            }
            answers.push(answer.status);
        }
        assert!(answers[..5].iter().all(|status| *status == StatusCode::FORBIDDEN), "{answers:?}");
        assert!(answers[5..].iter().all(|status| *status == StatusCode::TOO_MANY_REQUESTS), "{answers:?}");
        let refused = look!(t, c => audit::about(c, &Subject::new("invite", "unknown"), 30));
        assert_eq!(refused.len(), 1, "guessing does not fill the audit");
        assert_eq!(house.sign_in(&mut house.browser(), "entra", "asa").await.status, StatusCode::SEE_OTHER);
        let mut browser = house.browser();
        assert_eq!(browser.get(&path).await.status, StatusCode::OK);
        assert_eq!(press(&mut browser, &path).await.status, StatusCode::SEE_OTHER);
        house.pass(2);
        let guessed = house.browser().get("/sso/invite?code=guess").await;
        assert_eq!(guessed.status, StatusCode::FORBIDDEN);
    })
    .await;
}

#[tokio::test]
async fn a_link_makes_nobody_an_administrator_by_mistake() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let id = house.provision("entra", "asa", "sv").await;
        let name = "asa@bjorkbacken.example";
        let refused = invite(&house, wish(name)).await.unwrap_err();
        assert!(refused.to_string().contains("--role"), "{refused}");
        let unknown = Wish { role: Some("communicator".to_owned()), ..wish(name) };
        assert!(matches!(invite(&house, unknown).await, Err(Refusal::Invalid { .. })));
        let role = house.ports.policies.current(&mut t.db.read().await.unwrap()).await.unwrap();
        let role = role
            .policy
            .roles
            .iter()
            .find(|(_, role)| role.console.is_some_and(|c| c.name() == "administrator"));
        let role = role.unwrap().0.to_string();
        let made = invite(&house, Wish { role: Some(role), ..wish(name) }).await.unwrap();
        assert!(!made.is_new);
        let held =
            people::explain(&house.ports, name, portvakt::domain::language::Language::En).await.unwrap();
        assert!(held.iter().any(|grant| grant.origin == "manual" && grant.ends_at.is_some()), "{held:?}");
        // Now that somebody administers, a name that is spelled wrong makes no account.
        let refused = invite(&house, wish("eav")).await.unwrap_err();
        assert!(refused.to_string().contains("--new"), "{refused}");
        house.set_active("entra", &id, false).await;
        let account = people::find_one(&house.ports, name).await.unwrap();
        if !account.standing.status.is_usable() {
            assert!(invite(&house, wish(name)).await.is_err(), "a link lets in nobody who is kept out");
        }
    })
    .await;
}

#[tokio::test]
async fn who_lost_access_after_the_link_was_made_is_refused_with_a_reason() {
    on_each_engine(async |t| {
        let house = TestHouse::open(t).await;
        let first = invite(&house, wish("eva")).await.unwrap();
        let second = invite(&house, Wish { is_new: true, ..wish("sven") }).await.unwrap();
        people::deactivate(&house.ports, &operator(&house), "sven", "slutat").await.unwrap();
        let mut browser = house.browser();
        assert_eq!(browser.get(&path(&second)).await.status, StatusCode::OK);
        let page = press(&mut browser, &path(&second)).await;
        assert_eq!(page.status, StatusCode::FORBIDDEN);
        assert!(page.body.contains("not_active"), "{}", page.body);
        assert!(!browser.cookies.contains_key("__Host-portvakt"));
        assert_eq!(browser.get(&path(&first)).await.status, StatusCode::OK);
    })
    .await;
}
