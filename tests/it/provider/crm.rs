//! A CRM that signs people in through Portvakt, as a test needs it.
//!
//! Invariant: it does what RFC 6749, RFC 7636 and OpenID Connect Core ask of a client, unless a test bends it.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use http_body_util::BodyExt;
use openidconnect::JsonWebKey as _;
use openidconnect::core::{CoreJsonWebKey, CoreJwsSigningAlgorithm};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tower::ServiceExt;

use crate::engines::TestDb;
use crate::sign_in::browser::{Browser, Page};
use crate::sign_in::house::TestHouse;

pub(crate) const SECRET: &str = "a-secret-of-the-crm+for:tests%only";
pub(crate) const FORMER: &str = "the-former-secret-of-the-crm";
pub(crate) const CALLBACK: &str = "https://crm.example/callback?from=portvakt";
pub(crate) const BYE: &str = "https://crm.example/bye";
/// What the client made its challenge of.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The clients of the tests: with a secret, public, old without PKCE, and closed to most.
pub(crate) const CLIENTS: &str = r#"
[[client]]
id = "crm"
name = "Medlemsregistret"
secret = "a-secret-of-the-crm+for:tests%only"
former_secret = "the-former-secret-of-the-crm"
redirect_uris = ["https://crm.example/callback?from=portvakt", "https://crm.example/other"]
post_logout_redirect_uris = ["https://crm.example/bye"]
algorithm = "ES256"
[[client]]
id = "page"
public = true
redirect_uris = ["https://page.example/"]
post_logout_redirect_uris = ["https://page.example/bye"]
algorithm = "ES256"
subject = "pairwise"
scopes = ["openid", "profile", "offline_access"]
claims = []
origins = ["https://page.example"]
[[client]]
id = "old"
secret = "a-secret-of-the-old-crm-for-tests"
redirect_uris = ["https://old.example/"]
algorithm = "RS256"
require_pkce = false
[[client]]
id = "board"
name = "Styrelserummet"
secret = "a-secret-of-the-board-for-tests"
redirect_uris = ["https://board.example/"]
algorithm = "ES256"
requires = { component = "mailing", action = "edit" }
"#;

/// A house with the clients, where Åsa is known.
pub(crate) async fn open(t: &TestDb) -> TestHouse<'_> {
    let house = TestHouse::with(t, CLIENTS).await;
    house.provision("entra", "asa", "sv").await;
    house
}

/// An answer in JSON.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Told {
    pub(crate) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.body)).to_owned()
    }

    /// The claims of the ID token, its signature unseen.
    pub(crate) fn claims(&self) -> Value {
        claims(&self.text("id_token"))
    }
}

/// The payload of a token.
pub(crate) fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

/// A client.
#[derive(Clone)]
pub(crate) struct Crm {
    pub(crate) id: &'static str,
    pub(crate) secret: Option<&'static str>,
    pub(crate) redirect_uri: &'static str,
    pub(crate) scope: &'static str,
    pub(crate) router: Router,
}

impl Crm {
    pub(crate) fn new(house: &TestHouse<'_>) -> Self {
        let scope = "openid profile email offline_access";
        Self { id: "crm", secret: Some(SECRET), redirect_uri: CALLBACK, scope, router: house.router() }
    }

    pub(crate) fn page(house: &TestHouse<'_>) -> Self {
        Self { id: "page", secret: None, redirect_uri: "https://page.example/", ..Self::new(house) }
    }

    pub(crate) fn old(house: &TestHouse<'_>) -> Self {
        let secret = Some("a-secret-of-the-old-crm-for-tests");
        Self { id: "old", secret, redirect_uri: "https://old.example/", ..Self::new(house) }
    }

    pub(crate) fn board(house: &TestHouse<'_>) -> Self {
        let secret = Some("a-secret-of-the-board-for-tests");
        Self { id: "board", secret, redirect_uri: "https://board.example/", ..Self::new(house) }
    }

    /// The same client, speaking to another node.
    pub(crate) fn at(&self, router: Router) -> Self {
        Self { router, ..self.clone() }
    }

