//! Differences of who is told, and of what a change of job does.
//!
//! Invariant: every key of the two sections is compared.

use super::Said;
use crate::domain::language::Language;
use crate::domain::policy::Policy;
use crate::domain::policy::care::{Besides, Unanswered, WithoutAddress};
use crate::domain::policy::phrase::{length, pick};

pub(super) fn care(former: &Policy, new: &Policy, said: &mut Said) {
    let language = said.language;
    let (was, is) = (&former.notices, &new.notices);
    let (from, to) = (also(&was.also_to, language), also(&is.also_to, language));
    said.change("Påminnelser går också till", "Notices also go to", &from, &to);
    let (from, to) = (length(was.also_from, language), length(is.also_from, language));
    said.change("De får påminnelser från och med", "They get notices from", &from, &to);
    let (from, to) = (unreached(was.without_address, language), unreached(is.without_address, language));
    said.change("Utan adress", "Without an address", from, to);
    let end = |policy: &Policy| match policy.notices.before_end {
        Some(before) => length(before, language),
        None => pick(language, "aldrig", "never").to_owned(),
    };
    let (from, to) = (end(former), end(new));
    said.change("Slutdatum påminns före", "An end date is told before", &from, &to);
    let (was, is) = (former.changed_job, new.changed_job);
    let (from, to) = (length(was.remind_every, language), length(is.remind_every, language));
    said.change("Vid byte av arbete påminns var", "On a change of job, reminded every", &from, &to);
    let (from, to) = (length(was.answer_within, language), length(is.answer_within, language));
    said.change("Vid byte av arbete väntas svar inom", "On a change of job, answered within", &from, &to);
    let (from, to) = (unanswered(was.unanswered, language), unanswered(is.unanswered, language));
    said.change("Utan svar vid byte av arbete", "Without an answer on a change of job", from, to);
}

fn also(all: &[Besides], language: Language) -> String {
    let words: Vec<&str> = all.iter().map(|one| besides(*one, language)).collect();
    if words.is_empty() { pick(language, "ingen", "nobody").to_owned() } else { words.join(", ") }
}

/// "chefen", "the manager".
pub(in crate::domain::policy) fn besides(one: Besides, language: Language) -> &'static str {
    match one {
        Besides::Manager => pick(language, "chefen", "the manager"),
        Besides::SectorOwner => pick(language, "sektorns ansvariga", "the owner of the sector"),
    }
}

fn unreached(one: WithoutAddress, language: Language) -> &'static str {
    match one {
        WithoutAddress::Wait => pick(language, "steget väntar", "the step waits"),
        WithoutAddress::Proceed => pick(language, "steget tas ändå", "the step is taken all the same"),
    }
}

fn unanswered(one: Unanswered, language: Language) -> &'static str {
    match one {
        Unanswered::AskAgain => pick(language, "frågan ställs igen", "it is asked again"),
        Unanswered::End => pick(language, "behörigheten upphör", "the right ends"),
    }
}
