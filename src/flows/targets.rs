//! Shows how the targets fare, and sets them going again.
//!
//! Invariant: what a person does to a target leaves an audit entry.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::deliver::{off_setting, off_since};
use super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, TargetId};
use crate::store::outbox::Waiting;
use crate::store::{account, outbox, setting};

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
    /// How many it will not take.
    pub dead: i64,
    /// When it last took something.
    pub last_delivery: Option<Timestamp>,
    /// Since when it is switched off; nothing: it is on.
    pub off_since: Option<String>,
}

/// A delivery that a target will not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetter {
    /// About whom.
    pub account: AccountId,
    /// Their user name, for whoever reads the list.
    pub user_name: String,
    /// The version that was refused.
    pub version: i64,
    /// Since when the target has not been told.
    pub queued_at: Timestamp,
    /// How many attempts were made.
    pub attempts: i64,
    /// What the last one said.
    pub error: String,
}

/// How every target of the settings fares, in their order.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn list(ports: &Ports) -> Result<Vec<TargetStanding>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let backlog = outbox::backlog(&mut c).await?;
    let last = outbox::last_deliveries(&mut c).await?;
    let mut standings = Vec::new();
    for target in &ports.settings.targets {
        let name = target.id.as_str();
        let (waiting, dead) = backlog
            .iter()
            .find(|(known, _, _)| known == name)
            .map_or((0, 0), |(_, waiting, dead)| (*waiting, *dead));
        standings.push(TargetStanding {
            target: target.id.clone(),
            kind: target.kind.name(),
            host: target.url.host_str().unwrap_or_default().to_owned(),
            waiting,
            dead,
            last_delivery: last.iter().find(|(known, _)| known == name).map(|(_, at)| *at),
            off_since: off_since(&mut c, &target.id).await?,
        });
    }
    Ok(standings)
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

/// What a target will not take, the oldest first.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn dead(ports: &Ports, target: &TargetId) -> Result<Vec<DeadLetter>, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let mut letters = Vec::new();
    for Waiting { account, version, queued_at, attempts, last_error, .. } in
        outbox::dead(&mut c, Some(target)).await?
    {
        let user_name = account::get(&mut c, account).await?.map(|found| found.user_name).unwrap_or_default();
        let error = last_error.unwrap_or_default();
        letters.push(DeadLetter { account, user_name, version, queued_at, attempts, error });
    }
    Ok(letters)
}

/// Puts dead letters of a target back to wait: all, or those of the account that `who` names (account id, user name
/// or the CRM's id). Gives how many.
///
/// # Errors
///
/// [`Refusal::NotFound`] or [`Refusal::Ambiguous`] when `who` names no account, or several.
pub async fn resend(ports: &Ports, act: &Act, target: &TargetId, who: Option<&str>) -> Result<u64, Refusal> {
    let only = match who {
        Some(text) => Some(one_account(ports, target, text).await?),
        None => None,
    };
    let (act, target) = (act.clone(), target.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let revived = outbox::revive(c, &target, only, act.now).await?;
                if revived > 0 {
                    let after = json!({ "account": only, "letters": revived });
                    act.record(c, "dead_letters_resent", Subject::new("target", &target), None, Some(after))
                        .await?;
                }
                Ok(revived)
            })
        })
        .await
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
