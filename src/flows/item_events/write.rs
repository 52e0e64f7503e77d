//! Writes what an event does to an item: the item itself, its links, its assignment.
//!
//! Invariant: what comes and what goes is told exactly, for the answer and for the audit.

use jiff::Timestamp;
use uuid::Uuid;

use super::{Followed, Moved, Reassigned};
use crate::domain::grant::{ItemRef, Link};
use crate::domain::ids::GrantId;
use crate::domain::item_clock::Clocks;
use crate::domain::links::{AssignmentChange, EventKind, ItemEvent, LinkChanges};
use crate::flows::{Act, Refusal};
use crate::store::item::Item;
use crate::store::{Conn, item, link};

/// Notes that there is such an item, or no more. Whatever is deleted is noted too, so that nothing older brings it back.
pub(super) async fn note(
    c: &mut Conn,
    act: &Act,
    event: &ItemEvent,
    is_news: bool,
    at: Option<Timestamp>,
) -> Result<(), Refusal> {
    let clocks = Clocks::default();
    match event.kind {
        EventKind::Deleted => {
            if is_news {
                let (item, created_at) = (event.item.clone(), act.now);
                let gone = Item { item, creator: None, project: None, created_at, deleted_at: None, clocks };
                item::note(c, &gone).await?;
            }
            item::delete(c, &event.item, act.now).await?;
        }
        EventKind::Created => {
            let created_at = at.unwrap_or(act.now).min(act.now);
            let (creator, project) = (event.by, event.project.clone());
            let item = event.item.clone();
            let item = Item { item, creator, project, created_at, deleted_at: None, clocks };
            item::note(c, &item).await?;
        }
        EventKind::Assigned | EventKind::Participants if is_news => {
            let (item, created_at) = (event.item.clone(), act.now);
            let new = Item { item, creator: None, project: None, created_at, deleted_at: None, clocks };
            item::note(c, &new).await?;
        }
        EventKind::Assigned | EventKind::Participants => {}
    }
    Ok(())
}

/// Writes what changes.
pub(super) async fn write(
    c: &mut Conn,
    act: &Act,
    item: &ItemRef,
    standing: &[Link],
    changes: LinkChanges,
) -> Result<Followed, Refusal> {
    let by = act.actor.to_string();
    let mut followed = Followed::default();
    for id in changes.end {
        link::end(c, id, act.now).await?;
        let gone = standing.iter().filter(|link| link.id == id);
        followed.links_went.extend(gone.map(|l| Moved { holder: l.holder.clone(), origin: l.origin }));
    }
    for new in changes.give {
        let link = Link {
            id: GrantId::new(Uuid::now_v7()),
            item: item.clone(),
            holder: new.holder,
            origin: new.origin,
            by: by.clone(),
            why: new.why,
            since: act.now,
            ends_at: None,
            until: None,
        };
        link::give(c, &link).await?;
        followed.links_came.push(Moved { holder: link.holder, origin: link.origin });
    }
    followed.assignment = match changes.assignment {
        AssignmentChange::Keep => None,
        AssignmentChange::Move { from, to } => Some(Reassigned { from, to: Some(to) }),
        AssignmentChange::End { from } => Some(Reassigned { from: Some(from), to: None }),
    };
    if let Some(moved) = &followed.assignment {
        item::assign(c, item, moved.to.as_ref(), &by, act.now).await?;
    }
    Ok(followed)
}

/// What the audit calls it.
pub(super) const fn action(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Created => "item_created",
        EventKind::Assigned => "item_assigned",
        EventKind::Participants => "item_participants_changed",
        EventKind::Deleted => "item_deleted",
    }
}
