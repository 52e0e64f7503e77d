//! Tells whether the house is fit for work, and how much waits.
//!
//! Invariant: looks only; changes nothing.

use std::collections::BTreeMap;

use super::{Ports, Refusal};
use crate::store::{invite, link_request, outbox};

/// Whether the database answers and a policy is in force.
///
/// # Errors
///
/// What stands in the way.
pub async fn ready(ports: &Ports) -> Result<(), Refusal> {
    let mut c = ports.db.read().await?;
    ports.policies.current(&mut c).await.map(drop)
}

/// Measures what waits: for each target, and for a person's decision.
pub async fn measure(ports: &Ports) {
    if let Err(error) = waiting_for_people(ports).await {
        tracing::warn!(%error, "what waits for a person could not be counted: {error}");
    }
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

/// Subjects that nobody has linked yet, and invitations that could be used now.
async fn waiting_for_people(ports: &Ports) -> Result<(), Refusal> {
    let mut c = ports.db.read().await?;
    let waiting: BTreeMap<String, i64> = link_request::waiting(&mut c).await?.into_iter().collect();
    for directory in ports.parties.directories() {
        let count = waiting.get(directory.as_str()).copied().unwrap_or_default();
        metrics::gauge!("portvakt_link_requests_waiting", "directory" => directory.to_string())
            .set(float(count));
    }
    metrics::gauge!("portvakt_invites_open").set(float(invite::count_open(&mut c, ports.clock.now()).await?));
    Ok(())
}

fn gauge(name: &'static str, target: &str, value: i64) {
    metrics::gauge!(name, "target" => target.to_owned()).set(float(value));
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; what waits stays far below 2^52")]
const fn float(value: i64) -> f64 {
    value as f64
}
