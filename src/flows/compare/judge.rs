//! Goes through every account, and every user that belongs to none.
//!
//! Invariant: one snapshot for the whole of it, a page at a time; what the CRM was told since it was read, or is yet to
//! be told, is not held against it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use uuid::Uuid;

use super::super::{Refusal, state};
use super::Round;
use crate::config::Target;
use crate::domain::account::{Account, Status};
use crate::domain::comparison::{Class, Difference, Holding, Ought, Treatment, compare};
use crate::domain::effective::effective;
use crate::domain::grant::Grant;
use crate::domain::ids::AccountId;
use crate::domain::policy::Policy;
use crate::store::comparison::{self, Kept, Tally};
use crate::store::comparison_user::{self, Staged};
use crate::store::told::{self, Knows, Progress};
use crate::store::{Conn, Span, account, entitlement};

/// How many accounts are compared at a time.
const PAGE: i64 = 500;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) tally: Tally,
    /// Whom the CRM is to be told of again, by id, and whether that takes access there.
    pub(super) to_heal: Vec<(AccountId, bool)>,
}

/// What the CRM should hold of an account.
pub(super) fn ought(
    policy: &Policy,
    target: &Target,
    account: &Account,
    grants: &[Grant],
    crm_id: Option<String>,
    now: Timestamp,
) -> Ought {
    let status = account.standing.status;
    let held = state::in_force(status, effective(policy, grants, now)).roles;
    let roles = target.roles().into_iter().flatten().filter(|(role, _)| held.contains(*role));
    Ought {
        crm_id,
        active: status == Status::Active,
        removed: status == Status::Removed,
        user_name: account.user_name.clone(),
        display_name: account.display_name.clone(),
        email: account.email.clone(),
        roles: roles.map(|(_, name)| name.clone()).collect(),
    }
}

/// Whether a CRM is just being told: then it is no wonder that it says something else.
pub(super) fn is_under_way(knows: &[Knows], read_at: Timestamp) -> bool {
    knows.iter().any(|one| match one.progress {
        Progress::Waiting => true,
        Progress::Taken => one.since >= read_at,
        Progress::Dead => false,
    })
}

impl Round<'_> {
    /// Compares everybody, and keeps what is found.
    pub(super) async fn judge(&self) -> Result<Found, Refusal> {
        let mut c = self.ports.db.snapshot().await?;
        let compiled = self.ports.policies.current(&mut c).await?;
        let (mut found, mut after) = (Found::default(), None);
        loop {
            let accounts = account::page(&mut c, after, PAGE).await?;
            let Some(last) = accounts.last().map(|account| account.id) else { break };
            after = Some(last);
            let kept = self.page(&mut c, &compiled.policy, accounts, &mut found).await?;
            self.keep(kept).await?;
            self.go_on().await?;
        }
        let mut position = -1;
        loop {
            let page = comparison_user::strangers(&mut c, self.id, position, PAGE).await?;
            let Some(last) = page.last() else { return Ok(found) };
            position = last.position;
            let kept: Vec<Kept> = page.into_iter().map(|staged| stranger(staged, &mut found.tally)).collect();
            self.keep(kept).await?;
            self.go_on().await?;
        }
    }

    async fn page(
        &self,
        c: &mut Conn,
        policy: &Policy,
        accounts: Vec<Account>,
        found: &mut Found,
    ) -> Result<Vec<Kept>, Refusal> {
        let ids: Vec<AccountId> = accounts.iter().map(|account| account.id).collect();
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else { return Ok(Vec::new()) };
        let (span, target) = (Span::Between(*first, *last), &self.target.id);
        let grants = entitlement::held_by(c, &ids).await?;
        let mut crm_ids = account::crm_ids(c, target, &ids).await?;
        let mut knows: BTreeMap<AccountId, Vec<Knows>> = BTreeMap::new();
        for one in told::of(c, &span, target).await? {
            knows.entry(one.account).or_default().push(one);
        }
        let mut held: BTreeMap<AccountId, Vec<Staged>> = BTreeMap::new();
        for staged in comparison_user::of_accounts(c, self.id, &span).await? {
            if let Some(id) = staged.account {
                held.entry(id).or_default().push(staged);
            }
        }
        let mut kept = Vec::new();
        for account in accounts {
            let id = account.id;
            if is_under_way(&knows.remove(&id).unwrap_or_default(), self.act.now) {
                found.tally.under_way += 1;
                continue;
            }
            let grants = grants.get(&id).map(Vec::as_slice).unwrap_or_default();
            let ought = ought(policy, self.target, &account, grants, crm_ids.remove(&id), self.act.now);
            kept.extend(self.one(id, &ought, held.remove(&id).unwrap_or_default(), found));
        }
        Ok(kept)
    }

    /// Compares one account.
    fn one(&self, id: AccountId, ought: &Ought, held: Vec<Staged>, found: &mut Found) -> Vec<Kept> {
        let in_conflict =
            held.iter().find_map(|one| Some((one.holding.crm_id.clone(), one.conflict.clone()?)));
        let held: Vec<Holding> = held.into_iter().map(|staged| staged.holding).collect();
        let differences = match in_conflict {
            Some((crm_id, why)) => vec![Difference::conflicting(crm_id, why)],
            None => compare(ought, &held, &self.governed),
        };
        let treatments = &self.target.comparing.treatments;
        let mut kept = Vec::new();
        let (mut heals, mut takes) = (false, false);
        for difference in differences {
            let treatment = match treatments.of(&difference) {
                Treatment::Accept => continue,
                // The CRM had them once: that they are gone there is for a person to look at.
                Treatment::Heal if difference.class == Class::Missing && ought.crm_id.is_some() => {
                    Treatment::Report
                }
                treatment => treatment,
            };
            if treatment == Treatment::Heal {
                heals = true;
                takes |= difference.takes(ought, held.first(), &self.governed);
            }
            kept.push(Kept { id: Uuid::now_v7(), account: Some(id), difference, treatment });
        }
        if heals {
            // Telling writes the whole state, so that it takes whatever else the CRM gives too much.
            let all = compare(ought, &held, &self.governed);
            takes |= all.iter().any(|one| one.takes(ought, held.first(), &self.governed));
            found.to_heal.push((id, takes));
        }
        let classes: BTreeSet<Class> = kept.iter().map(|one| one.difference.class).collect();
        for class in classes {
            count(&mut found.tally, class);
        }
        kept
    }

    async fn keep(&self, kept: Vec<Kept>) -> Result<(), Refusal> {
        if kept.is_empty() {
            return Ok(());
        }
        let (id, claim) = (self.id, self.claim.clone());
        self.ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    claim.hold(c).await?;
                    Ok(comparison::keep(c, id, &kept).await?)
                })
            })
            .await
    }
}

/// A user that belongs to no account.
fn stranger(staged: Staged, tally: &mut Tally) -> Kept {
    let difference = match staged.conflict {
        Some(why) => Difference::conflicting(staged.holding.crm_id, why),
        None => Difference::extra(&staged.holding),
    };
    count(tally, difference.class);
    Kept { id: Uuid::now_v7(), account: None, difference, treatment: Treatment::Report }
}

fn count(tally: &mut Tally, class: Class) {
    match class {
        Class::Missing => tally.missing += 1,
        Class::Extra => tally.extra += 1,
        Class::Different => tally.different += 1,
        Class::Conflicting => tally.conflicting += 1,
    }
}
