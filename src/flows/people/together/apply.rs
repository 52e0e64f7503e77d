//! Does to several accounts what was shown.
//!
//! Invariant: everything is judged again under the accounts' locks before the first write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::super::super::post::{self, Draft, Kind};
use super::super::super::stand::{self, Closing};
use super::super::super::{Act, Ports, Refusal, console::ConsoleActor, entitle};
use super::super::change::{self, Dates, keep_all_the_last, named};
use super::super::leave::{self as leaves, LeaveWish};
use super::super::{deputy, seen};
use super::{Change, stands_in_the_way, topic};
use crate::domain::account::{Account, Status, StatusReason};
use crate::domain::actor::Subject;
use crate::domain::by_hand::Obstacle;
use crate::domain::days::zone_of;
use crate::domain::ids::AccountId;
use crate::domain::policy::Policy;
use crate::mail::notice::{Reader, Reminder, Ways};
use crate::store::{Conn, Span, account, evidence};

/// The page that a reminder leads to.
const PAGE: &str = "/sso/notice";

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Done {
    /// How many were changed.
    pub changed: usize,
    /// How many were so already.
    pub already: usize,
    /// How many were left as they are, because something stands in the way.
    pub left: usize,
}

/// Does `change` to these accounts, each as it was shown with its version at `shown_at`.
///
/// # Errors
///
/// [`Refusal::NeedsRight`] for whoever may not do it; [`Refusal::Stale`] where somebody else changed one of them since;
/// [`Refusal::Conflict`] where nobody would be left to administer, or in what is critical; [`Refusal::Invalid`] without
/// a reason. Nothing was done then.
pub async fn carry_out(
    ports: &Ports,
    actor: &ConsoleActor,
    change: Change,
    (picked, shown_at): (BTreeMap<AccountId, i64>, Timestamp),
    reason: &str,
) -> Result<Done, Refusal> {
    let act = actor.administering()?.because("console");
    let note = named(reason)?;
    if let Change::Leave { from, until, approver } = &change {
        leaves::check(&LeaveWish::new(*from, *until, approver), act.now)?;
    }
    if matches!(change, Change::End(Some(until)) if until <= act.now) {
        return Err(Refusal::invalid("until", "the day has passed; deactivate the accounts instead"));
    }
    let way = Way { sign_in: ports.settings.server.public_url.join(PAGE), language: ports.settings.language };
    let (actor, policies) = (actor.clone(), Arc::clone(&ports.policies));
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let compiled = policies.current(c).await?;
                let work = Work { actor, act, policy: &compiled.policy, change, note, way };
                work.all(c, &picked, shown_at).await
            })
        })
        .await
}

/// What a letter needs.
struct Way {
    sign_in: String,
    language: crate::domain::language::Language,
}

/// Everything that is the same for all of the accounts.
struct Work<'p> {
    actor: ConsoleActor,
    act: Act,
    policy: &'p Policy,
    change: Change,
    note: String,
    way: Way,
}

