//! Changes an account by hand: status, dates, kind.
//!
//! Invariant: a protected account is never touched; the last administrator and the last holder of what is critical
//! stay; a departure is lifted only by the directory.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::super::{Act, Policies, Ports, Refusal, entitle, guard, stand};
use super::{deputy, find_one, is_present};
use crate::domain::account::{Account, AccountKind, Status, StatusReason};
use crate::domain::actor::Subject;
use crate::domain::by_hand::{Obstacle, opens};
use crate::domain::days::Reading;
use crate::domain::ids::AccountId;
use crate::domain::language::Language;
use crate::domain::policy::Policy;
use crate::domain::safety::SafetyStop;
use crate::store::{Conn, account};

/// Beyond every end date that anybody means.
const BEYOND: SignedDuration = SignedDuration::from_hours(24 * 36_500);

/// The first and last instants of an account; what is not named stays as it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dates {
    /// Not before this instant; `Some(None)`: no such limit.
    pub valid_from: Option<Option<Timestamp>>,
    /// Not from this instant on; `Some(None)`: no such limit.
    pub valid_until: Option<Option<Timestamp>>,
}

/// Deactivates an account at once, by hand.
///
/// # Errors
///
/// [`Refusal::Protected`]; [`Refusal::Conflict`] where nobody would be left to administer, or in what is critical.
pub async fn deactivate(ports: &Ports, act: &Act, text: &str, reason: &str) -> Result<Account, Refusal> {
    let note = named(reason)?;
    change(ports, act, text, move |c, act, policy, account| {
        Box::pin(async move {
            match account.standing.status {
                Status::Removed => {
                    return Err(conflict("the account is removed; nothing can be done with it"));
                }
                Status::Deactivated | Status::Invited | Status::Active | Status::Paused | Status::Frozen => {}
            }
            deputy::hold(c, &[account.id]).await?;
            keep_the_last(c, act, policy, account.id).await?;
            stand::change(c, act, account, Status::Deactivated, StatusReason::Manual, Some(note)).await?;
            Ok(())
        })
    })
    .await
}

/// Makes an account active, by hand.
///
/// # Errors
///
/// [`Refusal::Conflict`] where the reason for its present status is not a person's to lift.
pub async fn activate(ports: &Ports, act: &Act, text: &str, reason: &str) -> Result<Account, Refusal> {
    let note = named(reason)?;
    change(ports, act, text, move |c, act, policy, account| {
        Box::pin(async move {
            may_open(c, act, account).await?;
            let is_changed = account.standing.status != Status::Active;
            if is_changed {
                stand::change(c, act, account, Status::Active, StatusReason::Manual, Some(note)).await?;
                entitle::accounts(c, act, policy, &[account.id]).await?;
            }
            Ok(())
        })
    })
    .await
}

async fn may_open(c: &mut Conn, act: &Act, account: &Account) -> Result<(), Refusal> {
    if account.standing.status == Status::Paused {
        return Err(conflict(
            "the account is paused because of leave; end that with: portvakt account leave ACCOUNT --end",
        ));
    }
    let is_present = account.standing.status != Status::Deactivated || is_present(c, account.id).await?;
    match opens(account, is_present, act.now) {
        Err(Obstacle::Removed) => Err(conflict("the account is removed; nothing can be done with it")),
        Err(Obstacle::Departed) => {
            Err(conflict("the person has left the directory; it opens again when the directory says active"))
        }
        Err(Obstacle::Ended { .. }) => Err(conflict(
            "the account's end date has passed; move it first with: portvakt account dates ACCOUNT --valid-until DATE",
        )),
        Err(Obstacle::Absent) => Err(conflict("no directory says that the person is active")),
        Ok(())
        | Err(
            Obstacle::AlreadySo
            | Obstacle::Own
            | Obstacle::Protected
            | Obstacle::Closed
            | Obstacle::NotInUse
            | Obstacle::Unreachable,
        ) => Ok(()),
    }
}

