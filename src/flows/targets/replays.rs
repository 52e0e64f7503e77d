//! Tells a target again of accounts that did not change: one, all, or those it was told of since an instant.
//!
//! Invariant: what is told is the present state under its present version; it waits behind every change.

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::one_account;
use crate::domain::actor::Subject;
use crate::domain::ids::TargetId;
use crate::flows::{Act, Ports, Refusal};
use crate::store::replay::{self, Replay, ReplayKind};

/// How many accounts are counted at a time.
const PAGE: i64 = 1000;

/// Which accounts a target is told of again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Again {
    /// One: its id, its user name or the CRM's id.
    pub account: Option<String>,
    /// Only those that the target was told of since then, or never: what a CRM has lost that was restored from a
    /// backup of that instant.
    pub since: Option<Timestamp>,
}

/// How many accounts a replay would tell the target of.
///
/// # Errors
///
/// [`Refusal::NotFound`] or [`Refusal::Ambiguous`] when the account is none, or several.
pub async fn count(ports: &Ports, target: &TargetId, again: &Again) -> Result<usize, Refusal> {
    if let Some(text) = &again.account {
        one_account(ports, target, text).await?;
        return Ok(1);
    }
    let mut c = ports.db.snapshot().await?;
    let mut replay = Replay {
        id: Uuid::nil(),
        kind: ReplayKind::Asked,
        since: again.since,
        by: String::new(),
        begun_at: ports.clock.now(),
        after: None,
        queued: 0,
        ended_at: None,
    };
    let mut count = 0;
    loop {
        let page = replay::page(&mut c, target, &replay, PAGE).await?;
        let Some(last) = page.last() else { return Ok(count) };
        count += page.len();
        replay.after = Some(*last);
    }
}

/// Begins a replay; the job that delivers queues it page by page. One account is queued at once.
///
/// # Errors
///
/// As [`count`], [`Refusal::Invalid`] for a target that asks for itself, and [`Refusal::Conflict`] while another replay
/// of the target is under way.
pub async fn begin(ports: &Ports, act: &Act, target: &TargetId, again: &Again) -> Result<(), Refusal> {
    ports.crms.get(target)?;
    let only = match &again.account {
        Some(text) => Some(one_account(ports, target, text).await?),
        None => None,
    };
    let (act, target, since) = (act.clone(), target.clone(), again.since);
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let subject = Subject::new("target", &target);
                if let Some(account) = only {
                    replay::queue(c, &target, &[account], act.now).await?;
                    let after = json!({ "account": account });
                    act.record(c, "target_replayed", subject, None, Some(after)).await?;
                    return Ok(());
                }
                if replay::under_way(c, &target).await?.is_some() {
                    return Err(Refusal::Conflict(format!(
                        "a replay of {target} is under way; see how far it is: portvakt target show {target}"
                    )));
                }
                let by = act.actor.to_string();
                replay::begin(c, &target, ReplayKind::Asked, since, &by, act.now).await?;
                let after = json!({ "since": since });
                act.record(c, "target_replayed", subject, None, Some(after)).await?;
                Ok(())
            })
        })
        .await
}
