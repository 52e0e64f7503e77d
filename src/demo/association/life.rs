//! The life of the association as a list of dated events.
//!
//! Invariant: events are in order of time; the last night's run finds nobody new, so that the last plan is made
//! while one looks on.

use jiff::{SignedDuration, Timestamp};

use super::attendance::{self, Visit};
use super::calendar::Calendar;
use super::items::{self, ItemEvent};
use super::part::{Part, Route};
use super::{Association, GroupNo, Person, PersonNo};

/// Days since somebody switched off the northern directory's people by mistake.
const ACCIDENT: i32 = 210;

/// Something that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// The directory makes the group.
    GroupMade(GroupNo),
    /// The directory provisions the person.
    Arrives(PersonNo),
    /// The directory puts people into the group.
    Joins(GroupNo, Vec<PersonNo>),
    /// The directory takes people out of the group.
    Leaves(GroupNo, Vec<PersonNo>),
    /// The directory changes title and department.
    Becomes(PersonNo, &'static str, &'static str),
    /// The directory says that the person is not active.
    SwitchedOff(PersonNo),
    /// The directory says that the person is active again.
    SwitchedOn(PersonNo),
    /// The directory deletes the person.
    Deleted(PersonNo),
    /// The person signs in through Portvakt.
    SignsIn(PersonNo),
    /// The person signs in at the CRM itself.
    SeenInCrm(PersonNo),
    /// An administrator grants leave from now until that instant.
    LeaveGranted(PersonNo, Timestamp),
    /// An administrator makes the account temporary, until that instant.
    EndSet(PersonNo, Timestamp),
    /// An administrator makes it the account for when everything else fails, and protects it.
    MadeBreakGlass(PersonNo),
    /// Something happens to an item of the CRM.
    Item(ItemEvent),
}

/// Something that happens, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: Happening,
}

/// The morning when the northern directory switched people off by mistake, and on again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accident {
    /// Who was struck.
    pub people: Vec<PersonNo>,
    /// The last of them has been switched off.
    pub off_at: Timestamp,
    /// The last of them has been switched on again.
    pub on_at: Timestamp,
}

/// Fourteen months.
#[derive(Debug, Clone)]
pub struct Story {
    /// When it begins.
    pub start: Timestamp,
    /// The last night whose lifecycle run belongs to the story: who is due after it falls to the last plan.
    pub last_night: Timestamp,
    /// When it ends: the present.
    pub end: Timestamp,
    /// What happens, in order of time.
    pub events: Vec<Event>,
    /// The mistake in the north.
    pub accident: Accident,
}

impl Story {
    /// The story that ends at `now`.
    #[must_use]
    pub fn until(now: Timestamp, association: &Association) -> Self {
        let calendar = Calendar::until(now);
        let start = calendar.start();
        let mut events = beginning(association, start);
        for person in association.people() {
            events.extend(of_person(person, &calendar));
        }
        let (accident, struck) = accident(association, &calendar);
        events.extend(struck);
        events.extend(items::events(&calendar));
        // Stable: what happens at one instant keeps the order in which it was written down.
        events.sort_by_key(|event| event.at);
        Self { start, last_night: calendar.at(1, 2 * 60), end: now, events, accident }
    }
}

/// The first morning: groups, people, then who is in which group.
fn beginning(association: &Association, start: Timestamp) -> Vec<Event> {
    let after =
        |seconds: usize| start + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or_default());
    let there = |person: &&Person| person.part.joined().is_none();
    let mut events: Vec<Event> = GroupNo::ALL
        .into_iter()
        .enumerate()
        .map(|(place, group)| Event { at: after(place), what: Happening::GroupMade(group) })
        .collect();
    let arrivals = association.people().iter().filter(there).enumerate();
    events.extend(
        arrivals
            .map(|(place, person)| Event { at: after(60 + place), what: Happening::Arrives(person.number) }),
    );
    events.extend(GroupNo::ALL.into_iter().enumerate().map(|(place, group)| {
        let members =
            association.people().iter().filter(there).filter(|person| person.groups.contains(&group));
        let members = members.map(|person| person.number).collect();
        Event { at: after(600 + place), what: Happening::Joins(group, members) }
    }));
    events
}

/// One person's own life.
fn of_person(person: &Person, calendar: &Calendar) -> Vec<Event> {
    let number = person.number;
    let on = |days_ago, minute, what| Event { at: calendar.at(days_ago, minute), what };
    let mut events = Vec::new();
    if let Some(joined) = person.part.joined() {
        events.push(on(joined, 8 * 60, Happening::Arrives(number)));
        let joins = |group: &GroupNo| on(joined, 8 * 60 + 20, Happening::Joins(*group, vec![number]));
        events.extend(person.groups.iter().map(joins));
    }
    match person.part {
        Part::Leaves { ago, deleted } => {
            events.push(on(ago, 9 * 60, Happening::SwitchedOff(number)));
            events.extend(deleted.map(|deleted| on(deleted, 9 * 60, Happening::Deleted(number))));
        }
        Part::Returns { left, back } => {
            events.push(on(left, 9 * 60, Happening::SwitchedOff(number)));
            events.push(on(back, 6 * 60, Happening::SwitchedOn(number)));
        }
        Part::Campaign { joined, ends } => {
            events.push(on(joined, 9 * 60, Happening::EndSet(number, calendar.at(ends, 0))));
        }
        Part::OnLeave { since, until } => {
            events.push(on(since, 6 * 60, Happening::LeaveGranted(number, calendar.at(until, 0))));
        }
        Part::Moves { ago, to, title } => {
            let from =
                person.groups.iter().map(|group| on(ago, 6 * 60, Happening::Leaves(*group, vec![number])));
            events.extend(from);
            events.push(on(ago, 6 * 60, Happening::Joins(to, vec![number])));
            events.push(on(ago, 6 * 60, Happening::Becomes(number, title, to.group().department)));
        }
        Part::BreakGlass => {
            events.push(on(calendar.first_day(), 8 * 60 + 30, Happening::MadeBreakGlass(number)));
        }
        Part::Regular(_)
        | Part::Seldom
        | Part::FallsQuiet
        | Part::Quiet { .. }
        | Part::NeverSeen { .. }
        | Part::Joins { .. } => {}
    }
    let visits = attendance::visits(person, calendar.first_day());
    events.extend(visits.into_iter().map(|Visit { days_ago, minute, route }| match route {
        Route::Sso => on(days_ago, minute, Happening::SignsIn(number)),
        Route::Crm => on(days_ago, minute, Happening::SeenInCrm(number)),
    }));
    events
}

/// Somebody marks the whole list in the north and clicks the wrong button, at five in the morning.
fn accident(association: &Association, calendar: &Calendar) -> (Accident, Vec<Event>) {
    let people: Vec<PersonNo> = association
        .people()
        .iter()
        .filter(|person| attendance::is_struck(person))
        .map(|person| person.number)
        .collect();
    let (off_at, on_at) = (calendar.at(ACCIDENT, 5 * 60), calendar.at(ACCIDENT, 6 * 60 + 30));
    let off = people.iter().map(|number| Event { at: off_at, what: Happening::SwitchedOff(*number) });
    let on = people.iter().map(|number| Event { at: on_at, what: Happening::SwitchedOn(*number) });
    let events = off.chain(on).collect();
    (Accident { people, off_at, on_at }, events)
}
