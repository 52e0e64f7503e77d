//! Watches for a clock that jumps: more than an hour off what the machine's own uptime says, or back behind what any
//! node has shown.
//!
//! Invariant: once a jump was seen no step is taken by itself until a person has released it; a machine that was off
//! for a while is no jump, one that comes back more than a month later is taken for one.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::people::named;
use super::{Act, Ports, Refusal};
use crate::domain::actor::{Actor, Subject};
use crate::domain::days::Reading;
use crate::store::{Conn, StoreError, machine_clock, setting};

/// The setting that holds the jump that was seen; empty once it was released.
const STOPPED: &str = "clock_jumped";

/// So far may a clock be off.
const TOLERATED: SignedDuration = SignedDuration::from_hours(1);

/// A machine that was started anew may come back so late before its clock is doubted.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(31 * 24);

/// How long a machine is remembered.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(90 * 24);

/// A jump that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jump {
    /// What the clock showed.
    pub showed: Timestamp,
    /// What it should have shown, as far as that can be known.
    pub expected: Timestamp,
}

impl Jump {
    /// What was seen, and what follows.
    #[must_use]
    pub fn sentence(&self, reading: &Reading) -> String {
        let (showed, expected) = (self.showed, self.expected);
        reading.pick(
            format!(
                "Klockan hoppade: den visade {showed} men borde ha visat omkring {expected}. Inga steg tas av sig \
                 själva förrän någon har kontrollerat klockan och skrivit: portvakt lifecycle clock --release --reason \"…\""
            ),
            format!(
                "The clock jumped: it showed {showed} and should have shown about {expected}. No step is taken by \
                 itself until somebody has checked the clock and said: portvakt lifecycle clock --release --reason \"…\""
            ),
        )
    }
}

/// Looks at the clock, and notes what it shows. Gives the jump that keeps steps from being taken; nothing: none does.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn look(ports: &Ports) -> Result<Option<Jump>, Refusal> {
    let up = ports.clock.uptime();
    let act = ports.act(Actor::Job("clock".to_owned()), "clock");
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                if let Some(jump) = stopped(c).await? {
                    return Ok(Some(jump));
                }
                let jump = compare(c, &up.machine, act.now, up.length).await?;
                if let Some(jump) = &jump {
                    stop(c, &act, jump).await?;
                } else {
                    let old = act.now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
                    machine_clock::note(c, &up.machine, act.now, up.length, old).await?;
                }
                Ok::<_, Refusal>(jump)
            })
        })
        .await
}

/// The jump that was seen and that nobody has released.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn stopped(c: &mut Conn) -> Result<Option<Jump>, Refusal> {
    match setting::get(c, STOPPED).await? {
        Some(text) if !text.is_empty() => serde_json::from_str(&text)
            .map(Some)
            .map_err(|error| Refusal::Store(StoreError::corrupt("setting", STOPPED, error))),
        Some(_) | None => Ok(None),
    }
}

async fn compare(
    c: &mut Conn,
    machine: &str,
    now: Timestamp,
    up_for: SignedDuration,
) -> Result<Option<Jump>, Refusal> {
    let off = |expected: Timestamp| now.duration_since(expected).abs() > TOLERATED;
    if let Some((shown_at, was_up_for)) = machine_clock::of(c, machine).await? {
        let expected = shown_at.saturating_add(up_for - was_up_for).unwrap_or(Timestamp::MAX);
        return Ok(off(expected).then_some(Jump { showed: now, expected }));
    }
    let Some(latest) = machine_clock::latest(c).await? else { return Ok(None) };
    let is_back = now < latest && off(latest);
    let is_far = now.duration_since(latest) > LONGEST_REST;
    Ok((is_back || is_far).then_some(Jump { showed: now, expected: latest }))
}

async fn stop(c: &mut Conn, act: &Act, jump: &Jump) -> Result<(), Refusal> {
    let text = serde_json::to_string(jump)
        .map_err(|error| Refusal::Store(StoreError::corrupt("setting", STOPPED, error)))?;
    setting::set(c, STOPPED, &text).await?;
    metrics::counter!("portvakt_clock_jumps_total").increment(1);
    tracing::error!(showed = %jump.showed, expected = %jump.expected,
        "the clock jumped: it shows {} and should show about {}; no step is taken by itself until somebody says: \
         portvakt lifecycle clock --release --reason \"…\"", jump.showed, jump.expected);
    let after = json!({ "showed": jump.showed.to_string(), "expected": jump.expected.to_string() });
    act.record(c, "clock_jumped", Subject::new("setting", "clock"), None, Some(after)).await?;
    Ok(())
}

/// Releases steps after a jump: from now on the clock is trusted as it is. Gives `false` where nothing was stopped.
///
/// # Errors
///
/// [`Refusal::Invalid`] without a reason; [`Refusal::Store`] when the database cannot be reached.
pub async fn release(ports: &Ports, act: &Act, reason: &str) -> Result<bool, Refusal> {
    let reason = named(reason)?;
    let (act, up) = (act.clone(), ports.clock.uptime());
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                let Some(jump) = stopped(c).await? else { return Ok(false) };
                setting::set(c, STOPPED, "").await?;
                machine_clock::forget_all(c).await?;
                machine_clock::note(c, &up.machine, act.now, up.length, Timestamp::MIN).await?;
                let before =
                    json!({ "showed": jump.showed.to_string(), "expected": jump.expected.to_string() });
                let after = json!({ "reason": reason });
                let subject = Subject::new("setting", "clock");
                act.record(c, "clock_released", subject, Some(before), Some(after)).await?;
                Ok::<_, Refusal>(true)
            })
        })
        .await
}
