//! A letter, before it is mail.
//!
//! Invariant: the subject is one line.

use crate::domain::language::Language;

/// One letter to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The recipient's address, nothing around it.
    pub to: String,
    /// The language it is written in.
    pub language: Language,
    /// The subject; line breaks in it become blanks when it is sent.
    pub subject: String,
    /// The text, with `\n` between lines.
    pub text: String,
}

impl Letter {
    /// The subject as it is sent: one line, so that a name cannot add headers.
    pub(crate) fn subject_line(&self) -> String {
        self.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}
