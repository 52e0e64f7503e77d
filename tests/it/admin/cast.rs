//! Who sits at the console: an administrator, a reviewer, an auditor, and somebody with no role there.
//!
//! Invariant: each has a browser of their own, signed in.

use axum::http::StatusCode;
use portvakt::domain::actor::Actor;
use portvakt::domain::grant::GrantKind;
use portvakt::domain::ids::RoleId;
use portvakt::flows::people::{self, Lasting};
use portvakt::flows::session::mark::{Purpose, mark};
use serde_json::json;

use crate::sign_in::browser::{Browser, Page};
use crate::sign_in::house::{ORIGIN, TestHouse, external};

/// The browsers of those at the console.
pub(crate) struct Cast {
    pub(crate) administrator: Browser,
    pub(crate) reviewer: Browser,
    pub(crate) auditor: Browser,
    pub(crate) nobody: Browser,
}

impl Cast {
    /// Everybody arrives, is given their role and signs in.
    pub(crate) async fn of(house: &TestHouse<'_>) -> Self {
        Self {
            administrator: seat(house, "asa", Some("administrator")).await,
            reviewer: seat(house, "bo", Some("board")).await,
            auditor: seat(house, "cia", Some("auditor")).await,
            nobody: seat(house, "dan", None).await,
        }
    }
}

/// Somebody who arrives, is given a role and signs in.
pub(crate) async fn seat(house: &TestHouse<'_>, name: &str, role: Option<&str>) -> Browser {
    house.provision("entra", name, "sv").await;
    if let Some(role) = role {
        give(house, name, role).await;
    }
    let mut browser = house.browser();
    let back = house.sign_in(&mut browser, "entra", name).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    browser
}

/// Gives somebody a role by hand.
pub(crate) async fn give(house: &TestHouse<'_>, name: &str, role: &str) {
    let act = house.ports.act(Actor::Operator("test".to_owned()), "test");
    let wanted = (GrantKind::Role(RoleId::parse(role).unwrap()), Lasting::AsUsual);
    let name = format!("{name}@bjorkbacken.example");
    people::grant(&house.ports, &act, &name, wanted, "for the test").await.unwrap();
}

/// The mark in the first form of a page.
pub(crate) fn token(page: &Page) -> String {
    let (_, rest) = page.body.split_once("name=\"token\" value=\"").expect("the page has a form of ours");
    rest.split('"').next().unwrap().to_owned()
}

/// The mark of the forms of a session, also where no page has one for whoever holds it.
pub(crate) fn mark_of(browser: &Browser) -> String {
    mark(&browser.cookies["__Host-portvakt"].clone().into(), Purpose::Form, "")
}

/// Somebody who holds a role signs in again, this moment and at the provider too.
pub(crate) async fn freshly(house: &TestHouse<'_>, name: &str) -> Browser {
    let mut browser = house.browser();
    let back = house
        .sign_in_with(&mut browser, "directory=entra", name, |claims| {
            claims["auth_time"] = claims["iat"].clone();
        })
        .await;
    assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.body);
    browser
}

/// Somebody of this name, as a directory writes it, arrives.
pub(crate) async fn arrives(house: &TestHouse<'_>, name: &str, display: &str) {
    let user = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": format!("{name}@bjorkbacken.example"), "externalId": external(name),
        "displayName": display, "active": true,
    });
    house.scim("entra", "POST", "/Users", &user).await;
}

/// Sends a form from one of our own pages.
pub(crate) async fn send(browser: &mut Browser, path: &str, form: &str) -> Page {
    browser.post(path, ORIGIN, form).await
}
