//! How things stand: what the start page tells beside the key figures.
//!
//! Invariant: reads only; counts come from indexes, and nobody's row is read.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::lifecycle::{self, facts};
use super::super::{Ports, Refusal, directories, targets};
use super::ConsoleActor;
use crate::domain::evidence::{Unknown, knowledge};
use crate::domain::ids::DirectoryId;
use crate::domain::policy::EvidenceSource;
use crate::store::{plan, waiting};

/// A source of "last seen", and whether it knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLine {
    /// Which.
    pub source: EvidenceSource,
    /// Of which directory.
    pub directory: Option<DirectoryId>,
    /// When it was last read, or last reported.
    pub last_success: Option<Timestamp>,
    /// Why it does not know; nothing: it does.
    pub doubt: Option<Unknown>,
}

/// What comes by itself until the next run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Coming {
    /// Accounts whose last day passes.
    pub ends: usize,
    /// People who return from leave.
    pub returns: usize,
    /// Leaves that begin.
    pub leaves: usize,
    /// Rights whose end comes.
    pub rights: usize,
}

/// How things stand.
#[derive(Debug, Clone)]
pub struct Standing {
    /// When the lifecycle runs next; nothing: it has no schedule.
    pub next_run: Option<Timestamp>,
    /// What comes until then.
    pub coming: Coming,
    /// When the newest plan was made, where it stopped and waits.
    pub stopped: Option<Timestamp>,
    /// Every directory.
    pub directories: Vec<directories::Row>,
    /// Every source that is read or that reports; sign-ins here are always known.
    pub sources: Vec<SourceLine>,
    /// Every CRM.
    pub targets: Vec<targets::TargetStanding>,
}

/// How things stand now.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn standing(ports: &Ports, actor: &ConsoleActor) -> Result<Standing, Refusal> {
    let now = actor.reading().now;
    let next_run = lifecycle::next_run(ports).await?;
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    let found = waiting::coming(&mut c, now, next_run.unwrap_or(now)).await?;
    let newest = plan::latest(&mut c).await?.into_iter().find(|plan| plan.state == "waiting");
    let around = facts::surroundings(&mut c, &ports.settings, &compiled.policy, now).await?;
    drop(c);
    let stale_after = compiled.policy.lifecycle.source_stale_after;
    let sources = around.sources.iter().filter(|one| one.source != EvidenceSource::Sso).map(|one| {
        let people: BTreeSet<DirectoryId> = one.directory.iter().cloned().collect();
        let named = BTreeSet::from([one.source]);
        let known = knowledge(&named, &people, std::slice::from_ref(one), stale_after, now);
        SourceLine {
            source: one.source,
            directory: one.directory.clone(),
            last_success: one.last_success,
            doubt: known.unknown.into_iter().next(),
        }
    });
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    Ok(Standing {
        next_run,
        coming: Coming {
            ends: number(found.ends),
            returns: number(found.returns),
            leaves: number(found.leaves),
            rights: number(found.rights),
        },
        stopped: newest.map(|plan| plan.created_at),
        directories: directories::list(ports).await?,
        sources: sources.collect(),
        targets: targets::list(ports).await?,
    })
}
