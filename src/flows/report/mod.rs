//! Reports: who has access, who has gone quiet, who left and how soon that told, now or as of any past day.
//!
//! Invariant: a report reads one moment and changes nothing but the audit, which keeps who read it. The same input
//! gives the same rows in the same order and the same bytes, and every form is made from the same cells. Rows are read
//! a page at a time: a long report takes little more memory than a short one.

mod ask;
mod cell;
mod chosen;
mod departed;
mod expiring;
mod field;
mod filter;
mod form;
mod judge;
mod list;
mod made;
mod people;
mod person;
mod runs;
mod scene;
mod stranger;
mod words;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Act, Ports, Refusal};
use crate::domain::actor::Subject;
use crate::domain::language::Language;

pub use ask::{Asked, ask};
pub use cell::{Cell, Term};
pub(in crate::flows) use chosen::of_people;
pub use field::Column;
pub use filter::Filters;
pub(crate) use form::aligned;
pub(super) use form::{BYTE_ORDER_MARK, Texts, csv_lines};
pub use form::{Form, Layout, Separator, Writer, shortened};
pub(super) use form::{harmless, unguarded};
use list::List;
pub(super) use made::of_rows;
pub use words::status_reason;

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportName {
    /// Who has access: last seen, roles, limits, sectors, and why.
    Access,
    /// Who has access and has not signed in since a day.
    Stale,
    /// Who has access and was never seen.
    NeverSignedIn,
    /// Who left, and how long it took until every CRM knew.
    Departed,
    /// Who administers.
    Privileged,
    /// Who is limited, and to what.
    Limited,
    /// Which accounts no directory knows.
    Orphans,
    /// What ends soon.
    Expiring,
    /// Whom the lifecycle leaves alone.
    Exceptions,
    /// What the lifecycle did, also when it did nothing.
    Runs,
}

crate::domain::named::named!(
    ReportName,
    Access = "access",
    Stale = "stale",
    NeverSignedIn = "never-signed-in",
    Departed = "departed",
    Privileged = "privileged",
    Limited = "limited",
    Orphans = "orphans",
    Expiring = "expiring",
    Exceptions = "exceptions",
    Runs = "runs"
);

impl ReportName {
    /// What people call it.
    #[must_use]
    pub fn title(self, language: Language) -> &'static str {
        words::Words(language).title(self)
    }

    /// Whether it has a day of its own besides the one it tells of.
    #[must_use]
    pub const fn takes_before(self) -> bool {
        match self {
            Self::Stale | Self::NeverSignedIn | Self::Departed | Self::Expiring => true,
            Self::Access
            | Self::Privileged
            | Self::Limited
            | Self::Orphans
            | Self::Exceptions
            | Self::Runs => false,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which report.
    pub name: ReportName,
    /// As of this instant; nothing: now.
    pub as_of: Option<Timestamp>,
    /// A day that the report counts from or to, in its own way; nothing: its usual one.
    pub before: Option<Timestamp>,
    /// Which rows.
    pub filters: Filters,
    /// The language that people read it in.
    pub language: Language,
    /// In which form it is read; the audit keeps it.
    pub form: Form,
}

/// A report, whose rows are read as they are asked for.
#[derive(Debug)]
pub struct Report {
    /// Its stable name: a [`ReportName`], or that of a list.
    pub name: &'static str,
    /// For people.
    pub title: String,
    /// The language it is written in.
    pub language: Language,
    /// The time zone of its days.
    pub zone: TimeZone,
    /// The instant it tells of.
    pub at: Timestamp,
    /// What the reader must know first: the instant, the policy, the sources, the counts, the hash.
    pub head: Vec<(Column, Cell)>,
    /// The columns.
    pub columns: Vec<Column>,
    /// How many rows there are.
    pub count: usize,
    /// SHA-256 over the rows, hexadecimal.
    pub hash: String,
    list: List,
}

impl Report {
    /// The next rows, a cell for each column; none: that was all.
    ///
    /// # Errors
    ///
    /// [`Refusal::Store`] when the database cannot be reached.
    pub async fn page(&mut self) -> Result<Vec<Vec<Cell>>, Refusal> {
        self.list.page().await
    }

    /// A cell as people read it.
    #[must_use]
    pub fn words(&self, cell: &Cell) -> String {
        cell.words(&self.reader())
    }

    /// The rows that are left, at most `most`.
    ///
    /// # Errors
    ///
    /// [`Refusal::Store`] when the database cannot be reached.
    pub async fn rows(&mut self, most: usize) -> Result<Vec<Vec<Cell>>, Refusal> {
        let mut rows = Vec::new();
        while rows.len() < most {
            let page = self.page().await?;
            if page.is_empty() {
                break;
            }
            rows.extend(page);
        }
        rows.truncate(most);
        Ok(rows)
    }
}

/// Makes a report, and notes who read it.
///
/// # Errors
///
/// [`Refusal::Invalid`] for a day before the first policy, or a role, sector or directory that there is not;
/// [`Refusal::Store`] when the database cannot be reached.
pub async fn produce(ports: &Ports, act: &Act, request: &Request) -> Result<Report, Refusal> {
    let scene = scene::Scene::open(ports, act, request).await?;
    let report = match request.name {
        ReportName::Access
        | ReportName::Stale
        | ReportName::NeverSignedIn
        | ReportName::Privileged
        | ReportName::Limited
        | ReportName::Orphans
        | ReportName::Exceptions => people::report(scene).await?,
        ReportName::Departed => departed::report(scene).await?,
        ReportName::Expiring => expiring::report(scene).await?,
        ReportName::Runs => runs::report(scene).await?,
    };
    let read = read(request, &report);
    note(ports, act, request.name.name(), read).await?;
    Ok(report)
}

/// What was read, as the audit keeps it.
fn read(request: &Request, report: &Report) -> Value {
    json!({
        "as_of": report.at.to_string(),
        "before": request.before.map(|at| at.to_string()),
        "filters": request.filters.terms().collect::<Vec<_>>(),
        "form": request.form.name(),
        "language": request.language.tag(),
        "rows": report.count,
        "hash": report.hash,
    })
}

/// Who reads what of whom belongs in the audit, like any change.
async fn note(ports: &Ports, act: &Act, name: &'static str, read: Value) -> Result<(), Refusal> {
    let (act, subject) = (act.clone(), Subject::new("report", name));
    ports
        .db
        .write(move |c| {
            Box::pin(async move {
                act.record(c, "report_read", subject, None, Some(read)).await?;
                Ok::<_, Refusal>(())
            })
        })
        .await
}
