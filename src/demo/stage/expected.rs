//! What should come of the story, read from the story alone.
//!
//! Invariant: nothing here asks Portvakt; so that what Portvakt says can be compared with it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::demo::association::{
    Association, GroupNo, Happening, Home, Outcome, Part, Person, PersonNo, Story,
};

/// What should come of the story.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expected {
    /// What the directories say.
    pub(super) pushed: usize,
    /// What administrators decide.
    pub(super) decided: usize,
    /// Who signs in through Portvakt.
    pub(super) sign_ins: usize,
    /// Who signs in at the CRM.
    pub(super) seen: usize,
    /// What happens to items.
    pub(super) items: usize,
    last_visits: BTreeMap<PersonNo, Timestamp>,
}

impl Expected {
    pub(super) fn of(story: &Story) -> Self {
        let mut expected = Self::default();
        for event in &story.events {
            match &event.what {
                Happening::SignsIn(person) => {
                    expected.sign_ins += 1;
                    expected.last_visits.insert(*person, event.at);
                }
                Happening::SeenInCrm(person) => {
                    expected.seen += 1;
                    expected.last_visits.insert(*person, event.at);
                }
                Happening::Item(_) => expected.items += 1,
                Happening::LeaveGranted(..) | Happening::EndSet(..) | Happening::MadeBreakGlass(_) => {
                    expected.decided += 1;
                }
                Happening::GroupMade(_)
                | Happening::Arrives(_)
                | Happening::Joins(..)
                | Happening::Leaves(..)
                | Happening::Becomes(..)
                | Happening::SwitchedOff(_)
                | Happening::SwitchedOn(_)
                | Happening::Deleted(_) => expected.pushed += 1,
            }
        }
        expected
    }

    /// How many have access at the end and did not come since `limit`.
    pub(super) fn quiet_since(&self, limit: Timestamp, association: &Association) -> usize {
        let has_access = |person: &&Person| person.part.outcome() != Outcome::Deactivated;
        let is_quiet = |person: &&Person| self.last_visits.get(&person.number).is_none_or(|at| *at < limit);
        association.people().iter().filter(has_access).filter(is_quiet).count()
    }
}

/// The beginning of the day a year before `now`.
pub(super) fn a_year_before(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let then = now.to_zoned(zone.clone()).date().saturating_sub(1.year());
    then.to_zoned(zone.clone()).map_or(now, |zoned| zoned.timestamp())
}

/// The people one can sign in as, all at the directory that is like Entra, to see what happens.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guests<'a> {
    /// An administrator, who gets in.
    pub(super) active: &'a Person,
    /// A helper who sees only her own items.
    pub(super) limited: &'a Person,
    /// Somebody who has left.
    pub(super) departed: &'a Person,
    /// Somebody whom the last plan froze.
    pub(super) frozen: &'a Person,
}

impl<'a> Guests<'a> {
    /// Those whom the association has for it; nothing if it had none.
    pub(super) fn of(association: &'a Association) -> Option<Self> {
        let at_entra = || association.people().iter().filter(|person| person.home == Home::Entra);
        let first = |wanted: fn(&Person) -> bool| at_entra().find(|person| wanted(person));
        let regular = |group: GroupNo| {
            at_entra()
                .find(|person| matches!(person.part, Part::Regular(_)) && person.groups.contains(&group))
        };
        Some(Self {
            active: regular(GroupNo::Administrators)?,
            limited: regular(GroupNo::Helpers)?,
            departed: first(|person| matches!(person.part, Part::Leaves { deleted: None, .. }))?,
            frozen: first(|person| person.part == Part::FallsQuiet)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_expected_is_read_from_the_story() {
        let association = Association::bjorkbacken();
        let story = Story::until("2025-10-07T09:30:00Z".parse().unwrap(), &association);
        let expected = Expected::of(&story);
        let sum = expected.pushed + expected.decided + expected.sign_ins + expected.seen + expected.items;
        assert_eq!(sum, story.events.len());
        let limit = a_year_before(story.end, &TimeZone::get("Europe/Stockholm").unwrap());
        assert_eq!(limit.to_string(), "2024-10-06T22:00:00Z");
        // The account for when everything else fails, and those who came lately and have not been seen yet.
        assert_eq!(expected.quiet_since(limit, &association), 3);
    }

    #[test]
    fn there_is_somebody_of_each_kind_to_sign_in_as() {
        let association = Association::bjorkbacken();
        let guests = Guests::of(&association).unwrap();
        assert_eq!(
            [guests.active, guests.limited, guests.departed, guests.frozen].map(|person| person.given),
            ["Henrik", "Maja", "Fredrik", "Anders"]
        );
    }
}
