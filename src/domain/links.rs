//! What an event of an item in the CRM does to its links and its assignment.
//!
//! Invariant: pure, and a repeat changes nothing. An event ends only links of its own origin: leaving a discussion
//! never drops a manual link, and moving the assignment drops none at all.

use std::collections::BTreeSet;

use super::grant::{Holder, ItemRef, Link, LinkOrigin};
use super::ids::{AccountId, GrantId};
use super::named::named;
use super::policy::{Component, LinksOn};

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It came to be.
    Created,
    /// Somebody else, or nobody, is responsible now.
    Assigned,
    /// The list of participants is now another.
    Participants,
    /// It is gone.
    Deleted,
}

named!(
    EventKind,
    Created = "created",
    Assigned = "assigned",
    Participants = "participants",
    Deleted = "deleted",
);

/// One event, as the CRM tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemEvent {
    /// What happened.
    pub kind: EventKind,
    /// To which item.
    pub item: ItemRef,
    /// Who did it.
    pub by: Option<AccountId>,
    /// The project that the item was created within, by the CRM's id.
    pub project: Option<String>,
    /// Who is responsible now. Outer nothing: not told; inner nothing: nobody.
    pub assignee: Option<Option<Holder>>,
    /// All who take part now, not only the new ones. Nothing: not told.
    pub participants: Option<BTreeSet<AccountId>>,
}

impl ItemEvent {
    /// Whether the event says what it is about.
    ///
    /// # Errors
    ///
    /// [`EventError`] when it does not.
    pub const fn is_whole(&self) -> Result<(), EventError> {
        match (self.kind, &self.assignee, &self.participants) {
            (EventKind::Assigned, None, _) => Err(EventError::AssigneeMissing),
            (EventKind::Participants, _, None) => Err(EventError::ParticipantsMissing),
            (
                EventKind::Created | EventKind::Assigned | EventKind::Participants | EventKind::Deleted,
                _,
                _,
            ) => Ok(()),
        }
    }
}

/// The item's links and assignment before the event.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    /// Its links that stand; ended ones are ignored.
    pub links: &'a [Link],
    /// Who is responsible.
    pub assignment: Option<&'a Holder>,
}

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLink {
    /// For whom.
    pub holder: Holder,
    /// From what.
    pub origin: LinkOrigin,
    /// The project, for a link that comes from one.
    pub why: Option<String>,
}

/// What becomes of the assignment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum AssignmentChange {
    /// It stays as it is.
    #[default]
    Keep,
    /// It moves.
    Move {
        /// From here; nothing: nobody was responsible.
        from: Option<Holder>,
        /// To here.
        to: Holder,
    },
    /// Nobody is responsible any more.
    End {
        /// Who was.
        from: Holder,
    },
}

/// What an event changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkChanges {
    /// Links to be made.
    pub give: Vec<NewLink>,
    /// Links to be ended.
    pub end: Vec<GrantId>,
    /// What becomes of the assignment.
    pub assignment: AssignmentChange,
}

impl LinkChanges {
    /// Nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.give.is_empty() && self.end.is_empty() && self.assignment == AssignmentChange::Keep
    }
}

/// Why an event is refused; its neighbours in the list are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// `assigned` without `assignee`.
    #[error("an \"assigned\" event needs \"assignee\": an account, a role, or null for nobody")]
    AssigneeMissing,
    /// `participants` without `participants`.
    #[error("a \"participants\" event needs \"participants\": the whole list of accounts, empty for nobody")]
    ParticipantsMissing,
}

