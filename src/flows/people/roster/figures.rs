//! The key figures: how many can sign in, and when they last did.
//!
//! Invariant: each is counted as the list that it leads to counts, in indexes; nobody's row is read.

use jiff::{Timestamp, ToSpan};

use super::super::super::console::ConsoleActor;
use super::super::super::{Ports, Refusal};
use super::{COUNTED, Count, Order, Selection, Who, among, count};
use crate::domain::account::Status;
use crate::domain::days::zone_of;
use crate::store::{account, roster};

/// Who can sign in, by how long ago they last did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ages {
    /// In the last 30 days.
    pub days_30: usize,
    /// 31 to 90 days ago.
    pub days_90: usize,
    /// 91 to 180 days ago.
    pub days_180: usize,
    /// Longer ago.
    pub longer: usize,
    /// Never.
    pub never: usize,
}

/// The key figures of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// All accounts that are not removed.
    pub accounts: usize,
    /// Who can sign in.
    pub able: usize,
    /// By how long ago.
    pub ages: Ages,
    /// Where the ages begin: 30, 90 and 180 days ago, at the beginning of the day.
    pub limits: [Timestamp; 3],
    /// Who can sign in and is limited.
    pub limited: Count,
    /// Who can sign in and administers.
    pub privileged: Count,
    /// Who left in the last seven days.
    pub left: Count,
    /// Since when they count.
    pub left_since: Timestamp,
    /// Who was invited and has not accepted yet.
    pub invited: usize,
}

/// Counts.
///
/// # Errors
///
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn figures(ports: &Ports, actor: &ConsoleActor) -> Result<Figures, Refusal> {
    let now = actor.reading().now;
    let epoch = ports.db.epoch().await?;
    if let Some(known) = ports.rosters.figures(epoch, now) {
        return Ok(known);
    }
    let figures = counted(ports, now).await?;
    if ports.db.epoch().await? == epoch {
        ports.rosters.keep_figures(epoch, now, figures);
    }
    Ok(figures)
}

async fn counted(ports: &Ports, now: Timestamp) -> Result<Figures, Refusal> {
    let mut c = ports.db.snapshot().await?;
    let compiled = ports.policies.current(&mut c).await?;
    // Whole days where the organisation is, as the lists have them.
    let today = now.to_zoned(zone_of(&compiled.policy)).start_of_day().ok();
    let ago = |days: i64| {
        let day = today.as_ref().and_then(|today| today.checked_sub(days.days()).ok());
        day.map_or(now, |day| day.timestamp())
    };
    let limits = [ago(30), ago(90), ago(180)];
    let [a, b, c30] = [limits[2], limits[1], limits[0]].map(Timestamp::as_microsecond);
    let number = |count: i64| usize::try_from(count).unwrap_or_default();
    let ages = Ages {
        never: number(roster::able(&mut c, 0, 1, now).await?),
        longer: number(roster::able(&mut c, 1, a, now).await?),
        days_180: number(roster::able(&mut c, a, b, now).await?),
        days_90: number(roster::able(&mut c, b, c30, now).await?),
        days_30: number(roster::able(&mut c, c30, i64::MAX, now).await?),
    };
    let statuses = account::count_by_status(&mut c).await?;
    let with =
        |status: Status| statuses.iter().filter(|(one, _)| *one == status).map(|(_, n)| number(*n)).sum();
    let (removed, invited): (usize, usize) = (with(Status::Removed), with(Status::Invited));
    let accounts: usize = statuses.iter().map(|(_, n)| number(*n)).sum();
    let mut narrowed = Vec::new();
    for selection in [
        Selection { limited: Some(true), ..Selection::default() },
        Selection { is_privileged: true, ..Selection::default() },
        Selection { who: Who::Everybody, left_since: Some(ago(7)), ..Selection::default() },
    ] {
        let wanted = selection.wanted(&compiled.policy, Order::Seen, now);
        let among = among(ports, &mut c, &wanted).await?;
        narrowed.push(count(ports, &mut c, &wanted, among.as_deref()).await?);
    }
    let mut narrowed = narrowed.into_iter();
    let mut next = || narrowed.next().unwrap_or(Count::MoreThan(COUNTED));
    Ok(Figures {
        accounts: accounts.saturating_sub(removed),
        able: ages.never + ages.longer + ages.days_180 + ages.days_90 + ages.days_30,
        ages,
        limits,
        limited: next(),
        privileged: next(),
        left: next(),
        left_since: ago(7),
        invited,
    })
}
