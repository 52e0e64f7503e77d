//! The provider's published keys, and whether one of them signed a token.
//!
//! Invariant: only public RSA (2,048 bits or more), P-256, P-384 and Ed25519
//! keys for signatures are held, and a key verifies only the algorithms of its type.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{JsonWebKey, core::CoreJsonWebKey};
use serde_json::{Map, Value};

use super::algorithm::SigningAlgorithm;
use super::jws::Jws;

/// More keys than this are not looked at; providers publish two to ten.
const MOST_KEYS: usize = 100;

/// Smallest RSA modulus, in bytes (2,048 bits).
const SMALLEST_MODULUS: usize = 256;

/// The keys of one JWKS document (RFC 7517 §5).
#[derive(Debug)]
pub(super) struct KeySet {
    keys: Vec<PublishedKey>,
}

#[derive(Debug)]
struct PublishedKey {
    id: Option<String>,
    algorithm: Option<String>,
    key_type: String,
    curve: Option<String>,
    key: CoreJsonWebKey,
}

/// What the keys say about a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// One of them signed it.
    Signed,
    /// None fits its key id and algorithm; a fresh key set may have one.
    NoKey,
    /// The one it names did not sign it.
    NotSigned,
}

impl KeySet {
    /// Reads a JWKS document; keys of other kinds are passed over.
    ///
    /// # Errors
    ///
    /// A sentence when there is no usable key at all: then the old set is better.
    pub(super) fn read(document: &Map<String, Value>) -> Result<Self, String> {
        let listed = document.get("keys").and_then(Value::as_array).ok_or("there is no list called keys")?;
        let keys: Vec<_> = listed.iter().take(MOST_KEYS).filter_map(PublishedKey::read).collect();
        if keys.is_empty() {
            return Err(format!("none of its {} keys can verify a signature here", listed.len()));
        }
        Ok(Self { keys })
    }

    /// Whether one of these keys signed `jws`.
    ///
    /// A token without key id is tried with every key that fits, and counts
    /// as [`Finding::NoKey`] when none signed it: the key may be new.
    pub(super) fn look(&self, jws: &Jws<'_>) -> Finding {
        let mut found = Finding::NoKey;
        for key in self.keys.iter().filter(|key| key.fits(jws)) {
            if key.signed(jws) {
                return Finding::Signed;
            }
            if jws.key_id.is_some() {
                found = Finding::NotSigned;
            }
        }
        found
    }
}

impl PublishedKey {
    fn read(jwk: &Value) -> Option<Self> {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        let for_signing = member("use").is_none_or(|purpose| purpose == "sig")
            && jwk
                .get("key_ops")
                .and_then(Value::as_array)
                .is_none_or(|all| all.iter().any(|op| op == "verify"));
        let key_type = member("kty")?;
        let parts: &[&str] = match key_type {
            "RSA" if BASE64_URL_SAFE_NO_PAD.decode(member("n")?).is_ok_and(|n| is_long(&n)) => {
                &["kty", "n", "e"]
            }
            "EC" => &["kty", "crv", "x", "y"],
            "OKP" => &["kty", "crv", "x"],
            _ => return None,
        };
        // Only the public numbers go to the crate: it refuses names for `alg`
        // that it does not know, and we match `alg`, `use` and `kid` ourselves.
        let numbers: Map<_, _> =
            parts.iter().filter_map(|&part| Some((part.to_owned(), jwk.get(part)?.clone()))).collect();
        let key = serde_json::from_value(Value::Object(numbers)).ok()?;
        for_signing.then(|| Self {
            id: member("kid").map(str::to_owned),
            algorithm: member("alg").map(str::to_owned),
            key_type: key_type.to_owned(),
            curve: member("crv").map(str::to_owned),
            key,
        })
    }

    fn fits(&self, jws: &Jws<'_>) -> bool {
        let (key_type, curve) = jws.algorithm.key_shape();
        let meant_for =
            |name: &String| name.parse::<SigningAlgorithm>().is_ok_and(|meant| meant == jws.algorithm);
        self.key_type == key_type
            && curve.is_none_or(|curve| self.curve.as_deref() == Some(curve))
            && self.algorithm.as_ref().is_none_or(meant_for)
            && (jws.key_id.is_none() || self.id == jws.key_id)
    }

    fn signed(&self, jws: &Jws<'_>) -> bool {
        self.key.verify_signature(&jws.algorithm.in_crate(), jws.signed.as_bytes(), &jws.signature).is_ok()
    }
}

fn is_long(modulus: &[u8]) -> bool {
    modulus.iter().skip_while(|byte| **byte == 0).count() >= SMALLEST_MODULUS
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::oidc::error::TokenKind;

    /// RFC 7515 appendix A.3.
    const ES256: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

    fn set(keys: &Value) -> Result<KeySet, String> {
        KeySet::read(json!({ "keys": keys }).as_object().unwrap())
    }

    fn rfc_key() -> Value {
        json!({"kty": "EC", "crv": "P-256",
            "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"})
    }

    #[test]
    fn the_example_of_rfc_7515_is_signed_by_its_key_and_by_no_altered_one() {
        let jws = Jws::read(ES256, TokenKind::IdToken, &[SigningAlgorithm::Es256]).unwrap();
        assert_eq!(set(&json!([rfc_key()])).unwrap().look(&jws), Finding::Signed);
        let altered = ES256.replace("eyJpc3MiOiJqb2Ui", "eyJpc3MiOiJib2Ui");
        let jws = Jws::read(&altered, TokenKind::IdToken, &[SigningAlgorithm::Es256]).unwrap();
        assert_eq!(set(&json!([rfc_key()])).unwrap().look(&jws), Finding::NoKey);
    }

    #[test]
    fn a_key_for_encryption_or_for_another_algorithm_does_not_verify() {
        let jws = Jws::read(ES256, TokenKind::IdToken, &[SigningAlgorithm::Es256]).unwrap();
        for (member, value) in [("alg", json!("ES384")), ("alg", json!("ECDH-ES")), ("crv", json!("P-384"))] {
            let mut key = rfc_key();
            key[member] = value;
            assert_eq!(set(&json!([key])).unwrap().look(&jws), Finding::NoKey);
        }
        for (member, value) in [("use", json!("enc")), ("key_ops", json!(["sign"])), ("kty", json!("oct"))] {
            let mut key = rfc_key();
            key[member] = value;
            assert!(set(&json!([key])).is_err(), "{member}");
        }
    }

    #[test]
    fn odd_keys_beside_a_good_one_are_passed_over() {
        let short = json!({"kty": "RSA", "e": "AQAB", "n": BASE64_URL_SAFE_NO_PAD.encode([0xffu8; 128])});
        let odd = json!([{"kty": "AKP", "alg": "ML-DSA-44"}, 7, null, {"kty": "EC"}, short, rfc_key()]);
        let jws = Jws::read(ES256, TokenKind::IdToken, &[SigningAlgorithm::Es256]).unwrap();
        assert_eq!(set(&odd).unwrap().look(&jws), Finding::Signed);
        assert!(set(&json!([short])).is_err());
        assert!(set(&json!([])).is_err());
    }
}
