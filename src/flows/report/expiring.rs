//! The report `expiring`: accounts, rights and leaves that end before a day.
//!
//! Invariant: what has ended already is not in it; what ends first comes first.

use jiff::{SignedDuration, Timestamp};

use super::super::Refusal;
use super::field::Field as F;
use super::list::List;
use super::person::Person;
use super::scene::{Population, Scene};
use super::{Cell, Report, Term};
use crate::domain::days::{days_between, later};
use crate::domain::name::sort_key;

/// Unasked, what ends within this time.
const USUAL: SignedDuration = SignedDuration::from_hours(90 * 24);

#[rustfmt::skip]
const FIELDS: &[F] = &[
    F::EndsAt, F::DaysLeft, F::What, F::DisplayName, F::UserName, F::Status, F::By, F::Why, F::Roles, F::LastSeen,
    F::Kind, F::Directories, F::Account,
];

/// Something that ends.
struct Ending {
    at: Timestamp,
    what: Term,
    by: Option<String>,
    why: Option<String>,
}

pub(super) async fn report(mut scene: Scene) -> Result<Report, Refusal> {
    let until = scene.before.unwrap_or_else(|| later(scene.moment.at(), USUAL));
    let (mut rows, mut population, mut after) = (Vec::new(), Population::default(), None);
    while let Some((last, people)) = scene.next(after).await? {
        after = Some(last);
        for person in people {
            population.count(&person);
            if !scene.filters.keeps(&person) {
                continue;
            }
            for ending in endings(&scene, &person, until) {
                let name = sort_key(&person.known.account.display_name);
                rows.push(((ending.at, name, person.known.account.id), row(&scene, &person, &ending)));
            }
        }
        tokio::task::yield_now().await;
    }
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    let rows: Vec<Vec<Cell>> = rows.into_iter().map(|(_, row)| row).collect();
    let words = scene.words();
    let lines = vec![("ends_before", Cell::Day(until))];
    scene.report(&population, lines, FIELDS, |_| List::made(FIELDS, rows, words)).await
}

fn endings(scene: &Scene, person: &Person, until: Timestamp) -> Vec<Ending> {
    let (known, words, now) = (&person.known, scene.words(), scene.moment.at());
    let mut endings = Vec::new();
    if let Some(at) = known.account.valid_until {
        let what = Term::new("account", words.the_account());
        endings.push(Ending { at, what, by: None, why: None });
    }
    if let Some(leave) = &known.leave {
        let what = Term::new("leave", words.the_leave());
        endings.push(Ending { at: leave.until, what, by: Some(leave.approver.clone()), why: None });
    }
    for grant in known.grants.iter().filter(|grant| grant.holds_at(now)) {
        let Some(at) = grant.ends_at else { continue };
        let id = [grant.kind.name(), grant.kind.value()].join(" ");
        let what = Term::new(&id.trim_end(), scene.grant_words(&grant.kind));
        endings.push(Ending { at, what, by: Some(grant.by.clone()), why: grant.why.clone() });
    }
    endings.retain(|ending| now < ending.at && ending.at < until);
    endings
}

fn row(scene: &Scene, person: &Person, ending: &Ending) -> Vec<Cell> {
    let cell = |field: &F| match field {
        F::EndsAt => Cell::Day(ending.at),
        F::DaysLeft => Cell::Count(days_between(scene.moment.at(), ending.at)),
        F::What => Cell::Term(ending.what.clone()),
        F::By => Cell::text(ending.by.as_deref()),
        F::Why => Cell::text(ending.why.as_deref()),
        other => person.cell(scene, *other),
    };
    FIELDS.iter().map(cell).collect()
}
