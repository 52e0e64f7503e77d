//! Public keys and signatures between the form of X.509 (DER) and that of JOSE.
//!
//! Invariant: what is read here was made in this process; anything unexpected gives nothing.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// The contents of an element of `tag` at the front of `der`, and what follows it (X.690 §8.1).
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(*first & 0x7f);
        let (bytes, rest) = rest.split_at_checked(count)?;
        let length = bytes
            .iter()
            .try_fold(0_usize, |sum, byte| sum.checked_mul(256)?.checked_add(usize::from(*byte)))?;
        (length, rest)
    };
    (*found == tag).then(|| rest.split_at_checked(length)).flatten()
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT: u8 = 0x06;

/// `1.2.840.113549.1.1.1`
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `1.2.840.10045.2.1`
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// `1.3.101.112`
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A `SubjectPublicKeyInfo` (RFC 5280 §4.1.2.7) as a JSON Web Key (RFC 7518 §6, RFC 8037 §2).
pub(super) fn jwk(spki: &[u8]) -> Option<Value> {
    let (spki, _) = element(spki, SEQUENCE)?;
    let (algorithm, rest) = element(spki, SEQUENCE)?;
    let (kind, _) = element(algorithm, OBJECT)?;
    let (bits, _) = element(rest, BIT_STRING)?;
    let (unused, key) = bits.split_first()?;
    if *unused != 0 {
        return None;
    }
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    match kind {
        RSA => {
            let (numbers, _) = element(key, SEQUENCE)?;
            let (modulus, rest) = element(numbers, INTEGER)?;
            let (exponent, _) = element(rest, INTEGER)?;
            Some(json!({ "kty": "RSA", "n": encode(unsigned(modulus)), "e": encode(unsigned(exponent)) }))
        }
        EC => {
            let (form, point) = key.split_first()?;
            let half = point.len() / 2;
            let (x, y) = point.split_at_checked(half)?;
            let curve = match half {
                32 => "P-256",
                48 => "P-384",
                _ => return None,
            };
            (*form == 4).then(|| json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) }))
        }
        ED25519 => Some(json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(key) })),
        _ => None,
    }
}

/// A number without the zero that stands before one whose first bit is set.
fn unsigned(number: &[u8]) -> &[u8] {
    match number.split_first() {
        Some((0, rest)) if !rest.is_empty() => rest,
        _ => number,
    }
}

/// An ECDSA signature of two DER numbers as the two halves that JWS wants (RFC 7518 §3.4), `width` bytes each.
pub(super) fn fixed(signature: &[u8], width: usize) -> Option<Vec<u8>> {
    let (numbers, _) = element(signature, SEQUENCE)?;
    let (r, rest) = element(numbers, INTEGER)?;
    let (s, _) = element(rest, INTEGER)?;
    let mut halves = Vec::with_capacity(width * 2);
    for number in [unsigned(r), unsigned(s)] {
        let missing = width.checked_sub(number.len())?;
        halves.extend(std::iter::repeat_n(0, missing));
        halves.extend_from_slice(number);
    }
    Some(halves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_signed_numbers_fill_their_halves() {
        let signature = [SEQUENCE, 7, INTEGER, 2, 0, 0x80, INTEGER, 1, 7];
        assert_eq!(fixed(&signature, 2).unwrap(), [0, 0x80, 0, 7]);
        assert_eq!(fixed(&[SEQUENCE, 8, INTEGER, 3, 1, 2, 3, INTEGER, 1, 7], 2), None);
        assert_eq!(fixed(&[SEQUENCE, 9, INTEGER], 2), None);
        assert_eq!(fixed(&[], 2), None);
    }

    #[test]
    fn a_key_of_another_kind_gives_nothing() {
        assert_eq!(jwk(&[]), None);
        assert_eq!(jwk(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(jwk(&[SEQUENCE, 9, SEQUENCE, 3, OBJECT, 1, 1, BIT_STRING, 2, 0, 1]), None);
    }
}
