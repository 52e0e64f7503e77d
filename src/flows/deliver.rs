//! Tells the CRMs how each account stands.
//!
//! Invariant: what goes out is the account's present state with its version, read in one snapshot; no transaction is
//! open while a CRM is spoken to; never two deliveries of one account to one target at the same time.

mod answer;
pub mod fill;

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use jiff::Timestamp;

use answer::Answer;

use super::lead::{Claim, Fence};
use super::{Ports, Refusal, state};
use crate::crm::{AccountState, Crm, Delivery};
use crate::domain::actor::Actor;
use crate::domain::ids::TargetId;
use crate::store::circuit::{self, Open};
use crate::store::outbox::Waiting;
use crate::store::{Conn, StoreError, outbox, setting};

/// How many rows are read at a time; urgent ones that come meanwhile wait for no more than these.
const BATCH: i64 = 64;

/// How many rows of a replay there are in a round at most: changes that come meanwhile wait for no more.
const BACKGROUND: usize = 16;

/// How many accounts a target is told about at the same time.
const AT_ONCE: usize = 8;

/// What a round of deliveries came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The CRM has them.
    pub delivered: usize,
    /// They wait for another attempt.
    pub again: usize,
    /// The CRM will never take them: dead letters.
    pub dead: usize,
    /// The target is switched off; nothing is sent until somebody resumes it.
    pub is_off: bool,
    /// The target is left alone until then, because account after account failed.
    pub rests_until: Option<Timestamp>,
    /// When the next row falls due; nothing: none waits.
    pub next_due: Option<Timestamp>,
}

impl Outcome {
    /// How many accounts were tried.
    #[must_use]
    pub const fn tried(&self) -> usize {
        self.delivered + self.again + self.dead
    }

    /// This round and the next one, as one.
    #[must_use]
    pub const fn and(self, next: Self) -> Self {
        Self {
            delivered: self.delivered + next.delivered,
            again: self.again + next.again,
            dead: self.dead + next.dead,
            is_off: next.is_off,
            rests_until: next.rests_until,
            next_due: next.next_due,
        }
    }
}

/// How one delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Delivered,
    Again,
    Dead,
    /// Not now, and the target is left alone from now on, or still.
    Tripped,
    SwitchedOff,
    NotTried,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Again | Self::Tripped => "again",
            Self::Dead => "dead",
            Self::SwitchedOff => "switched_off",
            Self::NotTried => "not_tried",
        }
    }
}

/// Tells a target about the accounts whose rows are due, what changed before what is told again and urgent ones first:
/// one round of at most 64. A target that is left alone is tried with one account when its time has come.
///
/// # Errors
///
/// [`Refusal::NotFound`] for an unknown target, [`Refusal::Conflict`] when another node has taken the job,
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn due(ports: &Ports, target: &TargetId, fence: &Fence) -> Result<Outcome, Refusal> {
    let (crm, now) = (ports.crms.get(target)?, ports.clock.now());
    let (rows, open) = {
        let mut c = ports.db.read().await?;
        if off_since(&mut c, target).await?.is_some() {
            return Ok(Outcome { is_off: true, ..Outcome::default() });
        }
        let open = circuit::open(&mut c, target).await?;
        match &open {
            Some(Open { probe_at, .. }) if now < *probe_at => {
                let rests_until = Some(*probe_at);
                return Ok(Outcome { rests_until, next_due: rests_until, ..Outcome::default() });
            }
            Some(Open { probes, .. }) => {
                (outbox::trial(&mut c, target, *probes).await?.into_iter().collect(), open)
            }
            None => (one_round(outbox::due(&mut c, target, now, BATCH).await?), open),
        }
    };
    let is_off = AtomicBool::new(false);
    let round = Round { ports, crm, claim: fence.claim(), is_off, rests: AtomicBool::new(false), open };
    let ends = round.tell(rows).await?;
    let count = |wanted: &[End]| ends.iter().filter(|end| wanted.contains(end)).count();
    let mut c = ports.db.read().await?;
    let rests_until = circuit::open(&mut c, target).await?.map(|open| open.probe_at);
    Ok(Outcome {
        delivered: count(&[End::Delivered]),
        again: count(&[End::Again, End::Tripped, End::SwitchedOff]),
        dead: count(&[End::Dead]),
        is_off: round.is_off.load(Ordering::Relaxed),
        rests_until,
        next_due: match rests_until {
            Some(until) => Some(until),
            None => outbox::next_due(&mut c, target).await?,
        },
    })
}

