//! Tokens with one thing wrong each, and the check that must refuse them.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::core::{CoreHmacKey, CoreJwsSigningAlgorithm as Alg};
use serde_json::{Value, json};

use super::practice_provider::{
    CLIENT, NONCE, PracticeProvider, TENANT, client, ed, finish, finish_with, now, public, rsa, sign,
    sign_ed, unsigned,
};
use super::{OidcError, ProviderKind, RelyingParty, TokenCheck, TokenKind};

type Row = (&'static str, Value, TokenCheck);

fn refusal<T: std::fmt::Debug>(outcome: Result<T, OidcError>) -> TokenCheck {
    match outcome.unwrap_err() {
        OidcError::BadToken { check, .. } => check,
        other => panic!("not refused for the token: {other}"),
    }
}

/// `claims` with some members replaced; `null` takes a member away.
fn with(claims: &Value, change: &Value) -> Value {
    let mut claims = claims.clone();
    for (name, value) in change.as_object().unwrap() {
        if value.is_null() {
            claims.as_object_mut().unwrap().remove(name);
        } else {
            claims[name] = value.clone();
        }
    }
    claims
}

fn broken_claims(at: i64, issuer: &str) -> Vec<Row> {
    use TokenCheck as C;
    vec![
        ("another issuer", json!({"iss": "https://evil.example"}), C::Issuer),
        ("a slash more", json!({"iss": format!("{issuer}/")}), C::Issuer),
        ("no issuer", json!({"iss": null}), C::Issuer),
        ("issuer as list", json!({"iss": [issuer]}), C::Issuer),
        ("another client", json!({"aud": "other"}), C::Audience),
        ("our id as part of another", json!({"aud": "crm-test"}), C::Audience),
        ("no audience", json!({"aud": null}), C::Audience),
        ("a list without us", json!({"aud": ["a", "b"]}), C::Audience),
        ("an odd list", json!({"aud": [CLIENT, 7]}), C::Audience),
        ("several and no azp", json!({"aud": [CLIENT, "other"]}), C::AuthorizedParty),
        ("several and another's azp", json!({"aud": [CLIENT, "other"], "azp": "other"}), C::AuthorizedParty),
        ("another's azp", json!({"azp": "other"}), C::AuthorizedParty),
        ("azp as list", json!({"azp": [CLIENT]}), C::AuthorizedParty),
        ("expired", json!({"exp": at - 61}), C::Expired),
        ("expired at the end of the leeway", json!({"exp": at - 60}), C::Expired),
        ("no exp", json!({"exp": null}), C::Times),
        ("exp as text", json!({"exp": "4000000000"}), C::Times),
        ("exp beyond time", json!({"exp": 1e300}), C::Times),
        ("not yet valid", json!({"nbf": at + 61}), C::NotYetValid),
        ("nbf as text", json!({"nbf": "0"}), C::Times),
        ("issued in the future", json!({"iat": at + 61}), C::IssuedInFuture),
        ("no iat", json!({"iat": null}), C::Times),
        ("no nonce", json!({"nonce": null}), C::Nonce),
        ("another nonce", json!({"nonce": "n-other"}), C::Nonce),
        ("a nonce cut short", json!({"nonce": "n-0S6"}), C::Nonce),
        ("nonce as list", json!({"nonce": [NONCE]}), C::Nonce),
        ("at_hash of another token", json!({"at_hash": "77QmUPtjPfzWtF2AnpK9RQ"}), C::AccessTokenHash),
        ("at_hash as number", json!({"at_hash": 7}), C::AccessTokenHash),
        ("auth_time as text", json!({"auth_time": "yesterday"}), C::AuthenticationAge),
        ("no sub", json!({"sub": null}), C::Subject),
        ("empty sub", json!({"sub": ""}), C::Subject),
        ("sub as number", json!({"sub": 1}), C::Subject),
        ("sub with NUL", json!({"sub": "an\u{0}na"}), C::Subject),
        ("groups as object", json!({"groups": {"a": true}}), C::Groups),
    ]
}

#[tokio::test]
async fn a_token_with_one_broken_claim_is_refused_for_that_claim() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let rows = broken_claims(now().as_second(), &provider.server.uri());
    for (name, change, check) in rows {
        provider.hand_out(&sign_ed(&with(&provider.good_claims(), &change), "ed", 1));
        assert_eq!(refusal(finish(&party, now()).await), check, "{name}");
    }
    provider.hand_out(&sign_ed(&provider.good_claims(), "ed", 1));
    assert!(finish(&party, now()).await.is_ok());
}

