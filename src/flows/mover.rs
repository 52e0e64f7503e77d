//! What happens to rights given by hand when somebody changes job.
//!
//! A change of job is one of these, as a directory says it: a group is left whose rule gave a role or a sector; the
//! department becomes another; the manager becomes another. That somebody joins a group, or gets a department or a manager
//! for the first time, is none.
//!
//! Invariant: rights from groups follow by themselves; rights by hand are put to whoever gave them and stay until somebody
//! decides, unless the policy says that silence ends them. Limits are never asked about, for their end would give access.

mod remind;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::people::{self, ForWhom, Lasting, Wanted};
use super::post;
use super::{Act, Ports, Refusal};
use crate::domain::account::Account;
use crate::domain::actor::{Actor, Subject};
use crate::domain::days::later;
use crate::domain::grant::{Grant, GrantKind, Link, LinkOrigin, Origin};
use crate::domain::ids::AccountId;
use crate::domain::policy::Policy;
use crate::store::identity::Identity;
use crate::store::question::{self, Question};
use crate::store::{Conn, account, entitlement, link};

pub use remind::{Round, follow_up};

/// How many questions are looked at together.
const PAGE: i64 = 1000;

/// A question as those who decide see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AskedRight {
    /// The question.
    pub id: Uuid,
    /// Whose right.
    pub account: AccountId,
    /// Their user name.
    pub user_name: String,
    /// Their name.
    pub display_name: String,
    /// `role`, `sector` or `link`.
    pub kind: String,
    /// The role or sector, or the item as `component/item`.
    pub value: String,
    /// Who gave it.
    pub given_by: String,
    /// Why they gave it.
    pub given_why: Option<String>,
    /// It ends by itself at this instant.
    pub ends_at: Option<Timestamp>,
    /// What changed: `groups`, `department` or `manager`.
    pub changed: String,
    /// Since when it waits.
    pub asked_at: Timestamp,
    /// An answer is wanted before this instant.
    pub answer_by: Timestamp,
    /// How often somebody was reminded.
    pub reminders: i64,
}

/// What somebody decides about a right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It stays, given anew: so long, and for the reason that is given.
    Keep(Lasting),
    /// It ends.
    End,
}

/// Puts the rights by hand of an account to whoever gave them, because of what `changed`.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(super) async fn ask(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    id: AccountId,
    changed: &str,
) -> Result<(), Refusal> {
    let answer_by = later(act.now, policy.changed_job.answer_within);
    let mut rights: Vec<(bool, crate::domain::ids::GrantId, String)> = Vec::new();
    for grant in entitlement::held(c, id).await? {
        if is_by_hand(&grant) && grant.holds_at(act.now) {
            rights.push((false, grant.id, grant.by));
        }
    }
    for link in link::of_account(c, id).await? {
        let is_own = matches!(link.holder, crate::domain::grant::Holder::Account(holder) if holder == id);
        if link.origin == LinkOrigin::Manual && is_own && link.holds_at(act.now) {
            rights.push((true, link.id, link.by));
        }
    }
    let mut asked = 0;
    for (is_link, right, by) in rights {
        let owner = match Actor::from_text(&by) {
            Some(Actor::Account(owner)) if owner != id => Some(owner),
            _ => None,
        };
        let one = Question {
            id: Uuid::now_v7(),
            account: id,
            is_link,
            right,
            owner,
            why: changed.to_owned(),
            asked_at: act.now,
            answer_by,
            reminded_at: None,
            reminders: 0,
        };
        asked += usize::from(question::ask(c, &one).await?);
    }
    if asked > 0 {
        let after = json!({ "changed": changed, "rights": asked, "answer_by": answer_by.to_string() });
        act.record(c, "rights_put_up", Subject::new("account", id), None, Some(after)).await?;
    }
    Ok(())
}

fn is_by_hand(grant: &Grant) -> bool {
    grant.origin == Origin::Manual && matches!(grant.kind, GrantKind::Role(_) | GrantKind::Sector(_))
}

/// Asks where the department or the manager became another.
pub(super) async fn attributes_changed(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    identity: &Identity,
    old: Option<&Value>,
) -> Result<(), Refusal> {
    let Some(old) = old.filter(|_| identity.active) else { return Ok(()) };
    let is_another = |read: fn(&Value) -> Option<&str>| {
        read(old).is_some_and(|was| read(&identity.document).is_none_or(|is| !is.eq_ignore_ascii_case(was)))
    };
    if is_another(post::department) {
        ask(c, act, policy, identity.account, "department").await?;
    } else if is_another(post::manager) {
        ask(c, act, policy, identity.account, "manager").await?;
    }
    Ok(())
}

/// The rights that wait for a decision, the one that is due first at the head.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn questions(ports: &Ports) -> Result<Vec<AskedRight>, Refusal> {
    let mut c = ports.db.read().await?;
    let mut shown = Vec::new();
    for one in question::waiting(&mut c, PAGE).await? {
        if let Some((account, right)) = right_of(&mut c, &one).await? {
            shown.push(right.shown(&one, &account));
        }
    }
    Ok(shown)
}

/// The right that a question is about.
enum Right {
    Grant(Box<Grant>),
    Link(Box<Link>),
}

