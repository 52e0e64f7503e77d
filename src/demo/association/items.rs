//! What people make in the CRM: the items that it tells Portvakt about.
//!
//! Invariant: every item's component is in the policy of the demo; everybody named is there at that time.

use super::PersonNo;
use super::calendar::Calendar;
use super::life::{Event, Happening};

/// Something that happened to one item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemEvent {
    /// Somebody made it.
    Created {
        /// The component.
        component: &'static str,
        /// The CRM's id of it.
        item: &'static str,
        /// Who.
        by: PersonNo,
        /// The project it was made in.
        project: Option<&'static str>,
    },
    /// Somebody became responsible for it, or nobody.
    Assigned {
        /// The component.
        component: &'static str,
        /// The CRM's id of it.
        item: &'static str,
        /// Who.
        to: Option<Assignee>,
    },
    /// These take part in the discussion now.
    Participants {
        /// The component.
        component: &'static str,
        /// The CRM's id of it.
        item: &'static str,
        /// Everybody who takes part.
        people: Vec<PersonNo>,
    },
}

/// Who is responsible.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assignee {
    /// A person.
    Person(PersonNo),
    /// Whoever holds the role.
    Role(&'static str),
}

pub(super) const CHAIR: PersonNo = PersonNo(2);
pub(super) const TREASURER: PersonNo = PersonNo(3);
pub(super) const SECRETARY: PersonNo = PersonNo(4);
pub(super) const PRESS_LEAD: PersonNo = PersonNo(16);
pub(super) const MAJA: PersonNo = PersonNo(24);
pub(super) const ELIAS: PersonNo = PersonNo(25);
pub(super) const COORDINATOR: PersonNo = PersonNo(91);
pub(super) const TOR: PersonNo = PersonNo(96);

/// The items' story, earliest first.
pub(super) fn events(calendar: &Calendar) -> Vec<Event> {
    let created = |component, item, by, project| ItemEvent::Created { component, item, by, project };
    let assigned = |component, item, to| ItemEvent::Assigned { component, item, to };
    let people = |item, people| ItemEvent::Participants { component: "board_discussion", item, people };
    let story = [
        (300, created("project", "jubileet", PRESS_LEAD, None)),
        (290, created("mailing", "utskick-41", MAJA, None)),
        (270, created("mailing", "utskick-42", ELIAS, Some("jubileet"))),
        (260, created("board_discussion", "styrelsen-7", CHAIR, None)),
        (259, people("styrelsen-7", vec![CHAIR, TREASURER, SECRETARY])),
        (240, created("activity_list", "norr-hosten", TOR, None)),
        (230, assigned("activity_list", "norr-hosten", Some(Assignee::Person(COORDINATOR)))),
        (190, created("email_case", "arende-118", PRESS_LEAD, None)),
        (189, assigned("email_case", "arende-118", Some(Assignee::Role("communicator")))),
        (150, created("mailing", "utskick-57", MAJA, Some("jubileet"))),
        (110, assigned("mailing", "utskick-57", Some(Assignee::Person(ELIAS)))),
        (80, people("styrelsen-7", vec![CHAIR, SECRETARY])),
        (45, assigned("mailing", "utskick-57", None)),
        (20, created("mailing", "utskick-63", ELIAS, None)),
    ];
    let at =
        |(days_ago, event)| Event { at: calendar.at(days_ago, 19 * 60 + 30), what: Happening::Item(event) };
    story.into_iter().map(at).collect()
}
