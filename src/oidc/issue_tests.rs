//! What we sign, read back by the same code that reads other providers' tokens.

use std::sync::LazyLock;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::algorithm::SigningAlgorithm;
use super::claims::Claims;
use super::error::{TokenCheck, TokenKind};
use super::issue::{Farewell, IdToken, IssueError, IssuerKey, make_key, read_hint};
use super::jws::Jws;
use super::keys::KeySet;

const ISSUER: &str = "https://portvakt.example";

fn new_key(algorithm: SigningAlgorithm) -> IssuerKey {
    IssuerKey::read(algorithm, &make_key(algorithm).unwrap()).unwrap()
}

static EC: LazyLock<IssuerKey> = LazyLock::new(|| new_key(SigningAlgorithm::Es256));
static RSA: LazyLock<IssuerKey> = LazyLock::new(|| new_key(SigningAlgorithm::Rs256));

fn now() -> Timestamp {
    "2025-10-07T08:00:00Z".parse().unwrap()
}

fn id_token(key: &IssuerKey, told: Value) -> String {
    let Value::Object(told) = told else { panic!("claims are an object") };
    let token = IdToken {
        issuer: ISSUER,
        subject: "anna",
        audience: "crm",
        now: now(),
        life: SignedDuration::from_hours(1),
        auth_time: now(),
        nonce: Some("n-1"),
        acr: Some("mfa"),
        amr: &["pwd".to_owned(), "otp".to_owned()],
        session: "s-1",
        access_token: "the access token",
        told,
    };
    token.signed(key).unwrap()
}

fn read(key: &IssuerKey, token: &str, kind: TokenKind) -> Result<Claims, TokenCheck> {
    let published = json!({ "keys": [key.public()] });
    let keys = KeySet::read(published.as_object().unwrap()).unwrap();
    let jws = Jws::read(token, kind, &[SigningAlgorithm::Es256, SigningAlgorithm::Rs256]);
    jws.and_then(|jws| jws.claims(&keys)).map_err(|flaw| flaw.check)
}

#[test]
fn a_token_of_either_kind_of_key_passes_the_checks_that_others_tokens_must_pass() {
    for key in [&*EC, &*RSA] {
        let token = id_token(key, json!({ "roles": ["board"] }));
        let claims = read(key, &token, TokenKind::IdToken).unwrap();
        let expected = [
            ("iss", json!(ISSUER)),
            ("sub", json!("anna")),
            ("aud", json!("crm")),
            ("iat", json!(now().as_second())),
            ("exp", json!(now().as_second() + 3600)),
            ("auth_time", json!(now().as_second())),
            ("nonce", json!("n-1")),
            ("acr", json!("mfa")),
            ("amr", json!(["pwd", "otp"])),
            ("sid", json!("s-1")),
            ("roles", json!(["board"])),
        ];
        for (name, value) in expected {
            assert_eq!(claims.get(name), Some(&value), "{name}");
        }
        let half = BASE64_URL_SAFE_NO_PAD.encode(key.algorithm().half_hash("the access token"));
        assert_eq!(claims.get("at_hash"), Some(&json!(half)));
    }
}

#[test]
fn no_claim_that_is_told_replaces_one_that_identifies() {
    let token = id_token(&EC, json!({ "sub": "mallory", "aud": "other", "iss": "x", "name": "Anna" }));
    let claims = read(&EC, &token, TokenKind::IdToken).unwrap();
    assert_eq!(
        ["sub", "aud", "iss", "name"].map(|name| claims.get(name).and_then(Value::as_str).unwrap()),
        ["anna", "crm", ISSUER, "Anna"]
    );
}

#[test]
fn a_logout_token_says_what_the_specification_asks_for_and_is_no_id_token() {
    let farewell = Farewell {
        issuer: ISSUER,
        subject: "anna",
        audience: "crm",
        now: now(),
        life: SignedDuration::from_mins(2),
        id: "j-1",
        session: "s-1",
    };
    let token = farewell.signed(&EC).unwrap();
    let claims = read(&EC, &token, TokenKind::LogoutToken).unwrap();
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    assert_eq!(claims.get("events"), Some(&event));
    assert_eq!(claims.get("jti"), Some(&json!("j-1")));
    assert!(!claims.has("nonce"));
    assert_eq!(read(&EC, &token, TokenKind::IdToken).err(), Some(TokenCheck::Type));
    assert_eq!(read_hint(&token, ISSUER, [&*EC]), None, "nor is it a hint");
}

#[test]
fn a_key_reads_back_the_same_and_names_itself_by_its_public_half() {
    let der = make_key(SigningAlgorithm::Es256).unwrap();
    let (one, other) = (
        IssuerKey::read(SigningAlgorithm::Es256, &der).unwrap(),
        IssuerKey::read(SigningAlgorithm::Es256, &der),
    );
    assert_eq!(one.id(), other.unwrap().id());
    assert_ne!(one.id(), EC.id());
    let of_the_other_kind = IssuerKey::read(SigningAlgorithm::Rs256, &der).unwrap_err();
    assert_eq!(of_the_other_kind, IssueError::Unreadable(SigningAlgorithm::Rs256));
    assert_eq!(
        make_key(SigningAlgorithm::EdDsa).unwrap_err(),
        IssueError::Algorithm(SigningAlgorithm::EdDsa)
    );
    let n = RSA.public()["n"].as_str().unwrap();
    assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(n).unwrap().len(), 256);
    assert_eq!(RSA.public()["e"], json!("AQAB"));
}

#[test]
fn neither_a_key_nor_what_is_published_of_it_shows_the_private_half() {
    let der = make_key(SigningAlgorithm::Es256).unwrap();
    let key = IssuerKey::read(SigningAlgorithm::Es256, &der).unwrap();
    let members: Vec<&String> = key.public().as_object().unwrap().keys().collect();
    assert_eq!(members, ["crv", "kty", "x", "y", "use", "alg", "kid"]);
    let members: Vec<&String> = RSA.public().as_object().unwrap().keys().collect();
    assert_eq!(members, ["e", "kty", "n", "use", "alg", "kid"]);
    assert!(format!("{key:?}").starts_with("IssuerKey { id: \""));
    assert!(!format!("{der:?}").contains(&format!("{:?}", der.expose_secret())));
}

#[test]
fn a_hint_is_believed_however_old_and_only_if_we_signed_it_for_ourselves() {
    let token = id_token(&RSA, json!({}));
    let hint = read_hint(&token, ISSUER, [&*EC, &*RSA]).unwrap();
    assert_eq!(
        (hint.subject.as_str(), hint.audience.as_str(), hint.session.as_str()),
        ("anna", "crm", "s-1")
    );
    assert_eq!(read_hint(&token, "https://other.example", [&*RSA]), None, "another issuer");
    assert_eq!(read_hint(&token, ISSUER, [&*EC]), None, "a key that is gone");
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let (header, _) = signed.split_once('.').unwrap();
    let forged = |claims: &Value| BASE64_URL_SAFE_NO_PAD.encode(claims.to_string());
    let other = forged(&json!({ "iss": ISSUER, "sub": "eva", "aud": "crm", "sid": "s-1" }));
    let none = forged(&json!({ "alg": "none", "typ": "JWT", "kid": RSA.id() }));
    for bad in [
        format!("{header}.{other}.{signature}"),
        format!("{none}.{other}."),
        format!("{signed}."),
        signed.to_owned(),
        "a.b.c".to_owned(),
        String::new(),
        "x".repeat(20_000),
    ] {
        assert_eq!(read_hint(&bad, ISSUER, [&*EC, &*RSA]), None, "{bad:.40}");
    }
}
