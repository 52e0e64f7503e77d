//! What came of the story: how much was asked of Portvakt, how much of it ended as it should, and why the rest did not.
//!
//! Invariant: counts only grow; whatever fails is counted and told, and the story goes on.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::domain::account::Status;
use crate::flows::people::Line;

/// One kind of thing that was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Count {
    /// How many were asked for.
    pub(super) asked: usize,
    /// How many ended as they should.
    pub(super) done: usize,
    /// Why the others did not.
    pub(super) reasons: Vec<String>,
}

impl Count {
    /// Counts one that came to this.
    pub(super) fn note<E: Display>(&mut self, what: impl Display, result: Result<(), E>) {
        self.several(what, 1, result.map(|()| 1));
    }

    /// Counts `asked`, of which so many ended as they should.
    pub(super) fn several<E: Display>(&mut self, what: impl Display, asked: usize, result: Result<usize, E>) {
        self.asked += asked;
        match result {
            Ok(done) => {
                self.done += done;
                if done < asked {
                    self.reasons.push(format!("{what}: {done}/{asked}"));
                }
            }
            Err(error) => self.reasons.push(format!("{what}: {error}")),
        }
    }
}

/// How the accounts stood after the northern directory's mistake, and after it was mended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mistake {
    /// Deactivated before the safety limit held.
    pub(super) departed: usize,
    /// Held by the safety limit.
    pub(super) held: usize,
    /// Active after it was mended.
    pub(super) back: usize,
}

/// What came of the story.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// What the directories said over SCIM.
    pub(super) pushed: Count,
    /// What administrators decided.
    pub(super) decided: Count,
    /// Who signed in through Portvakt.
    pub(super) sign_ins: Count,
    /// Sign-ins that the CRM reported.
    pub(super) seen: Count,
    /// What the CRM said about items.
    pub(super) items: Count,
    /// Jobs that ran.
    pub(super) jobs: Count,
    /// The mistake in the north.
    pub(super) mistake: Mistake,
    /// Whether somebody ended the demo before the story's end.
    pub(super) is_broken_off: bool,
}

/// How many accounts have each status.
pub(super) fn by_status(lines: &[Line]) -> BTreeMap<Status, usize> {
    let mut counts = BTreeMap::new();
    for line in lines {
        *counts.entry(line.status).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_is_counted_as_asked_and_keeps_its_reason() {
        let mut count = Count::default();
        count.note("one", Ok::<(), String>(()));
        count.note("two", Err("refused"));
        count.several("rows", 5, Ok::<usize, String>(4));
        assert_eq!((count.asked, count.done), (7, 5));
        assert_eq!(count.reasons, ["two: refused", "rows: 4/5"]);
    }
}
