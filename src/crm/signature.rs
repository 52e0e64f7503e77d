//! The signature on a delivery, both ways (Standard Webhooks 1.0, "Signature scheme").
//!
//! Invariant: signatures are compared in constant time; a key never shows in `Debug`.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::Sha256;

/// The delivery's id: equal for every repeat.
pub const ID_HEADER: &str = "webhook-id";
/// When the delivery was signed, in seconds since 1970.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
/// The signatures, one per key in use, with blanks between.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// How far a delivery's time may be from the receiver's, in either direction.
pub const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A key that signs deliveries: a secret that both sides have, or a private one of ours (Ed25519).
#[derive(Clone)]
pub struct SigningKey(Kind);

#[derive(Clone)]
enum Kind {
    Shared(SecretSlice<u8>),
    Own(Arc<Ed25519KeyPair>),
}

/// Why a text is no signing key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It holds no bytes.
    #[error("the signing key is empty")]
    Empty,
    /// What follows the prefix cannot be read.
    #[error("what follows \"whsec_\" or \"whsk_\" is not base64")]
    NotBase64,
    /// It is no private key.
    #[error("what follows \"whsk_\" is no Ed25519 key: 32 bytes, or 64 with the public key behind them")]
    NotEd25519,
}

impl SigningKey {
    /// Reads a key: `whsec_` and base64, `whsk_` and base64, or any other text, whose bytes are then the key.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let decoded = |encoded: &str| BASE64.decode(encoded).map_err(|_| KeyError::NotBase64);
        if let Some(encoded) = text.strip_prefix("whsk_") {
            return Self::own(&decoded(encoded)?);
        }
        match text.strip_prefix("whsec_") {
            Some(encoded) => Self::shared(&decoded(encoded)?),
            None => Self::shared(text.as_bytes()),
        }
    }

    /// Takes the bytes of a secret that both sides have.
    ///
    /// # Errors
    ///
    /// [`KeyError::Empty`] when there are none.
    pub fn shared(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.is_empty() { Err(KeyError::Empty) } else { Ok(Self(Kind::Shared(bytes.to_vec().into()))) }
    }

    /// Takes the bytes of a private key: 32, or 64 with the public key behind them.
    ///
    /// # Errors
    ///
    /// [`KeyError::NotEd25519`] for anything else.
    pub fn own(bytes: &[u8]) -> Result<Self, KeyError> {
        let pair = match bytes.split_at_checked(32) {
            Some((seed, [])) => Ed25519KeyPair::from_seed_unchecked(seed),
            Some((seed, public)) => Ed25519KeyPair::from_seed_and_public_key(seed, public),
            None => return Err(KeyError::NotEd25519),
        };
        pair.map(|pair| Self(Kind::Own(Arc::new(pair)))).map_err(|_| KeyError::NotEd25519)
    }

    /// What a receiver checks with, as `whpk_` and base64; nothing for a secret that both sides have.
    #[must_use]
    pub fn public(&self) -> Option<String> {
        match &self.0 {
            Kind::Shared(_) => None,
            Kind::Own(pair) => Some(format!("whpk_{}", STANDARD.encode(pair.public_key()))),
        }
    }

    /// The signature over `{id}.{seconds}.{body}`, with the name of its kind.
    fn sign(&self, id: &str, seconds: &str, body: &[u8]) -> Option<String> {
        match &self.0 {
            Kind::Shared(secret) => {
                let code = code(secret, id, seconds, body)?;
                Some(format!("v1,{}", STANDARD.encode(code.finalize().into_bytes())))
            }
            Kind::Own(pair) => {
                Some(format!("v1a,{}", STANDARD.encode(pair.sign(&message(id, seconds, body)))))
            }
        }
    }

    /// Whether one signature is of this key.
    fn has_signed(&self, signature: &str, id: &str, seconds: &str, body: &[u8]) -> bool {
        let given = |kind: &str| STANDARD.decode(signature.strip_prefix(kind)?).ok();
        match &self.0 {
            Kind::Shared(secret) => given("v1,").is_some_and(|given| {
                code(secret, id, seconds, body).is_some_and(|code| code.verify_slice(&given).is_ok())
            }),
            Kind::Own(pair) => given("v1a,").is_some_and(|given| {
                let public = UnparsedPublicKey::new(&ED25519, pair.public_key());
                public.verify(&message(id, seconds, body), &given).is_ok()
            }),
        }
    }
}

