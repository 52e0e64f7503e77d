//! Rights by hand, as a CRM passes them on for a person who works in it.
//!
//! Invariant: a CRM decides nothing itself: it names the person, who must have system administration, and the audit
//! names both. What administers is given in Portvakt itself, so that a CRM's token never opens administration.

use super::super::mover::{AskedRight, Verdict};
use super::super::{Act, Ports, Refusal, find, mover};
use super::linked::{self, Wanted};
use super::rights::{self, Lasting};
use crate::domain::account::Account;
use crate::domain::actor::Actor;
use crate::domain::grant::{GrantKind, Link};
use crate::domain::ids::TargetId;
use crate::store::Conn;

/// Who asks, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Through<'a> {
    /// The CRM that passes it on.
    pub target: &'a TargetId,
    /// The person who decides, as the CRM names them.
    pub by: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// Gives a right, as [`rights::grant`] does.
///
/// # Errors
///
/// As [`rights::grant`]; [`Refusal::NotAllowed`] for a role that administers.
pub async fn grant(
    ports: &Ports,
    act: &Act,
    through: Through<'_>,
    text: &str,
    (kind, lasting): (GrantKind, Lasting),
) -> Result<Account, Refusal> {
    let (act, text) = begin(ports, act, through, text, &kind).await?;
    rights::grant(ports, &act, &text, (kind, lasting), through.reason).await
}

/// Takes a right, as [`rights::revoke`] does.
///
/// # Errors
///
/// As [`grant`].
pub async fn revoke(
    ports: &Ports,
    act: &Act,
    through: Through<'_>,
    text: &str,
    kind: GrantKind,
) -> Result<Account, Refusal> {
    let (act, text) = begin(ports, act, through, text, &kind).await?;
    rights::revoke(ports, &act, &text, kind, through.reason).await
}

/// Makes a link, as [`linked::link`] does.
///
/// # Errors
///
/// As [`linked::link`].
pub async fn link(
    ports: &Ports,
    act: &Act,
    through: Through<'_>,
    wanted: Wanted,
    lasting: Lasting,
) -> Result<Link, Refusal> {
    let act = acting(ports, act, through).await?;
    linked::link(ports, &act, wanted, lasting, through.reason).await
}

/// Takes a link, as [`linked::unlink`] does.
///
/// # Errors
///
/// As [`linked::unlink`].
pub async fn unlink(ports: &Ports, act: &Act, through: Through<'_>, wanted: Wanted) -> Result<Link, Refusal> {
    let act = acting(ports, act, through).await?;
    linked::unlink(ports, &act, wanted, through.reason).await
}

/// The person's act, and the account by its own id: a CRM's id means that CRM's account.
async fn begin(
    ports: &Ports,
    act: &Act,
    through: Through<'_>,
    text: &str,
    kind: &GrantKind,
) -> Result<(Act, String), Refusal> {
    let mut c = ports.db.read().await?;
    may_pass(ports, &mut c, kind).await?;
    let account = find::account(&mut c, text, Some(through.target)).await?.one(text)?;
    Ok((person(&mut c, act, through).await?.0, account.id.to_string()))
}

/// Refuses what administers.
async fn may_pass(ports: &Ports, c: &mut Conn, kind: &GrantKind) -> Result<(), Refusal> {
    let compiled = ports.policies.current(c).await?;
    if let GrantKind::Role(id) = kind
        && compiled.policy.roles.get(id).is_some_and(|role| compiled.policy.is_administrator_role(role))
    {
        let why =
            format!("the role {id} administers; it is given and taken in Portvakt itself, not through a CRM");
        return Err(Refusal::NotAllowed(why));
    }
    Ok(())
}

/// The act of whoever acts through a CRM.
async fn acting(ports: &Ports, act: &Act, through: Through<'_>) -> Result<Act, Refusal> {
    let mut c = ports.db.read().await?;
    Ok(person(&mut c, act, through).await?.0)
}