    /// The address that it sends a browser to; a parameter of `bent` replaces its own, and an empty one drops it.
    pub(crate) fn request(&self, bent: &[(&str, &str)]) -> String {
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER));
        let mut asked = vec![
            ("response_type", "code"),
            ("client_id", self.id),
            ("redirect_uri", self.redirect_uri),
            ("scope", self.scope),
            ("state", "a state/of+the crm"),
            ("nonce", "n-0S6_WzA2Mj"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in bent {
            asked.retain(|(own, _)| own != name);
            asked.push((name, value));
        }
        asked.retain(|(_, value)| !value.is_empty());
        format!("/oauth2/authorize?{}", form(&asked))
    }

    /// Sends a browser here that has a session, or had.
    pub(crate) async fn ask(&self, browser: &mut Browser, bent: &[(&str, &str)]) -> Page {
        browser.get(&self.request(bent)).await
    }

    /// Sends a browser here that has none: through the sign-in at the directory, and back to the client.
    pub(crate) async fn sign_in(&self, house: &TestHouse<'_>, browser: &mut Browser, name: &str) -> Page {
        let away = self.ask(browser, &[]).await;
        through_directory(house, browser, &away, name).await
    }

    /// A code for a browser that has a session, or else gets one.
    pub(crate) async fn code(&self, house: &TestHouse<'_>, browser: &mut Browser, name: &str) -> String {
        let mut back = self.ask(browser, &[]).await;
        if back.location().starts_with("/sso/login") {
            back = through_directory(house, browser, &back, name).await;
        }
        back.sent("code").unwrap_or_else(|| panic!("no code: {} {}", back.status, back.location()))
    }

    /// What it exchanges a code with.
    pub(crate) fn exchange<'c>(&'c self, code: &'c str) -> Vec<(&'c str, &'c str)> {
        vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri),
            ("code_verifier", VERIFIER),
        ]
    }

    /// A request of the token endpoint, proved as the client proves itself.
    pub(crate) async fn token(&self, asked: &[(&str, &str)]) -> Told {
        let mut asked = asked.to_vec();
        let basic = self.secret.map(|secret| basic(self.id, secret));
        if basic.is_none() {
            asked.push(("client_id", self.id));
        }
        self.post("/oauth2/token", basic.as_deref(), &asked).await
    }

    /// Tokens for a browser that has a session, or else gets one.
    pub(crate) async fn tokens(&self, house: &TestHouse<'_>, browser: &mut Browser, name: &str) -> Told {
        let code = self.code(house, browser, name).await;
        let told = self.token(&self.exchange(&code)).await;
        assert_eq!(told.status, StatusCode::OK, "{}", told.body);
        told
    }

    pub(crate) async fn renew(&self, refresh_token: &str) -> Told {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", refresh_token)]).await
    }

    pub(crate) async fn userinfo(&self, access_token: &str) -> Told {
        let request = Request::get("/oauth2/userinfo");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {access_token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, authorization: Option<&str>, asked: &[(&str, &str)]) -> Told {
        let mut request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(value) = authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        self.send(request.body(Body::from(form(asked))).unwrap()).await
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Told {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Told { status: parts.status, headers: parts.headers, body }
    }

    /// The claims of a token, if a published key has signed it.
    pub(crate) async fn verified(&self, token: &str) -> Option<Value> {
        let keys = self.send(Request::get("/oauth2/jwks").body(Body::empty()).unwrap()).await.body;
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let head = signed.split('.').next().unwrap();
        let head: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(head).unwrap()).unwrap();
        let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == head["kid"])?;
        assert_eq!(key["alg"], head["alg"]);
        let algorithm: CoreJwsSigningAlgorithm = serde_json::from_value(head["alg"].clone()).unwrap();
        let key: CoreJsonWebKey = serde_json::from_value(key.clone()).unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verify_signature(&algorithm, signed.as_bytes(), &signature).ok()?;
        Some(claims(token))
    }
}

/// From our sign-in page through the directory, and back to where the sign-in leads.
pub(crate) async fn through_directory(
    house: &TestHouse<'_>,
    browser: &mut Browser,
    away: &Page,
    name: &str,
) -> Page {
    assert!(away.location().starts_with("/sso/login?"), "{} {}", away.status, away.location());
    let return_to = away.sent("return_to").unwrap();
    let query = form(&[("directory", "entra"), ("return_to", &return_to)]);
    let landed = house.sign_in_with(browser, &query, name, |_| {}).await;
    assert_eq!(landed.location(), return_to, "{}", landed.body);
    browser.get(&return_to).await
}

/// Pairs as a form or a query.
pub(crate) fn form(pairs: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("https://x.example").unwrap();
    url.query_pairs_mut().extend_pairs(pairs);
    url.query().unwrap_or_default().to_owned()
}

/// `Authorization: Basic`, each part encoded as in a form (RFC 6749 §2.3.1).
pub(crate) fn basic(id: &str, secret: &str) -> String {
    let encoded = |text: &str| form(&[("x", text)])[2..].to_owned();
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", encoded(id), encoded(secret))))
}
