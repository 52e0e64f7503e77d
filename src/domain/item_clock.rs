//! Tells a late event from a new one: events about an item may come in another order than they happened.
//!
//! Invariant: what is known is known for the newest instant that was told, by the CRM's own clock. An older event
//! changes nothing of it, and whatever was deleted stays deleted for everything that happened before. An event without
//! an instant counts in the order it comes; a deletion without one counts for the moment it came, because taking sight
//! away by mistake is mended sooner than giving it.

use jiff::Timestamp;

use super::links::EventKind;

/// For which instants that which is known of an item is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Clocks {
    /// When it was last created or deleted.
    pub life: Option<Timestamp>,
    /// When the responsibility was told last.
    pub assigned: Option<Timestamp>,
    /// When the participants were told last.
    pub participants: Option<Timestamp>,
}

/// Which parts of an event still count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// The creation or deletion itself.
    pub life: bool,
    /// Who is responsible.
    pub assignee: bool,
    /// Who takes part.
    pub participants: bool,
}

impl Due {
    /// Nothing of it counts any more.
    pub const NOTHING: Self = Self { life: false, assignee: false, participants: false };
}

/// What an event means for what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// These parts of it count.
    Counts(Due),
    /// It happened to an item that is deleted, and after its deletion: the CRM contradicts itself.
    Gone,
}

impl Clocks {
    /// What an event of `kind` that happened `at` means; nothing for `at`: it counts as it comes.
    #[must_use]
    pub fn judge(&self, kind: EventKind, at: Option<Timestamp>, is_deleted: bool) -> Turn {
        let not_before = |clock: Option<Timestamp>| at.is_none_or(|at| clock.is_none_or(|clock| at >= clock));
        let after_deletion = at.is_none_or(|at| self.life.is_none_or(|deleted| at > deleted));
        match kind {
            EventKind::Created if is_deleted && !after_deletion => Turn::Counts(Due::NOTHING),
            EventKind::Created if is_deleted => {
                Turn::Counts(Due { life: true, assignee: true, participants: true })
            }
            EventKind::Created => Turn::Counts(Due {
                life: not_before(self.life),
                assignee: not_before(self.life) && not_before(self.assigned),
                participants: not_before(self.life) && not_before(self.participants),
            }),
            EventKind::Deleted => {
                // What was told of it for a later instant shows that it lived on.
                let newest = self.life.max(self.assigned).max(self.participants);
                let due = is_deleted || not_before(newest);
                Turn::Counts(Due { life: due, assignee: due, participants: due })
            }
            EventKind::Assigned | EventKind::Participants if is_deleted => {
                if after_deletion {
                    Turn::Gone
                } else {
                    Turn::Counts(Due::NOTHING)
                }
            }
            EventKind::Assigned => Turn::Counts(Due {
                assignee: not_before(self.life) && not_before(self.assigned),
                ..Due::NOTHING
            }),
            EventKind::Participants => Turn::Counts(Due {
                participants: not_before(self.life) && not_before(self.participants),
                ..Due::NOTHING
            }),
        }
    }

    /// The clocks after an event of which these parts counted.
    #[must_use]
    pub fn after(&self, kind: EventKind, at: Option<Timestamp>, counted: Due, now: Timestamp) -> Self {
        let at = if kind == EventKind::Deleted { at.or(Some(now)) } else { at };
        // A clock that runs ahead of ours must not close the door to what comes next.
        let at = at.map(|at| at.min(now));
        let moved = |clock: Option<Timestamp>, counts: bool| if counts { clock.max(at) } else { clock };
        Self {
            life: moved(self.life, counted.life),
            assigned: moved(self.assigned, counted.assignee),
            participants: moved(self.participants, counted.participants),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: &[EventKind] = EventKind::ALL;

    fn minute(number: i64) -> Timestamp {
        Timestamp::from_second(number * 60).unwrap()
    }

    fn counts(clocks: Clocks, kind: EventKind, when: Option<Timestamp>, is_deleted: bool) -> bool {
        match clocks.judge(kind, when, is_deleted) {
            Turn::Counts(due) => due != Due::NOTHING,
            Turn::Gone => false,
        }
    }

    #[test]
    fn an_older_assignment_does_not_overwrite_a_newer_one() {
        let known = Clocks { assigned: Some(minute(5)), ..Clocks::default() };
        assert!(!counts(known, EventKind::Assigned, Some(minute(4)), false));
        assert!(counts(known, EventKind::Assigned, Some(minute(5)), false));
        assert!(counts(known, EventKind::Participants, Some(minute(4)), false));
        assert!(counts(known, EventKind::Assigned, None, false));
    }

    #[test]
    fn nothing_older_than_a_deletion_brings_an_item_back() {
        let known =
            Clocks { life: Some(minute(5)), assigned: Some(minute(5)), participants: Some(minute(5)) };
        for kind in KINDS.iter().filter(|kind| **kind != EventKind::Deleted) {
            assert!(
                !counts(known, *kind, Some(minute(4)), true) && !counts(known, *kind, Some(minute(5)), true),
                "{kind}"
            );
        }
        assert!(counts(known, EventKind::Created, Some(minute(6)), true));
        assert_eq!(known.judge(EventKind::Assigned, Some(minute(6)), true), Turn::Gone);
        assert_eq!(known.judge(EventKind::Assigned, None, true), Turn::Gone);
    }

    #[test]
    fn a_late_deletion_does_not_end_what_was_created_or_told_after_it() {
        let born = Clocks { life: Some(minute(8)), ..Clocks::default() };
        assert!(!counts(born, EventKind::Deleted, Some(minute(6)), false));
        assert!(counts(born, EventKind::Deleted, Some(minute(9)), false));
        let told = Clocks { assigned: Some(minute(8)), ..Clocks::default() };
        assert!(!counts(told, EventKind::Deleted, Some(minute(6)), false));
    }

    #[test]
    fn a_late_creation_gives_its_link_but_not_its_outdated_assignee() {
        let known = Clocks { assigned: Some(minute(7)), ..Clocks::default() };
        let Turn::Counts(due) = known.judge(EventKind::Created, Some(minute(5)), false) else {
            panic!("it counts")
        };
        assert_eq!((due.life, due.assignee, due.participants), (true, false, true));
    }

    #[test]
    fn a_clock_ahead_of_ours_is_kept_at_ours_and_none_moves_back() {
        let due = Due { assignee: true, ..Due::NOTHING };
        let ahead = Clocks::default().after(EventKind::Assigned, Some(minute(9)), due, minute(7));
        assert_eq!(ahead.assigned, Some(minute(7)));
        assert_eq!(ahead.after(EventKind::Assigned, None, due, minute(8)).assigned, Some(minute(7)));
        let gone = Clocks::default().after(EventKind::Deleted, None, Due { life: true, ..due }, minute(7));
        assert_eq!((gone.life, gone.assigned, gone.participants), (Some(minute(7)), Some(minute(7)), None));
    }
}
