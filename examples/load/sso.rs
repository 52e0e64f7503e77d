//! Sign-ins through a provider that costs as little as it can, and the question of a proxy who is there.
//!
//! Invariant: every sign-in goes the whole way, from our page over the provider's token to a session that is shown to be
//! one; the provider signs for whoever the code names.

use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::extract::State;
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{Answer, Ask, Connection};
use crate::measure::Work;
use crate::people::{Wire, external_id};
use crate::place::DIRECTORY;

/// What the daemon is called at the provider.
pub(crate) const CLIENT: &str = "load";

/// The provider.
#[derive(Clone)]
struct Provider {
    issuer: Arc<str>,
    key: Arc<CoreEdDsaPrivateSigningKey>,
}

/// The routes of the provider at `issuer`.
///
/// # Errors
///
/// When its key cannot be made.
pub(crate) fn provider(issuer: &str) -> anyhow::Result<Router> {
    let provider = Provider { issuer: issuer.into(), key: Arc::new(key()?) };
    Ok(Router::new()
        .route("/oidc/.well-known/openid-configuration", get(discovery))
        .route("/oidc/jwks", get(keys))
        .route("/oidc/token", post(token))
        .with_state(provider))
}

/// A key of no worth: PKCS #8 (RFC 8410 §7), a fixed head and 32 equal bytes.
fn key() -> anyhow::Result<CoreEdDsaPrivateSigningKey> {
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([7; 32]);
    let body = BASE64_STANDARD.encode(der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let id = Some(JsonWebKeyId::new("ed".to_owned()));
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, id).map_err(|error| anyhow::anyhow!("{error}"))
}

async fn discovery(State(Provider { issuer, .. }): State<Provider>) -> Json<Value> {
    Json(json!({
        "issuer": &*issuer,
        "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
    }))
}

async fn keys(State(provider): State<Provider>) -> Json<Value> {
    Json(json!({ "keys": [provider.key.as_verification_key()] }))
}

#[derive(Deserialize)]
struct Exchange {
    code: String,
}

/// The code is the nonce and the subject, with a point between.
#[expect(clippy::disallowed_methods, reason = "the provider that is played here has a clock of its own")]
async fn token(State(provider): State<Provider>, Form(Exchange { code }): Form<Exchange>) -> Json<Value> {
    let (nonce, subject) = code.split_once('.').unwrap_or_default();
    let now = jiff::Timestamp::now().as_second();
    let claims = json!({ "iss": &*provider.issuer, "aud": CLIENT, "sub": subject, "nonce": nonce,
        "iat": now, "exp": now + 300, "auth_time": now });
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(&json!({ "alg": "EdDSA", "kid": "ed" })), encode(&claims));
    let signature = provider.key.sign(&CoreJwsSigningAlgorithm::EdDsa, signed.as_bytes()).unwrap_or_default();
    let id_token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature));
    Json(json!({ "id_token": id_token, "access_token": "a", "token_type": "Bearer" }))
}

/// A cookie that an answer sets, as it is sent back.
fn cookie(answer: &Answer<'_>, begins: &str) -> Option<String> {
    let mut set = answer.headers("set-cookie").filter(|value| !value.contains("Max-Age=0"));
    set.find_map(|value| value.split(';').next().filter(|pair| pair.starts_with(begins)).map(str::to_owned))
}

/// Goes through a sign-in. Gives the session's cookie.
///
/// # Errors
///
/// When the way is barred anywhere.
pub(crate) async fn sign_in(connection: &mut Connection, number: usize) -> anyhow::Result<String> {
    let path = format!("/sso/login?directory={DIRECTORY}&return_to=/there");
    let away = connection.ask(Ask { path: &path, ..Ask::GET }).await?;
    ensure!(away.status == 303, "the sign-in page answered {}: {}", away.status, away.begins());
    let ticket = cookie(&away, "portvakt-login-").context("what keeps the sign-in")?;
    let location = away.headers("location").next().context("the way to the provider")?;
    let sent = |name: &str| {
        let query = location.split_once('?')?.1;
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    };
    let (state, nonce) = sent("state").zip(sent("nonce")).context("state and nonce")?;
    let path = format!("/sso/callback?state={state}&code={nonce}.{}", external_id(number));
    let back = connection.ask(Ask { path: &path, cookie: &ticket, ..Ask::GET }).await?;
    ensure!(back.status == 303, "the callback answered {}: {}", back.status, back.begins());
    ensure!(back.headers("location").next() == Some("/there"), "the callback leads elsewhere");
    cookie(&back, "portvakt=").context("a session")
}

async fn verify(connection: &mut Connection, session: &str) -> anyhow::Result<()> {
    let ask = Ask { path: "/sso/verify", cookie: session, ..Ask::GET };
    let answer = connection.ask(ask).await?;
    ensure!(answer.status == 200, "/sso/verify answered {}", answer.status);
    ensure!(answer.headers("x-portvakt-account").next().is_some(), "it names nobody");
    Ok(())
}

/// One who signs in again and again.
#[derive(Debug)]
pub(crate) struct Visitor {
    connection: Connection,
    number: usize,
    turn: usize,
    /// The cookie of the session, where there is one.
    session: String,
}

/// Sign-ins, each of another person.
#[derive(Debug)]
pub(crate) struct SignIns(pub(crate) Arc<Wire>);

impl Work for SignIns {
    type Caller = Visitor;

    fn caller(&self, number: usize) -> Visitor {
        let connection = Connection::new(self.0.address);
        Visitor { connection, number, turn: 0, session: String::new() }
    }

    async fn once(&self, visitor: &mut Visitor) -> anyhow::Result<u64> {
        let person = self.0.any(visitor.number + visitor.turn * self.0.callers)?.number;
        visitor.turn += 1;
        visitor.session = sign_in(&mut visitor.connection, person).await?;
        if visitor.turn % 16 == 1 {
            verify(&mut visitor.connection, &visitor.session).await?;
        }
        Ok(1)
    }

    fn process(&self) -> Option<u32> {
        Some(self.0.process)
    }
}

/// A proxy that asks who is there, for one session of each caller.
#[derive(Debug)]
pub(crate) struct Verify(pub(crate) Arc<Wire>);

impl Work for Verify {
    type Caller = Visitor;

    fn caller(&self, number: usize) -> Visitor {
        SignIns(Arc::clone(&self.0)).caller(number)
    }

    async fn once(&self, visitor: &mut Visitor) -> anyhow::Result<u64> {
        if visitor.session.is_empty() {
            visitor.session = sign_in(&mut visitor.connection, self.0.any(visitor.number)?.number).await?;
        }
        verify(&mut visitor.connection, &visitor.session).await.map(|()| 1)
    }

    fn process(&self) -> Option<u32> {
        Some(self.0.process)
    }
}
