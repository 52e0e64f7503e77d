//! The provider's signing key.
//!
//! Invariant: made anew at each start, on Ed25519 because that takes no time; never written anywhere.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use openidconnect::core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKeyId, PrivateSigningKey as _};
use serde_json::{Value, json};

use super::super::chance;
use super::super::error::DemoError;

/// What stands before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410 §7).
const PKCS8_HEAD: [u8; 16] = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];

/// A key that signs ID tokens.
pub(super) struct SigningKey {
    id: String,
    key: CoreEdDsaPrivateSigningKey,
}

impl SigningKey {
    pub(super) fn generate() -> Result<Self, DemoError> {
        let id = chance::text()?.chars().take(16).collect::<String>();
        let der: Vec<u8> = PKCS8_HEAD.into_iter().chain(chance::bytes()?).collect();
        let body = BASE64_STANDARD.encode(der);
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
        let key = CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(JsonWebKeyId::new(id.clone())))
            .map_err(DemoError::Key)?;
        Ok(Self { id, key })
    }

    /// The public half, as a JSON Web Key.
    pub(super) fn public(&self) -> Value {
        serde_json::to_value(self.key.as_verification_key()).unwrap_or_default()
    }

    /// The claims as a signed token (RFC 7515 §3.1).
    pub(super) fn sign(&self, claims: &Value) -> Result<String, DemoError> {
        let encode = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let header = json!({ "alg": "EdDSA", "typ": "JWT", "kid": self.id });
        let signed = format!("{}.{}", encode(&header), encode(claims));
        let signature = self
            .key
            .sign(&CoreJwsSigningAlgorithm::EdDsa, signed.as_bytes())
            .map_err(|error| DemoError::Key(error.to_string()))?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}