/// What `event` changes about an item of `component`.
///
/// A `created` event may tell assignee and participants at once. Where an assignment is lost, sight of the item
/// is lost with it unless a link stays: no link is made in its place.
///
/// # Errors
///
/// [`EventError`] when the event lacks what it is about.
pub fn item_event(
    component: &Component,
    event: &ItemEvent,
    present: Present<'_>,
) -> Result<LinkChanges, EventError> {
    let mut changes = LinkChanges::default();
    match event.kind {
        EventKind::Created => {
            created(component, event, present, &mut changes);
            if let Some(assignee) = &event.assignee {
                changes.assignment = assigned(assignee.as_ref(), present.assignment);
            }
            if let Some(participants) = &event.participants {
                take_part(component, participants, present, &mut changes);
            }
        }
        EventKind::Assigned => {
            let assignee = event.assignee.as_ref().ok_or(EventError::AssigneeMissing)?;
            changes.assignment = assigned(assignee.as_ref(), present.assignment);
        }
        EventKind::Participants => {
            let participants = event.participants.as_ref().ok_or(EventError::ParticipantsMissing)?;
            take_part(component, participants, present, &mut changes);
        }
        EventKind::Deleted => {
            changes.end = standing(present).map(|link| link.id).collect();
            changes.assignment = assigned(None, present.assignment);
        }
    }
    Ok(changes)
}

fn created(component: &Component, event: &ItemEvent, present: Present<'_>, changes: &mut LinkChanges) {
    let Some(by) = event.by else { return };
    let holder = Holder::Account(by);
    if component.links_on.contains(&LinksOn::Created) {
        add(holder.clone(), LinkOrigin::Created, None, present, changes);
    }
    if event.project.is_some() && component.links_on.contains(&LinksOn::Project) {
        add(holder, LinkOrigin::Project, event.project.clone(), present, changes);
    }
}

fn take_part(
    component: &Component,
    participants: &BTreeSet<AccountId>,
    present: Present<'_>,
    changes: &mut LinkChanges,
) {
    if component.links_on.contains(&LinksOn::Participant) {
        for account in participants {
            add(Holder::Account(*account), LinkOrigin::Participant, None, present, changes);
        }
    }
    let has_left = |link: &&Link| {
        link.origin == LinkOrigin::Participant
            && match &link.holder {
                Holder::Account(account) => !participants.contains(account),
                Holder::Role(_) => false,
            }
    };
    changes.end.extend(standing(present).filter(has_left).map(|link| link.id));
}

fn assigned(to: Option<&Holder>, from: Option<&Holder>) -> AssignmentChange {
    match (to, from) {
        (Some(to), from) if from != Some(to) => {
            AssignmentChange::Move { from: from.cloned(), to: to.clone() }
        }
        (None, Some(from)) => AssignmentChange::End { from: from.clone() },
        (Some(_) | None, _) => AssignmentChange::Keep,
    }
}

fn add(
    holder: Holder,
    origin: LinkOrigin,
    why: Option<String>,
    present: Present<'_>,
    changes: &mut LinkChanges,
) {
    if !standing(present).any(|link| link.origin == origin && link.holder == holder) {
        changes.give.push(NewLink { holder, origin, why });
    }
}

