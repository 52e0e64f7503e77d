//! Several rights by hand at once: looked at beforehand, then changed in one transaction.
//!
//! Invariant: what is foreseen is computed as decisions are; either everything is changed or nothing.

use jiff::Timestamp;

use super::super::{Act, Ports, Refusal};
use super::change::{change, named};
use super::rights::{Lasting, end_of, exists, give, may_change_rights, take, without_by_hand};
use super::{find_one, seen};
use crate::domain::account::Account;
use crate::domain::effective::{Effective, effective};
use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::ids::{GrantId, RuleId};
use crate::store::entitlement;

/// A right that is to be given or taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum RightChange {
    /// Given by hand, or given anew with another end or reason.
    Give(GrantKind),
    /// What a person gave is taken.
    Take(GrantKind),
}

/// What a change of rights would come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreseen {
    /// What the account can use now.
    pub before: Effective,
    /// What it could use then.
    pub after: Effective,
    /// What is taken by hand and stays all the same, because a rule gives it too.
    pub stays: Vec<(GrantKind, RuleId)>,
    /// When a role or sector by hand ends where nobody names a day; nothing: it needs no end.
    pub usual_end: Option<Timestamp>,
}

/// What `changes` would come to. Nothing is changed.
///
/// # Errors
///
/// As [`change_rights`] would refuse them, but for what only the whole organisation shows.
pub async fn foresee(
    ports: &Ports,
    act: &Act,
    text: &str,
    changes: &[RightChange],
) -> Result<Foreseen, Refusal> {
    let account = find_one(ports, text).await?;
    let mut c = ports.db.snapshot().await?;
    if account.is_protected {
        return Err(Refusal::Protected { user_name: account.user_name });
    }
    seen::unchanged(&mut c, act, &account).await?;
    let compiled = ports.policies.current(&mut c).await?;
    let policy = &compiled.policy;
    may_change_rights(&mut c, act, policy, Some(account.id)).await?;
    let held = entitlement::held(&mut c, account.id).await?;
    let (mut after, mut stays, mut usual_end) = (held.clone(), Vec::new(), None);
    for change in changes {
        match change {
            RightChange::Give(kind) => {
                exists(policy, kind)?;
                usual_end = usual_end.max(end_of(policy, kind, Lasting::AsUsual, act.now)?);
                after.push(wished(act, kind));
            }
            RightChange::Take(kind) => {
                after = without_by_hand(&after, kind)?.1;
                let rule = after.iter().find(|grant| grant.kind == *kind).map(|grant| &grant.origin);
                if let Some(Origin::Rule(rule)) = rule {
                    stays.push((kind.clone(), rule.clone()));
                }
            }
        }
    }
    let amounts = |grants: &[Grant]| effective(policy, grants, act.now);
    Ok(Foreseen { before: amounts(&held), after: amounts(&after), stays, usual_end })
}

fn wished(act: &Act, kind: &GrantKind) -> Grant {
    Grant {
        id: GrantId::new(uuid::Uuid::nil()),
        kind: kind.clone(),
        origin: Origin::Manual,
        by: act.actor.to_string(),
        why: None,
        since: act.now,
        ends_at: None,
        until: None,
    }
}

/// Gives and takes rights by hand, all together. How long it lasts is said of roles and sectors; a limit stays until
/// somebody takes it.
///
/// # Errors
///
/// As [`grant`](super::grant) and [`revoke`](super::revoke), and [`Refusal::Invalid`] where nothing is to change.
pub async fn change_rights(
    ports: &Ports,
    act: &Act,
    text: &str,
    mut changes: Vec<RightChange>,
    lasting: Lasting,
    reason: &str,
) -> Result<Account, Refusal> {
    let why = named(reason)?;
    // What is given comes first, so that what must always be held can go from one role to another.
    changes.sort();
    changes.dedup();
    if changes.is_empty() {
        return Err(Refusal::invalid("changes", "nothing is to be given or taken"));
    }
    change(ports, act, text, move |c, act, policy, account| {
        Box::pin(async move {
            for change in changes {
                match change {
                    RightChange::Give(kind) => {
                        let lasting = match kind {
                            GrantKind::Role(_) | GrantKind::Sector(_) => lasting,
                            GrantKind::Limited | GrantKind::ItemRestricted => Lasting::AsUsual,
                        };
                        give(c, act, policy, account, (kind, lasting, why.clone())).await?;
                    }
                    RightChange::Take(kind) => take(c, act, policy, account, (kind, why.clone())).await?,
                }
            }
            Ok(())
        })
    })
    .await
}
