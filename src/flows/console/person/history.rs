//! What has happened to an account, on one line of time.
//!
//! Invariant: read from the intervals and the audit as they were written; what an interval tells already is not told
//! again by the audit.

use jiff::Timestamp;
use serde_json::Value;

use super::super::super::people::{self, Names};
use super::super::super::{Ports, Refusal};
use super::super::ConsoleActor;
use crate::domain::account::{Status, StatusReason};
use crate::domain::actor::Subject;
use crate::domain::grant::{Grant, GrantKind, Origin};
use crate::domain::ids::AccountId;
use crate::store::audit::Recorded;
use crate::store::notice::Notice;
use crate::store::standing::Past;
use crate::store::{audit, entitlement, notice, standing};

/// How many audit entries are read.
const ENTRIES: i64 = 200;

/// What a status or a grant tells already.
const TOLD: &[&str] = &[
    "account_invited",
    "account_activated",
    "account_paused",
    "account_frozen",
    "account_deactivated",
    "account_removed",
    "granted_by_hand",
    "revoked_by_hand",
    "grants_changed",
    "grants_ended",
    "manual_rights_ended",
    "notice_sent",
    "signed_in",
    "signed_out",
];

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Happened {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// By whom; nothing: it came by itself.
    pub by: Option<String>,
    /// Why, where a person said so.
    pub why: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The account got a status.
    Became(Status, StatusReason),
    /// It was given something.
    Gained(GrantKind, Origin),
    /// What was given ended; by its own end date, or before.
    Lost {
        /// What.
        kind: GrantKind,
        /// Whether its own end date had come.
        by_date: bool,
    },
    /// A notice went out, so many days before the freeze; it did not where nobody could be told.
    Noticed {
        /// How many days before.
        days_before: i64,
        /// Whether a letter went out.
        was_sent: bool,
    },
    /// Something else.
    Done {
        /// The audit's word for it.
        action: String,
        /// The item that it is about, as `component/item`.
        item: Option<String>,
        /// The first instant that it is about.
        from: Option<Timestamp>,
        /// The first instant after it.
        until: Option<Timestamp>,
    },
}

/// What happened to an account, the newest first, and what those are called who did it.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn history(
    ports: &Ports,
    _actor: &ConsoleActor,
    id: AccountId,
) -> Result<(Vec<Happened>, Names), Refusal> {
    let mut c = ports.db.snapshot().await?;
    let mut line: Vec<Happened> = standing::history(&mut c, id).await?.into_iter().map(became).collect();
    line.extend(entitlement::history(&mut c, id).await?.into_iter().flat_map(held));
    line.extend(notice::of_account(&mut c, id).await?.iter().map(noticed));
    let entries = audit::about(&mut c, &Subject::new("account", id), ENTRIES).await?;
    line.extend(entries.into_iter().filter(|entry| !TOLD.contains(&entry.action.as_str())).map(done));
    line.sort_by_key(|one| std::cmp::Reverse(one.at));
    let actors = line.iter().filter_map(|one| one.by.as_deref());
    let names = people::names(&mut c, &ports.settings.directories, actors).await?;
    Ok((line, names))
}

fn became(past: Past) -> Happened {
    let standing = past.standing;
    Happened {
        at: standing.since,
        what: What::Became(standing.status, standing.reason),
        by: Some(standing.by),
        why: standing.note,
    }
}

fn held(grant: Grant) -> Vec<Happened> {
    let mut both = Vec::new();
    if let Some(until) = grant.until {
        let by_date = grant.ends_at.is_some_and(|end| end <= until);
        let kind = grant.kind.clone();
        both.push(Happened { at: until, what: What::Lost { kind, by_date }, by: None, why: None });
    }
    let what = What::Gained(grant.kind, grant.origin);
    both.push(Happened { at: grant.since, what, by: Some(grant.by), why: grant.why });
    both
}

fn noticed(notice: &Notice) -> Happened {
    let what = What::Noticed { days_before: notice.days_before, was_sent: notice.letter.is_some() };
    Happened { at: notice.sent_at, what, by: None, why: None }
}

fn done(entry: Recorded) -> Happened {
    let text = |name: &str| entry.after.as_ref()?.get(name).and_then(Value::as_str);
    let instant = |name: &str| text(name)?.parse::<Timestamp>().ok();
    let (from, until) = (instant("from"), instant("until").or_else(|| instant("valid_until")));
    let why = text("reason").or_else(|| text("why")).map(str::to_owned);
    // What is taken names its item only as it was.
    let before = || entry.before.as_ref()?.get("item").and_then(Value::as_str);
    let item = text("item").or_else(before).map(str::to_owned);
    let what = What::Done { action: entry.action, item, from, until };
    Happened { at: entry.at, what, by: Some(entry.actor), why }
}