#[tokio::test]
async fn a_token_inside_the_leeway_and_with_every_claim_right_is_accepted() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let at = now().as_second();
    for change in [
        json!({"exp": at - 59}),
        json!({"iat": at + 60, "nbf": at + 60}),
        json!({"exp": 2_000_000_300.5, "iat": 2_000_000_000.0}),
        json!({"aud": [CLIENT]}),
        json!({"aud": [CLIENT, "other"], "azp": CLIENT}),
        json!({"at_hash": at_hash_of_access_token()}),
    ] {
        provider.hand_out(&sign_ed(&with(&provider.good_claims(), &change), "ed", 1));
        assert!(finish(&party, now()).await.is_ok(), "{change}");
    }
}

fn at_hash_of_access_token() -> String {
    let half = super::SigningAlgorithm::EdDsa.half_hash(super::practice_provider::ACCESS_TOKEN);
    assert_eq!(half.len(), 32);
    BASE64_URL_SAFE_NO_PAD.encode(half)
}

/// Tokens whose form, header, key or signature is wrong.
fn forgeries(good: &Value, forged_address: &str) -> Vec<(&'static str, String, TokenCheck)> {
    use TokenCheck as C;
    let mine = ed("mine", 9);
    let header = |extra: Value| with(&json!({"alg": "EdDSA", "kid": "ed"}), &extra);
    let by_provider = |extra: Value| sign(&header(extra), good, &ed("ed", 1), &Alg::EdDsa);
    let by_me = |extra: Value| sign(&header(extra), good, &mine, &Alg::EdDsa);
    let modulus = public(&rsa("rsa"))["n"].as_str().unwrap().to_owned();
    let hmac = |secret: &[u8]| {
        sign(&json!({"alg": "HS256", "kid": "rsa"}), good, &CoreHmacKey::new(secret), &Alg::HmacSha256)
    };
    let rsa_token =
        |alg: &str, signed_as: &Alg| sign(&json!({"alg": alg, "kid": "rsa"}), good, &rsa("rsa"), signed_as);
    let real = by_provider(json!({}));
    let (signed, signature) = real.rsplit_once('.').unwrap();
    let altered = unsigned(&header(json!({})), &with(good, &json!({"sub": "boss"})));
    vec![
        ("alg none", format!("{}.", unsigned(&json!({"alg": "none"}), good)), C::Algorithm),
        ("alg None with a signature", by_provider(json!({"alg": "None"})), C::Algorithm),
        ("no alg", by_provider(json!({"alg": null})), C::Algorithm),
        ("alg as list", by_provider(json!({"alg": ["EdDSA"]})), C::Algorithm),
        ("HMAC with the public key", hmac(&BASE64_URL_SAFE_NO_PAD.decode(modulus).unwrap()), C::Algorithm),
        ("HMAC with the client secret", hmac(b"s3cret&/mark"), C::Algorithm),
        ("an algorithm not allowed", rsa_token("RS512", &Alg::RsaSsaPkcs1V15Sha512), C::Algorithm),
        ("PS256 said of an RS256 signature", rsa_token("PS256", &Alg::RsaSsaPkcs1V15Sha256), C::Signature),
        ("an algorithm of another key type", by_provider(json!({"alg": "RS256"})), C::Key),
        ("crit", by_provider(json!({"crit": ["exp"]})), C::Critical),
        ("crit b64", by_provider(json!({"crit": ["b64"], "b64": false})), C::Critical),
        ("an access token by typ", by_provider(json!({"typ": "at+jwt"})), C::Type),
        ("a logout token by typ", by_provider(json!({"typ": "application/logout+jwt"})), C::Type),
        ("my key under the provider's name", by_me(json!({})), C::Signature),
        ("my key under my name", by_me(json!({"kid": "mine"})), C::Key),
        ("my key and no name", by_me(json!({"kid": null})), C::Key),
        ("my key inside", by_me(json!({"kid": "mine", "jwk": public(&mine)})), C::Key),
        ("my key's address", by_me(json!({"kid": "mine", "jku": forged_address})), C::Key),
        ("my certificate's address", by_me(json!({"kid": "ed", "x5u": forged_address})), C::Signature),
        ("kid as number", by_provider(json!({"kid": 1})), C::Malformed),
        ("another payload", format!("{altered}.{signature}"), C::Signature),
        ("no signature", format!("{signed}."), C::Signature),
        ("a signature cut short", format!("{signed}.{}", &signature[..40]), C::Signature),
        ("two parts", signed.to_owned(), C::Malformed),
        ("five parts", format!("{real}.a.b"), C::Malformed),
        ("padding", format!("{real}="), C::Malformed),
        ("no token", String::new(), C::Malformed),
        ("a header that is a list", format!("{}.e30.AA", BASE64_URL_SAFE_NO_PAD.encode("[]")), C::Malformed),
        ("endless", format!("{signed}.{}", "A".repeat(70_000)), C::Malformed),
    ]
}

