//! Where what people hold is not what the rules say.
//!
//! Invariant: shown, not fought: nothing is changed here, and a grant by hand stays until a person or its end takes it.

use jiff::Timestamp;
use serde::Serialize;

use super::super::entitle::wanted::Pins;
use super::super::{Ports, Refusal};
use super::weigh::changes;
use crate::domain::account::Status;
use crate::domain::grant::{Grant, Origin};
use crate::domain::ids::{AccountId, RuleId};
use crate::domain::policy::plan::short;
use crate::store::account;

/// How many accounts are read together.
const PAGE: i64 = 1000;

/// In which way it differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "drift", content = "rule", rename_all = "snake_case")]
pub enum Drift {
    /// A person gave it, and no rule gives it.
    ByHand,
    /// A person gave it, and this rule gives it too.
    AlsoByRule(RuleId),
    /// This rule gave it and gives it no more; it is held back.
    HeldBack(RuleId),
    /// This rule gives it, and it is not held yet.
    Missing(RuleId),
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Drifted {
    /// Whose.
    pub account: AccountId,
    /// The sign-in name.
    pub user_name: String,
    /// `role:board`, `limited` …
    pub what: String,
    /// In which way.
    #[serde(flatten)]
    pub how: Drift,
    /// Who gave it.
    pub by: Option<String>,
    /// Why.
    pub why: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Until when.
    pub ends_at: Option<Timestamp>,
}

/// Every difference between what the rules say now and what is held, by account. Removed accounts are left out.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first policy.
pub async fn drift(ports: &Ports, now: Timestamp) -> Result<Vec<Drifted>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let mut drifted = Vec::new();
    let mut after = None;
    loop {
        let page = account::page(&mut c, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(drifted) };
        after = Some(last.id);
        for (change, mapped) in changes(&mut c, &compiled.policy, page, &Pins::new()).await? {
            if change.account.standing.status == Status::Removed {
                continue;
            }
            let one = |what: String, how: Drift, grant: Option<&Grant>| Drifted {
                account: change.account.id,
                user_name: change.account.user_name.clone(),
                what,
                how,
                by: grant.map(|grant| grant.by.clone()),
                why: grant.and_then(|grant| grant.why.clone()),
                since: grant.map(|grant| grant.since),
                ends_at: grant.and_then(|grant| grant.ends_at),
            };
            for grant in change.held.iter().filter(|grant| grant.holds_at(now)) {
                let rule = mapped.as_ref().and_then(|mapped| mapped.grants.get(&grant.kind)).cloned();
                let how = match (&grant.origin, rule) {
                    (Origin::Manual | Origin::Review | Origin::Deputy(_), None) => Drift::ByHand,
                    (Origin::Manual | Origin::Review | Origin::Deputy(_), Some(rule)) => {
                        Drift::AlsoByRule(rule)
                    }
                    (Origin::Rule(from), _) if change.difference.end.contains(&grant.id) => {
                        Drift::HeldBack(from.clone())
                    }
                    (Origin::Rule(_), _) => continue,
                };
                drifted.push(one(short(&grant.kind), how, Some(grant)));
            }
            for (kind, origin) in &change.difference.give {
                if let Origin::Rule(rule) = origin {
                    drifted.push(one(short(kind), Drift::Missing(rule.clone()), None));
                }
            }
        }
    }
}
