//! What is written to people: notices to the person whose account it is, and alerts to those who look after it.
//!
//! Invariant: each text exists in Swedish and English and says what happens, when, why and what to do.

use jiff::civil::Date;

use crate::domain::account::StatusReason;
use crate::domain::language::Language;
use crate::domain::name::one_line;
use crate::domain::policy::Contact;

use super::letter::Letter;

mod alert;
mod beside;
mod digest;
mod ending;
mod leave;
mod question;
mod reminder;

pub use alert::{Alert, Invited, PlanCounts};
pub use beside::{Because, Beside};
pub use digest::{Digest, Part};
pub use ending::{Ending, Ends};
pub use leave::LeaveAnswer;
pub use question::{Asked, Question};
pub use reminder::Reminder;

/// What the person can do about it, and whom to ask: the same for every notice.
#[derive(Debug, Clone, Copy)]
pub struct Ways<'a> {
    /// The one link that signs the person in.
    pub sign_in: &'a str,
    /// Whom to ask.
    pub contact: &'a Contact,
}

/// The person who is written to.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a> {
    /// The name that people read.
    pub name: &'a str,
    /// Their address.
    pub address: &'a str,
    /// Their language.
    pub language: Language,
}

/// A notice to the person whose account it is. Dates are in the policy's own time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// The account is going to be frozen.
    Warning {
        /// When the person was last seen; nothing: never.
        last_seen: Option<Date>,
        /// The day of the freeze.
        freezes_on: Date,
        /// Whole days left; 0 is today.
        days_left: u32,
    },
    /// The account was frozen for being quiet.
    Frozen {
        /// When the person was last seen; nothing: never.
        last_seen: Option<Date>,
        /// When it is deactivated unless something happens; nothing: it stays frozen.
        deactivates_on: Option<Date>,
        /// Whether the person's own sign-in lifts it.
        sign_in_lifts: bool,
    },
    /// The account was deactivated.
    Deactivated {
        /// Why.
        reason: StatusReason,
    },
}

impl Notice {
    /// The notice as a letter to `reader`, named `id`.
    #[must_use]
    pub fn letter(&self, id: uuid::Uuid, reader: &Reader<'_>, ways: &Ways<'_>) -> Letter {
        let language = reader.language;
        let (subject, paragraphs) = match language {
            Language::Sv => self.in_swedish(ways),
            Language::En => self.in_english(ways),
        };
        let greeting = greeting(reader);
        let closing = closing(language, ways.contact);
        let text = format!("{greeting}\n\n{}\n\n{closing}\n", paragraphs.join("\n\n"));
        Letter { id, to: reader.address.to_owned(), language, subject, text }
    }

    fn in_swedish(&self, ways: &Ways<'_>) -> (String, Vec<String>) {
        match *self {
            Self::Warning { last_seen, freezes_on, days_left } => {
                let when = in_days_sv(days_left);
                let seen = seen_sv(last_seen);
                let paragraphs = vec![
                    format!("{seen} Konton som inte används fryses, och ditt står på tur {when}, {freezes_on}."),
                    format!("Vill du ha kvar kontot räcker det att logga in en gång före dess:\n{}", ways.sign_in),
                    "Är du ledig en längre tid? På sidan som då öppnas kan du be om att kontot pausas så länge.".to_owned(),
                    "Behöver du inte kontot längre kan du låta det vara. Det som är fryst går att få tillbaka.".to_owned(),
                ];
                (format!("Ditt konto i CRM:et fryses {when}"), paragraphs)
            }
            Self::Frozen { last_seen, deactivates_on, sign_in_lifts } => {
                let seen = seen_sv(last_seen);
                let mut paragraphs = vec![format!(
                    "Ditt konto i CRM:et är fryst sedan i dag. {seen} Dina roller ligger kvar, men du kommer inte in så länge \
                     kontot är fryst."
                )];
                paragraphs.push(if sign_in_lifts {
                    format!("Logga in så öppnas det igen:\n{}", ways.sign_in)
                } else {
                    "En administratör kan öppna det igen.".to_owned()
                });
                if let Some(day) = deactivates_on {
                    paragraphs.push(format!("Händer inget avaktiveras kontot {day}."));
                }
                ("Ditt konto i CRM:et är fryst".to_owned(), paragraphs)
            }
            Self::Deactivated { reason } => {
                let first = format!("Ditt konto i CRM:et är avaktiverat sedan i dag. {}", why_sv(reason));
                let second =
                    "Ingenting som du har gjort i CRM:et är borta, och behörigheterna går att återställa.";
                let paragraphs = vec![first.trim_end().to_owned(), second.to_owned()];
                ("Ditt konto i CRM:et är avaktiverat".to_owned(), paragraphs)
            }
        }
    }

