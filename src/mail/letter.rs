//! A letter, before it is mail.
//!
//! Invariant: the subject is one line; text and HTML say the same, for the one is made from the other.

use uuid::Uuid;

use super::page;
use crate::domain::language::Language;

/// One letter to one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Names it: the Message-ID is made of it, so that a letter that is sent again is known as the same.
    pub id: Uuid,
    /// The recipient's address, nothing around it.
    pub to: String,
    /// The language it is written in.
    pub language: Language,
    /// The subject; line breaks in it become blanks when it is sent.
    pub subject: String,
    /// The text, with `\n` between lines. An address alone on a line is a way on, `- ` begins an item of a list,
    /// and what follows a line with `-- ` is the foot.
    pub text: String,
}

impl Letter {
    /// The subject as it is sent: one line, so that a name cannot add headers.
    pub(crate) fn subject_line(&self) -> String {
        self.subject.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }

    /// The letter as a page that mail programs show: no picture, no script, nothing fetched from anywhere.
    #[must_use]
    pub fn html(&self) -> String {
        page::html(&self.subject_line(), &self.text, self.language)
    }
}
