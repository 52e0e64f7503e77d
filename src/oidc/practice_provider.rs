//! An OpenID provider on the loopback for this floor's tests, honest or not.
//!
//! Invariant: it signs whatever a test asks for, and counts what it is asked.

use std::sync::{Arc, Mutex};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use openidconnect::{
    JsonWebKeyId, PrivateSigningKey,
    core::{CoreEdDsaPrivateSigningKey, CoreJsonWebKey, CoreJwsSigningAlgorithm, CoreRsaPrivateSigningKey},
};
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

use super::{
    Callback, HttpClient, HttpLimits, OidcError, ProviderKind, RelyingParty, RelyingPartySettings, Verified,
};

pub(super) const CLIENT: &str = "crm";
pub(super) const NONCE: &str = "n-0S6_WzA2Mj";
pub(super) const ACCESS_TOKEN: &str = "access-token-of-anna";
pub(super) const TENANT: &str = "c0ffee00-1111-4222-8333-444455556666";
const RSA: &str = include_str!("../../tests/fixtures/oidc/rsa-key-for-tests-only.pem");

/// The tests' present: any fixed instant will do.
pub(super) fn now() -> Timestamp {
    Timestamp::from_second(2_000_000_000).unwrap()
}

/// What the provider answers; tests change it as they go.
pub(super) struct Answers {
    pub(super) discovery: Value,
    pub(super) keys: Vec<Value>,
    pub(super) token: ResponseTemplate,
    pub(super) userinfo: ResponseTemplate,
    /// Answers every question instead, when set.
    pub(super) instead: Option<ResponseTemplate>,
}

pub(super) struct PracticeProvider {
    pub(super) server: MockServer,
    answers: Arc<Mutex<Answers>>,
}

impl PracticeProvider {
    /// A provider that publishes the Ed25519 key `ed` and the RSA key `rsa`.
    pub(super) async fn start() -> Self {
        let server = MockServer::start().await;
        let base = server.uri();
        let answers = Arc::new(Mutex::new(Answers {
            discovery: json!({
                "issuer": base,
                "authorization_endpoint": format!("{base}/auth?tenant=1"),
                "token_endpoint": format!("{base}/token"),
                "jwks_uri": format!("{base}/jwks"),
                "end_session_endpoint": format!("{base}/end"),
            }),
            keys: vec![public(&ed("ed", 1)), public(&rsa("rsa"))],
            token: ResponseTemplate::new(500),
            userinfo: ResponseTemplate::new(500),
            instead: None,
        }));
        let shared = Arc::clone(&answers);
        Mock::given(any())
            .respond_with(move |request: &Request| answer(&shared.lock().unwrap(), request.url.path()))
            .mount(&server)
            .await;
        Self { server, answers }
    }

    pub(super) fn change(&self, change: impl FnOnce(&mut Answers)) {
        change(&mut self.answers.lock().unwrap());
    }

    pub(super) fn hand_out(&self, id_token: &str) {
        let body = json!({"id_token": id_token, "access_token": ACCESS_TOKEN, "token_type": "Bearer"});
        self.change(|answers| answers.token = ResponseTemplate::new(200).set_body_json(body));
    }

    pub(super) async fn requests(&self, path: &str) -> Vec<Request> {
        let all = self.server.received_requests().await.unwrap();
        all.into_iter().filter(|request| request.url.path() == path).collect()
    }

    pub(super) fn settings(&self, kind: ProviderKind) -> RelyingPartySettings {
        let mut settings = RelyingPartySettings::new(
            "d",
            kind,
            &self.server.uri(),
            CLIENT,
            "https://crm.example/sso/callback",
        );
        settings.client_secret = Some("s3cret&/mark".into());
        settings
    }

    pub(super) fn relying_party(&self) -> RelyingParty {
        RelyingParty::new(self.settings(ProviderKind::Generic), client()).unwrap()
    }

    /// The claims of a token that every check accepts.
    pub(super) fn good_claims(&self) -> Value {
        let at = now().as_second();
        json!({
            "iss": self.server.uri(), "aud": CLIENT, "sub": "anna", "nonce": NONCE,
            "iat": at, "exp": at + 300, "auth_time": at - 10,
            "name": "Anna Andersson", "email": "anna@forening.example", "email_verified": true,
            "groups": ["styrelse"], "sid": "s1", "acr": "urn:mfa", "amr": ["pwd", "otp"], "locale": "sv-SE",
        })
    }
}

fn answer(answers: &Answers, path: &str) -> ResponseTemplate {
    if let Some(instead) = &answers.instead {
        return instead.clone();
    }
    match path {
        "/.well-known/openid-configuration" => ResponseTemplate::new(200).set_body_json(&answers.discovery),
        "/jwks" => ResponseTemplate::new(200).set_body_json(json!({"keys": answers.keys})),
        "/token" => answers.token.clone(),
        "/userinfo" => answers.userinfo.clone(),
        _ => ResponseTemplate::new(404),
    }
}

pub(super) fn client() -> HttpClient {
    HttpClient::new(HttpLimits::default()).unwrap()
}

/// Comes back with the right callback.
pub(super) async fn finish(party: &RelyingParty, at: Timestamp) -> Result<Verified, OidcError> {
    finish_with(party, at, None, None).await
}

pub(super) async fn finish_with(
    party: &RelyingParty,
    at: Timestamp,
    iss: Option<&str>,
    max_age: Option<u32>,
) -> Result<Verified, OidcError> {
    let (code, nonce) = (SecretString::from("c0de"), SecretString::from(NONCE));
    let verifier = SecretString::from("v3rifier");
    let acr_values: &[String] = &[];
    let callback = Callback {
        code: &code,
        pkce_verifier: &verifier,
        nonce: &nonce,
        iss,
        max_age,
        acr_values,
        redirect_uri: None,
    };
    party.finish(at, &callback).await
}

/// An Ed25519 key made from `seed`.
pub(super) fn ed(id: &str, seed: u8) -> CoreEdDsaPrivateSigningKey {
    // PKCS #8 (RFC 8410 §7): a fixed head, then the 32 bytes of the key.
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([seed; 32]);
    let body = base64::prelude::BASE64_STANDARD.encode(der);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new(id.to_owned()))).unwrap()
}

pub(super) fn rsa(id: &str) -> CoreRsaPrivateSigningKey {
    CoreRsaPrivateSigningKey::from_pem(RSA, Some(JsonWebKeyId::new(id.to_owned()))).unwrap()
}

pub(super) fn public(key: &impl PrivateSigningKey<VerificationKey = CoreJsonWebKey>) -> Value {
    serde_json::to_value(key.as_verification_key()).unwrap()
}

/// `header.payload`, encoded.
pub(super) fn unsigned(header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

pub(super) fn sign(
    header: &Value,
    claims: &Value,
    key: &impl PrivateSigningKey<VerificationKey = CoreJsonWebKey>,
    algorithm: &CoreJwsSigningAlgorithm,
) -> String {
    let signed = unsigned(header, claims);
    let signature = key.sign(algorithm, signed.as_bytes()).unwrap();
    format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
}

/// Signed with the Ed25519 key of `seed` under the name `id`.
pub(super) fn sign_ed(claims: &Value, id: &str, seed: u8) -> String {
    sign(&json!({"alg": "EdDSA", "kid": id}), claims, &ed(id, seed), &CoreJwsSigningAlgorithm::EdDsa)
}