    fn in_english(&self, ways: &Ways<'_>) -> (String, Vec<String>) {
        match *self {
            Self::Warning { last_seen, freezes_on, days_left } => {
                let when = in_days_en(days_left);
                let (seen, day) = (seen_en(last_seen), date_en(freezes_on));
                let paragraphs = vec![
                    format!(
                        "{seen} Accounts that are not used are frozen, and yours is next {when}, on {day}."
                    ),
                    format!("To keep it, signing in once before then is enough:\n{}", ways.sign_in),
                    "Away for a longer time? The page that then opens lets you ask for the account to be paused meanwhile."
                        .to_owned(),
                    "If you no longer need the account you can leave it be. What is frozen can be had back."
                        .to_owned(),
                ];
                (format!("Your account in the CRM will be frozen {when}"), paragraphs)
            }
            Self::Frozen { last_seen, deactivates_on, sign_in_lifts } => {
                let seen = seen_en(last_seen);
                let mut paragraphs = vec![format!(
                    "Your account in the CRM has been frozen since today. {seen} Your roles are kept, but you cannot enter \
                     while the account is frozen."
                )];
                paragraphs.push(if sign_in_lifts {
                    format!("Sign in and it opens again:\n{}", ways.sign_in)
                } else {
                    "An administrator can open it again.".to_owned()
                });
                if let Some(day) = deactivates_on {
                    paragraphs
                        .push(format!("If nothing happens the account is deactivated on {}.", date_en(day)));
                }
                ("Your account in the CRM is frozen".to_owned(), paragraphs)
            }
            Self::Deactivated { reason } => {
                let first =
                    format!("Your account in the CRM has been deactivated since today. {}", why_en(reason));
                let second = "Nothing that you did in the CRM is gone, and your rights can be restored.";
                let paragraphs = vec![first.trim_end().to_owned(), second.to_owned()];
                ("Your account in the CRM is deactivated".to_owned(), paragraphs)
            }
        }
    }
}

/// "i dag", "om 7 dagar".
fn in_days_sv(days: u32) -> String {
    match days {
        0 => "i dag".to_owned(),
        1 => "i morgon".to_owned(),
        days => format!("om {days} dagar"),
    }
}

/// "today", "in 7 days".
fn in_days_en(days: u32) -> String {
    match days {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        days => format!("in {days} days"),
    }
}

fn seen_sv_of(name: &str, last_seen: Option<Date>) -> String {
    last_seen.map_or_else(
        || format!("{name} har inte loggat in i CRM:et än."),
        |day| format!("{name} loggade senast in i CRM:et {day}."),
    )
}

fn seen_en_of(name: &str, last_seen: Option<Date>) -> String {
    last_seen.map_or_else(
        || format!("{name} has not signed in to the CRM yet."),
        |day| format!("{name} last signed in to the CRM on {}.", date_en(day)),
    )
}

fn greeting(reader: &Reader<'_>) -> String {
    let word = match reader.language {
        Language::Sv => "Hej",
        Language::En => "Hello",
    };
    format!("{word} {}", one_line(reader.name)).trim_end().to_owned() + ","
}

fn closing(language: Language, contact: &Contact) -> String {
    let name = contact.name.get(language);
    let address = contact.email.as_ref().map(|address| format!(", {address}")).unwrap_or_default();
    match language {
        Language::Sv => format!(
            "Undrar du över något? Fråga {name}{address}.\n\n-- \nSkickat av Portvakt, som håller reda på vem som kommer in i CRM:et."
        ),
        Language::En => format!(
            "Any questions? Ask {name}{address}.\n\n-- \nSent by Portvakt, which keeps track of who may enter the CRM."
        ),
    }
}

fn seen_sv(last_seen: Option<Date>) -> String {
    last_seen.map_or_else(
        || "Du har inte loggat in i CRM:et än.".to_owned(),
        |day| format!("Du loggade senast in i CRM:et {day}."),
    )
}

fn seen_en(last_seen: Option<Date>) -> String {
    last_seen.map_or_else(
        || "You have not signed in to the CRM yet.".to_owned(),
        |day| format!("You last signed in to the CRM on {}.", date_en(day)),
    )
}

fn date_en(day: Date) -> String {
    day.strftime("%-d %b %Y").to_string()
}

const fn why_sv(reason: StatusReason) -> &'static str {
    match reason {
        StatusReason::Departed => "Katalogen som du loggar in genom säger att du inte längre ska ha åtkomst.",
        StatusReason::Inactive => "Det har inte använts på länge.",
        StatusReason::NeverSignedIn => "Det har aldrig använts.",
        StatusReason::Expired => "Dess slutdatum har passerat.",
        StatusReason::Manual => "En administratör har beslutat det.",
        StatusReason::Review => "Det beslutades i översynen av vem som har åtkomst.",
        StatusReason::Leave => "Skälet är ledighet.",
        StatusReason::Provisioned | StatusReason::Returned | StatusReason::SignedIn => "",
    }
}

