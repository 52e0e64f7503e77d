//! Rights by hand that somebody must decide about, because their holder changed job.
//!
//! Invariant: it says whose right, what changed, by when an answer is wanted, and the command that answers.

use jiff::civil::Date;

use super::super::letter::Letter;
use super::{Reader, Ways, closing, date_en, greeting};
use crate::domain::language::Language;
use crate::domain::name::one_line;

/// One right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked<'a> {
    /// The question.
    pub id: String,
    /// Whose right.
    pub name: &'a str,
    /// The right, as people call it.
    pub right: String,
    /// What changed: `groups`, `department` or `manager`.
    pub why: &'a str,
    /// An answer is wanted before this day.
    pub answer_by: Date,
    /// Whether that day has passed.
    pub is_over: bool,
}

/// Rights that wait for a decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question<'a> {
    /// The rights.
    pub asked: Vec<Asked<'a>>,
}

impl Question<'_> {
    /// As a letter to `reader`, named `id`.
    #[must_use]
    pub fn letter(&self, id: uuid::Uuid, reader: &Reader<'_>, ways: &Ways<'_>) -> Letter {
        let language = reader.language;
        let lines: Vec<String> = self.asked.iter().map(|one| line(one, language)).collect();
        let lines = lines.join("\n");
        let (subject, first, last) = match language {
            Language::Sv => (
                "Behörigheter som någon behöver ta ställning till",
                "De här personerna har bytt arbete i katalogen. Det som deras grupper gav har ändrats av sig självt. Det \
                 som är givet för hand finns kvar, och frågan är om det fortfarande behövs:",
                "Säg till en administratör om behörigheten ska vara kvar, hur länge och varför, eller upphöra:",
            ),
            Language::En => (
                "Rights that somebody needs to decide about",
                "These people have changed job in the directory. What their groups gave has changed by itself. What was \
                 given by hand is still there, and the question is whether it is still needed:",
                "Tell an administrator whether the right is to stay, for how long and why, or to end:",
            ),
        };
        let command = "portvakt account queue\nportvakt account decide ID keep --until DATE --reason \"…\"\n\
                       portvakt account decide ID end --reason \"…\"";
        let (greeting, closing) = (greeting(reader), closing(language, ways.contact));
        let text = format!("{greeting}\n\n{first}\n{lines}\n\n{last}\n{command}\n\n{closing}\n");
        Letter { id, to: reader.address.to_owned(), language, subject: subject.to_owned(), text }
    }
}

fn line(one: &Asked<'_>, language: Language) -> String {
    let name = one_line(one.name);
    let short = one.id.get(..13).unwrap_or(&one.id);
    let (changed, by) = match (language, one.is_over) {
        (Language::Sv, false) => (changed_sv(one.why), format!("svar före {}", one.answer_by)),
        (Language::Sv, true) => (changed_sv(one.why), format!("skulle ha besvarats före {}", one.answer_by)),
        (Language::En, false) => (changed_en(one.why), format!("answer before {}", date_en(one.answer_by))),
        (Language::En, true) => {
            (changed_en(one.why), format!("should have been answered before {}", date_en(one.answer_by)))
        }
    };
    format!("- {name}: {} ({changed}; {by}; {short})", one.right)
}

fn changed_sv(why: &str) -> &'static str {
    match why {
        "department" => "ny avdelning",
        "manager" => "ny chef",
        _ => "har lämnat en grupp",
    }
}

fn changed_en(why: &str) -> &'static str {
    match why {
        "department" => "another department",
        "manager" => "another manager",
        _ => "has left a group",
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::language::Text;
    use crate::domain::policy::Contact;

    #[test]
    fn a_question_says_whose_what_why_and_by_when() {
        let contact = Contact { name: Text::new("styrelsen", "the board"), email: None };
        let ways = Ways { sign_in: "", contact: &contact };
        let one = Asked {
            id: "0199c0de-0000-7000-8000-000000000001".to_owned(),
            name: "Bo\nLind",
            right: "Rollen Kommunikatör".to_owned(),
            why: "department",
            answer_by: date(2026, 3, 1),
            is_over: false,
        };
        let letter = |language| {
            let reader = Reader { name: "Åsa", address: "asa@b.example", language };
            Question { asked: vec![one.clone()] }.letter(uuid::Uuid::nil(), &reader, &ways).text
        };
        let sv = letter(Language::Sv);
        assert!(
            sv.contains("- Bo Lind: Rollen Kommunikatör (ny avdelning; svar före 2026-03-01; 0199c0de-0000)"),
            "{sv}"
        );
        assert!(letter(Language::En).contains("another department; answer before 1 Mar 2026"));
    }
}
