//! Approved leave, by hand: granted for a time, or ended.
//!
//! Invariant: only "approved absence" is kept, with who approved it; a leave lasts at most 18 months and is asked for
//! again. What begins today pauses at once, in the same transaction.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde_json::json;

use super::super::lifecycle::end_of_leave;
use super::super::{Act, Ports, Refusal, stand};
use super::change::{change, conflict, keep_the_last};
use crate::domain::account::{Account, Status, StatusReason};
use crate::domain::actor::Subject;
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
}

/// Notes an approved leave. One that is open gives way to it.
///
/// # Errors
///
/// [`Refusal::Invalid`] for a leave without approver, that ends before it begins, is over already, or lasts longer
/// than 18 months.
pub async fn grant_leave(ports: &Ports, act: &Act, text: &str, wish: LeaveWish) -> Result<Account, Refusal> {
    check(&wish, act.now)?;
    change(ports, act, text, move |c, act, policy, account| {
        Box::pin(async move {
            match account.standing.status {
                Status::Deactivated | Status::Removed => {
                    return Err(conflict("the account is not in use; it cannot go on leave"));
                }
                Status::Invited | Status::Active | Status::Paused | Status::Frozen => {}
            }
            if wish.from <= act.now && !policy.leave_sign_in {
                keep_the_last(c, act, policy, account.id).await?;
            }
            let leave = ApprovedLeave {
                account: account.id,
                from: wish.from,
                until: wish.until,
                approver: wish.approver,
                by: act.actor.to_string(),
                noted_at: act.now,
            };
            leave::approve(c, &leave).await?;
            let after = json!({ "from": leave.from.to_string(), "until": leave.until.to_string(),
                "approver": leave.approver });
            act.record(c, "leave_granted", Subject::new("account", account.id), None, Some(after)).await?;
            begin(c, act, account, &leave).await
        })
    })
    .await
}

/// Pauses the account where its leave has begun, and moves the end where it is paused already.
async fn begin(c: &mut Conn, act: &Act, account: &Account, leave: &ApprovedLeave) -> Result<(), Refusal> {
    let has_begun = leave.from <= act.now;
    let is_paused = account.standing.status == Status::Paused;
    if has_begun || is_paused {
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
            let open = leave::open(c, account.id).await?;
            let is_paused = account.standing.status == Status::Paused;
            if open.is_none() && !is_paused {
                return Err(conflict("the account is not on leave, and no leave is noted"));
            }
            let has_begun = open.is_none_or(|leave| leave.from <= act.now);
            let mut present = account.clone();
            if has_begun {
                end_of_leave(c, act, &mut present).await?;
            } else {
                leave::end(c, account.id, act.now).await?;
            }
            act.record(c, "leave_ended", Subject::new("account", account.id), None, None).await?;
            if is_paused {
                stand::change(c, act, &present, Status::Active, StatusReason::Returned, None).await?;
            }
            Ok(())
        })
    })
    .await
}

fn check(wish: &LeaveWish, now: Timestamp) -> Result<(), Refusal> {
    if wish.approver.trim().is_empty() {
        return Err(Refusal::invalid("approver", "name who approved the leave"));
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
        let wish = LeaveWish {
            from: from.parse().unwrap(),
            until: until.parse().unwrap(),
            approver: approver.into(),
        };
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
