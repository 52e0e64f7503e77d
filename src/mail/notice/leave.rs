//! The answer to whoever asked for leave.
//!
//! Invariant: it names the days and what they mean, and never why somebody is away.

use jiff::civil::Date;

use super::super::letter::Letter;
use super::{Reader, Ways, closing, date_en, greeting};
use crate::domain::language::Language;

/// What was decided about a request for leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaveAnswer {
    /// Whether it was approved.
    pub is_approved: bool,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
}

impl LeaveAnswer {
    /// As a letter to `reader`, named `id`.
    #[must_use]
    pub fn letter(&self, id: uuid::Uuid, reader: &Reader<'_>, ways: &Ways<'_>) -> Letter {
        let (from, until) = (self.from, self.until);
        let (subject, body) = match (reader.language, self.is_approved) {
            (Language::Sv, true) => (
                "Din ledighet är godkänd",
                format!(
                    "Din ledighet från {from} till och med {until} är godkänd. Under tiden är kontot i CRM:et pausat. Du \
                     behöver inte göra något: kontot öppnas av sig självt efteråt, med det du har i dag, och tiden räknas \
                     inte som att du har varit borta."
                ),
            ),
            (Language::Sv, false) => (
                "Din begäran om ledighet",
                format!(
                    "Din begäran om ledighet från {from} till och med {until} godkändes inte. Kontot är som förut."
                ),
            ),
            (Language::En, true) => (
                "Your leave is approved",
                format!(
                    "Your leave from {} until {} is approved. Meanwhile your account in the CRM is paused. You need not do \
                     anything: it opens by itself afterwards, with what you have today, and the time does not count as \
                     being away.",
                    date_en(from),
                    date_en(until)
                ),
            ),
            (Language::En, false) => (
                "Your request for leave",
                format!(
                    "Your request for leave from {} until {} was not approved. Your account is as before.",
                    date_en(from),
                    date_en(until)
                ),
            ),
        };
        let (greeting, closing) = (greeting(reader), closing(reader.language, ways.contact));
        let text = format!("{greeting}\n\n{body}\n\n{closing}\n");
        Letter {
            id,
            to: reader.address.to_owned(),
            language: reader.language,
            subject: subject.to_owned(),
            text,
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::language::Text;
    use crate::domain::policy::Contact;

    #[test]
    fn an_answer_names_the_days_and_says_what_follows() {
        let contact = Contact { name: Text::new("styrelsen", "the board"), email: None };
        let ways = Ways { sign_in: "", contact: &contact };
        let of = |is_approved, language| {
            let answer = LeaveAnswer { is_approved, from: date(2026, 1, 7), until: date(2026, 8, 31) };
            answer.letter(uuid::Uuid::nil(), &Reader { name: "Bo", address: "bo@b.example", language }, &ways)
        };
        assert!(of(true, Language::Sv).text.contains("från 2026-01-07 till och med 2026-08-31 är godkänd."));
        assert!(of(true, Language::En).text.contains("from 7 Jan 2026 until 31 Aug 2026 is approved."));
        assert!(of(false, Language::Sv).text.contains("godkändes inte. Kontot är som förut."));
        assert!(of(false, Language::En).text.contains("was not approved."));
    }
}
