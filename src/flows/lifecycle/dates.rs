//! Follows the dates that accounts and grants carry: an end that has passed, a leave that begins or is over.
//!
//! Invariant: only dates that people set are followed here, on the day; the safety limits hold as they do for a plan,
//! and what they stop waits for the next plan. A grant past its end opened nothing any more: its row only says so now.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::super::{Act, Compiled, Ports, Refusal, guard, people};
use super::facts::{self, PAGE, Surroundings};
use super::observe;
use super::step::{carry_out, end_of_leave, never_released};
use crate::domain::account::Status;
use crate::domain::actor::Subject;
use crate::domain::grant::{Grant, Holder, Link};
use crate::domain::ids::AccountId;
use crate::domain::lifecycle::{Reason, assess};
use crate::store::{Conn, account, entitlement, link};

/// Takes the steps that dates ask for now. Gives how many accounts changed. Nothing while the policy only observes.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn follow_dates(ports: &Ports, act: &Act) -> Result<usize, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    if observe::watch(&mut c, &compiled.policy, act.now).await?.is_observing() {
        return Ok(0);
    }
    let around = Arc::new(facts::surroundings(&mut c, &ports.settings, &compiled.policy, act.now).await?);
    drop(c);
    let (mut changed, mut after) = (0, None);
    loop {
        let mut c = ports.db.read().await?;
        let page = account::dated(&mut c, act.now, after, PAGE).await?;
        drop(c);
        let Some(last) = page.last() else { return Ok(changed) };
        after = Some(last.id);
        for account in &page {
            let (act, id) = (act.clone(), account.id);
            let (compiled, around) = (Arc::clone(&compiled), Arc::clone(&around));
            let work = ports
                .db
                .write(move |c| Box::pin(async move { follow(c, &act, &compiled, &around, id).await }));
            changed += usize::from(work.await?);
        }
    }
}

async fn follow(
    c: &mut Conn,
    act: &Act,
    compiled: &Compiled,
    around: &Surroundings,
    id: AccountId,
) -> Result<bool, Refusal> {
    let policy = &compiled.policy;
    let Some(account) = account::lock(c, id).await? else { return Ok(false) };
    let Some(known) = facts::one(c, policy, around, account, act.now).await? else { return Ok(false) };
    let fresh = assess(policy, &known.facts(around), act.now);
    match &fresh.because {
        Reason::Expired { .. } => {
            people::hold_deputies(c, &[id]).await?;
            guard::hold(c).await?;
            let stops = guard::stops(c, policy, &BTreeSet::from([id]), act.now).await?;
            if !stops.is_empty() {
                tracing::debug!(account.id = %id, "the end of account {id} waits for a plan: the safety limits hold it");
                return Ok(false);
            }
        }
        Reason::LeaveBegan { .. } if !policy.leave_sign_in => {
            guard::hold(c).await?;
            let stops = guard::stops(c, policy, &BTreeSet::from([id]), act.now).await?;
            if !never_released(stops).is_empty() {
                tracing::debug!(account.id = %id, "the leave of account {id} waits: nobody else administers");
                return Ok(false);
            }
        }
        Reason::LeaveBegan { .. } | Reason::LeaveEnded { .. } => {}
        Reason::Kept { .. }
        | Reason::Inactive { .. }
        | Reason::NeverSignedIn { .. }
        | Reason::Departed { .. }
        | Reason::ActiveAgain { .. }
        | Reason::FrozenLongEnough { .. }
        | Reason::DeactivatedLongEnough { .. }
        | Reason::NoLongerGiven { .. } => return forget_past_leave(c, act, known).await,
    }
    let act = act.because(fresh.because.name());
    carry_out(c, &act, policy, &known, fresh.step, &fresh.because).await?;
    Ok(true)
}

/// A leave that passed while the account was never paused, because it was frozen or nothing ran: the clock stood
/// still all the same, and runs again from now.
async fn forget_past_leave(c: &mut Conn, act: &Act, known: facts::Known) -> Result<bool, Refusal> {
    let is_over = known.leave.is_some_and(|leave| leave.until <= act.now);
    let mut account = known.account;
    if is_over && account.standing.status != Status::Paused {
        end_of_leave(c, act, &mut account).await?;
    }
    Ok(false)
}

/// How many ended grants are looked at together.
const GRANTS: i64 = 100;

/// Ends grants and links whose own end has come, and tells the CRMs. Gives how many.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn end_grants(ports: &Ports, act: &Act) -> Result<usize, Refusal> {
    let act = act.because("end date");
    let mut ended = 0;
    loop {
        let mut c = ports.db.read().await?;
        let overdue = entitlement::overdue(&mut c, act.now, GRANTS).await?;
        drop(c);
        let Some((id, _)) = overdue.first() else { break };
        let (act, id) = (act.clone(), *id);
        let grants: Vec<Grant> =
            overdue.into_iter().filter(|(account, _)| *account == id).map(|(_, grant)| grant).collect();
        ended += grants.len();
        ports.db.write(move |c| Box::pin(async move { end_of(c, &act, id, &grants).await })).await?;
    }
    loop {
        let mut c = ports.db.read().await?;
        let overdue = link::overdue(&mut c, act.now, GRANTS).await?;
        drop(c);
        if overdue.is_empty() {
            return Ok(ended);
        }
        let act = act.clone();
        ended += ports.db.write(move |c| Box::pin(async move { end_links(c, &act, &overdue).await })).await?;
    }
}

async fn end_links(c: &mut Conn, act: &Act, links: &[Link]) -> Result<usize, Refusal> {
    let mut ended = 0;
    for one in links {
        if !link::end(c, one.id, act.now).await? {
            continue;
        }
        ended += 1;
        let item = format!("{}/{}", one.item.component, one.item.item);
        let before = json!({ "item": item, "holder": one.holder, "origin": one.origin });
        act.record(c, "link_ended", Subject::new("item", item), Some(before.clone()), None).await?;
        if let Holder::Account(id) = one.holder {
            act.record(c, "link_ended", Subject::new("account", id), Some(before), None).await?;
            act.announce(c, id, true).await?;
        }
    }
    Ok(ended)
}

async fn end_of(c: &mut Conn, act: &Act, id: AccountId, grants: &[Grant]) -> Result<(), Refusal> {
    account::lock(c, id).await?;
    for grant in grants {
        entitlement::end(c, grant.id, act.now).await?;
    }
    let gone = grants.iter().map(|grant| json!({ "kind": grant.kind.name(), "value": grant.kind.value() }));
    let before = gone.collect();
    act.record(c, "grants_ended", Subject::new("account", id), Some(before), None).await?;
    act.announce(c, id, true).await?;
    Ok(())
}
