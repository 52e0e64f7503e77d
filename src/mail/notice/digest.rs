//! What happened since yesterday, what waits and what comes, for those who look after the accounts.
//!
//! Invariant: what wants a decision comes before what was done, and a part with nothing in it is left out.

use jiff::civil::Date;

use super::super::letter::Letter;
use super::date_en;
use crate::domain::language::{Language, Text};
use crate::domain::name::one_line;

/// One part of a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its heading.
    pub heading: Text,
    /// Its lines, in the reader's language.
    pub lines: Vec<String>,
}

/// The digest of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digest {
    /// The day.
    pub day: Date,
    /// Its parts, in the order in which they are read.
    pub parts: Vec<Part>,
}

impl Digest {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|part| part.lines.is_empty())
    }

    /// The digest as a letter, named `id`.
    #[must_use]
    pub fn letter(&self, id: uuid::Uuid, address: &str, language: Language) -> Letter {
        let (subject, nothing) = match language {
            Language::Sv => (format!("Portvakt {}", self.day), "Ingenting att berätta i dag."),
            Language::En => (format!("Portvakt {}", date_en(self.day)), "Nothing to tell today."),
        };
        let shown = self.parts.iter().filter(|part| !part.lines.is_empty()).map(|part| {
            let lines: Vec<String> = part.lines.iter().map(|line| format!("- {}", one_line(line))).collect();
            format!("{}\n{}", part.heading.get(language), lines.join("\n"))
        });
        let parts: Vec<String> = shown.collect();
        let body = if parts.is_empty() { nothing.to_owned() } else { parts.join("\n\n") };
        Letter { id, to: address.to_owned(), language, subject, text: format!("{body}\n\n-- \nPortvakt\n") }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn parts_come_in_order_and_empty_ones_are_left_out() {
        let part = |sv: &str, lines: &[&str]| Part {
            heading: Text::new(sv, "x"),
            lines: lines.iter().map(|&line| line.to_owned()).collect(),
        };
        let parts =
            vec![part("Väntar på beslut", &["en plan"]), part("Fel", &[]), part("Gjort", &["Åsa\r\nBcc: x"])];
        let digest = Digest { day: date(2026, 3, 2), parts };
        let letter = digest.letter(uuid::Uuid::nil(), "it@b.example", Language::Sv);
        assert_eq!(letter.subject, "Portvakt 2026-03-02");
        assert!(
            letter.text.starts_with("Väntar på beslut\n- en plan\n\nGjort\n- Åsa Bcc: x\n"),
            "{}",
            letter.text
        );
        assert!(!digest.is_empty());
        let empty = Digest { day: date(2026, 3, 2), parts: vec![part("Fel", &[])] };
        assert!(empty.is_empty());
        assert!(
            empty.letter(uuid::Uuid::nil(), "it@b.example", Language::En).text.starts_with("Nothing to tell")
        );
    }
}
