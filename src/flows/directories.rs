//! How the directories fare: what each did last, what it was refused, whether it is paused.
//!
//! Invariant: everything that is shown comes from the database, so that it can be asked while the daemon runs and when
//! it does not.

mod activity;
mod event;
mod flush;
mod pause;
mod reference;
mod standing;

pub use activity::{Activity, MOST_REFUSED};
pub use event::{Denied, Event, Outcome, Verb};
pub use flush::flush;
pub use pause::{Pause, RETRY_AFTER_SECONDS, pause, resume};
pub use reference::{Reference, without_values};
pub use standing::{Awaited, Counted, LastError, Mended, RefusedChange, Row, Standing, list, show};

pub(super) use reference::is_okta_id;

use super::{Ports, Refusal};
use crate::config::Directory;

/// Counts are kept for so many days.
pub const COUNTS_FOR_DAYS: i64 = 90;

/// The day, counted from 1970-01-01, before which counts are forgotten.
pub(super) fn oldest_day(now: jiff::Timestamp) -> i64 {
    flush::day_of(now) - COUNTS_FOR_DAYS
}

/// The directory of that name.
///
/// # Errors
///
/// [`Refusal::Invalid`] when the settings have none; it names those they have.
pub fn find<'p>(ports: &'p Ports, name: &str) -> Result<&'p Directory, Refusal> {
    let known = &ports.settings.directories;
    known.iter().find(|directory| directory.id.as_str() == name).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|directory| directory.id.as_str()).collect();
        Refusal::invalid(
            "directory",
            format!("the settings have no directory {name:?}; they have: {}", names.join(", ")),
        )
    })
}
