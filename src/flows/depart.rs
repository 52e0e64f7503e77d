//! Follows what the directories say: who is active nowhere any more has departed, who is active again has returned.
//!
//! Invariant: the identity always says what the provider said. The account is deactivated in the same transaction,
//! unless it is protected or the safety limits hold it: then it waits for a lifecycle plan that somebody releases.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Act, Refusal, guard, people, protection, stand};
use crate::domain::account::{Account, Standing, Status, StatusReason};
use crate::domain::actor::Subject;
use crate::domain::ids::AccountId;
use crate::domain::policy::Policy;
use crate::store::{Conn, account, presence, standing};

/// What following the directories came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Followed {
    /// Nothing to do.
    AsBefore,
    /// Deactivated, because no directory says active any more.
    Departed,
    /// As before the departure, because a directory says active again.
    Returned,
    /// Departed, but the account is protected or the safety limits hold it.
    Held,
}

/// Brings an account in line with what its directories say.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn follow(c: &mut Conn, act: &Act, policy: &Policy, id: AccountId) -> Result<Followed, Refusal> {
    // Locked first: whoever reads before the lock may judge by what another directory said a moment ago.
    let account = account::lock(c, id).await?.ok_or_else(|| Refusal::not_found("account", id))?;
    let is_present = presence::is_anywhere(c, id).await?;
    follow_locked(c, act, policy, account, is_present).await
}

/// The same for an account that the caller has locked, and of which it knows since then whether any directory calls
/// its person active.
pub(super) async fn follow_locked(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    account: Account,
    is_present: bool,
) -> Result<Followed, Refusal> {
    match (is_present, account.standing.status) {
        (true, Status::Deactivated) if account.standing.reason == StatusReason::Departed => {
            restore(c, act, &account).await?;
            Ok(Followed::Returned)
        }
        (false, Status::Invited | Status::Active | Status::Paused | Status::Frozen) => {
            depart(c, act, policy, &account).await
        }
        (false, Status::Deactivated) if account.standing.reason != StatusReason::Departed => {
            // Whoever may lift it changes: from now on only the directory's "active again" does.
            stand::change(c, act, &account, Status::Deactivated, StatusReason::Departed, None).await?;
            Ok(Followed::Departed)
        }
        (_, Status::Deactivated | Status::Removed) | (true, _) => Ok(Followed::AsBefore),
    }
}

/// Gives a departed account back the status it had before: frozen, invited or deactivated for another reason it
/// stays so, for the directory lifts only what the directory laid down; on leave while the leave lasts; else active.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(super) async fn restore(c: &mut Conn, act: &Act, account: &Account) -> Result<(), Refusal> {
    let history = standing::history(c, account.id).await?;
    let former = history.into_iter().rev().map(|past| past.standing).find(|s| !s.is_departure());
    let is_on_leave = account.leave_until.is_some_and(|until| act.now < until);
    let (status, reason, note) = match former {
        Some(Standing { status: Status::Paused, reason, note, .. }) if is_on_leave => {
            (Status::Paused, reason, note)
        }
        Some(Standing { status, reason, note, .. })
            if matches!(status, Status::Invited | Status::Frozen | Status::Deactivated) =>
        {
            (status, reason, note)
        }
        _ => (Status::Active, StatusReason::Returned, None),
    };
    stand::change(c, act, account, status, reason, note).await?;
    Ok(())
}

async fn depart(c: &mut Conn, act: &Act, policy: &Policy, account: &Account) -> Result<Followed, Refusal> {
    if let Some(why) = protection::untouchable(account) {
        hold(c, act, account, vec![why]).await?;
        return Ok(Followed::Held);
    }
    people::hold_deputies(c, &[account.id]).await?;
    guard::hold(c).await?;
    let stops = guard::stops(c, policy, &BTreeSet::from([account.id]), act.now).await?;
    if !stops.is_empty() {
        hold(c, act, account, stops.iter().map(crate::domain::safety::SafetyStop::name).collect()).await?;
        return Ok(Followed::Held);
    }
    stand::change(c, act, account, Status::Deactivated, StatusReason::Departed, None).await?;
    Ok(Followed::Departed)
}

async fn hold(c: &mut Conn, act: &Act, account: &Account, why: Vec<&'static str>) -> Result<(), Refusal> {
    tracing::warn!(account.id = %account.id, ?why, "a departure is held: account {} stays as it is until a plan is released", account.id);
    metrics::counter!("portvakt_departures_held_total").increment(1);
    let after = json!({ "held_by": why });
    act.record(c, "departure_held", Subject::new("account", account.id), None, Some(after)).await?;
    Ok(())
}
