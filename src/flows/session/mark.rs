//! Marks what our own pages hand to a browser and get back: the forms, and the note of what was just done.
//!
//! Invariant: a mark is made from the session's secret, which only the browser has, for one purpose and one text. So it
//! ends with the session, and nobody else can make one.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::hint::mac;

/// What is marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A form of our own pages.
    Form,
    /// What was just done, to be told on the next page.
    Note,
}

impl Purpose {
    /// What sets this use of the secret apart from every other.
    const fn tag(self) -> &'static [u8] {
        match self {
            Self::Form => b"portvakt: form",
            Self::Note => b"portvakt: note",
        }
    }
}

/// The mark of `text`: 43 characters of base64url.
#[must_use]
pub fn mark(secret: &SecretString, purpose: Purpose, text: &str) -> String {
    let key = mac(secret.expose_secret().as_bytes(), purpose.tag());
    let made = key.and_then(|key| mac(&key, text.as_bytes())).unwrap_or_default();
    BASE64_URL_SAFE_NO_PAD.encode(made)
}

/// Whether `shown` is the mark of `text`.
#[must_use]
pub fn is_mark(secret: &SecretString, purpose: Purpose, text: &str, shown: &str) -> bool {
    let known = mark(secret, purpose, text);
    !known.is_empty() && bool::from(known.as_bytes().ct_eq(shown.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_good_for_its_session_its_purpose_and_its_text() {
        let (one, other) = (SecretString::from("one"), SecretString::from("other"));
        let shown = mark(&one, Purpose::Form, "");
        assert_eq!(shown.len(), 43);
        assert!(is_mark(&one, Purpose::Form, "", &shown));
        assert!(!is_mark(&other, Purpose::Form, "", &shown));
        assert!(!is_mark(&one, Purpose::Note, "", &shown));
        assert!(!is_mark(&one, Purpose::Form, "x", &shown));
        assert!(!is_mark(&one, Purpose::Form, "", ""));
    }
}
