//! Writes down what was gathered about the directories.
//!
//! Invariant: one transaction for everything, a statement per table and directory; what could not be written is kept
//! for the next time. What was gathered in the last seconds before a kill is lost.

use std::sync::Arc;

use jiff::Timestamp;

use super::activity::{Activity, Batch, Gathered, MOST_REFUSED};
use crate::domain::ids::DirectoryId;
use crate::flows::{Ports, Refusal};
use crate::store::activity::{self as activities, Count, RepairCount};
use crate::store::refused::{self as refusals, Refused};
use crate::store::{Conn, StoreError, token};

/// The day of an instant, counted from 1970-01-01, UTC.
pub(super) fn day_of(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

/// Writes what was gathered since the last time. Gives how many directories did anything.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached; what was gathered is kept.
pub async fn flush(ports: &Ports) -> Result<usize, Refusal> {
    let batch = ports.activity.take();
    if batch.is_empty() {
        return Ok(0);
    }
    let count = batch.of.len();
    let day = day_of(ports.clock.now());
    let (batch, activity) = (Arc::new(batch), Arc::clone(&ports.activity));
    let work = Arc::clone(&batch);
    let written =
        ports.db.write(move |c| Box::pin(async move { write(c, &activity, &work, day).await })).await;
    match written {
        Ok(()) => Ok(count),
        Err(error) => {
            // Where the store still holds the batch, it may yet be written: rather lost than counted twice.
            if let Some(batch) = Arc::into_inner(batch) {
                ports.activity.put_back(batch);
            }
            Err(Refusal::from(error))
        }
    }
}

async fn write(c: &mut Conn, activity: &Activity, batch: &Batch, day: i64) -> Result<(), StoreError> {
    for (directory, gathered) in &batch.of {
        activities::note(c, directory, &gathered.seen).await?;
        if !gathered.counts.is_empty() {
            activities::count(c, directory, &counts(gathered, day)).await?;
        }
        if !gathered.repairs.is_empty() {
            activities::repaired(c, directory, &repairs(gathered)).await?;
        }
        if gathered.has_settled() {
            forget_settled(c, activity, directory, gathered).await?;
        }
        if !gathered.refused.is_empty() {
            let refused: Vec<Refused> = gathered.refused.values().cloned().collect();
            refusals::note(c, directory, &refused).await?;
            refusals::trim(c, directory, i64::try_from(MOST_REFUSED).unwrap_or(i64::MAX)).await?;
        }
    }
    for (id, at) in &batch.uses {
        token::used(c, *id, *at).await?;
    }
    Ok(())
}

fn counts(gathered: &Gathered, day: i64) -> Vec<Count> {
    let count = |(what, times): (&(super::Verb, super::Outcome), &i64)| Count {
        day,
        method: what.0.name().to_owned(),
        outcome: what.1.name().to_owned(),
        times: *times,
    };
    gathered.counts.iter().map(count).collect()
}

fn repairs(gathered: &Gathered) -> Vec<RepairCount> {
    let count = |(repair, (times, last_at)): (&&'static str, &(i64, Timestamp))| RepairCount {
        repair: (*repair).to_owned(),
        times: *times,
        last_at: *last_at,
    };
    gathered.repairs.iter().map(count).collect()
}

/// There are few refusals and may be many successes: the few are looked up among the many.
async fn forget_settled(
    c: &mut Conn,
    activity: &Activity,
    directory: &DirectoryId,
    gathered: &Gathered,
) -> Result<(), StoreError> {
    let known = refusals::of(c, directory).await?;
    let settled: Vec<(String, String)> = known
        .into_iter()
        .filter(|one| activity.is_settled(gathered, one))
        .map(|one| (one.resource, one.reference))
        .collect();
    if !settled.is_empty() {
        refusals::forget(c, directory, &settled).await?;
    }
    Ok(())
}