/// Sets the first and last instants of an account. An end that has passed deactivates it with the next tick.
///
/// # Errors
///
/// [`Refusal::Invalid`] where the end comes before the beginning.
pub async fn set_dates(
    ports: &Ports,
    act: &Act,
    text: &str,
    dates: Dates,
    reason: &str,
) -> Result<Account, Refusal> {
    let note = named(reason)?;
    change(ports, act, text, move |c, act, policy, account| {
        Box::pin(async move {
            let takes = BTreeSet::from([account.id]);
            let is_early = dates.valid_from.unwrap_or(account.valid_from).is_some_and(|from| act.now < from);
            if is_early {
                keep_all_the_last(c, act, policy, &takes).await?;
            }
            keep_dates(c, act, policy, (&takes, dates.valid_until.unwrap_or(account.valid_until))).await?;
            date(c, act, account, dates, &note).await
        })
    })
    .await
}

/// Refuses an end for all of `takes` that would leave nobody to administer, or in what is critical.
pub(super) async fn keep_dates(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    (takes, until): (&BTreeSet<AccountId>, Option<Timestamp>),
) -> Result<(), Refusal> {
    match until {
        Some(until) if until <= act.now => keep_all_the_last(c, act, policy, takes).await,
        Some(_) => {
            guard::hold(c).await?;
            keep_one_without_end(c, act, policy, takes).await
        }
        None => Ok(()),
    }
}

/// Writes the dates of an account. The caller holds its lock, and has seen that somebody is left.
pub(super) async fn date(
    c: &mut Conn,
    act: &Act,
    account: &Account,
    dates: Dates,
    note: &str,
) -> Result<(), Refusal> {
    let mut new = account.clone();
    new.valid_from = dates.valid_from.unwrap_or(account.valid_from);
    new.valid_until = dates.valid_until.unwrap_or(account.valid_until);
    if let (Some(from), Some(until)) = (new.valid_from, new.valid_until)
        && until <= from
    {
        return Err(Refusal::invalid("valid-until", "the account would end before it begins"));
    }
    let show = |account: &Account| {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        json!({ "valid_from": text(account.valid_from), "valid_until": text(account.valid_until) })
    };
    let mut after = show(&new);
    if let Some(fields) = after.as_object_mut() {
        fields.insert("reason".to_owned(), json!(note));
    }
    set_terms(c, act, account, &new, show(account), after).await
}

/// Says what kind of account it is. That it is the one for when everything else fails can be said of a protected
/// account too: it only keeps it safer.
///
/// # Errors
///
/// [`Refusal::Protected`]; [`Refusal::Store`] when the database cannot be reached.
pub async fn set_kind(ports: &Ports, act: &Act, text: &str, kind: AccountKind) -> Result<Account, Refusal> {
    let reach = if kind == AccountKind::BreakGlass { Reach::AlsoProtected } else { Reach::Unprotected };
    change_within(ports, act, text, reach, move |c, act, _, account| {
        Box::pin(async move {
            let new = Account { kind, ..account.clone() };
            set_terms(c, act, account, &new, json!({ "kind": account.kind }), json!({ "kind": kind })).await
        })
    })
    .await
}

async fn set_terms(
    c: &mut Conn,
    act: &Act,
    old: &Account,
    new: &Account,
    before: Value,
    after: Value,
) -> Result<(), Refusal> {
    if old == new {
        return Ok(());
    }
    account::set_terms(c, new).await?;
    act.record(c, "account_changed", Subject::new("account", new.id), Some(before), Some(after)).await?;
    act.announce(c, new.id, false).await?;
    Ok(())
}

/// What a change by hand does inside its transaction.
pub(super) type Work<'c> = std::pin::Pin<Box<dyn Future<Output = Result<(), Refusal>> + Send + 'c>>;

/// Whom a change may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Unprotected,
    /// Also who is protected: the change takes nothing away.
    AlsoProtected,
}

