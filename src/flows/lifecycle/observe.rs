//! Whether the lifecycle acts, or only observes: because the policy says so, or because it is new.
//!
//! Invariant: a lifecycle counts as new from the first version with rules after one without; what is older than this
//! knowledge is not new.

use jiff::{SignedDuration, Timestamp};

use super::super::Refusal;
use crate::domain::days::{Reading, later};
use crate::domain::policy::{Mode, Policy};
use crate::store::{Conn, StoreError, setting};

/// The setting that says since when there is a lifecycle, in microseconds.
const SINCE: &str = "lifecycle_since";

/// Whether runs act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    /// Plans are carried out.
    Acts,
    /// Plans are kept, nothing is done: the policy says so.
    Observes,
    /// The same until then, because the lifecycle is new.
    ObservesUntil(Timestamp),
}

impl Watch {
    /// Whether nothing is done.
    #[must_use]
    pub const fn is_observing(self) -> bool {
        match self {
            Self::Acts => false,
            Self::Observes | Self::ObservesUntil(_) => true,
        }
    }

    /// Why nothing is done, and how to change that; nothing where plans are carried out.
    #[must_use]
    pub fn sentence(self, reading: &Reading) -> Option<String> {
        match self {
            Self::Acts => None,
            Self::Observes => Some(reading.pick(
                "Policyn observerar bara (lifecycle.mode). Planer görs och sparas, inget konto ändras.",
                "The policy only observes (lifecycle.mode). Plans are made and kept, no account is changed.",
            )),
            Self::ObservesUntil(until) => {
                let day = reading.date(until);
                Some(reading.pick(
                    format!(
                        "Livscykeln är ny och observerar till {day}. Planer görs och sparas, inget konto ändras. \
                         Skriv observe_first = \"0d\" under [lifecycle] för att börja genast."
                    ),
                    format!(
                        "The lifecycle is new and observes until {day}. Plans are made and kept, no account is \
                         changed. Write observe_first = \"0d\" in [lifecycle] to begin at once."
                    ),
                ))
            }
        }
    }
}

/// Whether runs act now.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached or the setting cannot be read.
pub async fn watch(c: &mut Conn, policy: &Policy, now: Timestamp) -> Result<Watch, Refusal> {
    let lifecycle = &policy.lifecycle;
    if lifecycle.mode == Mode::Observe {
        return Ok(Watch::Observes);
    }
    if lifecycle.observe_first == SignedDuration::ZERO {
        return Ok(Watch::Acts);
    }
    let Some(text) = setting::get(c, SINCE).await? else { return Ok(Watch::Acts) };
    let since = text.parse().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let since = since.ok_or_else(|| StoreError::corrupt("setting", SINCE, format!("{text:?}")))?;
    let until = later(since, lifecycle.observe_first);
    Ok(if now < until { Watch::ObservesUntil(until) } else { Watch::Acts })
}

/// Notes that the lifecycle begins, where `former` had no rules and `new` has.
pub(in crate::flows) async fn note(
    c: &mut Conn,
    former: Option<&Policy>,
    new: &Policy,
    now: Timestamp,
) -> Result<(), Refusal> {
    let had = former.is_some_and(|policy| !policy.lifecycle.rules.is_empty());
    if !had && !new.lifecycle.rules.is_empty() {
        setting::set(c, SINCE, &now.as_microsecond().to_string()).await?;
    }
    Ok(())
}
