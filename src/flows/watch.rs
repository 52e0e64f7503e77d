//! Tells whether the house is fit for work, and how much waits.
//!
//! Invariant: looks only; changes nothing.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::targets::{self, TargetStanding};
use super::tokens::expiry;
use super::{Ports, Refusal, compare};
use crate::store::{client_logout, invite, link_request, pause, refused, survey};

/// Whether the database answers and a policy is in force.
///
/// # Errors
///
/// What stands in the way.
pub async fn ready(ports: &Ports) -> Result<(), Refusal> {
    let mut c = ports.db.read().await?;
    ports.policies.current(&mut c).await.map(drop)
}

/// Measures what waits for each target, each client and a person's decision, how the directories stand, and which
/// tokens soon end.
pub async fn measure(ports: &Ports) {
    measure_targets(ports).await;
    if let Err(error) = measure_directories(ports).await {
        tracing::warn!(%error, "the directories could not be measured: {error}");
    }
    if let Err(error) = compare::measure(ports).await {
        tracing::warn!(%error, "what the CRMs hold could not be measured: {error}");
    }
    if let Err(error) = waiting_for_people(ports).await {
        tracing::warn!(%error, "what waits for a person could not be counted: {error}");
    }
}

async fn measure_directories(ports: &Ports) -> Result<(), Refusal> {
    let (paused, awaited, refused) = {
        let mut c = ports.db.read().await?;
        (pause::all(&mut c).await?, survey::awaited(&mut c).await?, refused::counts(&mut c).await?)
    };
    let count = |counts: &[(String, i64)], name: &str| {
        counts.iter().find(|(known, _)| known == name).map_or(0, |(_, count)| *count)
    };
    for directory in &ports.settings.directories {
        let name = directory.id.as_str();
        let is_paused = paused.iter().any(|known| known == name);
        let label = |metric, value| gauge(metric, "directory", name, value);
        label("portvakt_directory_paused", i64::from(is_paused));
        label("portvakt_directory_pending_members", count(&awaited, name));
        label("portvakt_directory_refused_changes", count(&refused, name));
    }
    for (kind, owner, days, count) in expiry::counts(ports).await? {
        let labels = [("kind", kind.to_owned()), ("owner", owner), ("days", days.to_string())];
        metrics::gauge!("portvakt_tokens_ending", &labels)
            .set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
    }
    Ok(())
}

async fn measure_targets(ports: &Ports) {
    let logouts = async {
        let mut c = ports.db.read().await?;
        client_logout::backlog(&mut c).await
    };
    match logouts.await {
        Ok(logouts) => {
            for (client, waiting) in logouts {
                gauge("portvakt_client_logouts_waiting", "client", &client, waiting);
            }
        }
        Err(error) => tracing::warn!(%error, "the sign-outs that wait could not be counted: {error}"),
    }
    match targets::list(ports).await {
        Ok(standings) => standings.iter().for_each(|standing| measure_target(standing, ports.clock.now())),
        Err(error) => tracing::warn!(%error, "the backlog could not be counted: {error}"),
    }
}

/// Every target has every gauge of its kind, also where nothing waits: what is told once must not stay as the last word.
fn measure_target(standing: &TargetStanding, now: Timestamp) {
    let name = standing.target.as_str();
    let label = |metric, value| gauge(metric, "target", name, value);
    if let Some(reading) = &standing.reading {
        label("portvakt_target_behind", reading.behind);
        label("portvakt_target_last_read_timestamp_seconds", reading.at.map_or(0, Timestamp::as_second));
        return;
    }
    label("portvakt_outbox_waiting", standing.waiting);
    label("portvakt_outbox_background", standing.again);
    label("portvakt_outbox_dead", standing.dead);
    label("portvakt_outbox_oldest_seconds", standing.oldest.map_or(0, |at| now.duration_since(at).as_secs()));
    label("portvakt_target_off", i64::from(standing.off_since.is_some()));
    label("portvakt_target_rests", i64::from(standing.rests.is_some()));
    label(
        "portvakt_target_last_delivery_timestamp_seconds",
        standing.last_delivery.map_or(0, Timestamp::as_second),
    );
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

fn gauge(name: &'static str, label: &'static str, of: &str, value: i64) {
    metrics::gauge!(name, label => of.to_owned()).set(float(value));
}

#[expect(clippy::cast_precision_loss, reason = "a gauge is a float; what waits stays far below 2^52")]
const fn float(value: i64) -> f64 {
    value as f64
}
