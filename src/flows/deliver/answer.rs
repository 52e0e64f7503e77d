//! What a CRM answered, on its way into the database.
//!
//! Invariant: what became of the row, of the target as a whole, and the audit entry are one transaction.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::super::{Act, Refusal};
use super::{End, off_setting};
use crate::crm::{Delivery, backoff, probe_pause};
use crate::domain::actor::Subject;
use crate::store::circuit::{self, Open};
use crate::store::outbox::Waiting;
use crate::store::{Conn, StoreError, account, outbox, setting};

/// So many different accounts must have failed, with nobody answered between, for a target to be left alone: one
/// account that the CRM chokes on is not enough.
const TRIP: i64 = 5;

/// What a CRM answered, on its way into the database.
pub(super) struct Answer {
    /// The row, with the version that was told.
    pub(super) row: Waiting,
    pub(super) act: Act,
    pub(super) jitter: f64,
    /// The target was left alone, and this row tried it.
    pub(super) open: Option<Open>,
    /// Whether the CRM had a part in it: an account that we cannot read is not the CRM's failure.
    pub(super) was_asked: bool,
}

impl Answer {
    pub(super) async fn note(&self, c: &mut Conn, delivery: Delivery) -> Result<End, Refusal> {
        match delivery {
            Delivery::Taken { answer, crm_id } => self.taken(c, &answer, crm_id).await,
            Delivery::Again { after, error } => self.again(c, after, &error).await,
            Delivery::Refused { error } => {
                self.answered(c).await?;
                self.give_up(c, &error).await
            }
            Delivery::SwitchedOff { error } => self.switch_off(c, &error).await,
        }
    }

    async fn taken(&self, c: &mut Conn, answer: &str, crm_id: Option<String>) -> Result<End, Refusal> {
        let Waiting { target, account, version, .. } = &self.row;
        self.answered(c).await?;
        outbox::done(c, target, *account, *version, answer, self.act.now).await?;
        // The CRM's own words stay with the proof: they may speak of the person.
        let status = answer.split(':').next().unwrap_or_default();
        let after = json!({ "target": target, "version": version, "answer": status });
        self.act.record(c, "account_told", Subject::new("account", account), None, Some(after)).await?;
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
        if let Some(open) = &self.open {
            return self.trial_failed(c, open, after, error).await;
        }
        let failed = u32::try_from(self.row.attempts.saturating_add(1)).unwrap_or(u32::MAX);
        let Some(pause) = backoff(failed, self.jitter) else { return self.give_up(c, error).await };
        let due_at = self.at_least(pause, after);
        let tried_at = if self.was_asked { self.act.now } else { Timestamp::UNIX_EPOCH };
        outbox::again(c, &self.row, error, tried_at, due_at).await?;
        if !self.was_asked || circuit::failing(c, &self.row.target, TRIP).await? < TRIP {
            return Ok(End::Again);
        }
        let probe_at = self.at_least(probe_pause(0, self.jitter), after);
        if circuit::trip(c, &self.row.target, self.act.now, probe_at, error).await? {
            self.say(c, "target_rested").await?;
            tracing::error!(target.id = %self.row.target,
                "target {} failed for {TRIP} accounts in a row and is left alone; it is tried again at {probe_at}", self.row.target);
        }
        Ok(End::Tripped)
    }

    async fn trial_failed(
        &self,
        c: &mut Conn,
        open: &Open,
        after: Option<SignedDuration>,
        error: &str,
    ) -> Result<End, Refusal> {
        let probe_at = self.at_least(probe_pause(open.probes.saturating_add(1), self.jitter), after);
        outbox::tried(c, &self.row, error, self.act.now).await?;
        circuit::probe_failed(c, &self.row.target, probe_at, error).await?;
        Ok(End::Tripped)
    }

    /// When the pause is over, or the longer one that the CRM asked for.
    fn at_least(&self, pause: SignedDuration, after: Option<SignedDuration>) -> Timestamp {
        let pause = after.map_or(pause, |wished| wished.max(pause));
        self.act.now.saturating_add(pause).unwrap_or(Timestamp::MAX)
    }

    /// The CRM answered, yes or no: where it was left alone, everybody's turn has come.
    async fn answered(&self, c: &mut Conn) -> Result<(), Refusal> {
        let target = &self.row.target;
        if circuit::answered(c, target, self.act.now).await? {
            let waiting = outbox::hasten(c, target, self.act.now).await?;
            self.say(c, "target_answers_again").await?;
            tracing::info!(target.id = %target, "target {target} answers again; {waiting} accounts are due at once");
        }
        Ok(())
    }

    async fn say(&self, c: &mut Conn, action: &'static str) -> Result<(), Refusal> {
        self.act.record(c, action, Subject::new("target", &self.row.target), None, None).await?;
        Ok(())
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
        self.answered(c).await?;
        outbox::again(c, &self.row, error, now, now).await?;
        if setting::set_if_empty(c, &off_setting(target), &now.to_string()).await? {
            let subject = Subject::new("target", target);
            self.act.record(c, "target_switched_off", subject, None, None).await?;
        }
        Ok(End::SwitchedOff)
    }
}
