//! A daemon without a listener: two directories at one provider, a set clock, the shipped policy.
//!
//! Invariant: the directory `entra` has tenants and `oid`, the directory `okta` has `sub`.

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusBuilder;
use portvakt::config::read_settings;
use portvakt::domain::account::Account;
use portvakt::domain::actor::{Actor, Subject};
use portvakt::flows::tokens::{self, TokenKind};
use portvakt::flows::{Clock, Ports, SetClock, policies};
use portvakt::http::health::Readiness;
use portvakt::http::{House, router};
use portvakt::store::audit::Recorded;
use portvakt::store::{Db, account, audit};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::browser::{Browser, Page};
use super::provider::{CLIENT, Provider};
use crate::engines::{TestDb, look};

pub(crate) const TENANT: &str = "c0ffee00-1111-4222-8333-444455556666";
pub(crate) const ORIGIN: &str = "https://portvakt.example";
/// The group whose members are newsletter helpers by the shipped policy.
pub(crate) const HELPERS: &str = "8a1c6f0e-0000-4000-8000-000000000002";
pub(crate) const POLICY: &str = include_str!("../../../config/policy.toml");

/// The daemon, its provider and its clock.
pub(crate) struct TestHouse<'t> {
    pub(crate) t: &'t TestDb,
    pub(crate) ports: Arc<Ports>,
    pub(crate) clock: Arc<SetClock>,
    pub(crate) provider: Provider,
    router: Router,
}

fn settings_text(provider: &Provider, database: &str) -> String {
    let issuer = provider.issuer();
    format!(
        r#"
[server]
public_url = "{ORIGIN}"
[database]
url = "{database}"
[sessions]
idle = "30m"
absolute = "12h"
[[directory]]
id = "entra"
kind = "entra"
name = "Anställda och styrelse"
domains = ["bjorkbacken.example"]
[directory.oidc]
issuer = "{issuer}"
client_id = "{CLIENT}"
tenants = ["{TENANT}"]
[[directory]]
id = "okta"
kind = "okta"
name = "Ideellt engagerade"
domains = ["frivillig.example"]
[directory.oidc]
issuer = "{issuer}"
client_id = "{CLIENT}"
"#
    )
}

fn routes(ports: &Arc<Ports>) -> Router {
    router(House {
        ports: Arc::clone(ports),
        metrics: PrometheusBuilder::new().build_recorder().handle(),
        readiness: Arc::new(Readiness::default()),
    })
}

impl<'t> TestHouse<'t> {
    pub(crate) async fn open(t: &'t TestDb) -> Self {
        Self::with(t, "").await
    }

    /// The same, with more settings.
    pub(crate) async fn with(t: &'t TestDb, more: &str) -> Self {
        Self::open_with(t, |text| format!("{text}{more}")).await
    }

    /// A house whose settings are changed by `change`.
    pub(crate) async fn open_with(t: &'t TestDb, change: impl FnOnce(&str) -> String) -> Self {
        let provider = Provider::start().await;
        let text = change(&settings_text(&provider, &t.url));
        let settings = read_settings(&text, Path::new("portvakt.toml"), []).unwrap();
        let clock = Arc::new(SetClock::new(Timestamp::from_second(1_900_000_000).unwrap()));
        let shared: Arc<dyn Clock> = Arc::<SetClock>::clone(&clock);
        let ports = Arc::new(Ports::new(t.db.clone(), shared, Arc::new(settings)).unwrap());
        let router = routes(&ports);
        let house = Self { t, ports, clock, provider, router };
        house.apply(POLICY).await;
        house
    }

    pub(crate) async fn apply(&self, policy: &str) {
        let act = self.ports.act(Actor::Operator("test".to_owned()), "test");
        policies::apply(&self.ports, &act, policy).await.unwrap();
    }

