//! The report `access`: who has access, last seen, roles, limits, sectors, and why.
//!
//! Invariant: every account that has rights is a row, also one that is frozen or on leave; the column says who can
//! sign in.

use super::super::Refusal;
use super::people::{Person, Scene};
use super::{Cell, Report, ReportName, Term};
use crate::domain::name::sort_key;

pub(super) async fn report(mut scene: Scene) -> Result<Report, Refusal> {
    let (mut people, population) = scene.people(|_, _| true).await?;
    people.sort_by_cached_key(|person| {
        let account = &person.known.account;
        (sort_key(&account.display_name), sort_key(&account.user_name), account.id)
    });
    let words = scene.words();
    let able = people.iter().filter(|person| person.can_sign_in(scene.moment)).count();
    let mut head = scene.head(&population);
    head.push((words.head("rows"), Cell::Count(i64::try_from(people.len()).unwrap_or(i64::MAX))));
    head.push((words.head("can_sign_in"), Cell::Count(i64::try_from(able).unwrap_or(i64::MAX))));
    let columns = [
        "display_name",
        "user_name",
        "status",
        "can_sign_in",
        "last_seen",
        "last_seen_source",
        "days_since",
        "roles",
        "limited",
        "sectors",
        "item_restricted",
        "why",
        "kind",
        "directories",
        "privileged",
        "account",
    ];
    Ok(Report {
        name: ReportName::Access,
        title: words.title(ReportName::Access).to_owned(),
        language: scene.reading.language,
        zone: scene.reading.zone.clone(),
        head,
        columns: columns.into_iter().map(|key| words.column(key)).collect(),
        rows: people.iter().map(|person| row(&scene, person)).collect(),
    })
}

fn row(scene: &Scene, person: &Person) -> Vec<Cell> {
    let (known, words) = (&person.known, scene.words());
    let account = &known.account;
    let status = account.standing.status;
    let [last_seen, source, days_since] = scene.last_seen(person.seen);
    vec![
        Cell::Text(account.display_name.clone()),
        Cell::Text(account.user_name.clone()),
        Cell::Term(Term { id: status.name().to_owned(), words: words.status(status).to_owned() }),
        Cell::Flag(person.can_sign_in(scene.moment)),
        last_seen,
        source,
        days_since,
        scene.roles(known),
        Cell::Flag(known.limited),
        scene.sectors(known),
        Cell::Flag(scene.item_restricted(known)),
        scene.why(known),
        Cell::Term(Term { id: account.kind.name().to_owned(), words: words.kind(account.kind).to_owned() }),
        person.directories(),
        Cell::Flag(scene.is_privileged(known)),
        Cell::Text(account.id.to_string()),
    ]
}