impl Right {
    fn shown(&self, one: &Question, account: &Account) -> AskedRight {
        let (kind, value, by, why, ends_at) = match self {
            Self::Grant(grant) => {
                (grant.kind.name(), grant.kind.value().to_owned(), &grant.by, &grant.why, grant.ends_at)
            }
            Self::Link(link) => {
                let item = format!("{}/{}", link.item.component, link.item.item);
                ("link", item, &link.by, &link.why, link.ends_at)
            }
        };
        AskedRight {
            id: one.id,
            account: account.id,
            user_name: account.user_name.clone(),
            display_name: account.display_name.clone(),
            kind: kind.to_owned(),
            value,
            given_by: by.clone(),
            given_why: why.clone(),
            ends_at,
            changed: one.why.clone(),
            asked_at: one.asked_at,
            answer_by: one.answer_by,
            reminders: one.reminders,
        }
    }
}

/// Whose right a question is about, and the right, where it is held still.
async fn right_of(c: &mut Conn, one: &Question) -> Result<Option<(Account, Right)>, Refusal> {
    let Some(account) = account::get(c, one.account).await? else { return Ok(None) };
    let right = if one.is_link {
        let links = link::of_account(c, one.account).await?;
        links.into_iter().find(|link| link.id == one.right).map(|link| Right::Link(Box::new(link)))
    } else {
        let held = entitlement::held(c, one.account).await?;
        held.into_iter().find(|grant| grant.id == one.right).map(|grant| Right::Grant(Box::new(grant)))
    };
    Ok(right.map(|right| (account, right)))
}

/// Decides about a right, by the question's id or the beginning of it.
///
/// # Errors
///
/// [`Refusal::NotFound`] where no such question waits; as giving and taking a right by hand.
pub async fn answer(
    ports: &Ports,
    act: &Act,
    id: &str,
    verdict: Verdict,
    reason: &str,
) -> Result<AskedRight, Refusal> {
    let mut c = ports.db.read().await?;
    let one = waiting(&mut c, id).await?;
    let held = right_of(&mut c, &one).await?;
    drop(c);
    let Some((account, right)) = held else {
        settle(ports, act, one.id, "settled", "the right has ended").await?;
        return Err(Refusal::Conflict("the right has ended already; there is nothing to decide".to_owned()));
    };
    let shown = right.shown(&one, &account);
    let is_kept = matches!(verdict, Verdict::Keep(_));
    carry_out(ports, act, &account, right, verdict, reason).await?;
    settle(ports, act, one.id, if is_kept { "kept" } else { "ended" }, reason).await?;
    Ok(shown)
}

/// The question that waits, by its id or the beginning of it.
async fn waiting(c: &mut Conn, id: &str) -> Result<Question, Refusal> {
    let waiting = question::waiting(c, PAGE).await?;
    let mut found = waiting.into_iter().filter(|one| !id.is_empty() && one.id.to_string().starts_with(id));
    let one = found.next().ok_or_else(|| Refusal::not_found("question", id))?;
    if found.next().is_some() {
        return Err(Refusal::Ambiguous { what: "question", id: id.to_owned() });
    }
    Ok(one)
}

/// The whole id of a question that waits, and the role or sector that it is about, where it is held still.
pub(super) async fn asked_about(c: &mut Conn, id: &str) -> Result<(Uuid, Option<GrantKind>), Refusal> {
    let one = waiting(c, id).await?;
    Ok(match right_of(c, &one).await? {
        Some((_, Right::Grant(grant))) => (one.id, Some(grant.kind)),
        Some((_, Right::Link(_))) | None => (one.id, None),
    })
}

async fn carry_out(
    ports: &Ports,
    act: &Act,
    account: &Account,
    right: Right,
    verdict: Verdict,
    reason: &str,
) -> Result<(), Refusal> {
    let id = account.id.to_string();
    match (right, verdict) {
        (Right::Grant(grant), Verdict::Keep(lasting)) => {
            people::grant(ports, act, &id, (grant.kind, lasting), reason).await.map(drop)
        }
        (Right::Grant(grant), Verdict::End) => {
            people::revoke(ports, act, &id, grant.kind, reason).await.map(drop)
        }
        (Right::Link(link), Verdict::Keep(lasting)) => {
            people::link(ports, act, wanted(&id, &link), lasting, reason).await.map(drop)
        }
        (Right::Link(link), Verdict::End) => {
            people::unlink(ports, act, wanted(&id, &link), reason).await.map(drop)
        }
    }
}

fn wanted(id: &str, link: &Link) -> Wanted {
    Wanted {
        whom: ForWhom::Account(id.to_owned()),
        component: link.item.component.to_string(),
        item: link.item.item.clone(),
        target: None,
    }
}

async fn settle(ports: &Ports, act: &Act, id: Uuid, state: &'static str, why: &str) -> Result<(), Refusal> {
    let (act, why) = (act.clone(), why.to_owned());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                if !question::decide(c, id, state, &act.actor.to_string(), &why, act.now).await? {
                    return Err(Refusal::Conflict(
                        "somebody else decided about this right meanwhile; look at what is held now"
                            .to_owned(),
                    ));
                }
                let after = json!({ "state": state, "reason": why });
                act.record(c, "right_decided", Subject::new("question", id), None, Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}
