//! What the demo writes on the screen: chapters, lines, and whether each step ended as it should.
//!
//! Invariant: every text is in the one language that was chosen; a reader that goes away ends nothing.

use std::fmt::Display;
use std::io::{Stdout, Write as _};

use crate::domain::language::Language;
use crate::flows::report::aligned;

/// At most this many reasons are told for one step.
const TOLD: usize = 3;

/// The screen, and the count of what ended as it should.
#[derive(Debug)]
pub(super) struct Screen {
    out: Stdout,
    language: Language,
    chapter: usize,
    right: usize,
    wrong: usize,
}

impl Screen {
    pub(super) fn new(language: Language) -> Self {
        Self { out: std::io::stdout(), language, chapter: 0, right: 0, wrong: 0 }
    }

    pub(super) const fn language(&self) -> Language {
        self.language
    }

    /// The Swedish or the English text.
    pub(super) fn pick<'t>(&self, sv: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::Sv => sv,
            Language::En => en,
        }
    }

    /// Writes a line as it is.
    pub(super) fn line(&self, text: impl Display) {
        let mut out = self.out.lock();
        // Whoever read along may have gone away; the demo itself goes on.
        drop(writeln!(out, "{text}"));
        drop(out.flush());
    }

    /// Writes a line in the chosen language.
    pub(super) fn say(&self, sv: &str, en: &str) {
        self.line(self.pick(sv, en));
    }

    /// Begins a new chapter.
    pub(super) fn begin(&mut self, sv: &str, en: &str) {
        self.chapter += 1;
        self.line(format_args!("\n{}. {}", self.chapter, self.pick(sv, en)));
    }

    /// Writes rows under their titles.
    pub(super) fn table(&self, titles: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let mut table = vec![titles.iter().map(|title| (*title).to_owned()).collect()];
        table.extend(rows);
        for line in aligned(&table) {
            self.line(format_args!("  {line}"));
        }
    }

    /// Compares what came out with what should have.
    pub(super) fn check(&mut self, sv: &str, en: &str, expected: impl Display, actual: impl Display) {
        let (expected, actual) = (expected.to_string(), actual.to_string());
        let what = self.pick(sv, en);
        if expected == actual {
            self.right += 1;
            self.line(format_args!("  ok      {what}: {actual}"));
        } else {
            self.wrong += 1;
            let should = self.pick("skulle vara", "should be");
            self.line(format_args!("  FAILED  {what}: {actual}; {should} {expected}"));
        }
    }

    /// Tells the first reasons for which a step did not end as it should.
    pub(super) fn reasons(&self, reasons: &[String]) {
        for reason in reasons.iter().take(TOLD) {
            self.line(format_args!("          {reason}"));
        }
        if reasons.len() > TOLD {
            let more = reasons.len() - TOLD;
            self.line(format_args!("          … {more} {}", self.pick("till", "more")));
        }
    }

    /// How many steps ended as they should, and how many did not.
    pub(super) const fn counts(&self) -> (usize, usize) {
        (self.right, self.wrong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_counts_as_right_only_when_it_came_out_as_expected() {
        let mut screen = Screen::new(Language::En);
        screen.check("konton", "accounts", 120, 120);
        screen.check("konton", "accounts", 120, 119);
        assert_eq!(screen.counts(), (1, 1));
        assert_eq!(screen.pick("hej", "hello"), "hello");
    }
}
