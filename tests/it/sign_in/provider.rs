//! An OpenID provider on the loopback, honest or not.
//!
//! Invariant: it gives out the token that the test put there last, and publishes one Ed25519 key.

use std::sync::{Arc, Mutex};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

/// What the provider gives out for userinfo.
pub(crate) const ACCESS_TOKEN: &str = "mark-access-token-7f3a";

/// What Portvakt is called at the provider.
pub(crate) const CLIENT: &str = "portvakt";

#[derive(Default)]
struct State {
    id_token: String,
    is_down: bool,
    offers_par: bool,
    exchanges: usize,
}

/// The provider.
pub(crate) struct Provider {
    server: MockServer,
    state: Arc<Mutex<State>>,
}

impl Provider {
    pub(crate) async fn start() -> Self {
        let server = MockServer::start().await;
        let state = Arc::new(Mutex::new(State::default()));
        let (shared, base) = (Arc::clone(&state), server.uri());
        let answer = move |request: &Request| answer(&mut shared.lock().unwrap(), &base, request.url.path());
        Mock::given(any()).respond_with(answer).mount(&server).await;
        Self { server, state }
    }

    pub(crate) fn issuer(&self) -> String {
        self.server.uri()
    }

    /// From now on every question is answered with 503, or is not.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.state.lock().unwrap().is_down = is_down;
    }

    /// How often a code was exchanged.
    pub(crate) fn exchanges(&self) -> usize {
        self.state.lock().unwrap().exchanges
    }

    /// Puts any token there that the next code gives.
    pub(crate) fn hand_out_token(&self, token: String) {
        self.state.lock().unwrap().id_token = token;
    }

    /// What was asked at an address, each as its form or query.
    pub(crate) async fn asked(&self, path: &str) -> Vec<String> {
        let all = self.server.received_requests().await.unwrap();
        let asked = all.into_iter().filter(|request| request.url.path() == path);
        asked.map(|request| String::from_utf8(request.body).unwrap()).collect()
    }

    /// From now on requests can be pushed.
    pub(crate) fn offer_par(&self) {
        self.state.lock().unwrap().offers_par = true;
    }

    /// Puts the token there that the next code gives.
    pub(crate) fn hand_out(&self, claims: &Value) {
        self.state.lock().unwrap().id_token = sign(claims);
    }
}

fn answer(state: &mut State, base: &str, path: &str) -> ResponseTemplate {
    if state.is_down {
        return ResponseTemplate::new(503);
    }
    match path {
        "/.well-known/openid-configuration" => {
            let mut discovery = json!({
                "issuer": base,
                "authorization_endpoint": format!("{base}/auth"),
                "token_endpoint": format!("{base}/token"),
                "jwks_uri": format!("{base}/jwks"),
                "end_session_endpoint": format!("{base}/end"),
            });
            if state.offers_par {
                discovery["pushed_authorization_request_endpoint"] = format!("{base}/par").into();
            }
            ResponseTemplate::new(200).set_body_json(discovery)
        }
        "/par" => ResponseTemplate::new(201)
            .set_body_json(json!({ "request_uri": "urn:ietf:params:oauth:request_uri:x", "expires_in": 60 })),
        "/jwks" => {
            ResponseTemplate::new(200).set_body_json(json!({ "keys": [key(SEED).as_verification_key()] }))
        }
        "/token" => {
            state.exchanges += 1;
            ResponseTemplate::new(200).set_body_json(json!({
                "id_token": state.id_token, "access_token": ACCESS_TOKEN, "token_type": "Bearer",
            }))
        }
        _ => ResponseTemplate::new(404),
    }
}

/// A token with these claims.
pub(crate) fn sign(claims: &Value) -> String {
    sign_with(&json!({ "alg": "EdDSA", "kid": "ed" }), claims, SEED)
}

/// A token with any header, signed with the Ed25519 key of `seed`.
pub(crate) fn sign_with(header: &Value, claims: &Value, seed: u8) -> String {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = key(seed).sign(&CoreJwsSigningAlgorithm::EdDsa, signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// The provider's own key.
const SEED: u8 = 7;

fn key(seed: u8) -> CoreEdDsaPrivateSigningKey {
    // PKCS #8 (RFC 8410 §7): a fixed head, then the 32 bytes of the key.
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([seed; 32]);
    let body = base64::prelude::BASE64_STANDARD.encode(der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new("ed".to_owned()))).unwrap()
}
