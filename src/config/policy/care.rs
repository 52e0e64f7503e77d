//! Reads how people are told, and what a change of job does to rights given by hand.
//!
//! Invariant: without the sections the safe defaults hold: a step waits for its notice, and silence takes nothing.

use jiff::SignedDuration;

use super::super::reading::Section;
use crate::domain::policy::care::{Besides, ChangedJob, NoticePolicy, Unanswered, WithoutAddress};

/// Reads `[notices]`.
pub(super) fn notices(section: Option<&Section<'_>>) -> NoticePolicy {
    let usual = NoticePolicy::default();
    let Some(section) = section else { return usual };
    let also_to: Vec<Besides> =
        section.list("also_to").iter().filter_map(|item| item.choice(Besides::ALL, Besides::name)).collect();
    let also_from = section.field("also_from");
    if let Some(field) = also_from.as_ref().filter(|_| also_to.is_empty()) {
        field.doubtful(
            "nobody hears of a notice beside the person, so this says nothing",
            "name also_to = [\"manager\"], or leave this key out",
        );
    }
    NoticePolicy {
        also_from: also_from.and_then(|field| field.duration()).unwrap_or(usual.also_from),
        also_to,
        without_address: section
            .field("without_address")
            .and_then(|field| field.choice(WithoutAddress::ALL, WithoutAddress::name))
            .unwrap_or(usual.without_address),
        before_end: match section.field("before_end") {
            Some(field) => field.duration_or_never(),
            None => usual.before_end,
        },
    }
}

/// Reads `[changed_job]`.
pub(super) fn changed_job(section: Option<&Section<'_>>) -> ChangedJob {
    let usual = ChangedJob::default();
    let Some(section) = section else { return usual };
    let length = |key: &str, usual: SignedDuration| {
        let Some(field) = section.field(key) else { return usual };
        let read = field.duration().unwrap_or(usual);
        if read < SignedDuration::from_hours(24) {
            field.wrong("it is shorter than a day", "write at least \"1d\"");
        }
        read
    };
    let job = ChangedJob {
        remind_every: length("remind_every", usual.remind_every),
        answer_within: length("answer_within", usual.answer_within),
        unanswered: section
            .field("unanswered")
            .and_then(|field| field.choice(Unanswered::ALL, Unanswered::name))
            .unwrap_or(usual.unanswered),
    };
    if job.unanswered == Unanswered::End && job.remind_every >= job.answer_within {
        section.doubtful(
            "a right would end without a single reminder",
            "make remind_every shorter than answer_within",
        );
    }
    job
}
