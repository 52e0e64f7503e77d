//! Tells the CRMs how each account stands.
//!
//! Invariant: what goes out is the account's present state with its version, read in one snapshot; no transaction is
//! open while a CRM is spoken to; never two deliveries of one account to one target at the same time.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::lead::{Claim, Fence};
use super::{Act, Ports, Refusal, state};
use crate::crm::{AccountState, Crm, Delivery, backoff};
use crate::domain::actor::{Actor, Subject};
use crate::domain::ids::TargetId;
use crate::store::outbox::Waiting;
use crate::store::{Conn, StoreError, account, outbox, setting};

/// How many rows are read at a time; urgent ones that come meanwhile wait for no more than these.
const BATCH: i64 = 64;

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
    SwitchedOff,
    NotTried,
}

impl End {
    const fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Again => "again",
            Self::Dead => "dead",
            Self::SwitchedOff => "switched_off",
            Self::NotTried => "not_tried",
        }
    }
}

/// Tells a target about the accounts whose rows are due, urgent ones first: one round of at most 64.
///
/// # Errors
///
/// [`Refusal::NotFound`] for an unknown target, [`Refusal::Conflict`] when another node has taken the job,
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn due(ports: &Ports, target: &TargetId, fence: &Fence) -> Result<Outcome, Refusal> {
    let crm = ports.crms.get(target)?;
    let rows = {
        let mut c = ports.db.read().await?;
        if off_since(&mut c, target).await?.is_some() {
            return Ok(Outcome { is_off: true, ..Outcome::default() });
        }
        outbox::due(&mut c, target, ports.clock.now(), BATCH).await?
    };
    let round = Round { ports, crm, claim: fence.claim(), is_off: AtomicBool::new(false) };
    let ends: Vec<End> =
        stream::iter(rows).map(|row| round.tell(row)).buffer_unordered(AT_ONCE).try_collect().await?;
    let count = |wanted: &[End]| ends.iter().filter(|end| wanted.contains(end)).count();
    let mut c = ports.db.read().await?;
    Ok(Outcome {
        delivered: count(&[End::Delivered]),
        again: count(&[End::Again, End::SwitchedOff]),
        dead: count(&[End::Dead]),
        is_off: round.is_off.load(Ordering::Relaxed),
        next_due: outbox::next_due(&mut c, target).await?,
    })
}

/// Whether a target has something to be told now. Reads only.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn is_due(ports: &Ports, target: &TargetId) -> Result<bool, Refusal> {
    let mut c = ports.db.read().await?;
    let next = outbox::next_due(&mut c, target).await?;
    Ok(next.is_some_and(|at| at <= ports.clock.now()) && off_since(&mut c, target).await?.is_none())
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
}

impl Round<'_> {
    async fn tell(&self, row: Waiting) -> Result<End, Refusal> {
        if self.is_off.load(Ordering::Relaxed) {
            return Ok(End::NotTried);
        }
        let now = self.ports.clock.now();
        let (version, delivery) = match self.read(&row, now).await {
            Ok(state) => (state.version, self.crm.deliver(now, &state).await),
            // One account that cannot be read must not keep the CRM from hearing of all the others.
            Err(Refusal::Store(error @ StoreError::Corrupt { .. })) => {
                tracing::error!(account.id = %row.account, %error, "account {} cannot be told: {error}", row.account);
                (row.version, Delivery::Again { after: None, error: error.to_string() })
            }
            Err(other) => return Err(other),
        };
        let end = self.note(Waiting { version, ..row.clone() }, delivery).await?;
        if end == End::SwitchedOff {
            self.is_off.store(true, Ordering::Relaxed);
        }
        report(&row, version, end);
        Ok(end)
    }

    async fn read(&self, row: &Waiting, now: Timestamp) -> Result<AccountState, Refusal> {
        let mut c = self.ports.db.snapshot().await?;
        self.claim.check(&mut c).await?;
        let compiled = self.ports.policies.current(&mut c).await?;
        state::present(&mut c, &compiled.policy, &row.target, row.account, now).await
    }

    async fn note(&self, row: Waiting, delivery: Delivery) -> Result<End, Refusal> {
        let act = self.ports.act(Actor::Job("deliver".to_owned()), "delivery");
        let answer = Answer { row, act, jitter: rand::random() };
        let claim = self.claim.clone();
        self.ports
            .db
            .write(move |c| {
                Box::pin(async move {
                    claim.hold(c).await?;
                    answer.note(c, delivery).await
                })
            })
            .await
    }
}

