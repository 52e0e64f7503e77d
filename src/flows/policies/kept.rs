//! Plans that were made and kept: looked at again, by whoever made one or by somebody else.
//!
//! Invariant: reads only; who is touched is drafted anew, so that a plan never shows what no longer holds.

use jiff::Timestamp;

use super::super::{Ports, Refusal};
use super::checks;
use super::draft::{Wanted, draft};
use super::plan::{self, Proposal};
use super::since::{Moved, since};
use crate::store::policy_plan::{self, OpenPlan, StoredPolicyPlan};
use crate::store::{Conn, policy};

/// A plan that was kept.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// It can still be carried out, or not any more.
    Open(Box<Look>),
    /// It was carried out, as this version.
    Applied(i64),
}

/// A plan that was not carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// What putting its policy into force would do now.
    pub proposal: Proposal,
    /// The hash that it was kept under.
    pub hash: String,
    /// Who made it.
    pub by: String,
    /// When, lately.
    pub made_at: Timestamp,
    /// The policy's text.
    pub text: String,
    /// The text in force; empty before the first.
    pub former: String,
    /// What moved since; then it cannot be carried out.
    pub moved: Option<Moved>,
}

/// A plan by its hash, or by the first characters of it, as it looks at `now`.
///
/// # Errors
///
/// [`Refusal::NotFound`] where there is none; [`Refusal::Policy`] where a case has come that does not hold.
pub async fn look(ports: &Ports, hash: &str, now: Timestamp) -> Result<Kept, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let stored = stored(&mut c, hash).await?;
    if let Some(number) = stored.applied_as {
        return Ok(Kept::Applied(number));
    }
    let checked = checks::check(ports, &stored.text, "policy")?;
    let former = plan::in_force(ports, &mut c).await?;
    let directories = plan::directories(ports);
    let text_hash = super::hash(&stored.text);
    let wanted = Wanted { policy: &checked.policy, hash: &text_hash, directories: &directories };
    let fresh = draft(&mut c, former.as_deref(), wanted, now).await?;
    let version = policy::current(&mut c, None).await?;
    let moved = if stored.hash == fresh.plan.hash {
        None
    } else {
        Some(since(&mut c, &stored, &fresh, version.as_ref()).await?)
    };
    Ok(Kept::Open(Box::new(Look {
        proposal: Proposal {
            plan: fresh.plan,
            policy: checked.policy,
            created_at: now,
            people: fresh.people,
            warnings: checked.warnings,
        },
        hash: stored.hash,
        by: stored.by,
        made_at: stored.created_at,
        text: stored.text,
        former: version.map(|version| version.text).unwrap_or_default(),
        moved,
    })))
}

/// The text that a plan is about.
///
/// # Errors
///
/// [`Refusal::NotFound`] where there is no such plan.
pub async fn text_of(ports: &Ports, hash: &str) -> Result<String, Refusal> {
    let mut c = ports.db.read().await?;
    Ok(stored(&mut c, hash).await?.text)
}

async fn stored(c: &mut Conn, hash: &str) -> Result<StoredPolicyPlan, Refusal> {
    policy_plan::get(c, hash).await?.ok_or_else(|| Refusal::not_found("policy plan", hash))
}

/// The newest plans that follow the policy in force and were not carried out.
///
/// # Errors
///
/// [`Refusal::NoPolicy`] before the first policy.
pub async fn open(ports: &Ports, limit: i64) -> Result<Vec<OpenPlan>, Refusal> {
    let mut c = ports.db.read().await?;
    let compiled = ports.policies.current(&mut c).await?;
    Ok(policy_plan::open(&mut c, compiled.number, limit).await?)
}
