//! When each person comes.
//!
//! Invariant: nobody comes before joining, while away or after leaving; who comes at all comes within nine days.

use super::part::{Part, Route};
use super::{Home, Person};

/// Days since the course after which [`Part::FallsQuiet`] fell quiet: the limit of 90 days is reached on the morning
/// of yesterday, after that day's nightly run.
pub(super) const COURSE: i32 = 91;

/// One visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Visit {
    pub(super) days_ago: i32,
    pub(super) minute: i32,
    pub(super) route: Route,
}

/// Every visit of the person in a story that began `first_day` days ago, earliest first.
pub(super) fn visits(person: &Person, first_day: i32) -> Vec<Visit> {
    let Some(habit) = person.part.habit() else { return Vec::new() };
    let number = i32::from(person.number.0);
    let joined = person.part.joined().unwrap_or(first_day);
    let mut visits = Vec::new();
    for (from, to) in windows(person.part, joined) {
        let mut days_ago = from - 1 - number % 9;
        let mut round = 0;
        while days_ago >= to {
            let minute = 7 * 60 + (number * 37 + round * 101) % (12 * 60);
            visits.push(Visit { days_ago, minute, route: habit.route });
            days_ago -= (habit.every + (round * 7 + number) % 3 - 1).max(1);
            round += 1;
        }
    }
    match person.part {
        Part::FallsQuiet => {
            visits.push(Visit { days_ago: COURSE, minute: 6 * 60 + (number * 7) % 180, route: habit.route });
        }
        Part::Quiet { last_seen } => {
            visits.push(Visit { days_ago: last_seen, minute: 18 * 60, route: Route::Sso });
        }
        Part::Regular(_)
        | Part::Seldom
        | Part::NeverSeen { .. }
        | Part::Leaves { .. }
        | Part::Returns { .. }
        | Part::Campaign { .. }
        | Part::OnLeave { .. }
        | Part::Moves { .. }
        | Part::Joins { .. }
        | Part::BreakGlass => {}
    }
    visits
}

/// The spans of days in which the person comes, as days ago: from and to.
fn windows(part: Part, joined: i32) -> Vec<(i32, i32)> {
    match part {
        Part::Regular(_) | Part::Seldom | Part::Moves { .. } | Part::Joins { .. } => vec![(joined, 1)],
        Part::FallsQuiet => vec![(joined, COURSE + 1)],
        Part::Quiet { last_seen } => vec![(joined, last_seen + 1)],
        Part::Leaves { ago, .. } => vec![(joined, ago + 1)],
        Part::Returns { left, back } => vec![(joined, left + 1), (back, 1)],
        Part::Campaign { ends, .. } => vec![(joined, ends.max(0) + 1)],
        Part::OnLeave { since, until } if until > 0 => vec![(joined, since + 1), (until, 1)],
        Part::OnLeave { since, .. } => vec![(joined, since + 1)],
        Part::NeverSeen { .. } | Part::BreakGlass => Vec::new(),
    }
}

/// Whether the accident of the northern directory strikes the person: all who are there from the first day to the last.
pub(super) fn is_struck(person: &Person) -> bool {
    person.home == Home::Okta && matches!(person.part, Part::Regular(_) | Part::Seldom)
}
