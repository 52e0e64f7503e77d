//! Tells whether the house is fit for work, and how much waits.
//!
//! Invariant: looks only; changes nothing.

use super::{Ports, Refusal};
use crate::store::outbox;

/// Whether the database answers and a policy is in force.
///
/// # Errors
///
/// What stands in the way.
pub async fn ready(ports: &Ports) -> Result<(), Refusal> {
    let mut c = ports.db.read().await?;
    ports.policies.current(&mut c).await.map(drop)
}

/// Measures what waits for each target.
pub async fn measure(ports: &Ports) {
    let backlog = async {
        let mut c = ports.db.read().await?;
        outbox::backlog(&mut c).await
    };
    match backlog.await {
        Ok(rows) => {
            for (target, waiting, dead) in rows {
                gauge("portvakt_outbox_waiting", &target, waiting);
                gauge("portvakt_outbox_dead", &target, dead);
            }
        }
        Err(error) => tracing::warn!(%error, "the backlog could not be counted: {error}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; a backlog stays far below 2^52")]
fn gauge(name: &'static str, target: &str, value: i64) {
    metrics::gauge!(name, "target" => target.to_owned()).set(value as f64);
}
