//! Turns a directory's provisioning away for a while, and lets it in again.
//!
//! Invariant: a pause holds on every node from its commit on, reads included; who did it and why is in the audit.

use serde_json::json;

use crate::domain::actor::Subject;
use crate::domain::ids::DirectoryId;
use crate::flows::{Act, Ports, Refusal};
use crate::store::pause;
pub use crate::store::pause::Pause;

/// How long a paused directory is asked to wait before it tries again, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 300;

/// Longest reason, in characters.
const LONGEST_REASON: usize = 500;

/// Pauses a directory. Gives the pause that is in force, and whether it is this one: a directory that is paused
/// already stays paused as it is.
///
/// # Errors
///
/// [`Refusal::Invalid`] without a reason; [`Refusal::Store`] when the database cannot be reached.
pub async fn pause(
    ports: &Ports,
    act: &Act,
    directory: &DirectoryId,
    reason: &str,
) -> Result<(Pause, bool), Refusal> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON {
        let problem = format!("say why in a few words, at most {LONGEST_REASON} characters");
        return Err(Refusal::invalid("reason", problem));
    }
    let wanted = Pause { since: act.now, by: act.actor.to_string(), reason: reason.to_owned() };
    let (act, directory) = (act.clone(), directory.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                if !pause::begin(c, &directory, &wanted).await? {
                    let known = pause::get(c, &directory).await?;
                    return Ok((known.unwrap_or(wanted), false));
                }
                let after = json!({ "reason": wanted.reason });
                act.record(c, "directory_paused", Subject::new("directory", &directory), None, Some(after))
                    .await?;
                Ok((wanted, true))
            })
        })
        .await
}

/// Lets a directory in again. Gives `false` where it was not paused.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn resume(ports: &Ports, act: &Act, directory: &DirectoryId) -> Result<bool, Refusal> {
    let (act, directory) = (act.clone(), directory.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let Some(known) = pause::get(c, &directory).await? else { return Ok(false) };
                pause::end(c, &directory).await?;
                let before =
                    json!({ "since": known.since.to_string(), "by": known.by, "reason": known.reason });
                act.record(c, "directory_resumed", Subject::new("directory", &directory), Some(before), None)
                    .await?;
                Ok(true)
            })
        })
        .await
}
