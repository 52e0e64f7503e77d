//! What others hear of a notice: the manager that the directory names, or the owner of a sector.
//!
//! Invariant: it says why they of all people are told, and whether the person knows.

use jiff::civil::Date;

use super::super::letter::Letter;
use super::{Reader, Ways, closing, date_en, greeting, in_days_en, in_days_sv, seen_en_of, seen_sv_of};
use crate::domain::language::Language;
use crate::domain::name::one_line;

/// Why somebody else is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because<'a> {
    /// The directory names them as the manager.
    Manager,
    /// They answer for this sector.
    Owner(&'a str),
}

/// A freeze that is coming, as somebody else reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beside<'a> {
    /// Whose account it is.
    pub name: &'a str,
    /// When they were last seen; nothing: never.
    pub last_seen: Option<Date>,
    /// The day of the freeze.
    pub freezes_on: Date,
    /// Whole days left; 0 is today.
    pub days_left: u32,
    /// Whether the person was told as well. If not, nobody but the reader knows.
    pub is_told: bool,
    /// Why the reader is told.
    pub because: Because<'a>,
}

impl Beside<'_> {
    /// As a letter to `reader`, named `id`.
    #[must_use]
    pub fn letter(&self, id: uuid::Uuid, reader: &Reader<'_>, ways: &Ways<'_>) -> Letter {
        let (subject, paragraphs) = match reader.language {
            Language::Sv => self.in_swedish(ways),
            Language::En => self.in_english(ways),
        };
        let (greeting, closing) = (greeting(reader), closing(reader.language, ways.contact));
        let text = format!("{greeting}\n\n{}\n\n{closing}\n", paragraphs.join("\n\n"));
        Letter { id, to: reader.address.to_owned(), language: reader.language, subject, text }
    }

    fn in_swedish(&self, ways: &Ways<'_>) -> (String, Vec<String>) {
        let (name, when, day) = (&one_line(self.name), in_days_sv(self.days_left), self.freezes_on);
        let seen = seen_sv_of(name, self.last_seen);
        let told = if self.is_told {
            format!("{name} har fått en egen påminnelse. Det räcker att logga in en gång före dess.")
        } else {
            format!(
                "Vi når inte {name} med e-post, så du är den enda som får veta det. Be {name} att logga in en gång före \
                 dess:\n{}",
                ways.sign_in
            )
        };
        let why = match self.because {
            Because::Manager => format!("Du får det här för att katalogen anger dig som chef för {name}."),
            Because::Owner(sector) => {
                format!("Du får det här för att du är ansvarig för sektorn {sector}, som {name} arbetar i.")
            }
        };
        let first = format!("{seen} Konton som inte används fryses, och kontot står på tur {when}, {day}.");
        (format!("Kontot för {name} fryses {when}"), vec![first, told, why])
    }

    fn in_english(&self, ways: &Ways<'_>) -> (String, Vec<String>) {
        let (name, when, day) = (&one_line(self.name), in_days_en(self.days_left), date_en(self.freezes_on));
        let seen = seen_en_of(name, self.last_seen);
        let told = if self.is_told {
            format!("{name} has been told too. Signing in once before then is enough.")
        } else {
            format!(
                "We cannot reach {name} by mail, so you alone are told. Ask {name} to sign in once before then:\n{}",
                ways.sign_in
            )
        };
        let why = match self.because {
            Because::Manager => format!("You get this because the directory names you as manager of {name}."),
            Because::Owner(sector) => {
                format!("You get this because you answer for the sector {sector}, which {name} works in.")
            }
        };
        let first =
            format!("{seen} Accounts that are not used are frozen, and this one is next {when}, on {day}.");
        (format!("The account of {name} will be frozen {when}"), vec![first, told, why])
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::language::Text;
    use crate::domain::policy::Contact;

    fn letter(is_told: bool, because: Because<'_>, language: Language) -> Letter {
        letter_about("Bo Lind", is_told, because, language)
    }

    fn letter_about(name: &str, is_told: bool, because: Because<'_>, language: Language) -> Letter {
        let contact = Contact { name: Text::new("styrelsen", "the board"), email: None };
        let ways = Ways { sign_in: "https://p.example/sso/notice", contact: &contact };
        let reader = Reader { name: "Sara Ek", address: "sara@b.example", language };
        let (freezes_on, last_seen) = (date(2025, 10, 14), Some(date(2025, 7, 14)));
        Beside { name, last_seen, freezes_on, days_left: 1, is_told, because }.letter(
            uuid::Uuid::nil(),
            &reader,
            &ways,
        )
    }

    #[test]
    fn a_name_makes_neither_a_line_nor_a_link_of_its_own() {
        for language in [Language::Sv, Language::En] {
            let name = "Bo\nhttps://elak.example\u{2028}Lind";
            let letter = letter_about(name, true, Because::Manager, language);
            assert!(letter.text.contains("Bo https://elak.example Lind"), "{}", letter.text);
            assert!(!letter.subject.contains(['\n', '\u{2028}']), "{}", letter.subject);
            assert!(!letter.text.lines().any(|line| line.starts_with("https://elak")), "{}", letter.text);
        }
    }

    #[test]
    fn somebody_else_hears_whose_when_why_and_whether_the_person_knows() {
        let sv = letter(true, Because::Manager, Language::Sv);
        assert_eq!(sv.subject, "Kontot för Bo Lind fryses i morgon");
        assert!(sv.text.contains("Bo Lind loggade senast in i CRM:et 2025-07-14."), "{}", sv.text);
        assert!(
            sv.text.contains("katalogen anger dig som chef") && !sv.text.contains("https://"),
            "{}",
            sv.text
        );
        let en = letter(false, Because::Owner("Mailings"), Language::En);
        assert!(en.text.contains("you alone are told") && en.text.contains("https://p.example/sso/notice"));
        assert!(en.text.contains("you answer for the sector Mailings"), "{}", en.text);
    }
}
