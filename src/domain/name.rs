//! Names as people and directories spell them, and the form in which they are compared.
//!
//! Invariant: two spellings of one name have one folded form, also for å, ä and ö.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

/// The form in which names are compared: NFC, lower case, for every alphabet.
///
/// Folding happens here and not in SQL, because SQLite's `lower` leaves å, ä and ö alone.
#[must_use]
pub fn fold(text: &str) -> String {
    // Most of what is compared is ASCII, where that is the whole of it.
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// Whether `text` has this folded form.
#[must_use]
pub fn folds_to(text: &str, folded: &str) -> bool {
    if text.is_ascii() { text.eq_ignore_ascii_case(folded) } else { fold(text) == folded }
}

/// The name as one line, whatever it holds: a control character or a line separator becomes a blank, so that no part of
/// a name can pass for a line of its own where the name is read.
#[must_use]
pub fn one_line(name: &str) -> String {
    let breaks = |sign: char| sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}');
    name.split(breaks).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The key by which names are sorted as Swedish readers expect: case and accents aside, with å, ä and ö last.
#[must_use]
pub fn sort_key(text: &str) -> String {
    let mut key = String::with_capacity(text.len());
    for letter in fold(text).chars() {
        match letter {
            // The three signs after z in ASCII stand for the three letters after z.
            'å' => key.push('{'),
            'ä' | 'æ' => key.push('|'),
            'ö' | 'ø' => key.push('}'),
            'ü' => key.push('y'),
            'ð' => key.push('d'),
            'þ' => key.push_str("th"),
            'ß' => key.push_str("ss"),
            other => key.extend(other.nfd().filter(|part| !is_mark(*part))),
        }
    }
    key
}

/// Longer words are cut, and more of them are not kept: nobody types that much to find a person.
const LONGEST_WORD: usize = 40;
const MOST_WORDS: usize = 32;

/// The words by which somebody is found as they are typed: folded, and once more without accents where that differs, so
/// that "asa" finds Åsa.
#[must_use]
pub fn words_of<'t>(texts: impl IntoIterator<Item = &'t str>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for word in texts.into_iter().flat_map(typed_words) {
        let bare = without_accents(&word);
        words.insert(word);
        words.insert(bare);
        if words.len() >= MOST_WORDS {
            break;
        }
    }
    words
}

/// The words of what somebody types, folded.
#[must_use]
pub fn typed_words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let words = folded.split(|sign: char| !sign.is_alphanumeric() && !is_mark(sign));
    words.filter(|word| !word.is_empty()).map(|word| word.chars().take(LONGEST_WORD).collect()).collect()
}

fn without_accents(word: &str) -> String {
    let mut bare = String::with_capacity(word.len());
    for letter in word.chars() {
        match letter {
            'æ' => bare.push_str("ae"),
            'ø' => bare.push('o'),
            'ð' => bare.push('d'),
            'þ' => bare.push_str("th"),
            'ß' => bare.push_str("ss"),
            other => bare.extend(other.nfd().filter(|part| !is_mark(*part))),
        }
    }
    bare
}

/// A combining mark of the blocks that European names use.
const fn is_mark(part: char) -> bool {
    matches!(part, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}')
}

/// A sign-in name, as the identity provider spells it.
///
/// Two names are the same when their [`folded`](Self::folded) forms are equal:
/// `userName` is not case exact (RFC 7643 §4.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct UserName(String);

/// Why a text is no sign-in name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserNameError {
    /// Nothing, or only blanks.
    #[error("a user name must not be empty")]
    Empty,
    /// More than 512 characters.
    #[error("a user name has at most 512 characters, this one has {0}")]
    TooLong(usize),
    /// A control character such as NUL or a line break.
    #[error("a user name must not contain control characters")]
    Control,
}

impl UserName {
    /// Reads a sign-in name; blanks around it are dropped and it is brought to NFC.
    ///
    /// # Errors
    ///
    /// [`UserNameError`] when it is empty, longer than 512 characters or holds control characters.
    pub fn parse(text: &str) -> Result<Self, UserNameError> {
        let name: String = text.trim().nfc().collect();
        let length = name.chars().count();
        if name.is_empty() {
            Err(UserNameError::Empty)
        } else if length > 512 {
            Err(UserNameError::TooLong(length))
        } else if name.chars().any(char::is_control) {
            Err(UserNameError::Control)
        } else {
            Ok(Self(name))
        }
    }

    /// As the directory spelled it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which user names are compared.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.0)
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swedish_letters_fold_however_they_are_composed() {
        assert_eq!(fold("ÅSA"), fold("a\u{30a}sa"));
        assert_eq!(fold("BJÖRK"), "björk");
    }

    #[test]
    fn ascii_folds_as_every_other_text() {
        for sign in '\0'..='\u{7f}' {
            let text = sign.to_string();
            let whole: String = text.nfc().flat_map(char::to_lowercase).nfc().collect();
            assert_eq!(fold(&text), whole);
            assert!(folds_to(&text, &whole) && folds_to(&format!("Ö{text}"), &format!("ö{whole}")));
        }
        // The Kelvin sign is lower k.
        assert!(folds_to("\u{212a}", "k") && !folds_to("K", "\u{212a}"));
    }

    #[test]
    fn swedish_letters_come_last_and_accents_do_not_matter() {
        let mut names =
            ["Öhman", "Zorn", "Ängmo", "Åkesson", "Álvarez", "adam", "Müller", "Myrdal", "Mörner"];
        names.sort_by_key(|name| sort_key(name));
        assert_eq!(
            names,
            ["adam", "Álvarez", "Müller", "Myrdal", "Mörner", "Zorn", "Åkesson", "Ängmo", "Öhman"]
        );
    }

    #[test]
    fn a_name_is_one_line_whatever_it_holds() {
        assert_eq!(
            one_line(" Bo\r\n\thttps://elak.example\u{2028}Lind\u{2029}\0"),
            "Bo https://elak.example Lind"
        );
        assert_eq!(one_line("Åsa  Öberg"), "Åsa  Öberg");
    }

    #[test]
    fn a_name_of_blanks_or_with_a_line_break_is_refused() {
        assert_eq!(UserName::parse("  "), Err(UserNameError::Empty));
        assert_eq!(UserName::parse("a\nb"), Err(UserNameError::Control));
        assert!(matches!(UserName::parse(&"x".repeat(513)), Err(UserNameError::TooLong(513))));
    }
}
