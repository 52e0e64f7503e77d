//! A small association that came in over SCIM, with a CRM that asks and tells.
//!
//! Invariant: everything is reached through doors, as a directory and a CRM reach it.

use std::ops::Deref;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode, header};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::engines::TestDb;
use crate::house::{Answer, TestHouse, at};

/// Monday morning, when every test begins.
pub(crate) const MORNING: &str = "2026-03-02T08:00:00Z";

const SETTINGS: &str = r#"
[server]
public_url = "https://portvakt.example"
[policy]
file = "policy.toml"
[[directory]]
id = "entra"
kind = "entra"
name = "Björkbackens Entra ID"
[[target]]
id = "crm"
kind = "webhook"
url = "https://crm.example/hook"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
[[target]]
id = "other"
kind = "webhook"
url = "https://other.example/hook"
secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
[[target]]
id = "reader"
kind = "pull"
"#;

/// The association's house, under the policy that is shipped.
pub(crate) struct Association {
    house: TestHouse,
    /// The token of the CRM named `crm`.
    pub(crate) crm: String,
    /// The token of the directory.
    pub(crate) entra: String,
}

impl Deref for Association {
    type Target = TestHouse;

    fn deref(&self) -> &TestHouse {
        &self.house
    }
}

impl Association {
    /// Opens the house over `t` and lets the association in.
    pub(crate) async fn open(t: &TestDb) -> Self {
        let house = TestHouse::with(t, SETTINGS, include_str!("../../config/policy.toml")).await;
        house.clock.set(at(MORNING));
        let (crm, entra) = (house.target_token("crm").await, house.directory_token("entra").await);
        let association = Self { house, crm, entra };
        association.let_in().await;
        association
    }

    /// The same house after a restart, with the token that the CRM had.
    pub(crate) async fn again(t: &TestDb, crm: String) -> Self {
        let house = TestHouse::with(t, SETTINGS, include_str!("../../config/policy.toml")).await;
        house.clock.set(at(MORNING));
        let entra = house.directory_token("entra").await;
        Self { house, crm, entra }
    }

    /// Anna of the board, Hanna and Hugo who help with the newsletter, Rut who keeps the members, Nils without group.
    async fn let_in(&self) {
        let board = [self.person("anna", "sv").await];
        let helpers = [self.person("hanna", "sv").await, self.person("hugo", "en").await];
        let registrars = [self.person("rut", "en").await];
        self.person("nils", "sv").await;
        for (number, name, members) in [
            (1, "Styrelsen", board.as_slice()),
            (2, "Nyhetsbrevet", helpers.as_slice()),
            (3, "Medlemsregistret", registrars.as_slice()),
        ] {
            let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
            let group = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
                "externalId": format!("8a1c6f0e-0000-4000-8000-00000000000{number}"),
                "displayName": name,
                "members": members,
            });
            let answer = self.scim(Method::POST, "/scim/v2/entra/Groups", group).await;
            assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        }
    }

    /// A person of the directory; gives the SCIM id.
    pub(crate) async fn person(&self, name: &str, language: &str) -> String {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("{name}@bjorkbacken.example"),
            "externalId": format!("oid-{name}"),
            "displayName": name,
            "preferredLanguage": language,
            "active": true,
        });
        let answer = self.scim(Method::POST, "/scim/v2/entra/Users", user).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().expect("an id").to_owned()
    }

    /// A request of the directory.
    pub(crate) async fn scim(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.entra))
            .header(header::CONTENT_TYPE, "application/scim+json")
            .body(Body::from(body.to_string()))
            .expect("a request");
        self.answer(request).await
    }

    /// A request of the CRM.
    pub(crate) async fn crm(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.answer(self.crm_request(method, path).body(body).expect("a request")).await
    }

    /// The beginning of a request of the CRM.
    pub(crate) fn crm_request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.crm))
            .header(header::CONTENT_TYPE, "application/json")
    }

    /// Moves the clock on by hours.
    pub(crate) fn after_hours(&self, hours: i64) {
        self.clock.advance(SignedDuration::from_hours(hours));
    }
}
