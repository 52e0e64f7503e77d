//! Puts a CRM right by telling it again how accounts stand.
//!
//! Invariant: before the first is told, all are counted together under the safety limits; what a person releases is
//! exactly what was held back, by its hash.

use std::collections::BTreeSet;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::{Refusal, guard};
use super::{Asked, Round};
use crate::domain::actor::Subject;
use crate::domain::ids::AccountId;
use crate::domain::policy::shift::hexadecimal;
use crate::domain::safety::{SafetyStop, shrank};
use crate::store::replay;

/// How many accounts are queued in one transaction.
const PAGE: usize = 256;

/// Why nothing is told where the CRM lists far fewer users than the time before.
const SHRANK: &str = "list_shrank";

/// What is to be told again, as a hash: SHA-256, hexadecimal.
pub(super) fn hash(to_heal: &[(AccountId, bool)]) -> String {
    let mut all = Sha256::new();
    for (id, takes) in to_heal {
        all.update(format!("{id} {takes}\n"));
    }
    hexadecimal(&all.finalize())
}

impl Round<'_> {
    /// What stops all of it from being told; nothing: it may be, or somebody released it.
    pub(super) async fn stops(
        &self,
        to_heal: &[(AccountId, bool)],
        hash: &str,
        (before, people): (Option<i64>, i64),
        asked: &Asked,
    ) -> Result<Option<String>, Refusal> {
        let takes = to_heal.iter().filter(|(_, takes)| *takes).count();
        let mut c = self.ports.db.read().await?;
        let compiled = self.ports.policies.current(&mut c).await?;
        let policy = &compiled.policy;
        // Nobody loses anything here: what we say stays as it is, and the CRM follows.
        let stops = guard::stops_besides(&mut c, policy, &BTreeSet::new(), takes, self.act.now).await?;
        drop(c);
        let mut names: Vec<&str> = stops.iter().map(SafetyStop::name).collect();
        let count = |n: i64| u64::try_from(n).unwrap_or_default();
        if before.is_some_and(|before| {
            shrank(count(before), count(people), policy.lifecycle.safety.max_shrink_percent)
        }) {
            names.push(SHRANK);
        }
        let is_released = asked.release.as_ref().is_some_and(|release| release.hash == hash);
        let after = json!({ "accounts": to_heal.len(), "takes": takes, "hash": hash, "stops": names });
        if names.is_empty() {
            return Ok(None);
        }
        let reason = asked.release.as_ref().map(|release| release.reason.clone()).unwrap_or_default();
        let (act, action) = if is_released {
            (self.act.because(reason), "comparison_released")
        } else {
            (self.act.clone(), "comparison_stopped")
        };
        let (subject, stop) = (Subject::new("target", &self.target.id), names.join(", "));
        self.ports
            .db
            .write::<_, Refusal, _>(move |c| {
                Box::pin(
                    async move { Ok(act.record(c, action, subject, None, Some(after)).await.map(drop)?) },
                )
            })
            .await?;
        if is_released {
            return Ok(None);
        }
        tracing::error!(target.id = %self.target.id,
            "target {} is not told again of {} accounts ({stop}); see them, and release them with: portvakt compare {} --heal --release {hash} --reason …",
            self.target.id, to_heal.len(), self.target.id);
        Ok(Some(stop))
    }

    /// Queues the present state of these accounts. Gives how many.
    pub(super) async fn heal(&self, to_heal: &[(AccountId, bool)]) -> Result<i64, Refusal> {
        for page in to_heal.chunks(PAGE) {
            let ids: Vec<AccountId> = page.iter().map(|(id, _)| *id).collect();
            let (claim, target, now) = (self.claim.clone(), self.target.id.clone(), self.act.now);
            self.ports
                .db
                .write::<_, Refusal, _>(move |c| {
                    Box::pin(async move {
                        claim.hold(c).await?;
                        Ok(replay::queue(c, &target, &ids, now).await?)
                    })
                })
                .await?;
            self.go_on().await?;
        }
        Ok(i64::try_from(to_heal.len()).unwrap_or(i64::MAX))
    }
}