/// Who acts through a CRM, and their act.
async fn person(c: &mut Conn, act: &Act, through: Through<'_>) -> Result<(Act, Account), Refusal> {
    let found = find::account(c, through.by, Some(through.target)).await?;
    let by = found.one(through.by).map_err(|refusal| Refusal::invalid("by", refusal))?;
    let mut act = act.because(format!("through the CRM {}", through.target));
    act.actor = Actor::Account(by.id);
    Ok((act, by))
}

/// Notes an approved leave, as [`grant_leave`](super::grant_leave) does. Where no approver is named it is the person;
/// a CRM's id of the deputy means that CRM's account.
///
/// # Errors
///
/// As [`grant_leave`](super::grant_leave); [`Refusal::NotAllowed`] where the person may not.
pub async fn grant_leave(
    ports: &Ports,
    act: &Act,
    through: Through<'_>,
    text: &str,
    mut wish: super::LeaveWish,
) -> Result<Account, Refusal> {
    let (act, by, id) = decider(ports, act, through, text).await?;
    if wish.approver.trim().is_empty() {
        wish.approver = name(&by);
    }
    if let Some(deputy) = &mut wish.deputy {
        let mut c = ports.db.read().await?;
        let found = find::account(&mut c, &deputy.account, Some(through.target)).await?;
        let found = found.one(&deputy.account).map_err(|refusal| Refusal::invalid("deputy", refusal))?;
        deputy.account = found.id.to_string();
    }
    super::grant_leave(ports, &act, &id, wish).await
}

/// Ends a leave, as [`end_leave`](super::end_leave) does.
///
/// # Errors
///
/// As [`end_leave`](super::end_leave); [`Refusal::NotAllowed`] where the person may not.
pub async fn end_leave(
    ports: &Ports,
    act: &Act,
    through: Through<'_>,
    text: &str,
) -> Result<Account, Refusal> {
    let (act, _, id) = decider(ports, act, through, text).await?;
    super::end_leave(ports, &act, &id).await
}

/// Approves or refuses what somebody asked for, as [`approve_leave`](super::approve_leave) does.
///
/// # Errors
///
/// As [`approve_leave`](super::approve_leave).
pub async fn answer_leave(
    ports: &Ports,
    act: &Act,
    through: Through<'_>,
    text: &str,
    is_approved: bool,
) -> Result<Account, Refusal> {
    let (act, by, id) = decider(ports, act, through, text).await?;
    if is_approved {
        super::approve_leave(ports, &act, &id, &name(&by)).await
    } else {
        super::refuse_leave(ports, &act, &id, through.reason).await
    }
}

/// The person's act, who they are, and the account by its own id. They must have system administration, and decide
/// about somebody else.
async fn decider(
    ports: &Ports,
    act: &Act,
    through: Through<'_>,
    text: &str,
) -> Result<(Act, Account, String), Refusal> {
    let mut c = ports.db.read().await?;
    let account = find::account(&mut c, text, Some(through.target)).await?.one(text)?;
    let (act, by) = person(&mut c, act, through).await?;
    let compiled = ports.policies.current(&mut c).await?;
    rights::may_change_rights(&mut c, &act, &compiled.policy, Some(account.id)).await?;
    Ok((act, by, account.id.to_string()))
}

fn name(account: &Account) -> String {
    account.shown_name().to_owned()
}

/// Decides about a right of somebody who changed job, as [`mover::answer`] does.
///
/// # Errors
///
/// As [`mover::answer`]; [`Refusal::NotAllowed`] for a role that administers.
pub async fn answer_question(
    ports: &Ports,
    act: &Act,
    through: Through<'_>,
    id: &str,
    verdict: Verdict,
) -> Result<AskedRight, Refusal> {
    let mut c = ports.db.read().await?;
    // By its whole id from here on: what was judged is what is answered.
    let (id, kind) = mover::asked_about(&mut c, id).await?;
    if let Some(kind) = kind {
        may_pass(ports, &mut c, &kind).await?;
    }
    let (act, _) = person(&mut c, act, through).await?;
    drop(c);
    mover::answer(ports, &act, &id.to_string(), verdict, through.reason).await
}
