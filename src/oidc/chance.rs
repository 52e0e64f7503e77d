//! Random values for one sign-in.
//!
//! Invariant: every value has 256 bits from the operating system.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use rand::{TryRng, rngs::SysRng};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        let verifier = SecretString::from("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn two_fresh_values_differ_and_fit_a_verifier() {
        let (one, other) = (fresh().unwrap(), fresh().unwrap());
        assert_eq!(one.expose_secret().len(), 43);
        assert_ne!(one.expose_secret(), other.expose_secret());
    }
}
