//! What waits for somebody at the console, and what they decide.
//!
//! Invariant: reading changes nothing; each decision goes through the flow that everybody else's goes through, with a
//! reason. Who answers what others ask of them is a reviewer or more, who does anything else an administrator.

use jiff::Timestamp;

use super::super::linking::{self, Approval, LinkState};
use super::super::mover::{self, AskedRight, Verdict};
use super::super::people::{self, AskedLeave};
use super::super::protection::{self, Agreed, AskedProtection};
use super::super::targets::{self, DeadLetter, TargetStanding, Which};
use super::super::{Ports, Refusal, directories, lifecycle};
use super::ConsoleActor;
use super::who::{self, Names};
use crate::domain::grant::GrantKind;
use crate::domain::ids::{AccountId, TargetId};
use crate::domain::plan::PlanState;
use crate::store::{account, held_right};

/// Everything that waits.
#[derive(Debug, Clone)]
pub struct Queue {
    /// Sign-ins that lead to no account.
    pub links: Vec<linking::View>,
    /// Rights given by hand to somebody who changed job.
    pub rights: Vec<AskedRight>,
    /// People who ask for leave.
    pub leaves: Vec<AskedLeave>,
    /// Targets that would not take something.
    pub letters: Vec<TargetStanding>,
    /// Protection that another administrator is to confirm.
    pub protections: Vec<AskedProtection>,
    /// Rights that directories take from many at once.
    pub held: Vec<HeldRights>,
    /// Directories that were refused changes and have not mended them.
    pub refused: Vec<directories::Row>,
    /// The plan in which rights and departures wait that are held, and how many departures.
    pub plan: Option<(String, usize)>,
    /// The names of those who gave or asked.
    pub names: Names,
}

/// Rights of somebody that wait because too many would lose theirs at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRights {
    /// Whose.
    pub account: AccountId,
    /// Since when.
    pub since: Timestamp,
    /// The stable name of why.
    pub why: String,
    /// Which.
    pub kinds: Vec<GrantKind>,
}

/// Everything that waits now.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn waiting(ports: &Ports) -> Result<Queue, Refusal> {
    let links = linking::list(ports, LinkState::Waiting).await?;
    let rights = mover::questions(ports).await?;
    let leaves = people::leave_requests(ports).await?;
    let mut letters = targets::list(ports).await?;
    letters.retain(|target| target.dead > 0);
    let protections = protection::asked(ports).await?;
    let mut refused = directories::list(ports).await?;
    refused.retain(|directory| directory.refused_changes > 0);
    let plan = lifecycle::latest(ports).await?.into_iter().find(|plan| plan.state == PlanState::Waiting);
    let plan = plan.map(|plan| {
        let departed = plan.plan.steps.iter().filter(|step| step.because.name() == "departed").count();
        (plan.hash, departed)
    });
    let mut c = ports.db.snapshot().await?;
    let mut held: Vec<HeldRights> = held_right::all(&mut c)
        .await?
        .into_iter()
        .map(|(account, held)| HeldRights {
            account,
            since: held.since,
            why: held.why,
            kinds: held.kinds.into_iter().collect(),
        })
        .collect();
    held.sort_by_key(|one| (one.since, one.account));
    let givers = rights.iter().map(|right| right.given_by.as_str());
    let acting = givers.chain(protections.iter().map(|asked| asked.by.as_str())).filter_map(who::account_of);
    let names = who::names(&mut c, acting.chain(held.iter().map(|one| one.account))).await?;
    Ok(Queue { links, rights, leaves, letters, protections, held, refused, plan, names })
}

/// A right that waits for a decision, by the id of its question, and the names of those around it.
///
/// # Errors
///
/// [`Refusal::NotFound`] where it waits no more; [`Refusal::Store`] when the database cannot be reached.
pub async fn right(ports: &Ports, id: &str) -> Result<(AskedRight, Names), Refusal> {
    let found = mover::questions(ports).await?.into_iter().find(|right| right.id.to_string() == id);
    let found = found.ok_or_else(|| Refusal::not_found("question", id))?;
    let mut c = ports.db.read().await?;
    let names = who::names(&mut c, who::account_of(&found.given_by).into_iter()).await?;
    Ok((found, names))
}

/// The leave that an account asks for.
///
/// # Errors
///
/// As [`right`].
pub async fn leave(ports: &Ports, id: &str) -> Result<AskedLeave, Refusal> {
    let found = people::leave_requests(ports).await?.into_iter().find(|one| one.account.to_string() == id);
    found.ok_or_else(|| Refusal::not_found("leave request of", id))
}

