//! The part of the document about how people are told, and about changes of job.
//!
//! Invariant: what happens to somebody who cannot be reached, or does not answer, is always said.

use super::Block;
use crate::domain::language::Language;
use crate::domain::policy::Policy;
use crate::domain::policy::care::{Unanswered, WithoutAddress};
use crate::domain::policy::compare::besides;
use crate::domain::policy::phrase::{length, or, pick};

/// Adds the section.
pub(super) fn tell(policy: &Policy, language: Language, blocks: &mut Vec<Block>) {
    let says = |sv: &str, en: &str| pick(language, sv, en).to_owned();
    blocks.push(Block::Heading(says("Hur den det gäller får veta", "How people are told")));
    let mut notes = vec![says(
        "Innan ett konto fryses får personen påminnelser per e-post. En påminnelse räknas först när den har kommit i väg, \
         och tiden som den utlovar förkortas aldrig. En länk i brevet leder till den vanliga inloggningen; det räcker att \
         logga in för att behålla kontot, och där går det också att be om ledighet.",
        "Before an account is frozen the person is reminded by mail. A notice counts only once it has gone, and the time \
         that it promises is never shortened. A link in the letter leads to the usual sign-in; signing in is enough to \
         keep the account, and leave can be asked for there.",
    )];
    notes.extend(also(policy, language));
    notes.push(match policy.notices.without_address {
        WithoutAddress::Wait => says(
            "Kan ingen få påminnelsen väntar steget, och det rapporteras.",
            "Where nobody can be sent the notice the step waits, and that is reported.",
        ),
        WithoutAddress::Proceed => says(
            "Saknas adress tas steget efter samma tid ändå.",
            "Where there is no address the step is taken after the same time all the same.",
        ),
    });
    notes.extend(policy.notices.before_end.map(|before| {
        let before = length(before, language);
        match language {
            Language::Sv => format!(
                "När ett konto eller en behörighet som getts för hand närmar sig sitt slutdatum får personen, och den som \
                 gav behörigheten, veta det {before} före."
            ),
            Language::En => format!(
                "When an account or a right given by hand nears its end date the person, and whoever gave the right, is \
                 told {before} before."
            ),
        }
    }));
    notes.push(changed_job(policy, language));
    blocks.push(Block::List(notes));
}

fn also(policy: &Policy, language: Language) -> Option<String> {
    let notices = &policy.notices;
    if notices.also_to.is_empty() {
        return None;
    }
    let who: Vec<String> = notices.also_to.iter().map(|one| besides(*one, language).to_owned()).collect();
    let (who, from) = (or(&who, language), length(notices.also_from, language));
    Some(match language {
        Language::Sv => format!("Från och med påminnelsen {from} före får också {who} veta det."),
        Language::En => format!("From the notice {from} before, {who} is told too."),
    })
}

fn changed_job(policy: &Policy, language: Language) -> String {
    let job = policy.changed_job;
    let (within, every) = (length(job.answer_within, language), length(job.remind_every, language));
    let (sv, en) = match job.unanswered {
        Unanswered::AskAgain => {
            ("rapporteras det och frågan ställs igen", "that is reported and it is asked again")
        }
        Unanswered::End => ("upphör behörigheten", "the right ends"),
    };
    match language {
        Language::Sv => format!(
            "Byter någon arbete följer det som grupperna ger med genast. Det som getts för hand ska den som gav det besluta \
             om inom {within}, med påminnelse efter {every} och sedan återkommande; annars {sv}."
        ),
        Language::En => format!(
            "When somebody changes job, what the groups give follows at once. What was given by hand is put to whoever gave \
             it, to decide within {within}, with a reminder every {every}; otherwise {en}."
        ),
    }
}
