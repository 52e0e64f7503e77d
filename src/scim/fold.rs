//! Folds text without copying where nothing has to change.
//!
//! Invariant: agrees with `domain::name::fold`, which the store's keys are made with.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use crate::domain::name::fold;

/// The folded form of `text`, borrowed when `text` is folded already (RFC 7643 §2.2, `caseExact` false).
#[must_use]
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        return Cow::Owned(fold(text));
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Cow::Owned(text.to_ascii_lowercase());
    }
    Cow::Borrowed(text)
}

/// `text` in NFC, the form in which every text of a known attribute is kept.
#[must_use]
pub(crate) fn composed(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { text.nfc().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_agrees_with_the_ground_floor() {
        for text in ["ÅSA.ÖBERG@X.SE", "Plain@X.se", "plain", "İstanbul", "A\u{30a}"] {
            assert_eq!(folded(text), fold(text));
            assert_eq!(fold(&fold(text)), fold(text));
        }
    }
}
