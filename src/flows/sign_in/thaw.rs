//! Lets a person's own sign-in lift the freeze of their account, where the policy allows it.
//!
//! Invariant: only a freeze for inactivity, and only by the rule that applies to the account now; what a person, a
//! review or a directory laid down stays.

use crate::config::Settings;
use crate::domain::account::{Account, Status, StatusReason};
use crate::domain::lifecycle::rule_for;
use crate::domain::policy::Policy;
use crate::flows::lifecycle::facts;
use crate::flows::{Act, Refusal};
use crate::store::Conn;

/// Whether a sign-in lifts the account's freeze. The caller holds the account's lock.
pub(super) async fn may_thaw(
    c: &mut Conn,
    act: &Act,
    policy: &Policy,
    settings: &Settings,
    account: &Account,
) -> Result<bool, Refusal> {
    let is_of_silence =
        matches!(account.standing.reason, StatusReason::Inactive | StatusReason::NeverSignedIn);
    let is_allowed = policy.lifecycle.rules.iter().any(|rule| rule.sign_in_lifts_freeze);
    if account.standing.status != Status::Frozen || !is_of_silence || !is_allowed || account.is_protected {
        return Ok(false);
    }
    let around = facts::surroundings(c, settings, policy, act.now).await?;
    let known = facts::one(c, policy, &around, account.clone(), act.now).await?;
    Ok(known.is_some_and(|known| {
        let facts = known.facts(&around);
        let is_under_way = facts
            .leave
            .as_ref()
            .is_some_and(|leave| leave.from <= act.now && act.now < leave.until && !leave.keeps_sign_in);
        let is_away = is_under_way && !policy.leave_sign_in;
        !is_away && rule_for(policy, &facts).is_some_and(|rule| rule.sign_in_lifts_freeze)
    }))
}
