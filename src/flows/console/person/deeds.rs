//! What an administrator at the console does about one person.
//!
//! Invariant: each deed demands a role that administers, is decided by the account as it was shown, and is never about
//! the administrator's own account; the flow that it hands on to decides the rest.

use jiff::Timestamp;

use super::super::super::act::Seen;
use super::super::super::mover::{self, AskedRight, Verdict};
use super::super::super::people::{self, Dates, ForWhom, Foreseen, Lasting, LeaveWish, RightChange, Wanted};
use super::super::super::protection::{self, Agreed};
use super::super::super::session::{self, Which as WhichSession};
use super::super::super::targets::{self, Which as WhichLetters};
use super::super::super::{Act, Ports, Refusal};
use super::super::ConsoleActor;
use crate::domain::account::Account;
use crate::domain::grant::{ItemRef, Link};
use crate::domain::ids::AccountId;

/// Whom an administrator decides about, by what they saw, and why.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// Who decides.
    pub actor: &'a ConsoleActor,
    /// About whom, as they were shown.
    pub seen: Seen,
    /// Why.
    pub reason: &'a str,
}

impl Deed<'_> {
    /// The act, where they may.
    fn act(&self) -> Result<Act, Refusal> {
        let act = self.actor.administering()?;
        if self.actor.account() == self.seen.account {
            let why = "nobody decides about their own account at the console; another administrator must";
            return Err(Refusal::NotAllowed(why.to_owned()));
        }
        Ok(act.upon(self.seen))
    }

    fn whom(&self) -> String {
        self.seen.account.to_string()
    }
}

/// Whether this administrator may decide about this account, as it was shown; for a page that comes before a deed.
///
/// # Errors
///
/// As every deed here: [`Refusal::NeedsRight`], [`Refusal::NotAllowed`] about themselves, [`Refusal::Stale`].
pub async fn may(ports: &Ports, deed: Deed<'_>) -> Result<(), Refusal> {
    let act = deed.act()?;
    let account = people::find_one(ports, &deed.whom()).await?;
    let mut c = ports.db.read().await?;
    people::unchanged(&mut c, &act, &account).await
}

/// What a change of rights would come to.
///
/// # Errors
///
/// As [`people::foresee`].
pub async fn foresee(ports: &Ports, deed: Deed<'_>, changes: &[RightChange]) -> Result<Foreseen, Refusal> {
    people::foresee(ports, &deed.act()?, &deed.whom(), changes).await
}

/// Gives and takes rights by hand.
///
/// # Errors
///
/// As [`people::change_rights`].
pub async fn change_rights(
    ports: &Ports,
    deed: Deed<'_>,
    changes: Vec<RightChange>,
    lasting: Lasting,
) -> Result<Account, Refusal> {
    people::change_rights(ports, &deed.act()?, &deed.whom(), changes, lasting, deed.reason).await
}

fn wanted(deed: Deed<'_>, (component, item): (&str, &str)) -> Wanted {
    let whom = ForWhom::Account(deed.whom());
    Wanted { whom, component: component.to_owned(), item: item.to_owned(), target: None }
}

/// Links the person to an item.
///
/// # Errors
///
/// As [`people::link`].
pub async fn link(
    ports: &Ports,
    deed: Deed<'_>,
    item: (&str, &str),
    lasting: Lasting,
) -> Result<Link, Refusal> {
    people::link(ports, &deed.act()?, wanted(deed, item), lasting, deed.reason).await
}

/// Takes a link that was made by hand.
///
/// # Errors
///
/// As [`people::unlink`].
pub async fn unlink(ports: &Ports, deed: Deed<'_>, item: &ItemRef) -> Result<Link, Refusal> {
    let wanted = wanted(deed, (item.component.as_str(), &item.item));
    people::unlink(ports, &deed.act()?, wanted, deed.reason).await
}

/// Freezes the account.
///
/// # Errors
///
/// As [`people::freeze`].
pub async fn freeze(ports: &Ports, deed: Deed<'_>) -> Result<Account, Refusal> {
    people::freeze(ports, &deed.act()?, &deed.whom(), deed.reason).await
}

