//! Sends the letters of the lifecycle: what is coming, and what was done.
//!
//! Invariant: no transaction is open while mail is sent. A notice counts from when the mail server took it; a letter
//! about what was done decides nothing.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::super::{Ports, Refusal};
use super::step::{Judged, Skipped, Taken, Taking, cause};
use crate::domain::account::Account;
use crate::domain::actor::Subject;
use crate::domain::days::{later, whole_days, zone_of};
use crate::domain::language::Language;
use crate::domain::lifecycle::{Assessment, Step};
use crate::domain::plan::PlannedStep;
use crate::domain::policy::{Contact, Policy};
use crate::mail::notice::{Notice, Reader, Ways};
use crate::mail::{MailError, Mailer};
use crate::store::notice;

/// What is needed to write to people.
#[derive(Debug)]
pub(super) struct Post {
    mailer: Mailer,
    sign_in: String,
    contact: Contact,
    zone: TimeZone,
    language: Language,
}

impl Post {
    /// The post, where there is a mail server.
    pub(super) fn open(ports: &Ports, policy: &Policy) -> Option<Self> {
        Some(Self {
            mailer: ports.mailer.clone()?,
            sign_in: ports.settings.server.public_url.join("/sso/login"),
            contact: policy.contact.clone(),
            zone: zone_of(policy),
            language: ports.settings.language,
        })
    }

    async fn send(&self, now: Timestamp, notice: &Notice, to: &Account) -> Result<(), MailError> {
        let no_address = || MailError::Refused("the account has no address".to_owned());
        let reader = Reader {
            name: &to.display_name,
            address: to.email.as_deref().ok_or_else(no_address)?,
            language: to.language.unwrap_or(self.language),
        };
        let ways = Ways { sign_in: &self.sign_in, contact: &self.contact };
        self.mailer.send(now, &notice.letter(&reader, &ways)).await
    }

    fn day(&self, at: Timestamp) -> jiff::civil::Date {
        at.to_zoned(self.zone.clone()).date()
    }

    fn warning(&self, step: Step, assessment: &Assessment, now: Timestamp) -> Option<Notice> {
        let Step::Notify { lead, not_before } = step else { return None };
        let freezes_on = self.day(not_before.max(later(now, lead)));
        let left = self.day(now).until(freezes_on).map_or(0, |span| span.get_days());
        Some(Notice::Warning {
            last_seen: assessment.last_seen.map(|seen| self.day(seen.at)),
            freezes_on,
            days_left: u32::try_from(left).unwrap_or_default(),
        })
    }
}

/// Takes a notify step: judged, sent, and only then noted as sent.
pub(super) async fn notify(
    ports: &Ports,
    taking: &Arc<Taking>,
    post: Option<&Post>,
    position: i64,
    planned: PlannedStep,
) -> Result<Taken, Refusal> {
    let (known, fresh) = match look(ports, taking, &planned).await? {
        Judged::Holds(known, fresh) => (known, fresh),
        Judged::Not(why) => return skip(ports, taking, position, why).await,
    };
    // The fresh look says when the freeze comes; the planned one may be a day old.
    let letter = post.and_then(|post| Some((post, post.warning(fresh.step, &fresh, ports.clock.now())?)));
    let Some((post, warning)) = letter else {
        let said = "mail is not set up".to_owned();
        return skip(ports, taking, position, Skipped::NotSent { said }).await;
    };
    match post.send(ports.clock.now(), &warning, &known.account).await {
        Ok(()) => note_sent(ports, taking, position, known.account, *fresh).await,
        Err(error) => {
            tracing::warn!(account.id = %known.account.id, %error,
                "the notice to account {} was not sent: {error}", known.account.id);
            let said = error.to_string();
            skip(ports, taking, position, Skipped::NotSent { said }).await
        }
    }
}

async fn look(ports: &Ports, taking: &Arc<Taking>, planned: &PlannedStep) -> Result<Judged, Refusal> {
    let (taking, planned) = (Arc::clone(taking), planned.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                taking.claim.hold(c).await?;
                taking.judge(c, &planned).await
            })
        })
        .await
}

/// Notes that a step was not taken.
pub(super) async fn skip(
    ports: &Ports,
    taking: &Arc<Taking>,
    position: i64,
    why: Skipped,
) -> Result<Taken, Refusal> {
    let (taking, taken) = (Arc::clone(taking), Taken::Skipped(why));
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                taking.note(c, position, &taken).await?;
                Ok(taken)
            })
        })
        .await
}

async fn note_sent(
    ports: &Ports,
    taking: &Arc<Taking>,
    position: i64,
    account: Account,
    fresh: Assessment,
) -> Result<Taken, Refusal> {
    let (taking, sent_at) = (Arc::clone(taking), ports.clock.now());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                if let (Step::Notify { lead, not_before }, Some(rule), Some(idle)) =
                    (fresh.step, &fresh.rule, fresh.idle)
                {
                    let row = notice::Notice {
                        account: account.id,
                        rule: rule.clone(),
                        days_before: whole_days(lead),
                        idle_since: idle.since,
                        sent_at,
                    };
                    notice::sent(c, &row).await?;
                    let act = taking.act.because(cause(&fresh, &taking.hash));
                    let after =
                        json!({ "days_before": whole_days(lead), "not_before": not_before.to_string() });
                    act.record(c, "notice_sent", Subject::new("account", account.id), None, Some(after))
                        .await?;
                }
                let taken = Taken::Done(Box::new(account));
                taking.note(c, position, &taken).await?;
                Ok(taken)
            })
        })
        .await
}

/// Tells the person what was done. Nothing rests on it: a letter that does not go out is only logged.
pub(super) async fn tell(taking: &Taking, post: &Post, before: &Account, planned: &PlannedStep) {
    if before.email.is_none() {
        return;
    }
    let notice = match planned.step {
        Step::Freeze => frozen(taking, post, planned),
        Step::Deactivate => {
            Notice::Deactivated { reason: planned.because.status_reason(before.standing.reason) }
        }
        Step::Keep | Step::Notify { .. } | Step::Remove | Step::Pause | Step::Return | Step::TakeRights => {
            return;
        }
    };
    if let Err(error) = post.send(taking.act.now, &notice, before).await {
        tracing::warn!(account.id = %before.id, %error,
            "the letter about what was done to account {} was not sent: {error}", before.id);
    }
}

fn frozen(taking: &Taking, post: &Post, planned: &PlannedStep) -> Notice {
    let rules = &taking.compiled.policy.lifecycle.rules;
    let rule = rules.iter().find(|rule| Some(&rule.id) == planned.rule.as_ref());
    let seen = rule.and_then(|rule| crate::domain::evidence::last_seen(&planned.evidence, &rule.evidence));
    let freeze_for = rule.and_then(|rule| rule.freeze_for);
    Notice::Frozen {
        last_seen: seen.map(|seen| post.day(seen.at)),
        deactivates_on: freeze_for.map(|length| post.day(later(taking.act.now, length))),
        sign_in_lifts: rule.is_some_and(|rule| rule.sign_in_lifts_freeze),
    }
}
