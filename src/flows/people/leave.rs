//! Approved leave, by hand: granted for a time, or ended.
//!
//! Invariant: only "approved absence" is kept, with who approved it; a leave lasts at most 18 months and is asked for
//! again. What begins today pauses at once, in the same transaction, unless a reason was given for letting in all the
//! same.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use super::super::lifecycle::end_of_leave;
use super::super::{Act, Ports, Refusal, stand};
use super::change::{change, conflict, keep_the_last};
use super::deputy::{self, DeputyWish};
use crate::domain::account::{Account, Status, StatusReason};
use crate::domain::actor::Subject;
use crate::domain::ids::DirectoryId;
use crate::domain::policy::Policy;
use crate::store::leave::{self, ApprovedLeave};
use crate::store::{Conn, account};

/// The longest leave, in months.
const MONTHS: i64 = 18;

/// A leave that is to be noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaveWish {
    /// Its first instant.
    pub from: Timestamp,
    /// The first instant after it.
    pub until: Timestamp,
    /// Who approved it.
    pub approver: String,
    /// Why the person may sign in all the same; nothing: they may not.
    pub sign_in_why: Option<String>,
    /// Who stands in.
    pub deputy: Option<DeputyWish>,
    /// The directory whose attributes say so; nothing: a person notes it.
    pub directory: Option<DirectoryId>,
}

impl LeaveWish {
    /// A leave that pauses, with nobody to stand in.
    #[must_use]
    pub fn new(from: Timestamp, until: Timestamp, approver: &str) -> Self {
        Self { from, until, approver: approver.to_owned(), sign_in_why: None, deputy: None, directory: None }
    }
}

/// Notes an approved leave. One that is open gives way to it, unless it is under way and this one comes later.
///
/// # Errors
///
/// [`Refusal::Invalid`] for a leave without approver, that ends before it begins, is over already, or lasts longer
/// than 18 months; [`Refusal::Conflict`] for a later one while one is under way; [`Refusal::NotAllowed`] where the
/// acting person would stand in themselves.
pub async fn grant_leave(ports: &Ports, act: &Act, text: &str, wish: LeaveWish) -> Result<Account, Refusal> {
    check(&wish, act.now)?;
    change(ports, act, text, move |c, act, policy, account| {
        Box::pin(async move { note(c, act, policy, account, wish).await })
    })
    .await
}

/// Notes a leave that was checked. The caller holds the account's lock.
pub(in crate::flows) async fn note(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    account: &Account,
    wish: LeaveWish,
) -> Result<(), Refusal> {
    match account.standing.status {
        Status::Deactivated | Status::Removed => {
            return Err(conflict("the account is not in use; it cannot go on leave"));
        }
        Status::Invited | Status::Active | Status::Paused | Status::Frozen => {}
    }
    may_be_next(c, act, account, &wish).await?;
    let deputy = match wish.deputy {
        Some(wish) => Some(deputy::understand(c, act, wish, account.id).await?),
        None => None,
    };
    deputy::hold(c, &[account.id]).await?;
    if let Some(deputy) = &deputy {
        account::lock(c, deputy.account).await?;
    }
    if wish.from <= act.now && !policy.leave_sign_in && wish.sign_in_why.is_none() {
        keep_the_last(c, act, policy, account.id).await?;
    }
    let leave = ApprovedLeave {
        account: account.id,
        from: wish.from,
        until: wish.until,
        approver: wish.approver,
        by: act.actor.to_string(),
        noted_at: act.now,
        directory: wish.directory,
        sign_in_why: wish.sign_in_why,
        deputy,
    };
    deputy::end(c, act, account.id).await?;
    leave::approve(c, &leave).await?;
    let after = json!({ "from": leave.from.to_string(), "until": leave.until.to_string(),
        "approver": leave.approver, "sign_in_why": leave.sign_in_why,
        "deputy": leave.deputy.as_ref().map(|deputy| deputy.account), "directory": leave.directory });
    act.record(c, "leave_granted", Subject::new("account", account.id), None, Some(after)).await?;
    begin(c, act, account, &leave).await?;
    if leave.from <= act.now {
        deputy::give(c, act, &leave).await?;
    }
    Ok(())
}

/// Refuses a later leave by hand while one is under way: it would take its place, and let the person in until then. A
/// directory's own leave moves as the directory says.
async fn may_be_next(c: &mut Conn, act: &Act, account: &Account, wish: &LeaveWish) -> Result<(), Refusal> {
    if wish.directory.is_some() || wish.from <= act.now {
        return Ok(());
    }
    let is_under_way = match leave::open(c, account.id).await? {
        Some(open) => open.from <= act.now && act.now < open.until,
        None => account.standing.status == Status::Paused,
    };
    if is_under_way {
        return Err(conflict(
            "a leave is under way and would give way to the later one; end the one under way first",
        ));
    }
    Ok(())
}

