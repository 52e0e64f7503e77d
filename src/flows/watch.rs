//! Tells whether the house is fit for work, and how much waits.
//!
//! Invariant: looks only; changes nothing.

use super::{Ports, Refusal};
use crate::store::{StoreError, client_logout, outbox};

/// Whether the database answers and a policy is in force.
///
/// # Errors
///
/// What stands in the way.
pub async fn ready(ports: &Ports) -> Result<(), Refusal> {
    let mut c = ports.db.read().await?;
    ports.policies.current(&mut c).await.map(drop)
}

/// Measures what waits for each target and each client.
pub async fn measure(ports: &Ports) {
    let backlog = async {
        let mut c = ports.db.read().await?;
        Ok::<_, StoreError>((outbox::backlog(&mut c).await?, client_logout::backlog(&mut c).await?))
    };
    match backlog.await {
        Ok((rows, logouts)) => {
            for (target, waiting, dead) in rows {
                gauge("portvakt_outbox_waiting", ("target", &target), waiting);
                gauge("portvakt_outbox_dead", ("target", &target), dead);
            }
            for (client, waiting) in logouts {
                gauge("portvakt_client_logouts_waiting", ("client", &client), waiting);
            }
        }
        Err(error) => tracing::warn!(%error, "the backlog could not be counted: {error}"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; a backlog stays far below 2^52")]
fn gauge(name: &'static str, (label, of): (&'static str, &str), value: i64) {
    metrics::gauge!(name, label => of.to_owned()).set(value as f64);
}
