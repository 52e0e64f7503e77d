//! Tells a CRM that asks what has changed since it last asked.
//!
//! Invariant: complete and in one order. Each account comes as it stands now, at the place of its latest change: who
//! follows the cursor has, at the end, everybody as they stand. A cursor is good for as long as the database is.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::{Ports, Refusal, state};
use crate::config::{Target, TargetKind};
use crate::crm::AccountState;
use crate::domain::ids::TargetId;
use crate::store::change::{self, Order};
use crate::store::{StoreError, account};

/// How often whoever waits looks whether anything was committed.
const LOOK: Duration = Duration::from_millis(250);

/// Where somebody has come to in the order of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    order: String,
    position: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(format!("1 {} {}", self.order, self.position)))
    }
}

impl Cursor {
    /// The end of an order, as it is now.
    pub(super) fn at_end(order: Order) -> Self {
        Self { order: order.name, position: order.last }
    }

    /// Reads a cursor that was given out.
    ///
    /// # Errors
    ///
    /// [`Stopped::NoCursor`] for any other text.
    pub fn parse(text: &str) -> Result<Self, Stopped> {
        let decoded = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let read = |text: String| {
            let (order, position) = text.strip_prefix("1 ")?.split_once(' ')?;
            Some(Self { order: order.to_owned(), position: position.parse().ok()? })
        };
        decoded.and_then(read).ok_or(Stopped::NoCursor)
    }
}

/// Why changes cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// What was given is no cursor.
    #[error(
        "since: that is no cursor; give `next` of the answer before, or `revision` of a snapshot, as it was"
    )]
    NoCursor,
    /// The cursor is of another database, or newer than this one.
    #[error(
        "since: this cursor is of another database, or newer than this one, which was restored from a backup. Take GET /api/v1/snapshot and go on from its `revision`, or begin without `since`"
    )]
    Gone,
    /// Something else.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    /// Each account that has, as it stands now, in the order of their latest changes.
    pub changes: Vec<AccountState>,
    /// What to ask with the next time.
    pub next: String,
    /// Whether there is more at once.
    pub has_more: bool,
}

/// What changed after `since`, or since ever, at most `limit` accounts. Where nothing has, waits up to `wait` for it,
/// but no longer once `is_ending` says so.
///
/// # Errors
///
/// [`Stopped`].
pub async fn follow(
    ports: &Ports,
    target: &TargetId,
    since: Option<&Cursor>,
    limit: usize,
    wait: Duration,
    is_ending: impl Fn() -> bool,
) -> Result<Page, Stopped> {
    let deadline = Instant::now() + wait;
    let is_over = || is_ending() || Instant::now() >= deadline;
    loop {
        // Asked before the page is read: what is committed meanwhile makes another one.
        let epoch = ports.db.epoch().await?;
        let page = page(ports, target, since, limit).await?;
        if !page.changes.is_empty() || is_over() {
            return Ok(page);
        }
        loop {
            sleep(LOOK.min(deadline.saturating_duration_since(Instant::now()))).await;
            if is_over() {
                return Ok(page);
            }
            if ports.db.epoch().await? != epoch {
                break;
            }
        }
    }
}

/// Gives everything a place that has changed up to now.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub(super) async fn place_all(ports: &Ports) -> Result<(), Refusal> {
    while place(ports).await? == change::MOST {}
    Ok(())
}

async fn place(ports: &Ports) -> Result<i64, Refusal> {
    let is_needed = {
        let mut c = ports.db.read().await?;
        account::is_unplaced(&mut c).await? || change::order(&mut c).await?.is_none()
    };
    if !is_needed {
        return Ok(0);
    }
    let (name, now) = (Uuid::now_v7().simple().to_string(), ports.clock.now());
    ports.db.write(move |c| Box::pin(async move { Ok(change::place(c, &name, now).await?) })).await
}

async fn page(
    ports: &Ports,
    target: &TargetId,
    since: Option<&Cursor>,
    limit: usize,
) -> Result<Page, Stopped> {
    place(ports).await?;
    let mut c = ports.db.snapshot().await?;
    let order = change::order(&mut c).await?;
    let order = order.ok_or_else(|| StoreError::corrupt("setting", "changes", "it has no name"))?;
    let after = match since {
        None => 0,
        Some(cursor) if cursor.order == order.name && cursor.position <= order.last => cursor.position,
        Some(_) => return Err(Stopped::Gone),
    };
    let former = change::reading(&mut c, target).await?;
    let compiled = ports.policies.current(&mut c).await?;
    // One more than wanted tells whether there is more.
    let wanted = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let mut found = account::changed(&mut c, after, wanted).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let position = found.last().map_or(after, |(position, _)| *position);
    let accounts = found.into_iter().map(|(_, account)| account).collect();
    let changes = state::of_all(&mut c, &compiled.policy, target, accounts, ports.clock.now()).await?;
    drop(c);
    if former.is_none_or(|(known, _)| known < after) {
        acknowledge(ports, target, after).await?;
    }
    Ok(Page { changes, next: Cursor { order: order.name, position }.to_string(), has_more })
}

/// Who asks on from a place has what stands before it: of a CRM that is not told otherwise that is the proof.
async fn acknowledge(ports: &Ports, target: &TargetId, upto: i64) -> Result<(), Refusal> {
    let asks = |known: &Target| known.id == *target && known.kind == TargetKind::Pull;
    if !ports.settings.targets.iter().any(asks) {
        return Ok(());
    }
    let (target, now) = (target.clone(), ports.clock.now());
    ports.db.write(move |c| Box::pin(async move { Ok(change::has_read(c, &target, upto, now).await?) })).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_back_as_it_was_and_nothing_else_is_one() {
        let cursor = Cursor { order: "0198c1de".to_owned(), position: 1_763_800_000_000_000 };
        assert_eq!(Cursor::parse(&cursor.to_string()).unwrap(), cursor);
        for text in ["", "x", "MSBh", "MiBhIDE", "1 a 1", "%"] {
            assert!(matches!(Cursor::parse(text), Err(Stopped::NoCursor)), "{text}");
        }
    }
}