/// Runs `work` on the locked account, unless it is protected. Gives the account as it is afterwards.
pub(super) async fn change<F>(ports: &Ports, act: &Act, text: &str, work: F) -> Result<Account, Refusal>
where
    F: for<'c> FnOnce(&'c mut Conn, &'c Act, &'c Policy, &'c Account) -> Work<'c> + Send + 'static,
{
    change_within(ports, act, text, Reach::Unprotected, work).await
}

async fn change_within<F>(
    ports: &Ports,
    act: &Act,
    text: &str,
    reach: Reach,
    work: F,
) -> Result<Account, Refusal>
where
    F: for<'c> FnOnce(&'c mut Conn, &'c Act, &'c Policy, &'c Account) -> Work<'c> + Send + 'static,
{
    let id = find_one(ports, text).await?.id;
    let (act, policies) = (act.clone(), std::sync::Arc::clone(&ports.policies));
    ports
        .db
        .write(move |c| Box::pin(async move { inside(c, &act, &policies, (id, reach), work).await }))
        .await
}

async fn inside<F>(
    c: &mut Conn,
    act: &Act,
    policies: &Policies,
    (id, reach): (AccountId, Reach),
    work: F,
) -> Result<Account, Refusal>
where
    F: for<'c> FnOnce(&'c mut Conn, &'c Act, &'c Policy, &'c Account) -> Work<'c> + Send + 'static,
{
    let compiled = policies.current(c).await?;
    let gone = || Refusal::not_found("account", id);
    let account = account::lock(c, id).await?.ok_or_else(gone)?;
    if account.is_protected && reach == Reach::Unprotected {
        return Err(Refusal::Protected { user_name: account.user_name });
    }
    work(c, act, &compiled.policy, &account).await?;
    account::get(c, id).await?.ok_or_else(gone)
}

/// Refuses when nobody would be left: counted under the lock that all who take access share. How many lose access in
/// a day is no limit for a person who decides about one account.
pub(super) async fn keep_the_last(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    id: AccountId,
) -> Result<(), Refusal> {
    keep_all_the_last(c, act, policy, &BTreeSet::from([id])).await
}

/// The same where several accounts lose access together, by one decision.
pub(super) async fn keep_all_the_last(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    takes: &BTreeSet<AccountId>,
) -> Result<(), Refusal> {
    guard::hold(c).await?;
    let stops = guard::stops(c, policy, takes, act.now).await?;
    let last = stops.iter().find(|stop| match stop {
        SafetyStop::CriticalEmpty { .. } | SafetyStop::NoAdministrator => true,
        SafetyStop::TooMany { .. } | SafetyStop::InputShrank { .. } => false,
    });
    let reading = Reading::of(policy, Language::En, act.now);
    match last {
        Some(stop) => Err(Refusal::Conflict(format!("refused: {}", stop.sentence(policy, &reading)))),
        None => keep_one_without_end(c, act, policy, takes).await,
    }
}

/// Refuses when only administrators with an end date would be left: on that day nobody would administer. The caller
/// holds the guard's lock.
async fn keep_one_without_end(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    takes: &BTreeSet<AccountId>,
) -> Result<(), Refusal> {
    let then = act.now.saturating_add(BEYOND).unwrap_or(Timestamp::MAX);
    let stops = guard::stops(c, policy, takes, then).await?;
    if stops.contains(&SafetyStop::NoAdministrator) {
        return Err(conflict(
            "refused: the administrators that would be left have an end date, and then nobody would administer",
        ));
    }
    Ok(())
}

/// A reason that says something.
pub(in crate::flows) fn named(reason: &str) -> Result<String, Refusal> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Refusal::invalid("reason", "say why, in a few words"));
    }
    Ok(reason.to_owned())
}

pub(super) fn conflict(why: &str) -> Refusal {
    Refusal::Conflict(why.to_owned())
}