const fn why_en(reason: StatusReason) -> &'static str {
    match reason {
        StatusReason::Departed => {
            "The directory that you sign in through says that you no longer have access."
        }
        StatusReason::Inactive => "It has not been used for a long time.",
        StatusReason::NeverSignedIn => "It has never been used.",
        StatusReason::Expired => "Its end date has passed.",
        StatusReason::Manual => "An administrator decided it.",
        StatusReason::Review => "It was decided in the review of who has access.",
        StatusReason::Leave => "The reason is leave.",
        StatusReason::Provisioned | StatusReason::Returned | StatusReason::SignedIn => "",
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::language::Text;

    fn letter(notice: &Notice, language: Language) -> Letter {
        let contact = Contact {
            name: Text::new("styrelsen", "the board"),
            email: Some("styrelsen@bjorkbacken.example".to_owned()),
        };
        let ways = Ways { sign_in: "https://portvakt.example/sso/notice", contact: &contact };
        let reader = Reader { name: "Åsa Öhman", address: "asa@bjorkbacken.example", language };
        notice.letter(uuid::Uuid::nil(), &reader, &ways)
    }

    const WARNING: Notice =
        Notice::Warning { last_seen: Some(date(2024, 3, 14)), freezes_on: date(2025, 10, 14), days_left: 7 };

    #[test]
    fn a_warning_says_when_why_and_gives_the_one_link() {
        let sv = letter(&WARNING, Language::Sv);
        assert_eq!(sv.subject, "Ditt konto i CRM:et fryses om 7 dagar");
        assert_eq!(
            sv.text,
            "Hej Åsa Öhman,\n\nDu loggade senast in i CRM:et 2024-03-14. Konton som inte används fryses, och ditt står på tur \
             om 7 dagar, 2025-10-14.\n\nVill du ha kvar kontot räcker det att logga in en gång före dess:\n\
             https://portvakt.example/sso/notice\n\nÄr du ledig en längre tid? På sidan som då öppnas kan du be om att \
             kontot pausas så länge.\n\nBehöver du inte kontot längre kan du låta det vara. Det som är fryst går att \
             få tillbaka.\n\nUndrar du över något? Fråga styrelsen, styrelsen@bjorkbacken.example.\n\n-- \nSkickat av Portvakt, \
             som håller reda på vem som kommer in i CRM:et.\n"
        );
        let en = letter(&WARNING, Language::En);
        assert_eq!(en.subject, "Your account in the CRM will be frozen in 7 days");
        assert!(en.text.contains("on 14 Mar 2024.") && en.text.contains("Ask the board, "), "{}", en.text);
    }

    #[test]
    fn the_last_days_are_called_tomorrow_and_today() {
        let subject = |days_left, language| {
            let notice = Notice::Warning { last_seen: None, freezes_on: date(2025, 10, 14), days_left };
            letter(&notice, language).subject
        };
        assert_eq!(subject(1, Language::Sv), "Ditt konto i CRM:et fryses i morgon");
        assert_eq!(subject(0, Language::En), "Your account in the CRM will be frozen today");
    }

    #[test]
    fn a_frozen_person_is_told_to_sign_in_only_where_that_helps() {
        let frozen = |sign_in_lifts| Notice::Frozen {
            last_seen: None,
            deactivates_on: Some(date(2025, 10, 21)),
            sign_in_lifts,
        };
        for language in [Language::Sv, Language::En] {
            assert!(letter(&frozen(true), language).text.contains("https://portvakt.example/sso/notice"));
            assert!(!letter(&frozen(false), language).text.contains("https://"));
        }
        assert!(letter(&frozen(true), Language::En).text.contains("deactivated on 21 Oct 2025"));
    }

    #[test]
    fn every_reason_has_its_sentence_and_no_letter_shouts_or_leaves_gaps() {
        let reasons = StatusReason::ALL.iter().map(|reason| Notice::Deactivated { reason: *reason });
        for notice in reasons.chain([WARNING]) {
            for language in [Language::Sv, Language::En] {
                let Letter { subject, text, .. } = letter(&notice, language);
                assert!(!text.contains(" \n\n") && !text.contains("  ") && !text.contains('!'), "{text}");
                assert!(!subject.is_empty() && !text.contains("vänligen"), "{text}");
            }
        }
    }

    #[test]
    fn a_person_without_a_name_is_greeted_all_the_same() {
        let reader = Reader { name: " ", address: "x@y.example", language: Language::Sv };
        assert_eq!(greeting(&reader), "Hej,");
    }
}
