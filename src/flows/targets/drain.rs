//! Empties a target's queue now, whatever pause was to be kept: before the CRM is taken down, or before a target is
//! taken out of the settings.
//!
//! Invariant: where another process has the lead, that one delivers; here it is only asked to begin and watched.

use serde_json::json;

use crate::domain::actor::Subject;
use crate::domain::ids::TargetId;
use crate::flows::{Act, Ports, Refusal, deliver, lead};
use crate::store::{circuit, outbox};

/// How far a target's queue is from being empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Accounts that wait.
    pub waiting: i64,
    /// Dead letters, which wait for a person.
    pub dead: i64,
}

/// Makes everything that waits due at once, and tries a target that was left alone. Gives how many accounts had to wait.
///
/// # Errors
///
/// [`Refusal::Invalid`] for a target that asks for itself; [`Refusal::Store`] when the database cannot be reached.
pub async fn begin(ports: &Ports, act: &Act, target: &TargetId) -> Result<u64, Refusal> {
    ports.crms.get(target)?;
    let (act, target) = (act.clone(), target.clone());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let hastened = outbox::hasten(c, &target, act.now).await?;
                let rested = circuit::probe_now(c, &target, act.now).await?;
                let after = json!({ "accounts": hastened, "rested": rested });
                act.record(c, "target_drained", Subject::new("target", &target), None, Some(after)).await?;
                Ok(hastened)
            })
        })
        .await
}

/// Delivers one round, where nobody else does, and says what is left.
///
/// # Errors
///
/// [`Refusal::Conflict`] when another node has taken the job meanwhile; [`Refusal::Store`] when the database cannot
/// be reached.
pub async fn step(ports: &Ports, target: &TargetId) -> Result<Left, Refusal> {
    if let Some(fence) = lead::take(ports, &format!("deliver:{target}")).await? {
        let told = async {
            deliver::fill::advance(ports, target, &fence).await?;
            deliver::due(ports, target, &fence).await
        };
        let told = told.await;
        lead::give_back(ports, &fence, "drained", told.is_ok()).await?;
        told?;
    }
    let mut c = ports.db.read().await?;
    let backlog = outbox::backlog(&mut c, target).await?;
    Ok(Left { waiting: backlog.waiting, dead: backlog.dead })
}