/// The protection that is asked for an account, and the names of those around it.
///
/// # Errors
///
/// As [`right`].
pub async fn asked_protection(ports: &Ports, id: &str) -> Result<(AskedProtection, Names), Refusal> {
    let found = protection::asked(ports).await?.into_iter().find(|one| one.account.id.to_string() == id);
    let found = found.ok_or_else(|| Refusal::not_found("protection request for", id))?;
    let mut c = ports.db.read().await?;
    let names = who::names(&mut c, who::account_of(&found.by).into_iter()).await?;
    Ok((found, names))
}

/// The dead letters of a target, all or an account's.
///
/// # Errors
///
/// As [`targets::dead`].
pub async fn letters(
    ports: &Ports,
    target: &str,
    account: Option<&str>,
) -> Result<(TargetId, Vec<DeadLetter>), Refusal> {
    let target = targets::find(ports, target)?;
    let which = Which { account: account.map(str::to_owned), ..Which::default() };
    let letters = targets::dead(ports, &target, &which).await?;
    Ok((target, letters))
}

/// Ties a sign-in that leads to no account.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; as [`linking::approve`].
pub async fn approve_link(
    ports: &Ports,
    actor: &ConsoleActor,
    reference: &str,
    approval: Approval,
) -> Result<(), Refusal> {
    linking::approve(ports, actor.administering()?, reference, approval).await.map(drop)
}

/// Turns a sign-in down that leads to no account.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; as [`linking::reject`].
pub async fn reject_link(
    ports: &Ports,
    actor: &ConsoleActor,
    reference: &str,
    reason: &str,
) -> Result<(), Refusal> {
    linking::reject(ports, actor.administering()?, reference, reason).await.map(drop)
}

/// Decides about a right of somebody who changed job.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; as [`mover::answer`].
pub async fn answer_right(
    ports: &Ports,
    actor: &ConsoleActor,
    id: &str,
    verdict: Verdict,
    reason: &str,
) -> Result<(), Refusal> {
    mover::answer(ports, actor.reviewing()?, id, verdict, reason).await.map(drop)
}

/// Approves or refuses the leave that an account asks for. Who approves it is the acting person.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; as [`people::approve_leave`] and [`people::refuse_leave`].
pub async fn answer_leave(
    ports: &Ports,
    actor: &ConsoleActor,
    id: &str,
    is_approved: bool,
    reason: &str,
) -> Result<(), Refusal> {
    let act = actor.reviewing()?;
    if !is_approved {
        return people::refuse_leave(ports, act, id, reason).await.map(drop);
    }
    let mut c = ports.db.read().await?;
    let own = account::get(&mut c, actor.account()).await?;
    drop(c);
    let own = own.ok_or_else(|| Refusal::not_found("account", actor.account()))?;
    let approver = if own.display_name.is_empty() { own.user_name } else { own.display_name };
    let why = people::named(reason)?;
    people::approve_leave(ports, &act.because(why), id, &approver).await.map(drop)
}

/// Confirms what another administrator asked for.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::NotFound`] where it waits no more; as [`protection::propose`].
pub async fn confirm_protection(
    ports: &Ports,
    actor: &ConsoleActor,
    id: &str,
    reason: &str,
) -> Result<(), Refusal> {
    let act = actor.administering()?;
    let (asked, _) = asked_protection(ports, id).await?;
    match protection::propose(ports, act, id, asked.protects, reason).await? {
        Agreed::Done(_) => Ok(()),
        Agreed::Waits => Err(Refusal::Conflict(
            "the request ran out this moment; yours takes its place and waits for another administrator"
                .to_owned(),
        )),
    }
}

/// Puts dead letters of a target back to wait: an account's, or all. Gives how many.
///
/// # Errors
///
/// [`Refusal::NeedsRight`]; [`Refusal::Invalid`] without a reason; as [`targets::resend`].
pub async fn resend(
    ports: &Ports,
    actor: &ConsoleActor,
    target: &str,
    account: Option<&str>,
    reason: &str,
) -> Result<usize, Refusal> {
    let act = actor.administering()?.because(people::named(reason)?);
    let target = targets::find(ports, target)?;
    let which = Which { account: account.map(str::to_owned), ..Which::default() };
    targets::resend(ports, &act, &target, &which).await
}

/// Puts dead letters of a target away for good: an account's, or all. Gives how many.
///
/// # Errors
///
/// As [`resend`].
pub async fn put_away(
    ports: &Ports,
    actor: &ConsoleActor,
    target: &str,
    account: Option<&str>,
    reason: &str,
) -> Result<usize, Refusal> {
    let act = actor.administering()?.because(people::named(reason)?);
    let target = targets::find(ports, target)?;
    let which = Which { account: account.map(str::to_owned), ..Which::default() };
    targets::drop_letters(ports, &act, &target, &which).await
}
