//! Shows how the targets fare, and sets them going again.
//!
//! Invariant: what a person does to a target leaves an audit entry.

pub mod drain;
pub mod letters;
pub mod replays;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::deliver::{off_setting, off_since};
use super::{Act, Ports, Refusal};
use crate::config::{Target, TargetKind};
use crate::crm::Crm;
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, TargetId};
use crate::store::replay::Replay;
use crate::store::{Conn, StoreError, account, change, circuit, delivered, outbox, replay, setting};

pub use letters::{DeadLetter, Which, dead, drop_letters, resend};

/// How many replays [`show`] tells of.
const REPLAYS: i64 = 5;

/// How one target fares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetStanding {
    /// Its name in the settings.
    pub target: TargetId,
    /// How it is told.
    pub kind: &'static str,
    /// Where it listens, without the path, which may hold a secret.
    pub host: String,
    /// How many accounts it has yet to be told about.
    pub waiting: i64,
    /// How many of them did not change: they wait behind the others.
    pub again: i64,
    /// How many it will not take.
    pub dead: i64,
    /// Since when the longest waiting change waits.
    pub oldest: Option<Timestamp>,
    /// When it last took something.
    pub last_delivery: Option<Timestamp>,
    /// Since when it is switched off; nothing: it is on.
    pub off_since: Option<String>,
    /// Whether it is left alone because account after account failed.
    pub rests: Option<Rest>,
    /// How far a target has come that asks for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading: Option<Reading>,
}

/// How far a target has come that asks for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// When it last came further; nothing: it has never asked on.
    pub at: Option<Timestamp>,
    /// How many accounts have changed since what it has.
    pub behind: i64,
}

/// A target that is left alone for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rest {
    /// Since when.
    pub since: Timestamp,
    /// When one account is tried.
    pub until: Timestamp,
    /// How many trials have failed.
    pub trials: i64,
    /// What the last attempt said.
    pub error: String,
}

/// Everything about one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetPortrait {
    /// What a list shows.
    #[serde(flatten)]
    pub standing: TargetStanding,
    /// What it can be told.
    pub can: Vec<&'static str>,
    /// When it last answered for anybody, yes or no.
    pub last_answer: Option<Timestamp>,
    /// When the next account is due.
    pub next_due: Option<Timestamp>,
    /// The newest replays, the newest first.
    pub replays: Vec<ReplayView>,
    /// What stands in the way, and of how many accounts, the most first.
    pub errors: Vec<(String, usize)>,
}

/// One replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplayView {
    /// `backfill` for a new target, or `replay`.
    pub kind: &'static str,
    /// Only accounts that the target was told of since then, or never.
    pub since: Option<Timestamp>,
    /// Who asked for it.
    pub by: String,
    /// When it began.
    pub begun_at: Timestamp,
    /// How many accounts were queued.
    pub queued: i64,
    /// When the last was queued; nothing: it goes on.
    pub ended_at: Option<Timestamp>,
}

impl From<Replay> for ReplayView {
    fn from(replay: Replay) -> Self {
        let Replay { kind, since, by, begun_at, queued, ended_at, .. } = replay;
        Self { kind: kind.name(), since, by, begun_at, queued, ended_at }
    }
}

/// How every target of the settings fares, in their order.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports) -> Result<Vec<TargetStanding>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let last = delivered::last_deliveries(&mut c).await?;
    let mut standings = Vec::new();
    for target in &ports.settings.targets {
        standings.push(standing(&mut c, target, &last).await?);
    }
    Ok(standings)
}

async fn standing(
    c: &mut Conn,
    target: &Target,
    last: &[(String, Timestamp)],
) -> Result<TargetStanding, StoreError> {
    let backlog = outbox::backlog(c, &target.id).await?;
    let rests = circuit::open(c, &target.id).await?.map(|open| Rest {
        since: open.since,
        until: open.probe_at,
        trials: open.probes,
        error: open.error,
    });
    Ok(TargetStanding {
        target: target.id.clone(),
        kind: target.kind.name(),
        host: target.url.host_str().filter(|host| !host.is_empty()).unwrap_or("this machine").to_owned(),
        waiting: backlog.waiting,
        again: backlog.background,
        dead: backlog.dead,
        oldest: backlog.oldest,
        last_delivery: last.iter().find(|(known, _)| known == target.id.as_str()).map(|(_, at)| *at),
        off_since: off_since(c, &target.id).await?,
        rests,
        reading: if target.kind == TargetKind::Pull { Some(reading(c, &target.id).await?) } else { None },
    })
}