/// What a CRM answered, on its way into the database.
struct Answer {
    /// The row, with the version that was told.
    row: Waiting,
    act: Act,
    jitter: f64,
}

impl Answer {
    async fn note(&self, c: &mut Conn, delivery: Delivery) -> Result<End, Refusal> {
        match delivery {
            Delivery::Taken { answer, crm_id } => self.taken(c, &answer, crm_id).await,
            Delivery::Again { after, error } => self.again(c, after, &error).await,
            Delivery::Refused { error } => self.give_up(c, &error).await,
            Delivery::SwitchedOff { error } => self.switch_off(c, &error).await,
        }
    }

    async fn taken(&self, c: &mut Conn, answer: &str, crm_id: Option<String>) -> Result<End, Refusal> {
        let Waiting { target, account, version, .. } = &self.row;
        outbox::done(c, target, *account, *version, answer, self.act.now).await?;
        let Some(crm_id) = crm_id else { return Ok(End::Delivered) };
        match account::set_crm_id(c, target, *account, &crm_id).await {
            Ok(_) => Ok(End::Delivered),
            Err(StoreError::Taken { what }) => {
                tracing::warn!(account.id = %account, target.id = %target,
                    "target {target} gave account {account} an id that does not fit: {what} is taken already");
                metrics::counter!("portvakt_crm_id_conflicts_total", "target" => target.to_string())
                    .increment(1);
                Ok(End::Delivered)
            }
            Err(other) => Err(other.into()),
        }
    }

    async fn again(&self, c: &mut Conn, after: Option<SignedDuration>, error: &str) -> Result<End, Refusal> {
        let failed = u32::try_from(self.row.attempts.saturating_add(1)).unwrap_or(u32::MAX);
        let Some(pause) = backoff(failed, self.jitter) else { return self.give_up(c, error).await };
        let pause = after.map_or(pause, |wished| wished.max(pause));
        let due_at = self.act.now.saturating_add(pause).unwrap_or(Timestamp::MAX);
        outbox::again(c, &self.row, error, due_at).await?;
        Ok(End::Again)
    }

    async fn give_up(&self, c: &mut Conn, error: &str) -> Result<End, Refusal> {
        if !outbox::give_up(c, &self.row, error).await? {
            return Ok(End::Again);
        }
        // What the CRM said stays with the row: it may speak of the person.
        let after = json!({
            "target": self.row.target, "version": self.row.version, "attempts": self.row.attempts + 1,
        });
        let subject = Subject::new("account", self.row.account);
        self.act.record(c, "delivery_given_up", subject, None, Some(after)).await?;
        Ok(End::Dead)
    }

    async fn switch_off(&self, c: &mut Conn, error: &str) -> Result<End, Refusal> {
        let (target, now) = (&self.row.target, self.act.now);
        outbox::again(c, &self.row, error, now).await?;
        if setting::set_if_empty(c, &off_setting(target), &now.to_string()).await? {
            let subject = Subject::new("target", target);
            self.act.record(c, "target_switched_off", subject, None, None).await?;
        }
        Ok(End::SwitchedOff)
    }
}

/// Says in log and counters how a delivery ended, without the CRM's own words.
fn report(row: &Waiting, version: i64, end: End) {
    let Waiting { target, account, attempts, .. } = row;
    let labels = [("target", target.to_string()), ("outcome", end.name().to_owned())];
    metrics::counter!("portvakt_deliveries_total", &labels).increment(1);
    match end {
        End::Delivered | End::NotTried => {
            tracing::debug!(target.id = %target, account.id = %account, account.version = version,
                "target {target} was told of account {account}, version {version}");
        }
        End::Again => {
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