#[tokio::test]
async fn a_forged_token_is_refused_and_its_addresses_are_never_asked() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let forged_address = format!("{}/forged", provider.server.uri());
    for (name, token, check) in forgeries(&provider.good_claims(), &forged_address) {
        provider.hand_out(&token);
        assert_eq!(refusal(finish(&party, now()).await), check, "{name}");
    }
    assert!(provider.requests("/forged").await.is_empty());
}

#[tokio::test]
async fn every_default_algorithm_that_can_be_signed_here_is_accepted() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    for (name, algorithm) in [("RS256", Alg::RsaSsaPkcs1V15Sha256), ("PS256", Alg::RsaSsaPssSha256)] {
        let header = json!({"alg": name, "kid": "rsa", "typ": "JWT"});
        provider.hand_out(&sign(&header, &provider.good_claims(), &rsa("rsa"), &algorithm));
        assert!(finish(&party, now()).await.is_ok(), "{name}");
    }
}

#[tokio::test]
async fn a_refused_algorithm_names_the_setting_that_decides() {
    let provider = PracticeProvider::start().await;
    let header = json!({"alg": "RS512", "kid": "rsa"});
    provider.hand_out(&sign(&header, &provider.good_claims(), &rsa("rsa"), &Alg::RsaSsaPkcs1V15Sha512));
    let text = finish(&provider.relying_party(), now()).await.unwrap_err().to_string();
    assert!(text.contains("RS512") && text.contains("oidc.algorithms"), "{text}");
}

#[tokio::test]
async fn an_entra_token_needs_the_tenant_and_the_object_id() {
    let provider = PracticeProvider::start().await;
    let mut settings = provider.settings(ProviderKind::Entra);
    settings.tenants = vec![TENANT.to_owned()];
    let party = RelyingParty::new(settings, client()).unwrap();
    let good = with(&provider.good_claims(), &json!({"oid": "o-1", "tid": TENANT}));
    let other = "deadbeef-1111-4222-8333-444455556666";
    for (change, check) in [
        (json!({"tid": null}), TokenCheck::Tenant),
        (json!({"tid": other}), TokenCheck::Tenant),
        (json!({"tid": [TENANT]}), TokenCheck::Tenant),
        (json!({"oid": null}), TokenCheck::SubjectClaim),
        (json!({"oid": ""}), TokenCheck::SubjectClaim),
    ] {
        provider.hand_out(&sign_ed(&with(&good, &change), "ed", 1));
        assert_eq!(refusal(finish(&party, now()).await), check, "{change}");
    }
    provider.hand_out(&sign_ed(&good, "ed", 1));
    let person = finish(&party, now()).await.unwrap();
    assert_eq!((person.subject_value.as_str(), person.tenant.as_deref()), ("o-1", Some(TENANT)));
    assert!(!person.email_verified, "email_verified is no proof in Entra");
}