fn standing(present: Present<'_>) -> impl Iterator<Item = &Link> {
    present.links.iter().filter(|link| link.until.is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::Policy;
    use crate::domain::sample;

    fn account(number: u128) -> Holder {
        Holder::Account(sample::account_id(number))
    }

    fn event(kind: EventKind, component: &str) -> ItemEvent {
        ItemEvent {
            kind,
            item: sample::item(component, "1"),
            by: None,
            project: None,
            assignee: None,
            participants: None,
        }
    }

    fn run(
        event: &ItemEvent,
        links: &[Link],
        assignment: Option<&Holder>,
    ) -> Result<LinkChanges, EventError> {
        let policy: Policy = sample::policy();
        item_event(&policy.components[&event.item.component], event, Present { links, assignment })
    }

    fn link(number: u128, holder: Holder, origin: LinkOrigin) -> Link {
        sample::link(number, sample::item("board_discussion", "1"), holder, origin)
    }

    #[test]
    fn whoever_creates_an_item_is_linked_and_so_is_its_project() {
        let by = Some(sample::account_id(1));
        let plain = ItemEvent { by, ..event(EventKind::Created, "mailing") };
        let origins = |changes: &LinkChanges| changes.give.iter().map(|link| link.origin).collect::<Vec<_>>();
        assert_eq!(origins(&run(&plain, &[], None).unwrap()), [LinkOrigin::Created]);
        let within = ItemEvent { project: Some("214".into()), ..plain };
        let changes = run(&within, &[], None).unwrap();
        assert_eq!(origins(&changes), [LinkOrigin::Created, LinkOrigin::Project]);
        assert_eq!(changes.give[1].why.as_deref(), Some("214"));
        let elsewhere = ItemEvent { by, project: Some("214".into()), ..event(EventKind::Created, "member") };
        assert!(run(&elsewhere, &[], None).unwrap().is_empty());
        assert!(run(&event(EventKind::Created, "mailing"), &[], None).unwrap().is_empty());
    }

    #[test]
    fn leaving_a_discussion_drops_only_the_participant_link() {
        let links = [
            link(1, account(1), LinkOrigin::Participant),
            link(2, account(1), LinkOrigin::Manual),
            link(3, account(2), LinkOrigin::Participant),
        ];
        let stays = BTreeSet::from([sample::account_id(2), sample::account_id(3)]);
        let event =
            ItemEvent { participants: Some(stays), ..event(EventKind::Participants, "board_discussion") };
        let changes = run(&event, &links, None).unwrap();
        assert_eq!(changes.end, [sample::grant_id(1)]);
        let new = NewLink { holder: account(3), origin: LinkOrigin::Participant, why: None };
        assert_eq!(changes.give, [new]);
    }

    #[test]
    fn an_assignment_moves_and_leaves_no_link_behind() {
        let (before, after) = (account(1), Holder::Role(sample::role_id("board")));
        let moved =
            ItemEvent { assignee: Some(Some(after.clone())), ..event(EventKind::Assigned, "mailing") };
        let changes = run(&moved, &[], Some(&before)).unwrap();
        assert_eq!(
            changes.assignment,
            AssignmentChange::Move { from: Some(before.clone()), to: after.clone() }
        );
        assert!(changes.give.is_empty() && changes.end.is_empty());
        assert!(run(&moved, &[], Some(&after)).unwrap().is_empty());
        let nobody = ItemEvent { assignee: Some(None), ..moved };
        assert_eq!(
            run(&nobody, &[], Some(&after)).unwrap().assignment,
            AssignmentChange::End { from: after }
        );
        assert!(run(&nobody, &[], None).unwrap().is_empty());
    }

    #[test]
    fn a_deleted_item_takes_every_link_and_the_assignment_with_it() {
        let ended =
            Link { until: Some(jiff::Timestamp::UNIX_EPOCH), ..link(3, account(3), LinkOrigin::Manual) };
        let links =
            [link(1, account(1), LinkOrigin::Manual), link(2, account(2), LinkOrigin::Created), ended];
        let changes = run(&event(EventKind::Deleted, "board_discussion"), &links, Some(&account(1))).unwrap();
        assert_eq!(changes.end, [sample::grant_id(1), sample::grant_id(2)]);
        assert_eq!(changes.assignment, AssignmentChange::End { from: account(1) });
    }

    #[test]
    fn a_repeat_changes_nothing() {
        let participants = Some(BTreeSet::from([sample::account_id(1)]));
        let event = ItemEvent {
            by: Some(sample::account_id(1)),
            assignee: Some(Some(account(1))),
            participants,
            ..event(EventKind::Created, "board_discussion")
        };
        let first = run(&event, &[], None).unwrap();
        let links: Vec<Link> = first.give.iter().map(|new| link(1, new.holder.clone(), new.origin)).collect();
        assert_eq!(links.len(), 2);
        assert!(run(&event, &links, Some(&account(1))).unwrap().is_empty());
    }

    #[test]
    fn an_event_without_what_it_is_about_is_refused() {
        let said = |kind| run(&event(kind, "mailing"), &[], None).unwrap_err();
        assert_eq!(said(EventKind::Assigned), EventError::AssigneeMissing);
        assert_eq!(said(EventKind::Participants), EventError::ParticipantsMissing);
        assert!(said(EventKind::Assigned).to_string().contains("null for nobody"));
    }
}
