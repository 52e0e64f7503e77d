//! Keeps the policy in force: the newest version in the database, compiled once.
//!
//! Invariant: every node acts on the same version; a version is compiled at most once per node.

mod apply;
mod checks;
mod draft;
mod drift;
mod items;
mod kept;
mod paper;
mod plan;
mod since;
mod versions;
mod weigh;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{Ports, Refusal};
use crate::config::parse_policy;
use crate::domain::policy::Policy;
use crate::store::policy::PolicyVersion;
use crate::store::{Conn, policy};

pub use crate::config::{Mistake, Severity};
pub use crate::store::policy::PolicyVersion as Version;
pub use crate::store::policy_plan::OpenPlan;
pub use apply::{Outcome, apply, apply_plan, apply_text, rollback};
pub use checks::{Checked, check};
pub use draft::Person;
pub use drift::{Drift, Drifted, drift};
pub use kept::{Kept, Look, look, open, text_of};
pub(in crate::flows) use paper::group_names;
pub use paper::{Form, blocks, document};
pub use plan::{Proposal, ProposalView, plan};
pub use since::{Moved, Touched};
pub use versions::{Comparison, compare, compare_texts, list, show};

/// A policy with the number it is in force under.
#[derive(Debug)]
pub struct Compiled {
    /// 1, 2, 3 …
    pub number: i64,
    /// SHA-256 of its text, hexadecimal.
    pub hash: String,
    /// What it says.
    pub policy: Policy,
}

/// The policy in force, kept compiled.
#[derive(Debug, Default)]
pub struct Policies {
    cached: ArcSwapOption<Compiled>,
}

impl Policies {
    /// The policy in force.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoPolicy`] before the first one was applied.
    pub async fn current(&self, c: &mut Conn) -> Result<Arc<Compiled>, Refusal> {
        let newest = policy::newest_number(c).await?;
        self.numbered(c, newest).await
    }

    /// The policy in force, whose number was read along with something else. `c` is asked only for one that is not
    /// known here yet.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoPolicy`] before the first one was applied.
    pub async fn numbered(&self, c: &mut Conn, newest: Option<i64>) -> Result<Arc<Compiled>, Refusal> {
        let newest = newest.ok_or(Refusal::NoPolicy)?;
        if let Some(known) = self.cached.load_full()
            && known.number == newest
        {
            return Ok(known);
        }
        let version = policy::current(c, None).await?.ok_or(Refusal::NoPolicy)?;
        let compiled = Arc::new(compile(version)?);
        self.cached.store(Some(Arc::clone(&compiled)));
        Ok(compiled)
    }

    /// The policy that was in force at a past instant.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoPolicy`] when there was none yet.
    pub async fn as_of(&self, c: &mut Conn, at: Timestamp) -> Result<Arc<Compiled>, Refusal> {
        let version = policy::current(c, Some(at)).await?.ok_or(Refusal::NoPolicy)?;
        match self.cached.load_full() {
            Some(known) if known.number == version.number => Ok(known),
            _ => Ok(Arc::new(compile(version)?)),
        }
    }
}

fn compile(version: PolicyVersion) -> Result<Compiled, Refusal> {
    let name = format!("policy version {}", version.number);
    let policy = parse_policy(&version.text, &name).map_err(Refusal::Policy)?;
    Ok(Compiled { number: version.number, hash: version.hash, policy })
}

/// What applying a policy did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The number it is in force under.
    pub number: i64,
    /// Whether it is new; the same text again changes nothing.
    pub is_new: bool,
    /// How many accounts' grants changed.
    pub changed: usize,
}

/// SHA-256 of a policy's text, hexadecimal.
#[must_use]
pub fn hash(text: &str) -> String {
    const FIGURES: &[u8; 16] = b"0123456789abcdef";
    let figure = |half: u8| FIGURES.get(usize::from(half)).map_or('?', |figure| char::from(*figure));
    Sha256::digest(text).iter().flat_map(|byte| [figure(byte >> 4), figure(byte & 15)]).collect()
}

/// Runs the cases that the settings name against the policy in force, where there is one.
///
/// # Errors
///
/// [`Refusal::Policy`] with every case that does not hold.
pub async fn cases_hold(ports: &Ports) -> Result<(), Refusal> {
    let mut c = ports.db.read().await?;
    match policy::current(&mut c, None).await? {
        Some(version) => checks::cases_hold(ports, &version.text, version.number),
        None => Ok(()),
    }
}
