//! Fills a target's queue with accounts that did not change: those that there were before it, and those that somebody
//! wants it to be told of again.
//!
//! Invariant: at most a few hundred such rows wait at a time, behind every change; the mark stands in the database,
//! so that a replay that was broken off goes on where it stood.

use serde_json::json;

use super::super::lead::Fence;
use super::super::{Act, Ports, Refusal};
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::TargetId;
use crate::store::replay::{self, Replay, ReplayKind};
use crate::store::{Conn, StoreError, outbox};

/// How many accounts are queued at a time.
const PAGE: usize = 256;

/// No further page is queued while so many rows of a replay wait.
const ENOUGH: i64 = 256;

/// Whether a target was never told of the accounts that there were before it.
async fn is_new(c: &mut Conn, target: &TargetId) -> Result<bool, StoreError> {
    Ok(replay::of_target(c, target, 1).await?.is_empty())
}

/// Whether the next page is to be queued now.
pub(super) async fn is_needed(c: &mut Conn, target: &TargetId) -> Result<bool, StoreError> {
    if replay::under_way(c, target).await?.is_some() {
        return Ok(outbox::background_up_to(c, target, ENOUGH).await? < ENOUGH);
    }
    is_new(c, target).await
}

/// Begins what a new target needs, and queues the next page of the replay under way. Gives how many accounts it
/// queued; nothing: no replay is under way, or enough waits.
///
/// # Errors
///
/// [`Refusal::Conflict`] when another node has taken the job, [`Refusal::Store`] when the database cannot be reached.
pub async fn advance(ports: &Ports, target: &TargetId, fence: &Fence) -> Result<Option<usize>, Refusal> {
    let act = ports.act(Actor::Job("deliver".to_owned()), "replay");
    let is_needed = {
        let mut c = ports.db.read().await?;
        is_needed(&mut c, target).await?
    };
    if !is_needed {
        return Ok(None);
    }
    let (claim, target) = (fence.claim(), target.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                claim.hold(c).await?;
                if is_new(c, &target).await? {
                    let by = act.actor.to_string();
                    replay::begin(c, &target, ReplayKind::Backfill, None, &by, act.now).await?;
                }
                match replay::under_way(c, &target).await? {
                    Some(replay) => page(c, &act, &target, &replay).await.map(Some),
                    None => Ok(None),
                }
            })
        })
        .await
}

async fn page(c: &mut Conn, act: &Act, target: &TargetId, replay: &Replay) -> Result<usize, Refusal> {
    let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
    let accounts = replay::page(c, target, replay, limit).await?;
    let count = i64::try_from(accounts.len()).unwrap_or(i64::MAX);
    replay::queue(c, target, &accounts, act.now).await?;
    let is_over = accounts.len() < PAGE;
    let after = accounts.last().copied().or(replay.after);
    replay::advance(c, replay, after, count, is_over.then_some(act.now)).await?;
    if is_over {
        let after =
            json!({ "kind": replay.kind.name(), "accounts": replay.queued + count, "since": replay.since });
        act.record(c, "target_replay_queued", Subject::new("target", target), None, Some(after)).await?;
    }
    Ok(accounts.len())
}
