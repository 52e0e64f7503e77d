//! Dead letters: read, sent again, or put away with a reason.
//!
//! Invariant: what is looked at beforehand is what is done; each letter that is put away leaves an audit entry with
//! its reason.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::one_account;
use crate::domain::actor::Subject;
use crate::domain::ids::{AccountId, TargetId};
use crate::flows::{Act, Ports, Refusal};
use crate::store::outbox::Waiting;
use crate::store::{account, outbox};

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

/// Which dead letters of a target are meant: those that answer to everything that is said; with nothing said, all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Which {
    /// The account's: its id, its user name or the CRM's id.
    pub account: Option<String>,
    /// Those whose last answer contains this text, whatever its case.
    pub error: Option<String>,
    /// Those that have waited since before this instant.
    pub before: Option<Timestamp>,
}

/// The dead letters of a target that are meant, the oldest first.
///
/// # Errors
///
/// [`Refusal::NotFound`] or [`Refusal::Ambiguous`] when the account is none, or several.
pub async fn dead(ports: &Ports, target: &TargetId, which: &Which) -> Result<Vec<DeadLetter>, Refusal> {
    let mut letters = Vec::new();
    let rows = meant(ports, target, which).await?;
    let mut c = ports.db.snapshot().await?;
    for Waiting { account, version, queued_at, attempts, last_error, .. } in rows {
        let user_name = account::get(&mut c, account).await?.map(|found| found.user_name).unwrap_or_default();
        let error = last_error.unwrap_or_default();
        letters.push(DeadLetter { account, user_name, version, queued_at, attempts, error });
    }
    Ok(letters)
}

async fn meant(ports: &Ports, target: &TargetId, which: &Which) -> Result<Vec<Waiting>, Refusal> {
    let only = match &which.account {
        Some(text) => Some(one_account(ports, target, text).await?),
        None => None,
    };
    let error = which.error.as_ref().map(|text| text.to_lowercase());
    let says = |row: &Waiting, text: &String| {
        row.last_error.as_ref().is_some_and(|said| said.to_lowercase().contains(text))
    };
    let mut c = ports.db.read().await?;
    let mut rows = outbox::dead(&mut c, Some(target)).await?;
    rows.retain(|row| {
        only.is_none_or(|id| row.account == id)
            && error.as_ref().is_none_or(|text| says(row, text))
            && which.before.is_none_or(|at| row.queued_at < at)
    });
    Ok(rows)
}

/// Puts the dead letters that are meant back to wait. Gives how many.
///
/// # Errors
///
/// As [`dead`].
pub async fn resend(ports: &Ports, act: &Act, target: &TargetId, which: &Which) -> Result<usize, Refusal> {
    let rows = meant(ports, target, which).await?;
    let (act, target, which) = (act.clone(), target.clone(), which.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let mut revived = 0;
                for row in &rows {
                    revived += usize::from(outbox::revive(c, &target, row.account, act.now).await?);
                }
                if revived > 0 {
                    let account = which.account.as_ref().and(rows.first()).map(|row| row.account);
                    let after = json!({ "account": account, "letters": revived });
                    act.record(c, "dead_letters_resent", Subject::new("target", &target), None, Some(after))
                        .await?;
                }
                Ok(revived)
            })
        })
        .await
}

/// Puts the dead letters that are meant away for good: the act's cause is the reason. The next change of the account
/// is told all the same. Gives how many.
///
/// # Errors
///
/// As [`dead`].
pub async fn drop_letters(
    ports: &Ports,
    act: &Act,
    target: &TargetId,
    which: &Which,
) -> Result<usize, Refusal> {
    let rows = meant(ports, target, which).await?;
    let act = act.clone();
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let mut dropped = 0;
                for row in &rows {
                    if outbox::drop_letter(c, row).await? {
                        let before = json!({
                            "target": row.target, "version": row.version, "attempts": row.attempts,
                        });
                        let subject = Subject::new("account", row.account);
                        act.record(c, "dead_letter_dropped", subject, Some(before), None).await?;
                        dropped += 1;
                    }
                }
                Ok(dropped)
            })
        })
        .await
}
