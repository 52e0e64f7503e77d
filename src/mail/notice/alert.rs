//! Alerts to those who look after the accounts.
//!
//! Invariant: an alert says first whether anything has happened, and names the command and the page that decide.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::domain::language::{Language, Text};
use crate::mail::letter::Letter;

/// How many accounts a plan would touch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlanCounts {
    /// Would be frozen.
    pub freeze: usize,
    /// Would be deactivated.
    pub deactivate: usize,
    /// Would be removed.
    pub remove: usize,
    /// Would lose rights, and stay.
    pub take_rights: usize,
}

/// What became of an invitation to sign in without a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invited {
    /// Somebody with the shell made it.
    Made,
    /// A browser opened it.
    Opened,
    /// Somebody signed in by it.
    Used,
}

impl Invited {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Made => "made",
            Self::Opened => "opened",
            Self::Used => "used",
        }
    }

    const fn in_swedish(self) -> &'static str {
        match self {
            Self::Made => "skapats",
            Self::Opened => "öppnats",
            Self::Used => "använts",
        }
    }
}

/// An alert.
#[derive(Debug, Clone, Copy)]
pub enum Alert<'a> {
    /// A plan stopped by itself and waits for release.
    PlanStopped {
        /// The plan's hash, which a release names.
        hash: &'a str,
        /// When it was made, in the policy's own time zone.
        made_on: Date,
        /// What it would do.
        counts: PlanCounts,
        /// Why it stopped, a sentence each.
        causes: &'a [Text],
    },
    /// A link that lets an administrator in without a provider was made, opened or used.
    Invitation {
        /// Which of it.
        event: Invited,
        /// Whom it lets in.
        user_name: &'a str,
        /// Who did it.
        by: &'a str,
        /// When.
        at: Timestamp,
    },
}

impl Alert<'_> {
    /// The alert as a letter, named `id`.
    #[must_use]
    pub fn letter(&self, id: uuid::Uuid, address: &str, language: Language) -> Letter {
        let (subject, text) = match *self {
            Self::PlanStopped { hash, made_on, counts, causes } => {
                stopped(language, hash, made_on, counts, causes)
            }
            Self::Invitation { event, user_name, by, at } => invitation(language, event, user_name, by, at),
        };
        Letter { id, to: address.to_owned(), language, subject, text: text + "\n\n-- \nPortvakt\n" }
    }
}

fn invitation(
    language: Language,
    event: Invited,
    user_name: &str,
    by: &str,
    at: Timestamp,
) -> (String, String) {
    let at = at.strftime("%Y-%m-%d %H:%M UTC");
    match language {
        Language::Sv => (
            "En engångslänk in till Portvakt".to_owned(),
            format!(
                "En engångslänk som släpper in {user_name} utan organisationens inloggning har {} ({at}, {by}).\n\nÄr det \
                 väntat behöver du inte göra något. Annars: avsluta kontots sessioner, och ta reda på vem som har \
                 kommandoraden.\nportvakt account sessions {user_name} --end-all --reason \"…\"\nportvakt admin list",
                event.in_swedish()
            ),
        ),
        Language::En => (
            "A one-time link into Portvakt".to_owned(),
            format!(
                "A one-time link that lets {user_name} in without the organisation's sign-in was {} ({at}, {by}).\n\nIf that \
                 is expected, there is nothing to do. Otherwise end the account's sessions, and find out who has the \
                 command line.\nportvakt account sessions {user_name} --end-all --reason \"…\"\nportvakt admin list",
                event.name()
            ),
        ),
    }
}