/// The rows of one round: of a replay only a few, so that the round is short.
fn one_round(mut rows: Vec<Waiting>) -> Vec<Waiting> {
    let changes = rows.iter().filter(|row| !row.is_background).count();
    rows.truncate(changes.saturating_add(BACKGROUND));
    rows
}

/// Whether a target has something to be told now, or is to be told of accounts that were there before. Reads only.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn is_due(ports: &Ports, target: &TargetId) -> Result<bool, Refusal> {
    let now = ports.clock.now();
    let mut c = ports.db.read().await?;
    if off_since(&mut c, target).await?.is_some() {
        return Ok(false);
    }
    if fill::is_needed(&mut c, target).await? {
        return Ok(true);
    }
    match (circuit::open(&mut c, target).await?, outbox::next_due(&mut c, target).await?) {
        (_, None) => Ok(false),
        (Some(open), Some(_)) => Ok(open.probe_at <= now),
        (None, Some(at)) => Ok(at <= now),
    }
}

/// The setting that keeps a target switched off: since when, or empty.
pub(super) fn off_setting(target: &TargetId) -> String {
    format!("target.{target}.off")
}

/// Since when a target is switched off; nothing: it is on.
pub(super) async fn off_since(c: &mut Conn, target: &TargetId) -> Result<Option<String>, StoreError> {
    Ok(setting::get(c, &off_setting(target)).await?.filter(|since| !since.is_empty()))
}

/// One round of deliveries to one target.
struct Round<'r> {
    ports: &'r Ports,
    crm: &'r Crm,
    claim: Claim,
    is_off: AtomicBool,
    rests: AtomicBool,
    /// The target was left alone, and this round tries it.
    open: Option<Open>,
}

/// What a CRM said of one account.
#[derive(Debug, Clone)]
struct Said {
    /// The row, with the version that was told.
    row: Waiting,
    delivery: Delivery,
    /// Whether the CRM had a part in it.
    was_asked: bool,
}

/// Whether the CRM did not take it.
const fn has_failed(said: &Result<Option<Said>, Refusal>) -> bool {
    !matches!(said, Ok(Some(Said { delivery: Delivery::Taken { .. }, .. }) | None))
}

