//! Users of a CRM that belong to no account, in the report `orphans`: as the last comparison of each CRM read them.
//!
//! Invariant: they follow the accounts, CRM by CRM in the order of reading; what the CRM did not tell is an empty cell.

use super::super::Refusal;
use super::field::Field;
use super::list::{Digested, digest};
use super::scene::Scene;
use super::{Cell, Column, Filters, ReportName, Term};
use crate::domain::account::Status;
use crate::domain::days::days_between;
use crate::domain::policy::EvidenceSource;
use crate::store::comparison::Comparison;
use crate::store::comparison_user::{self, Staged};

/// So many are read at once.
const PAGE: i64 = 250;

/// Where the reading stands.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    comparisons: Vec<Comparison>,
    /// Which of them is read.
    at: usize,
    /// After which user.
    position: i64,
}

impl Strangers {
    /// Of a report that lists them: those of the last comparison of each CRM.
    pub(super) fn of(scene: &Scene) -> Self {
        let is_listed = scene.name == ReportName::Orphans && is_for_them(&scene.filters);
        let comparisons = if is_listed { scene.comparisons.clone() } else { Vec::new() };
        Self { comparisons, at: 0, position: -1 }
    }

    /// The next rows; none: that was all.
    pub(super) async fn page(
        &mut self,
        scene: &mut Scene,
        fields: &[Field],
    ) -> Result<Vec<Vec<Cell>>, Refusal> {
        while let Some(comparison) = self.comparisons.get(self.at) {
            let page =
                comparison_user::strangers(&mut scene.conn, comparison.id, self.position, PAGE).await?;
            (self.at, self.position) = page.last().map_or((self.at + 1, -1), |last| (self.at, last.position));
            let kept = page.iter().filter(|one| keeps(&scene.filters, one));
            let rows: Vec<Vec<Cell>> = kept
                .map(|one| fields.iter().map(|field| cell(scene, comparison, one, *field)).collect())
                .collect();
            if !rows.is_empty() {
                return Ok(rows);
            }
        }
        Ok(Vec::new())
    }

    /// The digest of each row, in order; the reading then stands at its beginning again.
    pub(super) async fn digests(
        &mut self,
        scene: &mut Scene,
        fields: &[Field],
        columns: &[Column],
    ) -> Result<Vec<Digested>, Refusal> {
        let mut digests = Vec::new();
        loop {
            let page = self.page(scene, fields).await?;
            if page.is_empty() {
                (self.at, self.position) = (0, -1);
                return Ok(digests);
            }
            digests.extend(page.iter().map(|row| digest(columns, row)));
        }
    }
}

/// Whether rows that are asked for can be users without an account at all.
fn is_for_them(filters: &Filters) -> bool {
    let Filters { role, sector, limited, status: _, directory } = filters;
    role.is_none() && sector.is_none() && limited.is_none() && directory.is_none()
}

/// Unasked, closed users are not among the rows, as closed accounts are not.
fn keeps(filters: &Filters, one: &Staged) -> bool {
    let is_closed = one.holding.active == Some(false);
    match filters.status {
        None | Some(Status::Active) => !is_closed,
        Some(Status::Deactivated) => is_closed,
        Some(Status::Invited | Status::Paused | Status::Frozen | Status::Removed) => false,
    }
}

fn cell(scene: &Scene, comparison: &Comparison, one: &Staged, field: Field) -> Cell {
    let (held, words, target) = (&one.holding, scene.words(), &comparison.target);
    let status = match held.active {
        Some(true) => Some(Status::Active),
        Some(false) => Some(Status::Deactivated),
        None => None,
    };
    match field {
        Field::DisplayName => Cell::text(held.display_name.as_deref()),
        Field::UserName => Cell::text(held.user_name.as_deref()),
        Field::Email => Cell::text(held.email.as_deref().filter(|email| !email.is_empty())),
        Field::Status => {
            status.map_or(Cell::Nothing, |status| Cell::Term(Term::new(&status, words.status(status))))
        }
        Field::CrmIds => Cell::Terms(vec![Term::plain(&format!("{target}: {}", held.crm_id))]),
        Field::Crm => Cell::Terms(vec![Term::new(
            &format!("{target}: only there {}", comparison.begun_at),
            format!("{target}: {} {}", words.only_there(), scene.reading.date(comparison.begun_at)),
        )]),
        Field::Roles => Cell::Terms(held.roles.iter().flatten().map(Term::plain).collect()),
        Field::LastSeen => Cell::day(held.last_login),
        Field::LastSeenSource => held.last_login.map_or(Cell::Nothing, |_| {
            Cell::Term(Term::new(&EvidenceSource::Crm, words.source(EvidenceSource::Crm)))
        }),
        Field::DaysSince => {
            held.last_login.map_or(Cell::Nothing, |at| Cell::Count(days_between(at, scene.moment.at())))
        }
        _ => Cell::Nothing,
    }
}
