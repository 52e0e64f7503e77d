//! Reads a CRM back and compares what it holds with what it should.
//!
//! Invariant: complete or not at all: where a page does not come, nothing is said of anybody. Of an account that is just
//! being told nothing is said either. The CRM is put right by telling it again, never otherwise, and under the same
//! safety stop as everything that takes access.

mod heal;
mod judge;
mod person;
mod read;
mod view;

use std::collections::BTreeSet;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::lead::{self, Claim, Fence};
use super::{Act, Ports, Refusal};
use crate::config::Target;
use crate::crm::Pages;
use crate::domain::actor::Subject;
use crate::domain::ids::TargetId;
use crate::store::comparison::{self, Comparison, Tally};

pub use person::{CrmSays, DirectorySays, ThreeWays, Wrong, person};
pub use view::{Attempt, ComparisonView, Listed, attempt, differences, differences_after, last, measure};

/// How long the lead is good for before it is prolonged.
const PROLONG_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The CRM is told again of what the settings say is to be healed.
    pub heal: bool,
    /// What the safety stop held back is released.
    pub release: Option<Release>,
}

/// A person's word that what was held back may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The hash of exactly that.
    pub hash: String,
    /// Why, for the audit.
    pub reason: String,
}

/// A comparison under way.
struct Round<'r> {
    ports: &'r Ports,
    act: &'r Act,
    target: &'r Target,
    fence: &'r Fence,
    claim: Claim,
    id: Uuid,
    /// What the CRM calls the roles that the settings give and take.
    governed: BTreeSet<String>,
    /// When the lead was last prolonged.
    prolonged: Mutex<Timestamp>,
}

/// The name of the job that compares a target, and of its lease.
#[must_use]
pub fn job(target: &TargetId) -> String {
    format!("compare:{target}")
}

/// Reads a target back, compares, and tells it again of what is to be healed where that is asked for.
///
/// # Errors
///
/// [`Refusal::Invalid`] where the CRM cannot be read back, [`Refusal::Outside`] when it gave no whole list,
/// [`Refusal::Conflict`] when another node has taken the job, [`Refusal::Store`] when the database cannot be reached.
pub async fn run(
    ports: &Ports,
    act: &Act,
    target: &TargetId,
    fence: &Fence,
    asked: &Asked,
) -> Result<ComparisonView, Refusal> {
    let settings = ports.settings.targets.iter().find(|known| known.id == *target);
    let settings = settings.ok_or_else(|| Refusal::not_found("target", target))?;
    let pages = ports.crms.get(target)?.read_back(act.now);
    let pages = pages.map_err(|why| Refusal::invalid(format!("target {target}"), why))?;
    let round = Round {
        ports,
        act,
        target: settings,
        fence,
        claim: fence.claim(),
        id: begin(ports, act, target, fence.claim()).await?,
        governed: settings.roles().into_iter().flatten().map(|(_, name)| name.clone()).collect(),
        prolonged: Mutex::new(act.now),
    };
    let before = {
        let mut c = ports.db.read().await?;
        comparison::last(&mut c, target).await?.map(|last| last.tally.people)
    };
    match round.go(pages, before, asked).await {
        Ok(done) => Ok(ComparisonView::from(done)),
        Err(refusal) => {
            round.fail(&refusal).await;
            Err(refusal)
        }
    }
}

/// The same, for whoever has not the lead: takes it, and gives it back.
///
/// # Errors
///
/// As [`run`].
pub async fn run_alone(
    ports: &Ports,
    act: &Act,
    target: &TargetId,
    asked: &Asked,
) -> Result<ComparisonView, Refusal> {
    let Some(fence) = lead::take(ports, &job(target)).await? else {
        return Err(Refusal::Conflict(format!(
            "another process compares {target} just now; try again later"
        )));
    };
    let done = run(ports, act, target, &fence, asked).await;
    lead::give_back(ports, &fence, "asked for", done.is_ok()).await?;
    done
}

async fn begin(ports: &Ports, act: &Act, target: &TargetId, claim: Claim) -> Result<Uuid, Refusal> {
    let (act, target) = (act.clone(), target.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                claim.hold(c).await?;
                Ok(comparison::begin(c, &target, &act.actor.to_string(), act.now).await?)
            })
        })
        .await
}

impl Round<'_> {
    async fn go(&self, pages: Pages, before: Option<i64>, asked: &Asked) -> Result<Comparison, Refusal> {
        let people = self.read(pages).await?;
        let found = self.judge().await?;
        let mut tally = Tally { people, ..found.tally };
        tally.to_heal = i64::try_from(found.to_heal.len()).unwrap_or(i64::MAX);
        let hash = heal::hash(&found.to_heal);
        let mut stop = None;
        if asked.heal && !found.to_heal.is_empty() {
            stop = self.stops(&found.to_heal, &hash, (before, people), asked).await?;
            if stop.is_none() {
                tally.healed = self.heal(&found.to_heal).await?;
            }
        }
        let done = Comparison {
            id: self.id,
            target: self.target.id.clone(),
            begun_at: self.act.now,
            ended_at: Some(self.ports.clock.now()),
            by: self.act.actor.to_string(),
            is_complete: true,
            tally,
            heal_hash: (!found.to_heal.is_empty()).then_some(hash),
            stop,
            error: None,
        };
        self.finish(done).await
    }

    async fn finish(&self, done: Comparison) -> Result<Comparison, Refusal> {
        let (act, claim, now) = (self.act.clone(), self.claim.clone(), self.ports.clock.now());
        self.ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    claim.hold(c).await?;
                    comparison::finish(c, &done, now).await?;
                    let Tally { people, missing, extra, different, conflicting, healed, .. } = done.tally;
                    let after = json!({
                        "people": people, "missing": missing, "extra": extra, "different": different,
                        "conflicting": conflicting, "healed": healed, "stop": done.stop, "hash": done.heal_hash,
                    });
                    let subject = Subject::new("target", &done.target);
                    act.record(c, "target_compared", subject, None, Some(after)).await?;
                    Ok(done)
                })
            })
            .await
    }

    /// Notes why nothing is said. Where even that cannot be noted, the next comparison puts away what is left.
    async fn fail(&self, refusal: &Refusal) {
        let (id, claim, now) = (self.id, self.claim.clone(), self.ports.clock.now());
        let error = refusal.to_string();
        let noted = self.ports.db.write::<_, Refusal, _>(move |c| {
            Box::pin(async move {
                claim.hold(c).await?;
                Ok(comparison::fail(c, id, &error, now).await?)
            })
        });
        if let Err(error) = noted.await {
            tracing::warn!(target.id = %self.target.id, %error, "that {} could not be read back could not be noted: {error}", self.target.id);
        }
    }

    /// Prolongs the lead, where that is due: many pages take longer than a lease is good for.
    async fn go_on(&self) -> Result<(), Refusal> {
        let now = self.ports.clock.now();
        let last = self.prolonged.lock().map_or(now, |last| *last);
        if now.duration_since(last) < PROLONG_AFTER {
            return Ok(());
        }
        if !lead::prolong(self.ports, self.fence).await? {
            return Err(Refusal::Conflict(format!("another node has taken the job {}", self.fence.job())));
        }
        if let Ok(mut last) = self.prolonged.lock() {
            *last = now;
        }
        Ok(())
    }
}