impl Round<'_> {
    /// Tells some at a time. Answers that come while others are noted are noted together: a commit for each would be
    /// most of the work. Nobody more is asked while a failure is being noted, so that a CRM that fails is spared.
    ///
    /// Everything that was begun goes on: whoever is being told holds a connection that noting may need.
    async fn tell(&self, rows: Vec<Waiting>) -> Result<Vec<End>, Refusal> {
        let (mut rows, mut asked, mut noting) =
            (rows.into_iter(), FuturesUnordered::new(), FuturesUnordered::new());
        let (mut said, mut ends, mut fails) = (Vec::new(), Vec::new(), false);
        loop {
            while asked.len() < AT_ONCE
                && !fails
                && let Some(row) = rows.next()
            {
                asked.push(self.ask(row));
            }
            if noting.is_empty() && !said.is_empty() {
                noting.push(self.take_down(mem::take(&mut said)));
            }
            tokio::select! {
                Some(one) = asked.next() => {
                    fails |= has_failed(&one);
                    said.push(one);
                }
                Some(noted) = noting.next() => {
                    ends.extend(noted?);
                    fails = said.iter().any(has_failed);
                }
                else => return Ok(ends),
            }
        }
    }

    /// Tells the CRM how one account stands; nothing where it is not to be spoken to any more.
    async fn ask(&self, row: Waiting) -> Result<Option<Said>, Refusal> {
        if self.is_off.load(Ordering::Relaxed) || self.rests.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let now = self.ports.clock.now();
        let (version, delivery, was_asked) = match self.read(&row, now).await {
            Ok(state) => (state.version, self.crm.deliver(now, &state).await, true),
            // One account that cannot be read must not keep the CRM from hearing of all the others.
            Err(Refusal::Store(error @ StoreError::Corrupt { .. })) => {
                tracing::error!(account.id = %row.account, %error, "account {} cannot be told: {error}", row.account);
                (row.version, Delivery::Again { after: None, error: error.to_string() }, false)
            }
            Err(other) => return Err(other),
        };
        Ok(Some(Said { row: Waiting { version, ..row }, delivery, was_asked }))
    }

    /// Notes what was said, also where something else went wrong beside it.
    async fn take_down(&self, said: Vec<Result<Option<Said>, Refusal>>) -> Result<Vec<End>, Refusal> {
        let (mut heard, mut ends, mut broken) = (Vec::with_capacity(said.len()), Vec::new(), None);
        for one in said {
            match one {
                Ok(Some(said)) => heard.push(said),
                Ok(None) => ends.push(End::NotTried),
                Err(refusal) => broken = Some(refusal),
            }
        }
        // In the order in which every writer of many takes them, so that no two wait for each other.
        heard.sort_by_key(|said| said.row.account);
        match self.note(heard.clone()).await {
            Ok(noted) => ends.extend(noted),
            // One that cannot be noted must not undo what was said of the others.
            Err(_) if heard.len() > 1 => {
                for one in heard {
                    ends.extend(self.note(vec![one]).await?);
                }
            }
            Err(refusal) => return Err(refusal),
        }
        broken.map_or(Ok(ends), Err)
    }

    async fn read(&self, row: &Waiting, now: Timestamp) -> Result<AccountState, Refusal> {
        let mut c = self.ports.db.snapshot().await?;
        self.claim.check(&mut c).await?;
        let compiled = self.ports.policies.current(&mut c).await?;
        state::present(&mut c, &compiled.policy, &row.target, row.account, now).await
    }

    /// Notes in one transaction what became of these.
    async fn note(&self, said: Vec<Said>) -> Result<Vec<End>, Refusal> {
        if said.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<Waiting> = said.iter().map(|one| one.row.clone()).collect();
        let (claim, open) = (self.claim.clone(), self.open.clone());
        let act = self.ports.act(Actor::Job("deliver".to_owned()), "delivery");
        let ends = self
            .ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    claim.hold(c).await?;
                    let mut ends = Vec::with_capacity(said.len());
                    for Said { row, delivery, was_asked } in said {
                        let (act, open) = (act.clone(), open.clone());
                        let answer = Answer { row, act, jitter: rand::random(), open, was_asked };
                        ends.push(answer.note(c, delivery).await?);
                    }
                    Ok::<_, Refusal>(ends)
                })
            })
            .await?;
        for (row, end) in rows.iter().zip(&ends) {
            match end {
                End::SwitchedOff => self.is_off.store(true, Ordering::Relaxed),
                End::Tripped => self.rests.store(true, Ordering::Relaxed),
                End::Delivered | End::Again | End::Dead | End::NotTried => {}
            }
            report(row, *end);
        }
        Ok(ends)
    }
}

/// Says in log and counters how a delivery ended, without the CRM's own words.
fn report(row: &Waiting, end: End) {
    let Waiting { target, account, version, attempts, .. } = row;
    let labels = [("target", target.to_string()), ("outcome", end.name().to_owned())];
    metrics::counter!("portvakt_deliveries_total", &labels).increment(1);
    match end {
        End::Delivered | End::NotTried => {
            tracing::debug!(target.id = %target, account.id = %account, account.version = version,
                "target {target} was told of account {account}, version {version}");
        }
        End::Again | End::Tripped => {
            tracing::info!(target.id = %target, account.id = %account, account.version = version, attempts = attempts + 1,
                "target {target} has not taken account {account}, version {version}; it is tried again");
        }
        End::Dead => {
            tracing::warn!(target.id = %target, account.id = %account, account.version = version,
                "target {target} will not take account {account}, version {version}: a dead letter; read it with: portvakt target dead {target}");
        }
        End::SwitchedOff => {
            tracing::error!(target.id = %target,
                "target {target} answered 410 and is switched off; switch it on with: portvakt target resume {target}");
        }
    }
}
