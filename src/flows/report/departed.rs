//! The report `departed`: who left, when their account was closed, when every CRM knew, and how many hours that took.
//!
//! Invariant: counted from what the directory said to what the last of the CRMs confirmed; where one has not, nothing
//! is counted and the row says so.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::super::Refusal;
use super::field::Field as F;
use super::list::List;
use super::person::Person;
use super::scene::{Population, Scene};
use super::{Cell, Report, Term};
use crate::domain::ids::AccountId;
use crate::store::departure::{self, Departure, Told};

/// So many departures are read at once.
const PAGE: i64 = 250;

#[rustfmt::skip]
const FIELDS: &[F] = &[
    F::DisplayName, F::UserName, F::LeftAt, F::ClosedAt, F::ConfirmedAt, F::Hours, F::Targets, F::Status, F::StatusBy,
    F::Roles, F::Kind, F::Directories, F::Privileged, F::Account,
];

/// A departure, and how far it has come.
struct Row {
    departure: Departure,
    told: Vec<Told>,
    /// When the last of the CRMs had confirmed it.
    confirmed_at: Option<Timestamp>,
}

impl Row {
    fn new(departure: Departure, told: Vec<Told>, at: Timestamp) -> Self {
        let mut told = told;
        for one in &mut told {
            one.confirmed_at = one.confirmed_at.filter(|confirmed| *confirmed <= at);
        }
        let all: Option<Vec<Timestamp>> = told.iter().map(|one| one.confirmed_at).collect();
        Self { departure, confirmed_at: all.and_then(|all| all.into_iter().max()), told }
    }

    fn took(&self) -> Option<SignedDuration> {
        self.confirmed_at.map(|at| at.duration_since(self.departure.left_at))
    }
}

pub(super) async fn report(mut scene: Scene) -> Result<Report, Refusal> {
    let (mut rows, mut took, mut waiting) = (Vec::new(), Vec::new(), 0_usize);
    let (at, mut after) = (scene.moment.at(), None);
    loop {
        let page = departure::page(&mut scene.conn, at, after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        let people = people(&mut scene, &page).await?;
        for row in read(&mut scene, page, at).await? {
            // Who came to be later than the moment is in no report of it.
            let Some(person) = people.get(&row.departure.account) else { continue };
            let is_early = scene.before.is_none_or(|before| row.departure.left_at < before);
            if is_early && scene.filters.keeps_closed(person) {
                match row.took() {
                    Some(time) => took.push(time),
                    None => waiting += usize::from(!row.told.is_empty()),
                }
                rows.push(cells(&scene, person, &row));
            }
        }
    }
    took.sort_unstable();
    let lines = lines(&took, waiting);
    let words = scene.words();
    scene.report(&Population::default(), lines, FIELDS, |_| List::made(FIELDS, rows, words)).await
}

/// The people of a page of departures; somebody may have left twice.
async fn people(scene: &mut Scene, page: &[Departure]) -> Result<BTreeMap<AccountId, Person>, Refusal> {
    let ids: BTreeSet<AccountId> = page.iter().map(|departure| departure.account).collect();
    let people = scene.listed(&ids.into_iter().collect::<Vec<_>>()).await?;
    Ok(people.into_iter().map(|person| (person.known.account.id, person)).collect())
}

/// What the CRMs know of the departures of a page.
async fn read(scene: &mut Scene, page: Vec<Departure>, at: Timestamp) -> Result<Vec<Row>, Refusal> {
    let ids: Vec<AccountId> = page.iter().map(|departure| departure.account).collect();
    let mut told: BTreeMap<(AccountId, Timestamp), Vec<Told>> = BTreeMap::new();
    for one in departure::told(&mut scene.conn, &ids).await? {
        told.entry((one.account, one.closed_at)).or_default().push(one);
    }
    let row = |departure: Departure| {
        let told = told.remove(&(departure.account, departure.closed_at)).unwrap_or_default();
        Row::new(departure, told, at)
    };
    Ok(page.into_iter().map(row).collect())
}

/// How long it took, in the middle and at worst.
fn lines(took: &[SignedDuration], waiting: usize) -> Vec<(&'static str, Cell)> {
    let mut lines = vec![("confirmed", Cell::count(took.len())), ("unconfirmed", Cell::count(waiting))];
    for (key, percent) in [("hours_p50", 50), ("hours_p90", 90), ("hours_p99", 99), ("hours_max", 100)] {
        lines.extend(percentile(took, percent).map(|length| (key, Cell::Hours(length))));
    }
    lines
}

/// The smallest that at least so many percent do not exceed (nearest rank).
fn percentile(sorted: &[SignedDuration], percent: usize) -> Option<SignedDuration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

fn cells(scene: &Scene, person: &Person, row: &Row) -> Vec<Cell> {
    let words = scene.words();
    let target = |told: &Told| {
        let (id, state) = match told.confirmed_at {
            Some(at) => (at.to_string(), scene.reading.date(at)),
            None => ("waiting".to_owned(), words.waits().to_owned()),
        };
        Term::new(&format!("{}: {id}", told.target), format!("{}: {state}", told.target))
    };
    let cell = |field: &F| match field {
        F::LeftAt => Cell::Minute(row.departure.left_at),
        F::ClosedAt => Cell::Minute(row.departure.closed_at),
        F::ConfirmedAt => Cell::minute(row.confirmed_at),
        F::Hours => row.took().map_or(Cell::Nothing, Cell::Hours),
        F::Targets => Cell::Terms(row.told.iter().map(target).collect()),
        other => person.cell(scene, *other),
    };
    FIELDS.iter().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_time_that_somebody_had() {
        let hours = |n: i64| SignedDuration::from_hours(n);
        let ten: Vec<SignedDuration> = (1..=10).map(hours).collect();
        assert_eq!(percentile(&ten, 50), Some(hours(5)));
        assert_eq!(percentile(&ten, 90), Some(hours(9)));
        assert_eq!(percentile(&ten, 99), Some(hours(10)));
        assert_eq!(percentile(&[hours(3)], 50), Some(hours(3)));
        assert_eq!(percentile(&[], 50), None);
    }
}
