//! Reports: who has access, who has gone quiet, now or as of any past day.
//!
//! Invariant: a report reads one moment and changes nothing; the same input gives the same rows in the same order,
//! and every form (text, CSV, JSON) is made from the same cells.

mod access;
mod ask;
mod people;
mod render;
mod stale;
mod words;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Act, Ports, Refusal};
use crate::domain::language::Language;

pub use ask::{Asked, ask};
pub(crate) use render::aligned;
pub use render::{csv, json, text};

/// Which report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportName {
    /// Who has access: last seen, roles, limits, sectors, and why.
    Access,
    /// Who has access and has not signed in since a day.
    Stale,
}

impl ReportName {
    /// Every report.
    pub const ALL: &'static [Self] = &[Self::Access, Self::Stale];

    /// The stable name, on the command line and in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Stale => "stale",
        }
    }

    /// The report of a stable name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.name() == name)
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Which report.
    pub name: ReportName,
    /// As of this instant; nothing: now.
    pub as_of: Option<Timestamp>,
    /// `stale`: who has not signed in since this instant; nothing: for longer than the policy's longest limit.
    pub before: Option<Timestamp>,
    /// The language that people read it in.
    pub language: Language,
}

/// A role, sector, state or reason: by its stable name for programs, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// For programs.
    pub id: String,
    /// For people, in the language of the report.
    pub words: String,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// None.
    Nothing,
    /// A name, an address, a sentence.
    Text(String),
    /// A number.
    Count(i64),
    /// An instant; people read its day.
    Instant(Timestamp),
    /// Yes or no.
    Flag(bool),
    /// A term.
    Term(Term),
    /// Several terms.
    Terms(Vec<Term>),
}

/// A column, or a line of the head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// For programs: the key in JSON.
    pub key: &'static str,
    /// For people.
    pub title: String,
    /// Whether a table on a screen shows it; the other forms have every column.
    pub is_brief: bool,
}

/// A report, before it is given a form.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Which.
    pub name: ReportName,
    /// For people.
    pub title: String,
    /// The language it is written in.
    pub language: Language,
    /// The time zone of its days.
    pub zone: TimeZone,
    /// What the reader must know first: the instant, the policy, the sources, the counts.
    pub head: Vec<(Column, Cell)>,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, a cell for each column.
    pub rows: Vec<Vec<Cell>>,
}

/// Makes a report.
///
/// # Errors
///
/// [`Refusal::Invalid`] for a day before the first policy; [`Refusal::Store`] when the database cannot be reached.
pub async fn produce(ports: &Ports, act: &Act, request: &Request) -> Result<Report, Refusal> {
    let scene = people::Scene::open(ports, act, request).await?;
    match request.name {
        ReportName::Access => access::report(scene).await,
        ReportName::Stale => stale::report(scene, request.before).await,
    }
}