    /// Another node on the same database, or this one after a restart: it shares nothing but the database.
    pub(crate) async fn node(&self) -> (Arc<Ports>, Router) {
        let db = Db::open(&self.t.url, 4).await.unwrap();
        let clock: Arc<dyn Clock> = Arc::<SetClock>::clone(&self.clock);
        let ports = Arc::new(Ports::new(db, clock, Arc::clone(&self.ports.settings)).unwrap());
        let router = routes(&ports);
        (ports, router)
    }

    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    pub(crate) fn pass(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    /// Sends a SCIM request of the directory.
    pub(crate) async fn scim(&self, directory: &str, method: &str, path: &str, body: &Value) -> Value {
        let act = self.ports.act(Actor::Operator("test".to_owned()), "test");
        let life = SignedDuration::from_hours(1);
        let kind = TokenKind::Directory;
        let token = tokens::create(&self.ports, &act, kind, directory, "test", life).await.unwrap();
        let request = Request::builder()
            .method(method)
            .uri(format!("/scim/v2/{directory}{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/scim+json")
            .body(Body::from(body.to_string()))
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(status.is_success(), "{method} {path}: {status} {}", String::from_utf8_lossy(&body));
        if status == StatusCode::NO_CONTENT { Value::Null } else { serde_json::from_slice(&body).unwrap() }
    }

    /// Tells of a person; gives their SCIM id.
    pub(crate) async fn provision(&self, directory: &str, name: &str, language: &str) -> String {
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": format!("{name}@bjorkbacken.example"), "externalId": external(name),
            "displayName": format!("{name} Åkesson"), "active": true, "preferredLanguage": language,
            "emails": [{ "value": format!("{name}@bjorkbacken.example"), "type": "work", "primary": true }],
        });
        let made = self.scim(directory, "POST", "/Users", &user).await;
        made["id"].as_str().unwrap().to_owned()
    }

    /// Makes the person a newsletter helper.
    pub(crate) async fn make_helper(&self, id: &str) {
        let group = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
            "displayName": "Utskickshjälpare", "externalId": HELPERS, "members": [{ "value": id }],
        });
        self.scim("entra", "POST", "/Groups", &group).await;
    }

    pub(crate) async fn set_active(&self, directory: &str, id: &str, is_active: bool) {
        let patch = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{ "op": "replace", "path": "active", "value": is_active }],
        });
        self.scim(directory, "PATCH", &format!("/Users/{id}"), &patch).await;
    }

    /// The claims of a token that every check accepts.
    pub(crate) fn claims(&self, name: &str, nonce: &str) -> Value {
        let at = self.clock.now().as_second();
        json!({
            "iss": self.provider.issuer(), "aud": CLIENT, "nonce": nonce, "iat": at, "exp": at + 300,
            "sub": external(name), "tid": TENANT, "oid": external(name), "sid": format!("sid-{name}"),
            "email": format!("{name}@bjorkbacken.example"), "email_verified": true, "name": name,
        })
    }

    /// Goes to the provider and comes back as `name`.
    pub(crate) async fn sign_in(&self, browser: &mut Browser, directory: &str, name: &str) -> Page {
        self.sign_in_with(browser, &format!("directory={directory}"), name, |_| {}).await
    }

    /// The same, with a query for the sign-in and with claims bent.
    pub(crate) async fn sign_in_with(
        &self,
        browser: &mut Browser,
        query: &str,
        name: &str,
        bend: impl FnOnce(&mut Value),
    ) -> Page {
        let away = browser.get(&format!("/sso/login?{query}")).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER, "{}", away.body);
        let mut claims = self.claims(name, &away.sent("nonce").unwrap());
        bend(&mut claims);
        self.provider.hand_out(&claims);
        let state = away.sent("state").unwrap();
        browser.get(&format!("/sso/callback?code=c0de&state={state}")).await
    }

    /// The same, with a whole token instead of claims.
    pub(crate) async fn sign_in_by(
        &self,
        browser: &mut Browser,
        directory: &str,
        token: impl FnOnce(&str) -> String,
    ) -> Page {
        let away = browser.get(&format!("/sso/login?directory={directory}")).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER, "{}", away.body);
        self.provider.hand_out_token(token(&away.sent("nonce").unwrap()));
        let state = away.sent("state").unwrap();
        browser.get(&format!("/sso/callback?code=c0de&state={state}")).await
    }

    pub(crate) async fn account(&self, name: &str) -> Account {
        let name = format!("{name}@bjorkbacken.example");
        let mut found = look!(self.t, c => account::resolve(c, &name, None));
        assert_eq!(found.len(), 1, "{name}");
        found.remove(0)
    }

    /// The newest audit entry about something.
    pub(crate) async fn last_about(&self, subject: Subject) -> Recorded {
        look!(self.t, c => audit::about(c, &subject, 1)).remove(0)
    }
}

/// The provider's own id of a person: a UUID made of the name.
pub(crate) fn external(name: &str) -> String {
    let mut bytes = [0x42_u8; 16];
    for (place, byte) in bytes.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    uuid::Uuid::from_bytes(bytes).to_string()
}
