//! Makes plans of policies and keeps them under their hash.
//!
//! Invariant: making a plan changes nothing that anybody may do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::{Act, Ports, Refusal};
use super::draft::{Draft, Person, Wanted, draft};
use super::{Compiled, checks, hash};
use crate::config::Mistake;
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, DirectoryId};
use crate::domain::policy::Policy;
use crate::domain::policy::plan::PolicyPlan;
use crate::store::policy_plan::{self, StoredPolicyPlan};
use crate::store::{Conn, StoreError};

/// So long a plan that was not carried out is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A plan, as it is shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// What it would do.
    pub plan: PolicyPlan,
    /// The policy that it is about.
    pub policy: Policy,
    /// When it was made.
    pub created_at: Timestamp,
    /// Everybody it touches.
    pub people: Vec<Person>,
    /// Warnings about the document.
    pub warnings: Vec<Mistake>,
}

/// A plan as programs read it.
#[derive(Debug, Clone, Serialize)]
pub struct ProposalView<'a> {
    #[serde(flatten)]
    plan: &'a PolicyPlan,
    state: &'static str,
    created_at: Timestamp,
    warnings: &'a [Mistake],
    accounts: &'a [Person],
}

impl Proposal {
    /// The plan as programs read it.
    #[must_use]
    pub fn view(&self) -> ProposalView<'_> {
        let state = if self.plan.is_stopped() { "waiting" } else { "proposed" };
        ProposalView {
            plan: &self.plan,
            state,
            created_at: self.created_at,
            warnings: &self.warnings,
            accounts: &self.people,
        }
    }
}

/// Makes a plan of what putting the policy in `text`, read from `file`, into force would do now, and keeps it.
///
/// # Errors
///
/// [`Refusal::Policy`] with every mistake and every case that does not hold.
pub async fn plan(ports: &Ports, act: &Act, text: &str, file: &str) -> Result<Proposal, Refusal> {
    let checked = checks::check(ports, text, file)?;
    // One moment for the whole plan, however long the reading takes.
    let mut c = ports.db.snapshot().await?;
    let former = in_force(ports, &mut c).await?;
    let directories = directories(ports);
    let text_hash = hash(text);
    let wanted = Wanted { policy: &checked.policy, hash: &text_hash, directories: &directories };
    let drafted = draft(&mut c, former.as_deref(), wanted, act.now).await?;
    drop(c);
    let stored = stored(act, text, &drafted)?;
    let (again, changed) = (act.clone(), drafted.plan.changed);
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                keep(c, &stored, again.now).await?;
                let after = json!({ "policy": text_hash, "accounts": changed });
                let subject = Subject::new("policy_plan", &stored.hash);
                again.record(c, "policy_plan_made", subject, None, Some(after)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await?;
    Ok(Proposal {
        plan: drafted.plan,
        policy: checked.policy,
        created_at: act.now,
        people: drafted.people,
        warnings: checked.warnings,
    })
}

/// The policy in force; nothing before the first.
pub(super) async fn in_force(
    ports: &Ports,
    c: &mut Conn,
) -> Result<Option<std::sync::Arc<Compiled>>, Refusal> {
    match ports.policies.current(c).await {
        Ok(compiled) => Ok(Some(compiled)),
        Err(Refusal::NoPolicy) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The directories that rules may speak of.
pub(super) fn directories(ports: &Ports) -> BTreeSet<DirectoryId> {
    let named = ports.settings.directories.iter().map(|directory| directory.id.clone());
    named.chain([DirectoryId::local()]).collect()
}

/// A draft as it is kept.
pub(super) fn stored(act: &Act, text: &str, draft: &Draft) -> Result<StoredPolicyPlan, Refusal> {
    Ok(StoredPolicyPlan {
        hash: draft.plan.hash.clone(),
        created_at: act.now,
        by: act.actor.to_string(),
        text: text.to_owned(),
        document: as_json(&draft.plan)?,
        digests: as_json(&draft.digests)?,
        applied_as: None,
    })
}

fn as_json(value: &impl Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(value).map_err(|error| {
        Refusal::Store(StoreError::corrupt("policy_plan", "new", format!("not written: {error}")))
    })
}

/// Keeps a plan, and forgets old ones.
pub(super) async fn keep(c: &mut Conn, plan: &StoredPolicyPlan, now: Timestamp) -> Result<(), Refusal> {
    let old = now.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
    Ok(policy_plan::save(c, plan, old).await?)
}

/// What a kept plan would do, and to whom, by digest.
pub(super) fn read_back(
    stored: &StoredPolicyPlan,
) -> Result<(PolicyPlan, BTreeMap<AccountId, String>), Refusal> {
    let corrupt =
        |error: serde_json::Error| Refusal::Store(StoreError::corrupt("policy_plan", &stored.hash, error));
    let plan = serde_json::from_value(stored.document.clone()).map_err(corrupt)?;
    let digests = serde_json::from_value(stored.digests.clone()).map_err(corrupt)?;
    Ok((plan, digests))
}
