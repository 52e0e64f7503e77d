//! The private key with which Portvakt proves itself to a provider (RFC 7523 §2.2, OpenID Connect Core §9,
//! `private_key_jwt`).
//!
//! Invariant: an assertion lives a minute, bears an id of its own and names one audience; the key itself leaves in no
//! form but its public half.

use std::{fmt, sync::Arc};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rustls::SignatureScheme;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::SigningKey;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::algorithm::SigningAlgorithm;
use super::chance;
use super::error::OidcError;
use super::public_key;

/// How long an assertion is good for, in seconds.
const LIFE: i64 = 60;

/// Whom an assertion is addressed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionAudience {
    /// The issuer.
    Issuer,
    /// The token endpoint.
    TokenEndpoint,
}

/// A key that signs assertions.
#[derive(Clone)]
pub struct ClientKey {
    key: Arc<dyn SigningKey>,
    algorithm: SigningAlgorithm,
    scheme: SignatureScheme,
    id: Option<String>,
    thumbprint: Option<String>,
    /// Whom its assertions are addressed to.
    pub(super) audience: AssertionAudience,
}

impl fmt::Debug for ClientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientKey").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

/// What a key can sign as JWS and as TLS calls it, the default first.
const SCHEMES: [(SigningAlgorithm, SignatureScheme); 5] = [
    (SigningAlgorithm::Rs256, SignatureScheme::RSA_PKCS1_SHA256),
    (SigningAlgorithm::Ps256, SignatureScheme::RSA_PSS_SHA256),
    (SigningAlgorithm::Es256, SignatureScheme::ECDSA_NISTP256_SHA256),
    (SigningAlgorithm::Es384, SignatureScheme::ECDSA_NISTP384_SHA384),
    (SigningAlgorithm::EdDsa, SignatureScheme::ED25519),
];

impl ClientKey {
    /// Reads a key from PEM: PKCS #8, PKCS #1 or SEC 1. Where a certificate stands beside it, its thumbprint names the
    /// key (`x5t#S256`), as Entra wants it; `id` is the name (`kid`) that others know it by.
    ///
    /// # Errors
    ///
    /// A sentence about what is wrong with the key or does not go with it.
    pub fn read(
        pem: &SecretString,
        id: Option<String>,
        algorithm: Option<SigningAlgorithm>,
        audience: AssertionAudience,
    ) -> Result<Self, String> {
        let text = pem.expose_secret().as_bytes();
        let der = PrivateKeyDer::from_pem_slice(text).map_err(|_| {
            "it holds no private key in PEM (-----BEGIN PRIVATE KEY-----); one under a password cannot be read"
                .to_owned()
        })?;
        let key = rustls::crypto::ring::sign::any_supported_type(&der).map_err(|_| {
            "the key is none of RSA (2,048 bits or more), P-256, P-384 and Ed25519".to_owned()
        })?;
        let can = |(named, scheme): &(SigningAlgorithm, SignatureScheme)| {
            algorithm.is_none_or(|wanted| wanted == *named) && key.choose_scheme(&[*scheme]).is_some()
        };
        let (algorithm, scheme) = SCHEMES.into_iter().find(can).ok_or_else(|| {
            let wanted = algorithm.map_or("", SigningAlgorithm::name);
            format!("the key cannot sign {wanted}; leave out client_key_algorithm for the one that fits it")
        })?;
        let certificate = CertificateDer::pem_slice_iter(text).find_map(Result::ok);
        let thumbprint = certificate.map(|der| BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&der)));
        Ok(Self { key, algorithm, scheme, id, thumbprint, audience })
    }

    /// An assertion that this client is `client_id`, for `audience`.
    ///
    /// # Errors
    ///
    /// [`OidcError::NoRandomness`], or [`OidcError::HttpClient`] when the key cannot sign.
    pub(super) fn assertion(
        &self,
        now: Timestamp,
        client_id: &str,
        audience: &str,
    ) -> Result<SecretString, OidcError> {
        let at = now.as_second();
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": audience, "jti": chance::fresh()?.expose_secret(),
            "iat": at, "nbf": at, "exp": at.saturating_add(LIFE),
        });
        let encode = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(&self.header()), encode(&claims));
        let failed = || OidcError::HttpClient { reason: "the client key cannot sign".to_owned() };
        let hand = self.key.choose_scheme(&[self.scheme]).ok_or_else(failed)?;
        let signature = hand.sign(signed.as_bytes()).map_err(|_| failed())?;
        let signature = match self.algorithm {
            SigningAlgorithm::Es256 => public_key::fixed(&signature, 32).ok_or_else(failed)?,
            SigningAlgorithm::Es384 => public_key::fixed(&signature, 48).ok_or_else(failed)?,
            _ => signature,
        };
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)).into())
    }

    fn header(&self) -> Value {
        let mut header = json!({ "alg": self.algorithm.name(), "typ": "JWT" });
        if let Some(fields) = header.as_object_mut() {
            fields.extend(self.id.as_ref().map(|id| ("kid".to_owned(), json!(id))));
            fields.extend(self.thumbprint.as_ref().map(|print| ("x5t#S256".to_owned(), json!(print))));
        }
        header
    }

    /// The public half as a JSON Web Key (RFC 7517), to be registered at the provider.
    #[must_use]
    pub fn public_jwk(&self) -> Option<Value> {
        let mut jwk = public_key::jwk(&self.key.public_key()?)?;
        let fields = jwk.as_object_mut()?;
        fields.insert("use".to_owned(), json!("sig"));
        fields.insert("alg".to_owned(), json!(self.algorithm.name()));
        fields.extend(self.id.as_ref().map(|id| ("kid".to_owned(), json!(id))));
        Some(jwk)
    }
}