/// Deactivates the account.
///
/// # Errors
///
/// As [`people::deactivate`].
pub async fn deactivate(ports: &Ports, deed: Deed<'_>) -> Result<Account, Refusal> {
    people::deactivate(ports, &deed.act()?, &deed.whom(), deed.reason).await
}

/// Makes the account active again.
///
/// # Errors
///
/// As [`people::activate`].
pub async fn restore(ports: &Ports, deed: Deed<'_>) -> Result<Account, Refusal> {
    people::activate(ports, &deed.act()?, &deed.whom(), deed.reason).await
}

/// Sets the first instant after the account's last day; nothing: it has no end.
///
/// # Errors
///
/// As [`people::set_dates`].
pub async fn set_end(ports: &Ports, deed: Deed<'_>, until: Option<Timestamp>) -> Result<Account, Refusal> {
    let act = deed.act()?;
    if until.is_some_and(|until| until <= act.now) {
        return Err(Refusal::invalid("until", "that day has passed; deactivate the account instead"));
    }
    let dates = Dates { valid_from: None, valid_until: Some(until) };
    people::set_dates(ports, &act, &deed.whom(), dates, deed.reason).await
}

/// Notes an approved leave.
///
/// # Errors
///
/// As [`people::grant_leave`].
pub async fn grant_leave(ports: &Ports, deed: Deed<'_>, wish: LeaveWish) -> Result<Account, Refusal> {
    people::grant_leave(ports, &deed.act()?, &deed.whom(), wish).await
}

/// Ends the leave.
///
/// # Errors
///
/// As [`people::end_leave`].
pub async fn end_leave(ports: &Ports, deed: Deed<'_>) -> Result<Account, Refusal> {
    people::end_leave(ports, &deed.act()?, &deed.whom()).await
}

/// Approves the leave that the person asks for; the deed's reason names who approves it.
///
/// # Errors
///
/// As [`people::approve_leave`].
pub async fn approve_leave(ports: &Ports, deed: Deed<'_>) -> Result<Account, Refusal> {
    people::approve_leave(ports, &deed.act()?, &deed.whom(), deed.reason).await
}

/// Refuses the leave that the person asks for.
///
/// # Errors
///
/// As [`people::refuse_leave`].
pub async fn refuse_leave(ports: &Ports, deed: Deed<'_>) -> Result<Account, Refusal> {
    people::refuse_leave(ports, &deed.act()?, &deed.whom(), deed.reason).await
}

/// Asks for the account to be protected, or for its protection to end, or confirms what another asked for.
///
/// # Errors
///
/// As [`protection::propose`].
pub async fn protect(ports: &Ports, deed: Deed<'_>, protects: bool) -> Result<Agreed, Refusal> {
    protection::propose(ports, &deed.act()?, &deed.whom(), protects, deed.reason).await
}

/// Decides about a right that somebody was asked about since the person changed job.
///
/// # Errors
///
/// As [`mover::answer`]; [`Refusal::NotFound`] where the question is about somebody else.
pub async fn answer_question(
    ports: &Ports,
    deed: Deed<'_>,
    question: &str,
    verdict: Verdict,
) -> Result<AskedRight, Refusal> {
    let act = deed.act()?;
    let asked = super::questions(ports, deed.actor, deed.seen.account).await?;
    if !asked.iter().any(|one| one.id.to_string() == question) {
        return Err(Refusal::not_found("question", question));
    }
    mover::answer(ports, &act, question, verdict, deed.reason).await
}

/// Ends sessions of somebody; of oneself too. Gives how many.
///
/// # Errors
///
/// As [`session::end_some`].
pub async fn end_sessions(
    ports: &Ports,
    actor: &ConsoleActor,
    id: AccountId,
    which: WhichSession,
) -> Result<u64, Refusal> {
    session::end_some(ports, actor.administering()?, &id.to_string(), which).await
}

/// Lets a target be told again what it did not take of this person. Gives how many letters that was.
///
/// # Errors
///
/// As [`targets::resend`].
pub async fn resend(
    ports: &Ports,
    actor: &ConsoleActor,
    id: AccountId,
    target: &str,
) -> Result<usize, Refusal> {
    let act = actor.administering()?;
    let target = targets::find(ports, target)?;
    let which = WhichLetters { account: Some(id.to_string()), ..WhichLetters::default() };
    targets::resend(ports, act, &target, &which).await
}
