//! Random values for one sign-in, and the proof of possession that goes with a code.
//!
//! Invariant: every value has 256 bits from the operating system.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::{TryRng, rngs::SysRng};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::error::OidcError;

/// A fresh value: 43 base64url characters, which also is a PKCE verifier (RFC 7636 §4.1).
///
/// # Errors
///
/// [`OidcError::NoRandomness`] when the operating system gives none.
pub(super) fn fresh() -> Result<SecretString, OidcError> {
    let mut bytes = [0u8; 32];
    SysRng
        .try_fill_bytes(&mut bytes)
        .map_err(|error| OidcError::NoRandomness { reason: error.to_string() })?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes).into())
}

/// The S256 challenge of a PKCE verifier (RFC 7636 §4.2).
pub(super) fn challenge(verifier: &SecretString) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose_secret()))
}

/// Whether `verifier` is what a client made the S256 `challenge` of (RFC 7636 §4.6).
#[must_use]
pub fn is_proof(verifier: &SecretString, challenge: &str) -> bool {
    let text = verifier.expose_secret();
    let is_formed = (43..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    is_formed && self::challenge(verifier).as_bytes().ct_eq(challenge.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn only_the_verifier_that_the_challenge_was_made_of_is_a_proof() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert!(is_proof(&verifier, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
        assert!(!is_proof(&verifier, verifier.expose_secret()), "plain is not taken");
        let short = SecretString::from("short");
        assert!(!is_proof(&short, &challenge(&short)));
    }

    #[test]
    fn two_fresh_values_differ_and_fit_a_verifier() {
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        assert_eq!(one.expose_secret().len(), 43);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
