//! What moved in the world since a plan was made, so that it is not carried out as it was shown.
//!
//! Invariant: reads only.

use jiff::Timestamp;

use super::draft::Draft;
use super::plan;
use crate::domain::ids::AccountId;
use crate::domain::policy::plan::moved;
use crate::flows::Refusal;
use crate::store::policy::PolicyVersion;
use crate::store::policy_plan::StoredPolicyPlan;
use crate::store::{Conn, account};

/// So many accounts are named of those that moved.
const NAMED: usize = 5;

/// Accounts that moved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// How many.
    pub count: usize,
    /// The first of them by their sign-in names.
    pub named: Vec<String>,
}

/// What moved since a plan was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The version that the plan follows.
    pub follows: i64,
    /// The version that came in between: its number, when, and by whom.
    pub version: Option<(i64, Timestamp, String)>,
    /// Who would now be touched and was not before.
    pub came: Touched,
    /// Who would not be touched any more.
    pub went: Touched,
    /// Who would be touched otherwise.
    pub differ: Touched,
}

/// Compares the plan that was kept with the one that is drafted now.
pub(super) async fn since(
    c: &mut Conn,
    stored: &StoredPolicyPlan,
    fresh: &Draft,
    former: Option<&PolicyVersion>,
) -> Result<Moved, Refusal> {
    let (planned, digests) = plan::read_back(stored)?;
    let other = former.filter(|former| former.number != planned.follows);
    let found = moved(&digests, &fresh.digests);
    Ok(Moved {
        follows: planned.follows,
        version: other.map(|former| (former.number, former.applied_at, former.by.clone())),
        came: touched(c, &found.came).await?,
        went: touched(c, &found.went).await?,
        differ: touched(c, &found.differ).await?,
    })
}

async fn touched(c: &mut Conn, ids: &[AccountId]) -> Result<Touched, Refusal> {
    let mut named = Vec::new();
    for id in ids.iter().take(NAMED) {
        named.push(account::get(c, *id).await?.map_or_else(|| id.to_string(), |known| known.user_name));
    }
    Ok(Touched { count: ids.len(), named })
}

impl Moved {
    /// In a sentence, for whoever reads logs and command lines.
    pub(super) fn sentence(&self, hash: &str) -> String {
        let mut said = Vec::new();
        if let Some((number, at, by)) = &self.version {
            said.push(format!(
                "version {number} was put into force at {at} by {by}, and the plan follows version {}",
                self.follows
            ));
        }
        for (some, words) in [
            (&self.came, "would now be touched and were not before"),
            (&self.went, "would not be touched any more"),
            (&self.differ, "would be touched otherwise"),
        ] {
            if some.count > 0 {
                let more = if some.count > some.named.len() { ", …" } else { "" };
                said.push(format!("{} account(s) {words}: {}{more}", some.count, some.named.join(", ")));
            }
        }
        format!(
            "the world has moved since the plan {hash} was made, and nothing was done: {}. Make a new plan and look at \
             it: portvakt policy plan",
            said.join("; ")
        )
    }
}