/// Pauses the account where its leave has begun, moves the end where it is paused already, and lets the person back in
/// where the leave was moved to a later day.
async fn begin(c: &mut Conn, act: &Act, account: &Account, leave: &ApprovedLeave) -> Result<(), Refusal> {
    let has_begun = leave.from <= act.now;
    let is_paused = account.standing.status == Status::Paused;
    if leave.sign_in_why.is_some() {
        if is_paused {
            let open = Account { leave_until: None, ..account.clone() };
            account::set_terms(c, &open).await?;
            stand::change(c, act, &open, Status::Active, StatusReason::Returned, None).await?;
        }
        return Ok(());
    }
    if is_paused && !has_begun {
        let ended = account.leave_until.map(|until| until.min(act.now));
        let present = Account { leave_until: ended, returned_at: Some(act.now), ..account.clone() };
        account::set_terms(c, &present).await?;
        stand::change(c, act, &present, Status::Active, StatusReason::Returned, None).await?;
        return Ok(());
    }
    if has_begun {
        let paused = Account { leave_until: Some(leave.until), ..account.clone() };
        account::set_terms(c, &paused).await?;
    }
    if has_begun && matches!(account.standing.status, Status::Active | Status::Invited) {
        stand::change(c, act, account, Status::Paused, StatusReason::Leave, None).await?;
    }
    Ok(())
}

/// Ends the leave of an account: who is paused can sign in again at once.
///
/// # Errors
///
/// [`Refusal::Conflict`] when there is no leave to end.
pub async fn end_leave(ports: &Ports, act: &Act, text: &str) -> Result<Account, Refusal> {
    change(ports, act, text, move |c, act, _, account| {
        Box::pin(async move {
            let is_paused = account.standing.status == Status::Paused;
            if leave::open(c, account.id).await?.is_none() && !is_paused {
                return Err(conflict("the account is not on leave, and no leave is noted"));
            }
            over(c, act, account).await
        })
    })
    .await
}

/// Ends the leave of an account now. The caller holds the account's lock.
pub(in crate::flows) async fn over(c: &mut Conn, act: &Act, account: &Account) -> Result<(), Refusal> {
    let open = leave::open(c, account.id).await?;
    let is_paused = account.standing.status == Status::Paused;
    let has_begun = open.is_none_or(|leave| leave.from <= act.now);
    let mut present = account.clone();
    if has_begun {
        end_of_leave(c, act, &mut present).await?;
    } else {
        leave::end(c, account.id, act.now).await?;
        deputy::end(c, act, account.id).await?;
    }
    act.record(c, "leave_ended", Subject::new("account", account.id), None, None).await?;
    if is_paused {
        stand::change(c, act, &present, Status::Active, StatusReason::Returned, None).await?;
    }
    Ok(())
}

/// Notes a leave that a directory tells of. The caller holds the account's lock.
pub(in crate::flows) async fn note_checked(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    account: &Account,
    wish: LeaveWish,
) -> Result<(), Refusal> {
    check(&wish, act.now)?;
    if account.is_protected {
        return Err(Refusal::Protected { user_name: account.user_name.clone() });
    }
    note(c, act, policy, account, wish).await
}

pub(in crate::flows) fn check(wish: &LeaveWish, now: Timestamp) -> Result<(), Refusal> {
    if wish.approver.trim().is_empty() {
        return Err(Refusal::invalid("approver", "name who approved the leave"));
    }
    if wish.sign_in_why.as_deref().is_some_and(|why| why.trim().is_empty()) {
        return Err(Refusal::invalid("sign-in", "say why the person may sign in during the leave"));
    }
    if wish.until <= wish.from {
        return Err(Refusal::invalid("until", "the leave would end before it begins"));
    }
    if wish.until <= now {
        return Err(Refusal::invalid("until", "the leave is over already"));
    }
    let longest = wish.from.to_zoned(TimeZone::UTC).checked_add(MONTHS.months());
    // A day more, because days begin at midnight where the organisation is and not in UTC.
    let longest = longest.and_then(|end| end.checked_add(1.day()));
    if longest.is_ok_and(|end| wish.until > end.timestamp()) {
        return Err(Refusal::invalid("until", "a leave lasts at most 18 months; then it is asked for again"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(from: &str, until: &str, approver: &str) -> Result<(), Refusal> {
        let now = "2025-10-07T08:00:00Z".parse().unwrap();
        let wish = LeaveWish::new(from.parse().unwrap(), until.parse().unwrap(), approver);
        check(&wish, now)
    }

    #[test]
    fn a_leave_has_an_approver_an_order_and_at_most_eighteen_months() {
        let (from, until) = ("2025-10-01T00:00:00Z", "2027-04-01T00:00:00Z");
        assert!(judge(from, until, "Karin Ek").is_ok());
        assert!(judge(from, until, " ").is_err());
        assert!(judge(until, from, "Karin Ek").is_err());
        assert!(judge(from, "2027-05-01T00:00:00Z", "Karin Ek").is_err());
        assert!(judge("2025-01-01T00:00:00Z", "2025-10-01T00:00:00Z", "Karin Ek").is_err());
    }
}
