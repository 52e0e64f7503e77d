//! What the last comparison of each CRM found.
//!
//! Invariant: reads only.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::super::{Ports, Refusal};
use crate::domain::comparison::{Attribute, Class, Difference, Treatment};
use crate::domain::ids::{AccountId, TargetId};
use crate::store::comparison::{self, Comparison, Kept, Tally};
use crate::store::{account, lease};

/// How many differences are read at a time.
const PAGE: i64 = 500;

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparisonView {
    /// Of which CRM.
    pub target: TargetId,
    /// When it began.
    pub begun_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Who asked for it.
    pub by: String,
    /// Users of the CRM.
    pub people: i64,
    /// Accounts that the CRM lacks.
    pub missing: i64,
    /// Users that belong to no account.
    pub extra: i64,
    /// Accounts of which something is different.
    pub different: i64,
    /// Accounts or users in conflict.
    pub conflicting: i64,
    /// Accounts that were just being told, of which nothing is said.
    pub under_way: i64,
    /// Accounts that are to be told again, by the settings.
    pub to_heal: i64,
    /// Accounts that are told again.
    pub healed: i64,
    /// What is to be told again, as a hash.
    pub hash: Option<String>,
    /// What stopped it from being told again.
    pub stop: Option<String>,
    /// What reads its differences.
    #[serde(skip)]
    id: Uuid,
}

impl From<Comparison> for ComparisonView {
    fn from(comparison: Comparison) -> Self {
        let Comparison { id, target, begun_at, ended_at, by, tally, heal_hash: hash, stop, .. } = comparison;
        let Tally { people, missing, extra, different, conflicting, under_way, to_heal, healed } = tally;
        Self {
            target,
            begun_at,
            ended_at,
            by,
            people,
            missing,
            extra,
            different,
            conflicting,
            under_way,
            to_heal,
            healed,
            hash,
            stop,
            id,
        }
    }
}

impl ComparisonView {
    /// How many there are of a class.
    #[must_use]
    pub const fn of(&self, class: Class) -> i64 {
        match class {
            Class::Missing => self.missing,
            Class::Extra => self.extra,
            Class::Different => self.different,
            Class::Conflicting => self.conflicting,
        }
    }
}

/// A difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Of which kind.
    pub class: Class,
    /// Whose; nothing: nobody's.
    pub account: Option<AccountId>,
    /// Their user name with us.
    pub user_name: Option<String>,
    /// The CRM's id of the user.
    pub crm_id: Option<String>,
    /// Of what; nothing: of the person as a whole.
    pub attribute: Option<Attribute>,
    /// What we say.
    pub ours: Option<String>,
    /// What the CRM says.
    pub theirs: Option<String>,
    /// What becomes of it.
    pub treatment: Treatment,
    /// Where it stands.
    #[serde(skip)]
    id: Uuid,
}

impl Listed {
    pub(super) fn new(kept: Kept, user_name: Option<String>) -> Self {
        let Kept { id, account, difference, treatment } = kept;
        let Difference { class, attribute, crm_id, ours, theirs } = difference;
        Self { class, account, user_name, crm_id, attribute, ours, theirs, treatment, id }
    }

    /// Where it stands in the list: what comes after it is asked for by this.
    #[must_use]
    pub const fn place(&self) -> Uuid {
        self.id
    }
}

/// How the newest attempt to read a CRM back went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// There was none, or it came to its end: [`last`] tells of it.
    Over,
    /// It goes on.
    Reading {
        /// Since when.
        since: Timestamp,
    },
    /// It said nothing of anybody.
    Failed {
        /// When it began.
        at: Timestamp,
        /// Why; nothing: it was broken off.
        why: Option<String>,
    },
}

/// How the newest attempt to read a target back went.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn attempt(ports: &Ports, target: &TargetId) -> Result<Attempt, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let Some(newest) = comparison::of_target(&mut c, target, 1).await?.pop() else {
        return Ok(Attempt::Over);
    };
    let at = newest.begun_at;
    Ok(match (newest.is_complete, newest.error) {
        (true, _) => Attempt::Over,
        (false, Some(why)) => Attempt::Failed { at, why: Some(why) },
        (false, None) if lease::is_taken(&mut c, &super::job(target), ports.clock.now()).await? => {
            Attempt::Reading { since: at }
        }
        (false, None) => Attempt::Failed { at, why: None },
    })
}

/// The newest complete comparison of a target; nothing: there was none.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn last(ports: &Ports, target: &TargetId) -> Result<Option<ComparisonView>, Refusal> {
    let mut c = ports.db.read().await?;
    Ok(comparison::last(&mut c, target).await?.map(ComparisonView::from))
}

/// A page of what a comparison found, after the difference `after`; none: that was all.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn differences(
    ports: &Ports,
    comparison: &ComparisonView,
    after: Option<&Listed>,
) -> Result<Vec<Listed>, Refusal> {
    differences_after(ports, comparison, after.map(Listed::place), PAGE).await
}

/// At most `most` of what a comparison found, after a [`place`](Listed::place) in the list.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn differences_after(
    ports: &Ports,
    comparison: &ComparisonView,
    after: Option<Uuid>,
    most: i64,
) -> Result<Vec<Listed>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let page = comparison::differences(&mut c, comparison.id, after, most).await?;
    let ids: Vec<AccountId> = page.iter().filter_map(|kept| kept.account).collect();
    let names: BTreeMap<AccountId, String> = account::of_ids(&mut c, &ids)
        .await?
        .into_iter()
        .map(|account| (account.id, account.user_name))
        .collect();
    let listed = page.into_iter().map(|kept| {
        let name = kept.account.and_then(|id| names.get(&id).cloned());
        Listed::new(kept, name)
    });
    Ok(listed.collect())
}

/// Measures what the last comparison of each target found. A target that was never compared has no gauge: nothing is
/// known of it.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn measure(ports: &Ports) -> Result<(), Refusal> {
    for target in &ports.settings.targets {
        let Some(found) = last(ports, &target.id).await? else { continue };
        for class in Class::ALL {
            let labels = [("target", target.id.to_string()), ("class", class.name().to_owned())];
            metrics::gauge!("portvakt_comparison_differences", &labels).set(gauge(found.of(*class)));
        }
        let at = found.ended_at.unwrap_or(found.begun_at).as_second();
        metrics::gauge!("portvakt_comparison_timestamp_seconds", "target" => target.id.to_string())
            .set(gauge(at));
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; counts and instants stay far below 2^52")]
const fn gauge(value: i64) -> f64 {
    value as f64
}