#[cfg(test)]
mod tests {
    use openidconnect::JsonWebKey;
    use openidconnect::core::CoreJsonWebKey;

    use super::*;

    const RSA: &str = include_str!("../../tests/fixtures/oidc/rsa-key-for-tests-only.pem");
    /// RFC 8410 §7: a fixed head, then 32 bytes.
    const ED25519: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    /// `openssl ecparam -genkey -name prime256v1 | openssl pkcs8 -topk8 -nocrypt`
    const P256: &str = include_str!("../../tests/fixtures/oidc/p256-key-for-tests-only.pem");

    fn read(pem: &str, algorithm: Option<SigningAlgorithm>) -> Result<ClientKey, String> {
        ClientKey::read(&pem.into(), Some("k1".to_owned()), algorithm, AssertionAudience::Issuer)
    }

    #[test]
    fn every_kind_of_key_signs_what_its_public_half_verifies() {
        for (pem, algorithm) in [
            (RSA, SigningAlgorithm::Rs256),
            (RSA, SigningAlgorithm::Ps256),
            (P256, SigningAlgorithm::Es256),
            (ED25519, SigningAlgorithm::EdDsa),
        ] {
            let key = read(pem, Some(algorithm)).unwrap();
            let now = Timestamp::from_second(2_000_000_000).unwrap();
            let assertion = key.assertion(now, "crm", "https://idp.example").unwrap();
            let (signed, signature) = assertion.expose_secret().rsplit_once('.').unwrap();
            let jwk: CoreJsonWebKey = serde_json::from_value(key.public_jwk().unwrap()).unwrap();
            let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert!(
                jwk.verify_signature(&algorithm.in_crate(), signed.as_bytes(), &signature).is_ok(),
                "{algorithm}"
            );
            let (header, claims) = signed.split_once('.').unwrap();
            let json = |part: &str| -> Value {
                serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
            };
            assert_eq!(json(header), json!({ "alg": algorithm.name(), "typ": "JWT", "kid": "k1" }));
            let claims = json(claims);
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!("crm"), &json!("crm")));
            assert_eq!(claims["aud"], "https://idp.example");
            assert_eq!(claims["exp"], 2_000_000_060_i64);
            assert_eq!(claims["jti"].as_str().unwrap().len(), 43);
        }
    }

    #[test]
    fn the_algorithm_follows_the_key_and_one_that_does_not_fit_is_refused() {
        assert_eq!(read(RSA, None).unwrap().algorithm, SigningAlgorithm::Rs256);
        assert_eq!(read(P256, None).unwrap().algorithm, SigningAlgorithm::Es256);
        assert_eq!(read(ED25519, None).unwrap().algorithm, SigningAlgorithm::EdDsa);
        let refused = read(RSA, Some(SigningAlgorithm::Es256)).unwrap_err();
        assert!(refused.contains("ES256") && refused.contains("client_key_algorithm"), "{refused}");
        for nothing in ["", "secret", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert!(read(nothing, None).is_err(), "{nothing:?}");
        }
    }

    #[test]
    fn a_certificate_beside_the_key_names_it_by_its_thumbprint() {
        let der = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(b"a certificate"));
        let body = base64::prelude::BASE64_STANDARD.encode(b"a certificate");
        let both = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n{RSA}");
        assert_eq!(read(&both, None).unwrap().header()["x5t#S256"], der);
    }

    #[test]
    fn the_key_does_not_show_in_debug() {
        assert_eq!(format!("{:?}", read(RSA, None).unwrap()), "ClientKey { algorithm: Rs256, .. }");
    }
}
