//! A whole house for tests: the real router over a database of its own, a clock that is set, and a small association
//! that came in over SCIM.
//!
//! Invariant: everything is reached through doors, as a directory and a CRM reach it.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusBuilder;
use portvakt::config::read_settings;
use portvakt::domain::actor::Actor;
use portvakt::flows::tokens::{self, TokenKind};
use portvakt::flows::{Ports, SetClock, policies};
use portvakt::http::{self, House, health::Readiness};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::engines::TestDb;

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
"#;

/// A house with its doors.
pub(crate) struct TestHouse {
    pub(crate) ports: Arc<Ports>,
    pub(crate) clock: Arc<SetClock>,
    /// The token of the CRM named `crm`.
    pub(crate) crm: String,
    /// The token of the directory.
    pub(crate) entra: String,
    router: Router,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

/// The instant of a text.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

impl TestHouse {
    /// Opens a house over `t`, with the policy that is shipped, and lets the association in.
    pub(crate) async fn open(t: &TestDb) -> Self {
        let settings =
            read_settings(SETTINGS, Path::new("portvakt.toml"), []).expect("the settings are right");
        let clock = Arc::new(SetClock::new(at(MORNING)));
        let ports = Arc::new(Ports::new(t.db.clone(), Arc::clone(&clock) as _, Arc::new(settings)));
        let act = ports.act(Actor::Operator("test".into()), "test");
        policies::apply(&ports, &act, include_str!("../../config/policy.toml"))
            .await
            .expect("the policy is right");
        let token = async |kind, owner| {
            let lifetime = SignedDuration::from_hours(24 * 365);
            tokens::create(&ports, &act, kind, owner, "test", lifetime).await.expect("a token is made")
        };
        let crm = token(TokenKind::Target, "crm").await;
        let entra = token(TokenKind::Directory, "entra").await;
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let readiness = Arc::new(Readiness::default());
        let router = http::router(House { ports: Arc::clone(&ports), metrics, readiness });
        let house = Self { ports, clock, crm, entra, router };
        house.let_in().await;
        house
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
        self.send(request).await
    }

    /// A request of the CRM.
    pub(crate) async fn crm(&self, method: Method, path: &str, body: Value) -> Answer {
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(self.crm_request(method, path).body(body).expect("a request")).await
    }

    /// The beginning of a request of the CRM.
    pub(crate) fn crm_request(&self, method: Method, path: &str) -> axum::http::request::Builder {
        Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.crm))
            .header(header::CONTENT_TYPE, "application/json")
    }

    /// Sends a request through the real router.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router always answers");
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().collect().await.expect("the body ends").to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, headers, body }
    }

    /// Moves the clock on by hours.
    pub(crate) fn after_hours(&self, hours: i64) {
        self.clock.advance(SignedDuration::from_hours(hours));
    }
}
