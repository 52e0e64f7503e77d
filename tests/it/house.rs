//! A whole daemon without a socket: the real router, a clock that is set by hand, and a database of its own.
//!
//! Invariant: requests go through every layer that a real one goes through.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusBuilder;
use portvakt::config::{self, Settings};
use portvakt::domain::actor::Actor;
use portvakt::domain::scope::Scopes;
use portvakt::flows::tokens::{self, TokenKind};
use portvakt::flows::{Clock, Ports, SetClock, policies, protection};
use portvakt::http::health::Readiness;
use portvakt::http::{self, House};
use serde_json::Value;
use tower::ServiceExt;

use crate::engines::TestDb;

/// The settings that most tests need: two directories and one CRM.
pub(crate) const SETTINGS: &str = r#"
[server]
listen = "127.0.0.1:0"
public_url = "http://127.0.0.1:8080"
metrics_token = "metrics-token-for-tests"
[database]
url = "sqlite:unused.db"
[policy]
file = "policy.toml"
[language]
default = "sv"
[accounts]
protected = ["brandlucka@forening.example"]
[[directory]]
id = "entra"
kind = "generic"
[[directory]]
id = "okta"
kind = "generic"
[[target]]
id = "crm"
kind = "webhook"
url = "http://127.0.0.1:9/hook"
secret = "whsec_dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3Rz"
"#;

/// The policy that most tests need.
pub(crate) const POLICY: &str = include_str!("house/policy.toml");

/// A daemon without a socket.
pub(crate) struct TestHouse {
    pub(crate) ports: Arc<Ports>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) router: Router,
    pub(crate) readiness: Arc<Readiness>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body as JSON; a text that is none as a JSON string; nothing as null.
    pub(crate) body: Value,
}

/// Reads an instant.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant in RFC 3339")
}

impl TestHouse {
    /// The same house as it is right after a start: it remembers nothing.
    pub(crate) fn afresh(&self) -> Ports {
        let clock: Arc<dyn Clock> = Arc::<SetClock>::clone(&self.clock);
        let ports = Ports::new(self.ports.db.clone(), clock, Arc::clone(&self.ports.settings));
        ports.expect("the settings can be used")
    }

    /// The usual house on `t`, on 7 October 2025.
    pub(crate) async fn new(t: &TestDb) -> Self {
        Self::with(t, SETTINGS, POLICY).await
    }

    /// A house with settings and a policy of its own.
    pub(crate) async fn with(t: &TestDb, settings: &str, policy: &str) -> Self {
        let settings = read(settings);
        let clock = Arc::new(SetClock::new(at("2025-10-07T08:00:00Z")));
        let shared: Arc<dyn Clock> = Arc::<SetClock>::clone(&clock);
        drop(rustls::crypto::ring::default_provider().install_default());
        let ports = Ports::new(t.db.clone(), shared, Arc::new(settings)).expect("the settings can be used");
        let ports = Arc::new(ports);
        let act = ports.act(Actor::Job("test".to_owned()), "test");
        policies::apply(&ports, &act, policy).await.expect("the policy is in order");
        protection::follow_settings(&ports, &act).await.expect("protection follows the settings");
        let readiness = Arc::new(Readiness::default());
        let router = http::router(House {
            ports: Arc::clone(&ports),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            readiness: Arc::clone(&readiness),
        });
        Self { ports, clock, router, readiness }
    }

    /// A token for a directory's SCIM.
    pub(crate) async fn directory_token(&self, directory: &str) -> String {
        self.token(TokenKind::Directory, directory).await
    }

    /// A token for a CRM's APIs.
    pub(crate) async fn target_token(&self, target: &str) -> String {
        self.token(TokenKind::Target, target).await
    }

    /// A token for a CRM's APIs that opens only this.
    pub(crate) async fn scoped_token(&self, target: &str, scopes: Scopes) -> String {
        let act = self.ports.act(Actor::Operator("test".to_owned()), "test");
        let (owner, year) = ((TokenKind::Target, target), SignedDuration::from_hours(24 * 365));
        tokens::create_for(&self.ports, &act, owner, "test", year, scopes).await.expect("a token is made")
    }

    async fn token(&self, kind: TokenKind, owner: &str) -> String {
        let act = self.ports.act(Actor::Operator("test".to_owned()), "test");
        let year = SignedDuration::from_hours(24 * 365);
        tokens::create(&self.ports, &act, kind, owner, "test", year).await.expect("a token is made")
    }

    /// Sends a request with a JSON body, or with none where it is null.
    pub(crate) async fn send(&self, method: &str, path: &str, token: &str, body: &Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "127.0.0.1:8080");
        if !token.is_empty() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = if body.is_null() {
            Body::empty()
        } else {
            request = request.header(header::CONTENT_TYPE, "application/json");
            Body::from(body.to_string())
        };
        self.answer(request.body(body).expect("a sound request")).await
    }

    /// Sends any request.
    pub(crate) async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("a router always answers");
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 64 << 20).await.expect("a body that ends");
        let body = match serde_json::from_slice(&bytes) {
            Ok(json) => json,
            Err(_) if bytes.is_empty() => Value::Null,
            Err(_) => Value::String(String::from_utf8_lossy(&bytes).into_owned()),
        };
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

/// Reads settings that must be in order.
pub(crate) fn read(settings: &str) -> Settings {
    let read = config::read_settings(settings, Path::new("portvakt.toml"), std::iter::empty());
    read.unwrap_or_else(|mistakes| panic!("{}", mistakes[0]))
}
