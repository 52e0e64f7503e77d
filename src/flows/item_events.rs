//! Follows what happens to the CRM's items: who is responsible, who takes part, what comes and goes.
//!
//! Invariant: a batch is one transaction, each changed item with its audit entry. A bad event refuses itself and
//! changes nothing; its neighbours stand. A repeat gives the same state, and what comes late overwrites nothing newer.

mod understand;
mod write;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Act, Ports, Refusal, policies};
use crate::domain::actor::Subject;
use crate::domain::grant::{Holder, LinkOrigin};
use crate::domain::ids::TargetId;
use crate::domain::item_clock::{Due, Turn};
use crate::domain::links::{self, EventKind, ItemEvent, Present};
use crate::domain::policy::Policy;
use crate::store::{Conn, item, item_event, link, setting};

pub(super) use understand::holder;

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
    /// The CRM's own id of the event: a repeat is known by it. Nothing: it has none.
    pub id: Option<String>,
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

/// Whether an event was news.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum News {
    /// It was followed.
    #[default]
    Fresh,
    /// Something newer is known already, so nothing was done.
    Older,
    /// It was followed before, under the same id, so nothing was done.
    Repeated,
}

/// What an event did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Followed {
    /// Whether it was news at all.
    #[serde(skip)]
    pub news: News,
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
                let ids = events.iter().flatten().filter_map(|told| told.id.clone()).collect();
                let mut batch = Batch { known: item_event::known(c, &target, ids).await?, new: Vec::new() };
                let mut answers = Vec::with_capacity(events.len());
                for event in events {
                    answers.push(match event {
                        Ok(told) => batch.next(c, &act, &policy.policy, &target, told).await?,
                        Err(refused) => Err(refused),
                    });
                }
                item_event::note(c, &target, &batch.new, act.now).await?;
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

/// The ids of events that were followed before, and of those that are followed now.
struct Batch {
    known: BTreeMap<String, String>,
    new: Vec<(String, String)>,
}

impl Batch {
    /// Follows an event, unless it was followed before. One that is refused may be mended and sent again under its id.
    async fn next(
        &mut self,
        c: &mut Conn,
        act: &Act,
        policy: &Policy,
        target: &TargetId,
        told: Told,
    ) -> Result<Result<Followed, Refused>, Refusal> {
        let Some(id) = told.id.clone() else { return one(c, act, policy, target, told).await };
        if id.is_empty() || id.chars().count() > LONGEST || id.chars().any(char::is_control) {
            let form = format!("id: write 1 to {LONGEST} characters without line breaks");
            return Ok(Err(Refused::new("invalid", form)));
        }
        let digest = policies::hash(&format!("{told:?}"));
        match self.known.get(&id) {
            Some(known) if *known == digest => {
                return Ok(Ok(Followed { news: News::Repeated, ..Followed::default() }));
            }
            Some(_) => {
                let why = "id: another event was followed under this id; give each event an id of its own";
                return Ok(Err(Refused::new("id_reused", why)));
            }
            None => {}
        }
        let answer = one(c, act, policy, target, told).await?;
        if answer.is_ok() {
            self.known.insert(id.clone(), digest.clone());
            self.new.push((id, digest));
        }
        Ok(answer)
    }
}

/// The longest id of an event, in characters.
const LONGEST: usize = 200;

async fn one(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    target: &TargetId,
    told: Told,
) -> Result<Result<Followed, Refused>, Refusal> {
    let (mut event, component) = match understand::event(c, policy, target, &told, act.now).await? {
        Ok(understood) => understood,
        Err(refused) => return Ok(Err(refused)),
    };
    let known = item::get(c, &event.item).await?;
    let is_gone = known.as_ref().is_some_and(|item| item.deleted_at.is_some());
    let clocks = known.as_ref().map(|item| item.clocks).unwrap_or_default();
    let due = match clocks.judge(event.kind, told.at, is_gone) {
        Turn::Gone => {
            return Ok(Err(Refused::new("item_deleted", "the item was deleted; \"created\" brings it back")));
        }
        Turn::Counts(due) => due,
    };
    if let Err(error) = event.is_whole() {
        return Ok(Err(Refused::new("incomplete", error)));
    }
    if due == Due::NOTHING {
        return Ok(Ok(Followed { news: News::Older, ..Followed::default() }));
    }
    let counted = only(&mut event, due);
    let standing = link::of_item(c, &event.item, None).await?;
    let assignment = item::assignee(c, &event.item, None).await?;
    let present = Present { links: &standing, assignment: assignment.as_ref() };
    let changes = match links::item_event(component, &event, present) {
        Ok(changes) => changes,
        Err(error) => return Ok(Err(Refused::new("incomplete", error))),
    };
    let is_new = known.is_none();
    write::note(c, act, &event, is_new || is_gone, told.at).await?;
    let after = clocks.after(event.kind, told.at, counted, act.now);
    if after != clocks {
        item::set_clocks(c, &event.item, &after).await?;
    }
    let followed = write::write(c, act, &event.item, &standing, changes).await?;
    let is_other_now = match event.kind {
        EventKind::Deleted => !is_new && !is_gone,
        EventKind::Created | EventKind::Assigned | EventKind::Participants => is_new || is_gone,
    };
    if is_other_now || !followed.is_empty() {
        let subject = Subject::new("item", format!("{}/{}", event.item.component, event.item.item));
        let links: Vec<Value> =
            standing.iter().map(|link| json!({ "holder": link.holder, "origin": link.origin })).collect();
        let before = json!({ "links": links, "assignment": assignment });
        act.record(c, write::action(event.kind), subject, Some(before), Some(json!(followed))).await?;
    }
    Ok(Ok(followed))
}

/// Leaves out of an event what something newer has been told of. Gives of what it still speaks.
fn only(event: &mut ItemEvent, due: Due) -> Due {
    if !due.assignee {
        event.assignee = None;
    }
    if !due.participants {
        event.participants = None;
    }
    let is_deletion = event.kind == EventKind::Deleted;
    Due {
        life: due.life,
        assignee: is_deletion || event.assignee.is_some(),
        participants: is_deletion || event.participants.is_some(),
    }
}