fn stopped(
    language: Language,
    hash: &str,
    made_on: Date,
    counts: PlanCounts,
    causes: &[Text],
) -> (String, String) {
    let causes: Vec<String> = causes.iter().map(|cause| format!("- {}", cause.get(language))).collect();
    let (would, causes) = (would(counts, language), causes.join("\n"));
    match language {
        Language::Sv => (
            "Planen stannade av sig själv och väntar på beslut".to_owned(),
            format!(
                "Planen från {made_on} stannade av sig själv. Ingenting har gjorts.\n\nDen skulle {would}.\n\nVarför den \
                     stannade:\n{causes}\n\nSe hela planen:\nportvakt lifecycle show {hash}\n\nGodkänn den:\n\
                     portvakt lifecycle release {hash} --reason \"…\"\n\nBeslutet gäller just den här planen. Görs inget \
                     ersätts den av en ny vid nästa körning."
            ),
        ),
        Language::En => (
            "The plan stopped by itself and awaits a decision".to_owned(),
            format!(
                "The plan of {} stopped by itself. Nothing has been done.\n\nIt would {would}.\n\nWhy it stopped:\n\
                     {causes}\n\nSee the whole plan:\nportvakt lifecycle show {hash}\n\nRelease it:\n\
                     portvakt lifecycle release {hash} --reason \"…\"\n\nThe decision covers this very plan. If nothing is done, \
                     a new one takes its place at the next run.",
                made_on.strftime("%-d %b %Y")
            ),
        ),
    }
}

/// "frysa 6 konton och avaktivera 1 konto": only what there is.
fn would(counts: PlanCounts, language: Language) -> String {
    let (acts, one, many, and, nothing) = match language {
        Language::Sv => (
            ["frysa", "avaktivera", "ta bort", "ta bort behörigheter för"],
            "konto",
            "konton",
            " och ",
            "inte röra något konto",
        ),
        Language::En => (
            ["freeze", "deactivate", "remove", "take rights from"],
            "account",
            "accounts",
            " and ",
            "touch no account",
        ),
    };
    let PlanCounts { freeze, deactivate, remove, take_rights } = counts;
    let counted = acts.into_iter().zip([freeze, deactivate, remove, take_rights]);
    let mut parts: Vec<String> = counted
        .filter(|(_, count)| *count > 0)
        .map(|(act, count)| format!("{act} {count} {}", if count == 1 { one } else { many }))
        .collect();
    match parts.pop() {
        None => nothing.to_owned(),
        Some(last) if parts.is_empty() => last,
        Some(last) => parts.join(", ") + and + &last,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_stopped_plan_says_that_nothing_was_done_why_and_how_to_decide() {
        let causes = [Text::new(
            "24 av 108 aktiva konton. Gränsen är 10.",
            "24 of 108 active accounts. The limit is 10.",
        )];
        let alert = Alert::PlanStopped {
            hash: "3f9c",
            made_on: date(2025, 10, 7),
            counts: PlanCounts { freeze: 24, deactivate: 1, ..PlanCounts::default() },
            causes: &causes,
        };
        let sv = alert.letter(uuid::Uuid::nil(), "it@b.example", Language::Sv).text;
        assert!(
            sv.starts_with("Planen från 2025-10-07 stannade av sig själv. Ingenting har gjorts."),
            "{sv}"
        );
        assert!(sv.contains("Den skulle frysa 24 konton och avaktivera 1 konto."), "{sv}");
        assert!(sv.contains("- 24 av 108 aktiva konton."), "{sv}");
        let en = alert.letter(uuid::Uuid::nil(), "it@b.example", Language::En).text;
        assert!(en.starts_with("The plan of 7 Oct 2025 stopped by itself. Nothing has been done."), "{en}");
        assert!(en.contains("It would freeze 24 accounts and deactivate 1 account."), "{en}");
        for text in [sv, en] {
            assert!(
                text.contains("portvakt lifecycle release 3f9c --reason")
                    && text.contains("portvakt lifecycle show 3f9c")
            );
        }
    }

    #[test]
    fn all_acts_are_told_in_one_sentence() {
        let counts = PlanCounts { freeze: 2, deactivate: 3, remove: 1, take_rights: 8 };
        assert_eq!(
            would(counts, Language::En),
            "freeze 2 accounts, deactivate 3 accounts, remove 1 account and take rights from 8 accounts"
        );
        assert!(would(counts, Language::Sv).ends_with(" och ta bort behörigheter för 8 konton"));
    }
}
