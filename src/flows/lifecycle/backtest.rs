//! Tries limits of inactivity on the recorded past, before anybody is frozen by them.
//!
//! Invariant: reads only; persons only; what no source recorded is not guessed at.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::super::{Ports, Refusal};
use super::facts::PAGE;
use crate::domain::account::{AccountKind, Status};
use crate::domain::backtest::{Outcome, Past};
use crate::store::{account, evidence_day};

/// What the limits would have come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Backtest {
    /// The first recorded day; nothing: nothing is recorded yet.
    pub from: Option<Timestamp>,
    /// Until when.
    pub until: Timestamp,
    /// How many accounts of persons were looked at.
    pub accounts: u64,
    /// For each limit, in the order asked for.
    pub limits: Vec<Tried>,
}

/// What one limit would have come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// The limit, in days of 24 hours.
    pub inactive_after_days: i64,
    /// What it would have come to.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// Tries each limit on the thirteen months that are recorded.
///
/// # Errors
///
/// [`Refusal::Invalid`] without a limit; [`Refusal::Store`] when the database cannot be reached.
pub async fn backtest(ports: &Ports, limits: &[SignedDuration]) -> Result<Backtest, Refusal> {
    if limits.is_empty() || limits.iter().any(|limit| *limit <= SignedDuration::ZERO) {
        return Err(Refusal::invalid(
            "inactive-after",
            "name at least one length of time, such as 60d,90d,180d",
        ));
    }
    let now = ports.clock.now();
    let mut c = ports.db.snapshot().await?;
    let from = evidence_day::first(&mut c).await?;
    let mut outcomes = vec![Outcome::default(); limits.len()];
    let (mut accounts, mut after) = (0, None);
    while let Some(begin) = from {
        let page = account::page(&mut c, after, PAGE).await?;
        let (Some(first), Some(last)) = (page.first().map(|one| one.id), page.last().map(|one| one.id))
        else {
            break;
        };
        after = Some(last);
        let mut seen: BTreeMap<_, Vec<Timestamp>> = BTreeMap::new();
        for (id, at) in evidence_day::between(&mut c, first, last).await? {
            seen.entry(id).or_default().push(at);
        }
        for one in page {
            let is_person = matches!(one.kind, AccountKind::Person | AccountKind::Temporary);
            if !is_person || one.is_protected || one.standing.status == Status::Removed {
                continue;
            }
            let until = if one.standing.status == Status::Deactivated { one.standing.since } else { now };
            let created = one.valid_from.map_or(one.created_at, |valid| valid.max(one.created_at));
            let past =
                Past { from: begin.max(created), until, seen: seen.remove(&one.id).unwrap_or_default() };
            accounts += 1;
            for (outcome, limit) in outcomes.iter_mut().zip(limits) {
                outcome.add(&past, *limit);
            }
        }
    }
    let tried = limits.iter().zip(outcomes).map(|(limit, outcome)| Tried {
        inactive_after_days: crate::domain::days::whole_days(*limit),
        outcome,
    });
    Ok(Backtest { from, until: now, accounts, limits: tried.collect() })
}
