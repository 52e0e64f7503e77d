//! The tokens that we issue ourselves: ID tokens and logout tokens, signed with keys of our own.
//!
//! `ring` signs, in constant time; `rsa` only makes RSA keys, which `ring` cannot.
//!
//! Invariant: a private key leaves this file as PKCS #8 within a secret wrapper, when it is made, and never otherwise;
//! instants and ids are arguments.

use std::fmt;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents, UnparsedPublicKey,
};
use rsa::pkcs8::EncodePrivateKey as _;
use secrecy::{ExposeSecret, SecretSlice};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::algorithm::SigningAlgorithm;
use super::logout::LOGOUT_EVENT;

/// Bits of an RSA key (RFC 7518 §3.3: 2048 or more).
const RSA_BITS: usize = 2048;

/// Longest token of ours that is read back, in bytes.
const LONGEST_HINT: usize = 16 * 1024;

/// Why a key cannot be made, read or used. Holds nothing of the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// We sign with RS256 and ES256 only.
    #[error("tokens cannot be signed with {0}; use RS256 or ES256")]
    Algorithm(SigningAlgorithm),
    /// The operating system gives no randomness, or the key came out wrong.
    #[error("a key for {0} could not be made")]
    NotMade(SigningAlgorithm),
    /// What is kept is no private key of the algorithm.
    #[error("what is kept as a key for {0} is none")]
    Unreadable(SigningAlgorithm),
    /// The signature could not be made.
    #[error("a token could not be signed with key {0}")]
    NotSigned(String),
}

/// Which token it is; its `typ` says so (RFC 8725 §3.11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    IdToken,
    LogoutToken,
    Snapshot,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// A key that signs our tokens.
pub struct IssuerKey {
    id: String,
    algorithm: SigningAlgorithm,
    pair: Pair,
    public: Value,
}

impl fmt::Debug for IssuerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Makes a private key as PKCS #8. RSA takes a second or so of computing.
///
/// # Errors
///
/// [`IssueError::Algorithm`], or [`IssueError::NotMade`] when there is no randomness.
pub fn make_key(algorithm: SigningAlgorithm) -> Result<SecretSlice<u8>, IssueError> {
    let not_made = || IssueError::NotMade(algorithm);
    match algorithm {
        SigningAlgorithm::Es256 => {
            let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
                .map_err(|_| not_made())?;
            Ok(der.as_ref().to_vec().into())
        }
        SigningAlgorithm::Rs256 => {
            let key =
                rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, RSA_BITS).map_err(|_| not_made())?;
            Ok(key.to_pkcs8_der().map_err(|_| not_made())?.as_bytes().to_vec().into())
        }
        other => Err(IssueError::Algorithm(other)),
    }
}

impl IssuerKey {
    /// Reads a private key. Its id is the thumbprint of its public half (RFC 7638).
    ///
    /// # Errors
    ///
    /// [`IssueError::Algorithm`] or [`IssueError::Unreadable`].
    pub fn read(algorithm: SigningAlgorithm, pkcs8: &SecretSlice<u8>) -> Result<Self, IssueError> {
        let unreadable = || IssueError::Unreadable(algorithm);
        let der = pkcs8.expose_secret();
        let (pair, named) = match algorithm {
            SigningAlgorithm::Es256 => {
                let pair =
                    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der, &SystemRandom::new())
                        .map_err(|_| unreadable())?;
                let named = ec_members(pair.public_key().as_ref()).ok_or_else(unreadable)?;
                (Pair::Ec(pair), named)
            }
            SigningAlgorithm::Rs256 => {
                let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| unreadable())?;
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                let named = json!({ "e": base64url(&public.e), "kty": "RSA", "n": base64url(&public.n) });
                (Pair::Rsa(pair), named)
            }
            other => return Err(IssueError::Algorithm(other)),
        };
        let id = base64url(&Sha256::digest(named.to_string()));
        let mut public = named;
        if let Some(members) = public.as_object_mut() {
            members.insert("use".to_owned(), json!("sig"));
            members.insert("alg".to_owned(), json!(algorithm.name()));
            members.insert("kid".to_owned(), json!(id));
        }
        Ok(Self { id, algorithm, pair, public })
    }

    /// The key's name (`kid`).
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What it signs with.
    #[must_use]
    pub const fn algorithm(&self) -> SigningAlgorithm {
        self.algorithm
    }

    /// The public half, as a JSON Web Key (RFC 7517 §4).
    #[must_use]
    pub const fn public(&self) -> &Value {
        &self.public
    }

    /// The claims as a compact JWS (RFC 7515 §3.1).
    pub(super) fn sign(&self, kind: Kind, claims: &Map<String, Value>) -> Result<String, IssueError> {
        let typ = match kind {
            Kind::IdToken => "JWT",
            Kind::LogoutToken => "logout+jwt",
            Kind::Snapshot => "portvakt-snapshot+jwt",
        };
        let header = json!({ "alg": self.algorithm.name(), "typ": typ, "kid": self.id });
        let payload = Value::Object(claims.clone());
        let signed = format!(
            "{}.{}",
            base64url(header.to_string().as_bytes()),
            base64url(payload.to_string().as_bytes())
        );
        let not_signed = |_| IssueError::NotSigned(self.id.clone());
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, signed.as_bytes()).map_err(not_signed)?.as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)
                    .map_err(not_signed)?;
                signature
            }
        };
        Ok(format!("{signed}.{}", base64url(&signature)))
    }

    /// Whether this key made the signature.
    fn has_signed(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.pair {
            Pair::Ec(pair) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, pair.public_key().as_ref())
                .verify(signed, signature)
                .is_ok(),
            Pair::Rsa(pair) => RsaPublicKeyComponents::<Vec<u8>>::from(pair.public())
                .verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature)
                .is_ok(),
        }
    }
}

