//! A list of people as somebody has it on the screen, as a report: these accounts, in this order, with these columns.
//!
//! Invariant: last seen is the latest of all sources, as in the list; who reads it stands in the audit, with what the
//! list was narrowed by.

use super::super::{Act, Ports, Refusal};
use super::field::Field as F;
use super::list::{List, digest, row};
use super::scene::{Population, Scene};
use super::stranger::Strangers;
use super::{Filters, Form, Report, ReportName, Request, note, read};
use crate::domain::ids::AccountId;
use crate::domain::language::Language;

/// So many are read at once.
const PAGE: usize = 250;

/// The report's columns for a column of the list.
const fn fields(column: &str) -> &'static [F] {
    match column.as_bytes() {
        b"status" => &[F::Status, F::CanSignIn],
        b"roles" => &[F::Roles],
        b"limited" => &[F::Limited, F::Sectors, F::ItemRestricted],
        b"seen" => &[F::LastSeen, F::LastSeenSource],
        b"days" => &[F::DaysSince],
        b"directory" => &[F::Directories],
        b"next" => &[F::NextStep, F::NextOn],
        b"manager" => &[F::Manager],
        b"origin" => &[F::Why],
        b"end" => &[F::ValidUntil],
        _ => &[],
    }
}

/// These people as a report.
pub(in crate::flows) async fn of_people(
    ports: &Ports,
    act: &Act,
    (ids, columns): (Vec<AccountId>, &[&'static str]),
    (terms, language, form): (Vec<String>, Language, Form),
) -> Result<Report, Refusal> {
    let name = ReportName::Access;
    let filters = Filters::default();
    let request = Request { name, as_of: None, before: None, filters, language, form };
    let mut scene = Scene::open(ports, act, &request).await?;
    scene.is_list = true;
    let mut wanted = vec![F::DisplayName, F::UserName];
    wanted.extend(columns.iter().flat_map(|column| fields(column)));
    wanted.push(F::Account);
    let heads: Vec<_> = wanted.iter().map(|field| field.column(scene.words())).collect();
    let mut found = Vec::with_capacity(ids.len());
    for page in ids.chunks(PAGE) {
        for person in scene.listed(page).await? {
            found.push((person.known.account.id, digest(&heads, &row(&scene, &person, &wanted))));
        }
        // Others wait for this thread as well.
        tokio::task::yield_now().await;
    }
    let fields = wanted.clone();
    let report = scene
        .report(&Population::default(), Vec::new(), &wanted, |scene| {
            List::sorted(scene, &fields, found, Strangers::default(), &[])
        })
        .await?;
    let mut said = read(&request, &report);
    if let Some(said) = said.as_object_mut() {
        said.insert("filters".to_owned(), terms.into());
    }
    note(ports, act, name.name(), said).await?;
    Ok(report)
}