/// The code over `{id}.{seconds}.{body}`, begun. HMAC takes keys of any length (RFC 2104 §3).
fn code(secret: &SecretSlice<u8>, id: &str, seconds: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mut code = Hmac::<Sha256>::new_from_slice(secret.expose_secret()).ok()?;
    for part in [id.as_bytes(), b".", seconds.as_bytes(), b".", body] {
        code.update(part);
    }
    Some(code)
}

fn message(id: &str, seconds: &str, body: &[u8]) -> Vec<u8> {
    [id.as_bytes(), b".", seconds.as_bytes(), b".", body].concat()
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// The value of [`SIGNATURE_HEADER`]: `v1,` or `v1a,` and base64 for each key, with blanks between.
#[must_use]
pub fn sign(keys: &[SigningKey], id: &str, at: Timestamp, body: &[u8]) -> String {
    let seconds = at.as_second().to_string();
    keys.iter().filter_map(|key| key.sign(id, &seconds, body)).collect::<Vec<_>>().join(" ")
}

/// Why a delivery is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// A header is missing or is no plain text.
    #[error("the header {0} is missing or is no plain text")]
    Missing(&'static str),
    /// The time cannot be read.
    #[error("the header {TIMESTAMP_HEADER} is no number of seconds")]
    BadTime,
    /// The time is too far from ours.
    #[error("the delivery was signed more than {} minutes from now; compare the clocks", TOLERANCE.as_mins())]
    NotNow,
    /// None of the signatures is of this key.
    #[error("no signature fits; compare the keys, and check the body before anything changes it")]
    WrongSignature,
}

/// Verifies a delivery as its receiver: the signature first, then the time. Keep the ids you have acted upon.
///
/// # Errors
///
/// [`VerifyError`] when a header is missing, no signature is of `key`, or the time is more than [`TOLERANCE`] off.
pub fn verify(key: &SigningKey, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Result<(), VerifyError> {
    let header = |name: &'static str| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.ok_or(VerifyError::Missing(name))
    };
    let (id, seconds, signatures) =
        (header(ID_HEADER)?, header(TIMESTAMP_HEADER)?, header(SIGNATURE_HEADER)?);
    let at: i64 = seconds.parse().map_err(|_| VerifyError::BadTime)?;
    let at = Timestamp::from_second(at).map_err(|_| VerifyError::BadTime)?;
    if !signatures.split_ascii_whitespace().any(|one| key.has_signed(one, id, seconds, body)) {
        return Err(VerifyError::WrongSignature);
    }
    if now.duration_since(at).abs() > TOLERANCE {
        return Err(VerifyError::NotNow);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks text and of its reference libraries.
    const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn at() -> Timestamp {
        Timestamp::from_second(1_614_265_330).unwrap()
    }

    fn key(text: &str) -> SigningKey {
        SigningKey::parse(text).unwrap()
    }

    fn headers(signature: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(ID_HEADER, ID.parse().unwrap());
        headers.insert(TIMESTAMP_HEADER, "1614265330".parse().unwrap());
        headers.insert(SIGNATURE_HEADER, signature.parse().unwrap());
        headers
    }

    #[test]
    fn the_signature_is_that_of_the_published_example() {
        assert_eq!(sign(&[key(KEY)], ID, at(), BODY), SIGNATURE);
        assert_eq!(verify(&key(KEY), &headers(SIGNATURE), BODY, at()), Ok(()));
    }

    #[test]
    fn during_rotation_a_receiver_with_either_key_is_satisfied() {
        let both = sign(&[key("new"), key(KEY)], ID, at(), BODY);
        for text in ["new", KEY] {
            assert_eq!(verify(&key(text), &headers(&both), BODY, at()), Ok(()), "{text}");
        }
        assert_eq!(verify(&key("third"), &headers(&both), BODY, at()), Err(VerifyError::WrongSignature));
    }

    #[test]
    fn another_body_id_version_or_a_missing_header_is_refused() {
        let good = headers(SIGNATURE);
        assert_eq!(verify(&key(KEY), &good, b"{}", at()), Err(VerifyError::WrongSignature));
        let mut other = good.clone();
        other.insert(ID_HEADER, "msg_other".parse().unwrap());
        assert_eq!(verify(&key(KEY), &other, BODY, at()), Err(VerifyError::WrongSignature));
        for bad in ["v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", "v1,", "v1,%%%", ""] {
            assert_eq!(
                verify(&key(KEY), &headers(bad), BODY, at()),
                Err(VerifyError::WrongSignature),
                "{bad}"
            );
        }
        let mut bare = good;
        bare.remove(TIMESTAMP_HEADER);
        assert_eq!(verify(&key(KEY), &bare, BODY, at()), Err(VerifyError::Missing(TIMESTAMP_HEADER)));
    }

    #[test]
    fn a_delivery_older_or_newer_than_five_minutes_is_refused() {
        let judged = |seconds| {
            let now = at() + SignedDuration::from_secs(seconds);
            verify(&key(KEY), &headers(SIGNATURE), BODY, now)
        };
        assert_eq!((judged(300), judged(-300)), (Ok(()), Ok(())));
        assert_eq!((judged(301), judged(-301)), (Err(VerifyError::NotNow), Err(VerifyError::NotNow)));
    }

    #[test]
    fn a_key_is_read_padded_or_not_and_never_shown() {
        let code = |text| sign(&[key(text)], ID, at(), BODY);
        assert_eq!(code("whsec_c2VjcmV0IQ=="), code("secret!"));
        assert_eq!(code("whsec_c2VjcmV0IQ"), code("secret!"));
        assert_eq!(SigningKey::parse("whsec_???").unwrap_err(), KeyError::NotBase64);
        assert_eq!(SigningKey::parse("whsec_").unwrap_err(), KeyError::Empty);
        assert_eq!(format!("{:?}", key("secret!")), "***");
    }

    /// The example of the reference libraries for keys of our own.
    const OWN: &str =
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==";
    const PUBLIC: &str = "1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=";
    const SIGNED: &str =
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==";

    #[test]
    fn a_key_of_our_own_signs_what_anybody_with_the_public_key_can_check() {
        assert_eq!(sign(&[key(OWN)], ID, at(), BODY), SIGNED);
        assert_eq!(key(OWN).public(), Some(format!("whpk_{PUBLIC}")));
        let public = UnparsedPublicKey::new(&ED25519, STANDARD.decode(PUBLIC).unwrap());
        let given = STANDARD.decode(&SIGNED[4..]).unwrap();
        assert!(public.verify(&message(ID, "1614265330", BODY), &given).is_ok());
        assert!(public.verify(&message(ID, "1614265331", BODY), &given).is_err());
        assert_eq!(verify(&key(OWN), &headers(SIGNED), BODY, at()), Ok(()));
        assert_eq!(verify(&key(OWN), &headers(SIGNED), b"{}", at()), Err(VerifyError::WrongSignature));
        assert_eq!(key(KEY).public(), None);
    }

    #[test]
    fn the_public_half_may_be_left_out_and_must_fit_where_it_is_there() {
        let bytes = STANDARD.decode(&OWN[5..]).unwrap();
        let short = format!("whsk_{}", STANDARD.encode(&bytes[..32]));
        assert_eq!(sign(&[key(&short)], ID, at(), BODY), SIGNED);
        let mut other = bytes.clone();
        other[63] ^= 1;
        for wrong in [&bytes[..31], &bytes[..40], &other] {
            assert_eq!(SigningKey::own(wrong).unwrap_err(), KeyError::NotEd25519);
        }
        assert_eq!(SigningKey::parse("whsk_???").unwrap_err(), KeyError::NotBase64);
        assert_eq!(format!("{:?}", key(OWN)), "***");
    }

    #[test]
    fn a_secret_and_a_key_of_our_own_sign_beside_each_other() {
        let both = headers(&sign(&[key(OWN), key(KEY)], ID, at(), BODY));
        assert_eq!(
            (verify(&key(OWN), &both, BODY, at()), verify(&key(KEY), &both, BODY, at())),
            (Ok(()), Ok(()))
        );
    }
}
