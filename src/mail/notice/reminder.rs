//! A reminder that somebody sends by hand: the account has been quiet, and signing in keeps it.
//!
//! Invariant: it threatens with nothing and promises no date: no deadline counts from it.

use jiff::civil::Date;

use super::super::letter::Letter;
use super::{Reader, Ways, closing, greeting, seen_en, seen_sv};
use crate::domain::language::Language;

/// A reminder to the person whose account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reminder {
    /// When the person was last seen; nothing: never.
    pub last_seen: Option<Date>,
}

impl Reminder {
    /// As a letter to `reader`, named `id`.
    #[must_use]
    pub fn letter(&self, id: uuid::Uuid, reader: &Reader<'_>, ways: &Ways<'_>) -> Letter {
        let (subject, body) = match reader.language {
            Language::Sv => (
                "Använder du ditt konto i CRM:et?",
                format!(
                    "{} Vi går igenom vilka som behöver sitt konto.\n\nVill du ha kvar det räcker det att logga in en gång:\n{}\n\n\
                     Är du ledig en längre tid? På sidan som då öppnas kan du be om att kontot pausas så länge.\n\n\
                     Behöver du inte kontot längre? Svara gärna, så stänger vi det.",
                    seen_sv(self.last_seen),
                    ways.sign_in
                ),
            ),
            Language::En => (
                "Do you use your account in the CRM?",
                format!(
                    "{} We are going through who needs their account.\n\nTo keep it, signing in once is enough:\n{}\n\n\
                     Away for a longer time? The page that then opens lets you ask for the account to be paused meanwhile.\n\n\
                     If you no longer need the account, tell us and we close it.",
                    seen_en(self.last_seen),
                    ways.sign_in
                ),
            ),
        };
        let (greeting, closing) = (greeting(reader), closing(reader.language, ways.contact));
        let text = format!("{greeting}\n\n{body}\n\n{closing}\n");
        let to = reader.address.to_owned();
        Letter { id, to, language: reader.language, subject: subject.to_owned(), text }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::language::Text;
    use crate::domain::policy::Contact;

    #[test]
    fn a_reminder_says_when_the_person_was_here_and_what_keeps_the_account() {
        let contact = Contact { name: Text::new("styrelsen", "the board"), email: None };
        let ways = Ways { sign_in: "https://portvakt.example/sso/notice", contact: &contact };
        let of = |last_seen, language| {
            let reader = Reader { name: "Bo", address: "bo@b.example", language };
            Reminder { last_seen }.letter(uuid::Uuid::nil(), &reader, &ways)
        };
        let text = of(Some(date(2025, 1, 7)), Language::Sv).text;
        assert!(
            text.contains("2025-01-07") && text.contains("\nhttps://portvakt.example/sso/notice\n"),
            "{text}"
        );
        assert!(of(None, Language::En).text.contains("signing in once is enough"));
    }
}
