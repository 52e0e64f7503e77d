//! Keeps the provider's ID token until the way out, where it tells the provider whose session ends there too
//! (OpenID Connect RP-Initiated Logout §2, `id_token_hint`).
//!
//! Invariant: what is stored cannot be read with the database alone. The key is made from the session's secret, which
//! only the browser has, and seals one token: the keystream (HMAC-SHA-256 over a counter) is never used twice.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// Longer tokens are not kept: no provider takes them in an address.
const LONGEST: usize = 6_000;

/// What sets this use of the secret apart from every other.
const PURPOSE: &[u8] = b"portvakt: id_token_hint";

/// The token as it is stored; nothing for one that is too long to be of use.
pub(super) fn seal(secret: &SecretString, id_token: &SecretString) -> Option<Vec<u8>> {
    let token = id_token.expose_secret().as_bytes();
    (token.len() <= LONGEST).then(|| combined(secret, token)).flatten()
}

/// The token again; nothing where another secret sealed it.
pub(super) fn open(secret: &SecretString, sealed: &[u8]) -> Option<SecretString> {
    let token = String::from_utf8(combined(secret, sealed)?).ok()?;
    let is_token = token.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    is_token.then(|| token.into())
}

/// `text` with the keystream laid over it.
fn combined(secret: &SecretString, text: &[u8]) -> Option<Vec<u8>> {
    let key = mac(secret.expose_secret().as_bytes(), PURPOSE)?;
    let mut done = Vec::with_capacity(text.len());
    for (number, block) in (0_u64..).zip(text.chunks(32)) {
        let stream = mac(&key, &number.to_be_bytes())?;
        done.extend(block.iter().zip(stream).map(|(byte, mask)| byte ^ mask));
    }
    Some(done)
}

pub(super) fn mac(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text);
    Some(mac.finalize().into_bytes().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_by_the_secret_that_sealed_it_and_by_no_other() {
        let (ours, theirs) = (SecretString::from("one secret"), SecretString::from("another"));
        let token = SecretString::from(format!("eyJ.{}.c2ln", "QUJD".repeat(100)));
        let sealed = seal(&ours, &token).unwrap();
        assert_eq!(open(&ours, &sealed).unwrap().expose_secret(), token.expose_secret());
        assert!(open(&theirs, &sealed).is_none());
        assert!(!String::from_utf8_lossy(&sealed).contains("QUJD"));
    }

    #[test]
    fn two_sessions_hide_one_token_in_two_ways_and_no_block_repeats() {
        let token = SecretString::from("A".repeat(128));
        let sealed = seal(&SecretString::from("a"), &token).unwrap();
        assert_ne!(Some(sealed.clone()), seal(&SecretString::from("b"), &token));
        let blocks: std::collections::BTreeSet<_> = sealed.chunks(32).collect();
        assert_eq!(blocks.len(), 4);
    }

    #[test]
    fn a_token_too_long_for_an_address_is_not_kept() {
        assert!(seal(&SecretString::from("a"), &SecretString::from("A".repeat(LONGEST + 1))).is_none());
    }
}
