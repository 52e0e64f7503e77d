//! Follows what happens to the CRM's items: who is responsible, who takes part, what comes and goes.
//!
//! Invariant: a batch is one transaction, each changed item with its audit entry. A bad event refuses itself and
//! changes nothing; its neighbours stand. A repeat gives the same state.

mod understand;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::grant::{Holder, ItemRef, Link, LinkOrigin};
use crate::domain::ids::{GrantId, TargetId};
use crate::domain::links::{self, AssignmentChange, EventKind, ItemEvent, LinkChanges, Present};
use crate::domain::policy::Policy;
use crate::store::item::Item;
use crate::store::{Conn, item, link, setting};

/// Somebody, as a CRM names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    /// An account: its id, the CRM's id of it, or a user name.
    Account(String),
    /// Everybody with this role.
    Role(String),
}

/// One event, as a CRM tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What happened.
    pub kind: EventKind,
    /// The component's name.
    pub component: String,
    /// The CRM's id of the item.
    pub item: String,
    /// Who did it.
    pub by: Option<String>,
    /// The project that the item was created within, by the CRM's id.
    pub project: Option<String>,
    /// Who is responsible now. Outer nothing: not told; inner nothing: nobody.
    pub assignee: Option<Option<Named>>,
    /// All who take part now. Nothing: not told.
    pub participants: Option<Vec<String>>,
    /// When it happened; nothing: now.
    pub at: Option<Timestamp>,
}

/// Why an event was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The stable code.
    pub code: &'static str,
    /// What is wrong, and how to mend it.
    pub detail: String,
}

impl Refused {
    /// A refusal in its own words.
    pub fn new(code: &'static str, detail: impl std::fmt::Display) -> Self {
        Self { code, detail: detail.to_string() }
    }
}

/// A link that came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// The account or role.
    #[serde(flatten)]
    pub holder: Holder,
    /// How the link came to be.
    pub origin: LinkOrigin,
}

/// Who was and who is responsible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reassigned {
    /// Who was; nothing: nobody.
    pub from: Option<Holder>,
    /// Who is; nothing: nobody.
    pub to: Option<Holder>,
}

/// What an event did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Followed {
    /// Links that came.
    pub links_came: Vec<Moved>,
    /// Links that went.
    pub links_went: Vec<Moved>,
    /// The assignment, where it moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Reassigned>,
}

impl Followed {
    /// Whether everything was so already.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.links_came.is_empty() && self.links_went.is_empty() && self.assignment.is_none()
    }
}

/// Follows the events of a batch in order; gives what each did. One that could not be read comes with its refusal and
/// is answered with it.
///
/// # Errors
///
/// [`Refusal`] when the database cannot be reached or no policy is in force; then nothing is changed.
pub async fn follow(
    ports: &Ports,
    act: &Act,
    target: &TargetId,
    events: Vec<Result<Told, Refused>>,
) -> Result<Vec<Result<Followed, Refused>>, Refusal> {
    let policy = {
        let mut c = ports.db.read().await?;
        ports.policies.current(&mut c).await?
    };
    let (act, target) = (act.clone(), target.clone());
    let answers = ports
        .db
        .write(move |c| {
            Box::pin(async move {
                // Two batches at once would judge from the same links; nodes take turns.
                setting::hold(c, "items").await?;
                let mut answers = Vec::with_capacity(events.len());
                for event in events {
                    answers.push(match event {
                        Ok(told) => one(c, &act, &policy.policy, &target, told).await?,
                        Err(refused) => Err(refused),
                    });
                }
                Ok::<_, Refusal>(answers)
            })
        })
        .await?;
    for answer in &answers {
        let outcome = if answer.is_ok() { "followed" } else { "refused" };
        metrics::counter!("portvakt_item_events_total", "outcome" => outcome).increment(1);
    }
    Ok(answers)
}

async fn one(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    target: &TargetId,
    told: Told,
) -> Result<Result<Followed, Refused>, Refusal> {
    let (event, component) = match understand::event(c, policy, target, &told, act.now).await? {
        Ok(understood) => understood,
        Err(refused) => return Ok(Err(refused)),
    };
    let known = item::get(c, &event.item).await?;
    let is_gone = known.as_ref().is_some_and(|item| item.deleted_at.is_some());
    if is_gone && matches!(event.kind, EventKind::Assigned | EventKind::Participants) {
        return Ok(Err(Refused::new("item_deleted", "the item was deleted; \"created\" brings it back")));
    }
    let standing = link::of_item(c, &event.item, None).await?;
    let assignment = item::assignee(c, &event.item, None).await?;
    let present = Present { links: &standing, assignment: assignment.as_ref() };
    let changes = match links::item_event(component, &event, present) {
        Ok(changes) => changes,
        Err(error) => return Ok(Err(Refused::new("incomplete", error))),
    };
    let is_new = known.is_none();
    note(c, act, &event, is_new || is_gone, told.at).await?;
    let followed = write(c, act, &event.item, &standing, changes).await?;
    let is_other_now = match event.kind {
        EventKind::Deleted => !is_new && !is_gone,
        EventKind::Created | EventKind::Assigned | EventKind::Participants => is_new || is_gone,
    };
    if is_other_now || !followed.is_empty() {
        let subject = Subject::new("item", format!("{}/{}", event.item.component, event.item.item));
        let links: Vec<Value> =
            standing.iter().map(|link| json!({ "holder": link.holder, "origin": link.origin })).collect();
        let before = json!({ "links": links, "assignment": assignment });
        act.record(c, action(event.kind), subject, Some(before), Some(json!(followed))).await?;
    }
    Ok(Ok(followed))
}

/// Notes that there is such an item, or no more.
async fn note(
    c: &mut Conn,
    act: &Act,
    event: &ItemEvent,
    is_news: bool,
    at: Option<Timestamp>,
) -> Result<(), Refusal> {
    match event.kind {
        EventKind::Deleted => {
            item::delete(c, &event.item, act.now).await?;
        }
        EventKind::Created => {
            let created_at = at.unwrap_or(act.now).min(act.now);
            let (creator, project) = (event.by, event.project.clone());
            let item = Item { item: event.item.clone(), creator, project, created_at, deleted_at: None };
            item::note(c, &item).await?;
        }
        EventKind::Assigned | EventKind::Participants if is_news => {
            let (item, created_at) = (event.item.clone(), act.now);
            item::note(c, &Item { item, creator: None, project: None, created_at, deleted_at: None }).await?;
        }
        EventKind::Assigned | EventKind::Participants => {}
    }
    Ok(())
}

async fn write(
    c: &mut Conn,
    act: &Act,
    item: &ItemRef,
    standing: &[Link],
    changes: LinkChanges,
) -> Result<Followed, Refusal> {
    let by = act.actor.to_string();
    let mut followed = Followed { links_came: Vec::new(), links_went: Vec::new(), assignment: None };
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
const fn action(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Created => "item_created",
        EventKind::Assigned => "item_assigned",
        EventKind::Participants => "item_participants_changed",
        EventKind::Deleted => "item_deleted",
    }
}