async fn reading(c: &mut Conn, target: &TargetId) -> Result<Reading, StoreError> {
    let known = change::reading(c, target).await?;
    let position = known.map_or(0, |(position, _)| position);
    Ok(Reading { at: known.map(|(_, at)| at), behind: change::behind(c, position).await? })
}

/// Everything about one target.
///
/// # Errors
///
/// [`Refusal::NotFound`] when the settings have none of that name, [`Refusal::Store`] when the database cannot be
/// reached.
pub async fn show(ports: &Ports, name: &TargetId) -> Result<TargetPortrait, Refusal> {
    let target = ports.settings.targets.iter().find(|known| known.id == *name);
    let target = target.ok_or_else(|| Refusal::not_found("target", name))?;
    let can = match target.kind {
        TargetKind::Pull => vec!["changes", "snapshot"],
        TargetKind::Webhook | TargetKind::Rest | TargetKind::Scim | TargetKind::Sql => {
            ports.crms.get(name)?.abilities()
        }
    };
    let mut c = ports.db.snapshot().await?;
    let last = delivered::last_deliveries(&mut c).await?;
    let replays = replay::of_target(&mut c, name, REPLAYS).await?;
    let rows = outbox::errors(&mut c, name).await?;
    Ok(TargetPortrait {
        standing: standing(&mut c, target, &last).await?,
        can,
        last_answer: circuit::answered_at(&mut c, name).await?,
        next_due: outbox::next_due(&mut c, name).await?,
        replays: replays.into_iter().map(ReplayView::from).collect(),
        errors: rows.into_iter().map(|(error, count)| (error, usize::try_from(count).unwrap_or(0))).collect(),
    })
}

/// The target of that name.
///
/// # Errors
///
/// [`Refusal::Invalid`] when the settings have none; it names those they have.
pub fn find(ports: &Ports, name: &str) -> Result<TargetId, Refusal> {
    let known = || ports.settings.targets.iter().map(|target| &target.id);
    known().find(|id| id.as_str() == name).cloned().ok_or_else(|| {
        let names: Vec<&str> = known().map(TargetId::as_str).collect();
        Refusal::invalid(
            "target",
            format!("the settings have no target {name:?}; they have: {}", names.join(", ")),
        )
    })
}

/// What a CRM checks the messages with that are signed by keys of our own, the new one first.
///
/// # Errors
///
/// [`Refusal::Invalid`] when the target has no such key.
pub fn public_keys(ports: &Ports, target: &TargetId) -> Result<Vec<String>, Refusal> {
    let keys =
        if let Crm::Webhook(webhook) = ports.crms.get(target)? { webhook.public_keys() } else { Vec::new() };
    if keys.is_empty() {
        let problem = format!(
            "{target} signs with no key of its own; write secret = \"whsk_…\" with the base64 of 32 random bytes: echo whsk_$(openssl rand -base64 32)"
        );
        return Err(Refusal::invalid("target", problem));
    }
    Ok(keys)
}

async fn one_account(ports: &Ports, target: &TargetId, text: &str) -> Result<AccountId, Refusal> {
    let mut c = ports.db.read().await?;
    match account::resolve(&mut c, text, Some(target)).await?.as_slice() {
        [] => Err(Refusal::not_found("account", text)),
        [one] => Ok(one.id),
        _ => Err(Refusal::Ambiguous { what: "account", id: text.to_owned() }),
    }
}

/// Switches a target on again. Gives `false` when it was on.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn resume(ports: &Ports, act: &Act, target: &TargetId) -> Result<bool, Refusal> {
    let (act, target) = (act.clone(), target.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let Some(since) = off_since(c, &target).await? else { return Ok(false) };
                setting::set(c, &off_setting(&target), "").await?;
                let before = json!({ "off_since": since });
                act.record(c, "target_resumed", Subject::new("target", &target), Some(before), None).await?;
                Ok(true)
            })
        })
        .await
}
