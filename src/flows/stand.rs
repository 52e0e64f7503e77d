//! Changes an account's status.
//!
//! Invariant: the new status, the end of the person's sessions, the audit entry and the outbox rows are one
//! transaction: from that commit on every decision is no and every session is dead. What others held only in the place
//! of somebody whose account is closed ends there too.

use serde_json::{Value, json};

use super::{Act, Refusal, people};
use crate::domain::account::{Account, Standing, Status, StatusReason};
use crate::domain::actor::Subject;
use crate::domain::ids::AccountId;
use crate::store::{Conn, departure, standing};

/// Gives `account` the status `status` for `reason`. Nothing happens where it has just that already.
///
/// The caller holds the account's lock. Gives whether anything changed.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn change(
    c: &mut Conn,
    act: &Act,
    account: &Account,
    status: Status,
    reason: StatusReason,
    note: Option<String>,
) -> Result<bool, Refusal> {
    if account.standing.status == status && account.standing.reason == reason {
        return Ok(false);
    }
    let new = Standing { status, since: act.now, reason, by: act.actor.to_string(), note };
    let takes_access = !status.is_usable();
    let ended = standing::change(c, account.id, &new).await?;
    if new.is_departure() && account.standing.status != Status::Deactivated {
        departure::note(c, &[account.id], &act.targets, act.now).await?;
    }
    if status.is_closed() {
        people::without_deputies(c, act, &[account.id]).await?;
    }
    let mut after = describe(&new);
    if let Some(fields) = after.as_object_mut()
        && ended > 0
    {
        fields.insert("sessions_ended".to_owned(), json!(ended));
    }
    let before = describe(&account.standing);
    act.record(c, action(status), Subject::new("account", account.id), Some(before), Some(after)).await?;
    act.announce(c, account.id, takes_access).await?;
    Ok(true)
}

/// Takes access from several accounts at once, each for its own cause, as [`change`] does from one.
///
/// The caller holds the accounts' locks, and has seen that each gets a status that it does not have.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(super) async fn close_all(c: &mut Conn, act: &Act, closings: &[Closing<'_>]) -> Result<(), Refusal> {
    let new = |closing: &Closing<'_>| Standing {
        status: closing.status,
        since: act.now,
        reason: closing.reason,
        by: act.actor.to_string(),
        note: closing.note.clone(),
    };
    let closed: Vec<(AccountId, Standing)> =
        closings.iter().map(|closing| (closing.account.id, new(closing))).collect();
    let ended = standing::close_all(c, &closed, act.now).await?;
    let left = closings.iter().zip(&closed).filter(|(closing, (_, new))| {
        new.is_departure() && closing.account.standing.status != Status::Deactivated
    });
    let left: Vec<AccountId> = left.map(|(_, (id, _))| *id).collect();
    departure::note(c, &left, &act.targets, act.now).await?;
    let gone = closed.iter().filter(|(_, new)| new.status.is_closed());
    let gone: Vec<AccountId> = gone.map(|(id, _)| *id).collect();
    people::without_deputies(c, act, &gone).await?;
    for (closing, (id, new)) in closings.iter().zip(&closed) {
        let mut after = describe(new);
        if let (Some(fields), Some(count)) = (after.as_object_mut(), ended.get(id)) {
            fields.insert("sessions_ended".to_owned(), json!(count));
        }
        let before = describe(&closing.account.standing);
        let act = act.because(closing.cause.clone());
        act.record(c, action(closing.status), Subject::new("account", id), Some(before), Some(after)).await?;
        act.announce(c, *id, true).await?;
    }
    Ok(())
}

/// An account that loses access.
#[derive(Debug)]
pub(super) struct Closing<'a> {
    /// As it was.
    pub(super) account: &'a Account,
    /// What it becomes: a status that takes access.
    pub(super) status: Status,
    /// Why.
    pub(super) reason: StatusReason,
    /// What the audit names as the cause.
    pub(super) cause: String,
    /// In a person's own words, where one decided.
    pub(super) note: Option<String>,
}

/// What the audit calls it.
const fn action(status: Status) -> &'static str {
    match status {
        Status::Invited => "account_invited",
        Status::Active => "account_activated",
        Status::Paused => "account_paused",
        Status::Frozen => "account_frozen",
        Status::Deactivated => "account_deactivated",
        Status::Removed => "account_removed",
    }
}

fn describe(standing: &Standing) -> Value {
    json!({
        "status": standing.status,
        "reason": standing.reason,
        "since": standing.since.to_string(),
        "note": standing.note,
    })
}
