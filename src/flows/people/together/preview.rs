//! Shows what would be done to several accounts, before anybody gives a reason.
//!
//! Invariant: reads only, and judges as the change itself does.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::super::console::ConsoleActor;
use super::super::super::lifecycle::facts::{self, Moment};
use super::super::super::{Ports, Refusal, guard};
use super::{open, stands_in_the_way};
use crate::domain::account::Status;
use crate::domain::by_hand::{Deed, Obstacle};
use crate::domain::evidence::{LastSeen, last_seen};
use crate::domain::ids::{AccountId, RoleId};
use crate::domain::policy::EvidenceSource;
use crate::domain::safety::SafetyStop;
use crate::store::{account, entitlement};

/// One account of a preview.
#[derive(Debug, Clone)]
pub struct PreviewLine {
    /// Which.
    pub account: AccountId,
    /// The person's name, else the user name.
    pub name: String,
    /// The sign-in name.
    pub user_name: String,
    /// How it stands.
    pub status: Status,
    /// What it holds.
    pub roles: BTreeSet<RoleId>,
    /// When the person was last seen.
    pub last_seen: Option<LastSeen>,
    /// Not from this instant on.
    pub valid_until: Option<Timestamp>,
    /// What it must still be known by when it is changed.
    pub version: i64,
    /// Why it is left as it is.
    pub obstacle: Option<Obstacle>,
}

/// What would be done.
#[derive(Debug, Clone)]
pub struct Preview {
    /// What.
    pub deed: Deed,
    /// To whom, and to whom not, in the order of names.
    pub lines: Vec<PreviewLine>,
    /// What stops all of it.
    pub stops: Vec<SafetyStop>,
    /// Roles that nobody else who can sign in holds, with who does.
    pub alone: Vec<(String, RoleId)>,
}

impl Preview {
    /// To whom it would be done.
    pub fn changed(&self) -> impl Iterator<Item = &PreviewLine> {
        self.lines.iter().filter(|line| line.obstacle.is_none())
    }
}

/// Shows what `deed` would do to these accounts.
///
/// # Errors
///
/// [`Refusal::NeedsRight`] for whoever may not do it; [`Refusal::Store`] when the database cannot be reached.
pub async fn preview(
    ports: &Ports,
    actor: &ConsoleActor,
    deed: Deed,
    ids: &[AccountId],
) -> Result<Preview, Refusal> {
    let act = actor.administering()?;
    let (mut c, compiled) = open(ports).await?;
    let policy = &compiled.policy;
    let around = facts::surroundings(&mut c, &ports.settings, policy, act.now).await?;
    let accounts = account::of_ids(&mut c, ids).await?;
    let known = facts::listed(&mut c, policy, &around, accounts, Moment::Now(act.now)).await?;
    let mut lines = Vec::with_capacity(known.len());
    for one in known {
        let account = &one.account;
        let name = if account.display_name.is_empty() { &account.user_name } else { &account.display_name };
        lines.push(PreviewLine {
            account: account.id,
            name: name.clone(),
            user_name: account.user_name.clone(),
            status: account.standing.status,
            roles: one.roles.clone(),
            last_seen: last_seen(&one.evidence, &EvidenceSource::ALL.iter().copied().collect()),
            valid_until: account.valid_until,
            version: account.version,
            obstacle: stands_in_the_way(&mut c, (actor, act), (deed, None), account).await?,
        });
    }
    lines.sort_by_cached_key(|line| (crate::domain::name::sort_key(&line.name), line.account));
    let takes: BTreeSet<AccountId> =
        lines.iter().filter(|line| line.obstacle.is_none()).map(|line| line.account).collect();
    let mut shown = Preview { deed, lines, stops: Vec::new(), alone: Vec::new() };
    if deed.takes() && !takes.is_empty() {
        shown.stops = guard::stops(&mut c, policy, &takes, act.now).await?;
        let held: BTreeSet<RoleId> = shown.changed().flat_map(|line| line.roles.iter().cloned()).collect();
        for role in held {
            let kind = crate::domain::grant::GrantKind::Role(role.clone());
            let most = i64::try_from(takes.len()).unwrap_or(i64::MAX).saturating_add(1);
            let holders = entitlement::active_holders(&mut c, &kind, act.now, most).await?;
            let is_left = holders.iter().any(|holder| !takes.contains(holder));
            let who: Vec<&str> = shown
                .changed()
                .filter(|line| line.status == Status::Active && line.roles.contains(&role))
                .map(|line| line.name.as_str())
                .collect();
            if !is_left && !who.is_empty() {
                shown.alone.push((who.join(", "), role));
            }
        }
    }
    Ok(shown)
}