/// The members of an EC key from its uncompressed point (SEC 1 §2.3.3), in the order of RFC 7638 §3.2.
fn ec_members(point: &[u8]) -> Option<Value> {
    let (x, y) = point.strip_prefix(&[4])?.split_at_checked(32)?;
    (y.len() == 32).then(|| json!({ "crv": "P-256", "kty": "EC", "x": base64url(x), "y": base64url(y) }))
}

fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What an ID token says (OpenID Connect Core §2).
pub struct IdToken<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`: the person, as this client knows them.
    pub subject: &'a str,
    /// `aud`: the client.
    pub audience: &'a str,
    /// `iat`.
    pub now: Timestamp,
    /// How long it is good for.
    pub life: SignedDuration,
    /// When the person proved who they are.
    pub auth_time: Timestamp,
    /// What the client asked to see again.
    pub nonce: Option<&'a str>,
    /// How strongly the person proved it, in the directory's words.
    pub acr: Option<&'a str>,
    /// By which means, in the directory's words.
    pub amr: &'a [String],
    /// The session, as this client knows it.
    pub session: &'a str,
    /// The access token that goes with it, for `at_hash`.
    pub access_token: &'a str,
    /// What else is told. None of the above can be replaced by it.
    pub told: Map<String, Value>,
}

impl fmt::Debug for IdToken<'_> {
    /// Shows whom it is for, not of whom it speaks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdToken").field("audience", &self.audience).finish_non_exhaustive()
    }
}

impl IdToken<'_> {
    /// The token, signed.
    ///
    /// # Errors
    ///
    /// [`IssueError::NotSigned`].
    pub fn signed(self, key: &IssuerKey) -> Result<String, IssueError> {
        let mut claims = self.told;
        let expires = self.now.saturating_add(self.life).unwrap_or(self.now);
        for (name, value) in [
            ("iss", json!(self.issuer)),
            ("sub", json!(self.subject)),
            ("aud", json!(self.audience)),
            ("iat", json!(self.now.as_second())),
            ("exp", json!(expires.as_second())),
            ("auth_time", json!(self.auth_time.as_second())),
            ("sid", json!(self.session)),
            ("at_hash", json!(base64url(&key.algorithm.half_hash(self.access_token)))),
        ] {
            claims.insert(name.to_owned(), value);
        }
        for (name, value) in [("nonce", self.nonce), ("acr", self.acr)] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), json!(value));
            }
        }
        if !self.amr.is_empty() {
            claims.insert("amr".to_owned(), json!(self.amr));
        }
        key.sign(Kind::IdToken, &claims)
    }
}

/// What a logout token of ours says (OpenID Connect Back-Channel Logout §2.4).
#[derive(Debug)]
pub struct Farewell<'a> {
    /// `iss`.
    pub issuer: &'a str,
    /// `sub`: the person, as this client knows them.
    pub subject: &'a str,
    /// `aud`: the client.
    pub audience: &'a str,
    /// `iat`.
    pub now: Timestamp,
    /// How long it is good for.
    pub life: SignedDuration,
    /// `jti`: never used twice.
    pub id: &'a str,
    /// `sid`: the session, as this client knows it.
    pub session: &'a str,
}

impl Farewell<'_> {
    /// The token, signed.
    ///
    /// # Errors
    ///
    /// [`IssueError::NotSigned`].
    pub fn signed(&self, key: &IssuerKey) -> Result<String, IssueError> {
        let expires = self.now.saturating_add(self.life).unwrap_or(self.now);
        let claims = [
            ("iss", json!(self.issuer)),
            ("sub", json!(self.subject)),
            ("aud", json!(self.audience)),
            ("iat", json!(self.now.as_second())),
            ("exp", json!(expires.as_second())),
            ("jti", json!(self.id)),
            ("sid", json!(self.session)),
            ("events", json!({ LOGOUT_EVENT: {} })),
        ];
        let claims = claims.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        key.sign(Kind::LogoutToken, &claims)
    }
}

/// What an ID token of ours that came back as a hint says. How old it is does not matter
/// (OpenID Connect RP-Initiated Logout §4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// `sub`.
    pub subject: String,
    /// `aud`: the client it was made for.
    pub audience: String,
    /// `sid`.
    pub session: String,
}

/// Reads an ID token of `issuer` that one of `keys` has signed; nothing for any other.
pub fn read_hint<'k>(
    token: &str,
    issuer: &str,
    keys: impl IntoIterator<Item = &'k IssuerKey>,
) -> Option<Hint> {
    if token.len() > LONGEST_HINT {
        return None;
    }
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let object = |part: &str| -> Option<Map<String, Value>> {
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
    };
    let header = object(header)?;
    let says = |name: &str| header.get(name).and_then(Value::as_str);
    if says("typ") != Some("JWT") || header.contains_key("crit") {
        return None;
    }
    let key = keys
        .into_iter()
        .find(|key| says("kid") == Some(key.id()) && says("alg") == Some(key.algorithm().name()))?;
    if !key.has_signed(signed.as_bytes(), &BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?) {
        return None;
    }
    let claims = object(payload)?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    if text("iss").as_deref() != Some(issuer) {
        return None;
    }
    Some(Hint { subject: text("sub")?, audience: text("aud")?, session: text("sid")? })
}