impl Work<'_> {
    async fn all(
        self,
        c: &mut Conn,
        picked: &BTreeMap<AccountId, i64>,
        shown_at: Timestamp,
    ) -> Result<Done, Refusal> {
        let ids: Vec<AccountId> = picked.keys().copied().collect();
        let accounts = account::lock_all(c, &ids).await?;
        let (mut done, mut chosen, mut newer) = (Done::default(), Vec::new(), Vec::new());
        done.left = picked.len().saturating_sub(accounts.len());
        for account in accounts {
            let way = (self.change.deed(), Some(&self.change));
            match stands_in_the_way(c, (&self.actor, &self.act), way, &account).await? {
                Some(Obstacle::AlreadySo) => done.already += 1,
                Some(_) if picked.get(&account.id) == Some(&account.version) => done.left += 1,
                _ if picked.get(&account.id) != Some(&account.version) => {
                    newer.push(seen::newer(c, &account, shown_at).await?);
                }
                _ => chosen.push(account),
            }
        }
        if !newer.is_empty() {
            return Err(Refusal::Stale(newer));
        }
        done.changed = chosen.len();
        self.apply(c, &chosen).await?;
        Ok(done)
    }

    async fn apply(&self, c: &mut Conn, chosen: &[Account]) -> Result<(), Refusal> {
        let ids: Vec<AccountId> = chosen.iter().map(|account| account.id).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let takes: BTreeSet<AccountId> = ids.iter().copied().collect();
        match &self.change {
            Change::Freeze | Change::Deactivate => {
                deputy::hold(c, &ids).await?;
                keep_all_the_last(c, &self.act, self.policy, &takes).await?;
                self.close(c, chosen).await
            }
            Change::Restore => self.restore(c, chosen).await,
            Change::End(until) => {
                let dates = Dates { valid_from: None, valid_until: Some(*until) };
                change::keep_dates(c, &self.act, self.policy, (&takes, *until)).await?;
                for account in chosen {
                    change::date(c, &self.act, account, dates, &self.note).await?;
                }
                Ok(())
            }
            Change::Leave { from, until, approver } => {
                if *from <= self.act.now && !self.policy.leave_sign_in {
                    keep_all_the_last(c, &self.act, self.policy, &takes).await?;
                }
                for account in chosen {
                    let act = self.act.because(self.note.clone());
                    let wish = LeaveWish::new(*from, *until, approver);
                    leaves::note(c, &act, self.policy, account, wish).await?;
                }
                Ok(())
            }
            Change::Remind => self.remind(c, chosen).await,
        }
    }

    async fn close(&self, c: &mut Conn, chosen: &[Account]) -> Result<(), Refusal> {
        let status = match self.change {
            Change::Freeze => Status::Frozen,
            _ => Status::Deactivated,
        };
        let closing = |account| Closing {
            account,
            status,
            reason: StatusReason::Manual,
            cause: self.act.cause.clone(),
            note: Some(self.note.clone()),
        };
        let closings: Vec<Closing<'_>> = chosen.iter().map(closing).collect();
        stand::close_all(c, &self.act, &closings).await
    }

    async fn restore(&self, c: &mut Conn, chosen: &[Account]) -> Result<(), Refusal> {
        let mut opened = Vec::new();
        for account in chosen {
            if account.standing.status == Status::Paused {
                leaves::over(c, &self.act.because(self.note.clone()), account).await?;
            } else {
                let note = Some(self.note.clone());
                stand::change(c, &self.act, account, Status::Active, StatusReason::Manual, note).await?;
                opened.push(account.id);
            }
        }
        entitle::accounts(c, &self.act, self.policy, &opened).await?;
        Ok(())
    }

    /// Writes the letters; they are sent like any other.
    async fn remind(&self, c: &mut Conn, chosen: &[Account]) -> Result<(), Refusal> {
        let zone = zone_of(self.policy);
        let ways = Ways { sign_in: &self.way.sign_in, contact: &self.policy.contact };
        let ids = chosen.iter().map(|account| account.id).collect();
        let mut seen: BTreeMap<AccountId, Timestamp> = BTreeMap::new();
        for (id, _, at) in evidence::latest_of(c, &Span::Listed(ids)).await? {
            seen.entry(id).and_modify(|latest| *latest = at.max(*latest)).or_insert(at);
        }
        for account in chosen {
            let Some(address) = post::reachable(c, account, self.act.now).await? else { continue };
            let last_seen = seen.get(&account.id).map(|at| at.to_zoned(zone.clone()).date());
            let language = account.language.unwrap_or(self.way.language);
            let reader = Reader { name: &account.display_name, address: &address, language };
            let draft = Draft {
                kind: Kind::Reminder,
                topic: topic(account.id, self.act.now),
                account: Some(account.id),
                recipient: Some(account.id),
                letter: Reminder { last_seen }.letter(Uuid::now_v7(), &reader, &ways),
                about: json!({}),
            };
            post::put(c, &self.act, draft).await?;
            let after = json!({ "reason": self.note });
            let subject = Subject::new("account", account.id);
            self.act.record(c, "account_reminded", subject, None, Some(after)).await?;
        }
        Ok(())
    }
}
