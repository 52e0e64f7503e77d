//! An end that is near: of an account, or of a right that somebody gave.
//!
//! Invariant: it names the last day, what ends then, and whom to ask for more time.

use jiff::civil::Date;

use super::super::letter::Letter;
use super::{Reader, Ways, closing, date_en, greeting};
use crate::domain::language::{Language, Text};
use crate::domain::name::one_line;

/// What ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ends {
    /// The account itself.
    Account,
    /// A role or a sector, as people call it.
    Right(Text),
}

/// An end that is near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// What ends.
    pub what: Ends,
    /// Whose it is, where the reader is somebody else: whoever gave it, or the manager.
    pub whose: Option<String>,
    /// The last day.
    pub last_day: Date,
}

impl Ending {
    /// As a letter to `reader`, named `id`.
    #[must_use]
    pub fn letter(&self, id: uuid::Uuid, reader: &Reader<'_>, ways: &Ways<'_>) -> Letter {
        let language = reader.language;
        let (subject, body) = match language {
            Language::Sv => self.in_swedish(),
            Language::En => self.in_english(),
        };
        let (greeting, closing) = (greeting(reader), closing(language, ways.contact));
        let text = format!("{greeting}\n\n{body}\n\n{closing}\n");
        Letter { id, to: reader.address.to_owned(), language, subject, text }
    }

    fn in_swedish(&self) -> (String, String) {
        let day = self.last_day;
        match (&self.what, &self.whose.as_deref().map(one_line)) {
            (Ends::Account, None) => (
                format!("Ditt konto i CRM:et gäller till och med {day}"),
                format!(
                    "Ditt konto i CRM:et gäller till och med {day}. Därefter kommer du inte in. Behöver du det längre, be \
                     om det i god tid."
                ),
            ),
            (Ends::Account, Some(name)) => (
                format!("Kontot för {name} gäller till och med {day}"),
                format!(
                    "Kontot för {name} i CRM:et gäller till och med {day}. Ska det gälla längre behöver någon ändra slutdatumet."
                ),
            ),
            (Ends::Right(right), None) => (
                format!("{} gäller till och med {day}", right.sv),
                format!(
                    "{} i CRM:et gavs till dig för en tid och gäller till och med {day}. Resten av det du har påverkas \
                     inte. Behöver du det längre, be om det i god tid.",
                    right.sv
                ),
            ),
            (Ends::Right(right), Some(name)) => (
                format!("{} för {name} gäller till och med {day}", right.sv),
                format!(
                    "Du har gett {name} behörighet i CRM:et: {}. Den gäller till och med {day} och upphör sedan av sig själv. Ska den \
                     fortsätta behöver du ge den på nytt.",
                    small(&right.sv)
                ),
            ),
        }
    }

    fn in_english(&self) -> (String, String) {
        let day = date_en(self.last_day);
        match (&self.what, &self.whose.as_deref().map(one_line)) {
            (Ends::Account, None) => (
                format!("Your account in the CRM lasts until {day}"),
                format!(
                    "Your account in the CRM lasts until {day}. After that you cannot enter. If you need it longer, ask \
                     in good time."
                ),
            ),
            (Ends::Account, Some(name)) => (
                format!("The account of {name} lasts until {day}"),
                format!(
                    "The account of {name} in the CRM lasts until {day}. If it is to last longer, somebody must move its end."
                ),
            ),
            (Ends::Right(right), None) => (
                format!("{} lasts until {day}", right.en),
                format!(
                    "{} in the CRM was given to you for a time and lasts until {day}. Nothing else that you have changes. \
                     If you need it longer, ask in good time.",
                    right.en
                ),
            ),
            (Ends::Right(right), Some(name)) => (
                format!("{} of {name} lasts until {day}", right.en),
                format!(
                    "You gave {name} a right in the CRM: {}. It lasts until {day} and then ends by itself. If it is to go on, give \
                     it anew.",
                    small(&right.en)
                ),
            ),
        }
    }
}

/// Within a sentence: "rollen Kommunikatör".
fn small(right: &str) -> String {
    let mut signs = right.chars();
    signs.next().map(|first| first.to_lowercase().chain(signs).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::policy::Contact;

    #[test]
    fn an_end_is_told_to_the_person_and_to_whoever_gave_it() {
        let contact = Contact { name: Text::new("styrelsen", "the board"), email: None };
        let ways = Ways { sign_in: "", contact: &contact };
        let letter = |what: Ends, whose: Option<&str>, language| {
            let ending = Ending { what, whose: whose.map(str::to_owned), last_day: date(2026, 5, 31) };
            ending.letter(uuid::Uuid::nil(), &Reader { name: "Bo", address: "bo@b.example", language }, &ways)
        };
        let right = || Ends::Right(Text::new("Rollen Kommunikatör", "The role Communicator"));
        assert_eq!(
            letter(Ends::Account, None, Language::Sv).subject,
            "Ditt konto i CRM:et gäller till och med 2026-05-31"
        );
        assert!(letter(right(), None, Language::En).text.contains("lasts until 31 May 2026. Nothing else"));
        assert!(
            letter(right(), Some("Åsa"), Language::Sv)
                .text
                .contains("Du har gett Åsa behörighet i CRM:et: rollen Kommunikatör.")
        );
        let strange = letter(Ends::Account, Some("Bo\nhttps://elak.example\u{2029}"), Language::Sv);
        assert!(strange.text.contains("Kontot för Bo https://elak.example i CRM:et"), "{}", strange.text);
        assert!(letter(Ends::Account, Some("Åsa"), Language::En).subject.contains("The account of Åsa"));
    }
}