#[tokio::test]
async fn a_sign_in_older_than_asked_for_is_refused() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let at = now().as_second();
    for (auth_time, refused) in [(json!(at - 300 - 61), true), (json!(null), true), (json!(at - 300), false)]
    {
        let change = json!({"auth_time": auth_time});
        provider.hand_out(&sign_ed(&with(&provider.good_claims(), &change), "ed", 1));
        let outcome = finish_with(&party, now(), None, Some(300)).await;
        assert_eq!(outcome.is_err(), refused, "{change}");
    }
}

fn broken_logouts(at: i64) -> Vec<Row> {
    use TokenCheck as C;
    let event = "http://schemas.openid.net/event/backchannel-logout";
    vec![
        ("another issuer", json!({"iss": "https://evil.example"}), C::Issuer),
        ("another client", json!({"aud": "other"}), C::Audience),
        ("expired", json!({"exp": at - 61}), C::Expired),
        ("no exp", json!({"exp": null}), C::Times),
        ("no iat", json!({"iat": null}), C::Times),
        ("issued in the future", json!({"iat": at + 61}), C::IssuedInFuture),
        ("no events", json!({"events": null}), C::Events),
        ("another event", json!({"events": {"urn:other": {}}}), C::Events),
        ("events as list", json!({"events": [event]}), C::Events),
        ("an event that is no object", json!({"events": {event: true}}), C::Events),
        ("a nonce", json!({"nonce": NONCE}), C::NoncePresent),
        ("nobody", json!({"sub": null, "sid": null}), C::LogoutTarget),
        ("sub as list", json!({"sub": ["anna"]}), C::LogoutTarget),
        ("no jti", json!({"jti": null}), C::TokenId),
    ]
}

#[tokio::test]
async fn a_logout_token_is_refused_for_what_is_wrong_and_an_id_token_always() {
    let provider = PracticeProvider::start().await;
    let party = provider.relying_party();
    let at = now().as_second();
    let good = json!({
        "iss": provider.server.uri(), "aud": CLIENT, "sub": "anna", "sid": "s1", "jti": "j1",
        "iat": at, "exp": at + 120, "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    for (name, change, check) in broken_logouts(at) {
        let token = sign_ed(&with(&good, &change), "ed", 1);
        assert_eq!(refusal(party.verify_logout_token(now(), &token).await), check, "{name}");
    }
    let forged = sign_ed(&good, "ed", 9);
    assert_eq!(refusal(party.verify_logout_token(now(), &forged).await), TokenCheck::Signature);
    let id_token = sign_ed(&provider.good_claims(), "ed", 1);
    let error = party.verify_logout_token(now(), &id_token).await.unwrap_err();
    assert!(matches!(
        error,
        OidcError::BadToken { token: TokenKind::LogoutToken, check: TokenCheck::Events, .. }
    ));
    let read = party.verify_logout_token(now(), &sign_ed(&good, "ed", 1)).await.unwrap();
    assert_eq!(
        (read.sub.as_deref(), read.sid.as_deref(), read.jti.as_str()),
        (Some("anna"), Some("s1"), "j1")
    );
}

#[tokio::test]
async fn a_logout_token_handed_out_as_id_token_signs_nobody_in() {
    let provider = PracticeProvider::start().await;
    let claims = with(
        &provider.good_claims(),
        &json!({"nonce": null, "events": {"http://schemas.openid.net/event/backchannel-logout": {}}}),
    );
    provider.hand_out(&sign_ed(&claims, "ed", 1));
    assert_eq!(refusal(finish(&provider.relying_party(), now()).await), TokenCheck::Nonce);
}
