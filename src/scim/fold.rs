//! Folds text so that two spellings that people read as the same compare equal.
//!
//! Invariant: folding is idempotent, and the same on both engines because no
//! database takes part in it (SQLite folds ASCII only).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// The folded form of `text`: NFC, then lower case character by character, then NFC again.
///
/// `Å`, `Ä` and `Ö` fold like any other letter. Used for every attribute whose
/// `caseExact` is false (RFC 7643 §2.2).
#[must_use]
pub fn fold(text: &str) -> String {
    folded(text).into_owned()
}

/// [`fold`] that borrows when `text` is folded already.
#[must_use]
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Owned(text.to_ascii_lowercase());
        }
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().flat_map(char::to_lowercase).nfc().collect())
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
    fn swedish_letters_fold_in_composed_and_decomposed_form() {
        assert_eq!(fold("ÅSA.ÖBERG@X.SE"), "åsa.öberg@x.se");
        assert_eq!(fold("A\u{30a}sa"), fold("Åsa"));
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for text in ["İstanbul", "ΑΣ", "Straße", "Å", "plain"] {
            assert_eq!(fold(&fold(text)), fold(text));
        }
    }
}
