//! What a notice's letter says of itself while it waits, and what is noted once it has gone.
//!
//! Invariant: a notice that went is counted; one whose letter cannot say what it was about is an error, never silence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Act, Refusal};
use super::step::cause;
use crate::domain::actor::Subject;
use crate::domain::days::whole_days;
use crate::domain::ids::{AccountId, RuleId};
use crate::domain::lifecycle::{Assessment, Step};
use crate::store::letter::StoredLetter;
use crate::store::{Conn, StoreError, notice};

/// Of which step of which rule a notice tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::flows) struct About {
    rule: RuleId,
    days_before: i64,
    pub(super) lead_seconds: i64,
    pub(super) idle_since: Timestamp,
    not_before: Timestamp,
    cause: String,
    to: String,
}

impl About {
    /// About the notice that is the next step; nothing where another is.
    pub(super) fn of(fresh: &Assessment, hash: &str) -> Option<Self> {
        let (Step::Notify { lead, not_before }, Some(rule), Some(idle)) =
            (fresh.step, &fresh.rule, fresh.idle)
        else {
            return None;
        };
        Some(Self {
            rule: rule.clone(),
            days_before: whole_days(lead),
            lead_seconds: lead.as_secs(),
            idle_since: idle.since,
            not_before,
            cause: cause(fresh, hash),
            to: "person".to_owned(),
        })
    }

    /// The same, to somebody else.
    pub(super) fn to(&self, whom: &str) -> Self {
        Self { to: whom.to_owned(), ..self.clone() }
    }

    /// As it stands with the letter.
    pub(in crate::flows) fn read(letter: &StoredLetter) -> Result<Self, Refusal> {
        serde_json::from_value(letter.about.clone())
            .map_err(|e| StoreError::corrupt("letter", letter.id, e).into())
    }

    /// To be kept with the letter.
    pub(super) fn value(&self) -> Value {
        json!(self)
    }

    /// Whether this notice is the step that is due.
    pub(super) fn is_of(&self, fresh: &Assessment) -> bool {
        let Step::Notify { lead, .. } = fresh.step else { return false };
        self.lead_seconds == lead.as_secs() && fresh.idle.is_some_and(|idle| idle.since == self.idle_since)
    }

    /// Notes that the time counts from now: the letter has gone, or the policy goes on without one.
    pub(in crate::flows) async fn note(
        &self,
        c: &mut Conn,
        act: &Act,
        account: AccountId,
        letter: Option<Uuid>,
    ) -> Result<(), Refusal> {
        let row = notice::Notice {
            account,
            rule: self.rule.clone(),
            days_before: self.days_before,
            idle_since: self.idle_since,
            sent_at: act.now,
            letter,
        };
        notice::sent(c, &row).await?;
        let (days_before, not_before) = (self.days_before, self.not_before.to_string());
        let (action, after) = match letter {
            Some(id) => {
                let to = &self.to;
                (
                    "notice_sent",
                    json!({ "days_before": days_before, "not_before": not_before, "letter": id, "to": to }),
                )
            }
            None => {
                ("notice_without_address", json!({ "days_before": days_before, "not_before": not_before }))
            }
        };
        let act = act.because(self.cause.as_str());
        act.record(c, action, Subject::new("account", account), None, Some(after)).await?;
        Ok(())
    }
}
