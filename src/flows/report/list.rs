//! The rows of a report: which there are is known at once, what they say is read a page at a time.
//!
//! Invariant: the hash covers every row in order. It is SHA-256 over one line for each row: the lower-case hexadecimal
//! SHA-256 of the row as JSON, and a line feed.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::super::Refusal;
use super::Cell;
use super::field::{Column, Field};
use super::scene::Scene;
use super::stranger::Strangers;
use super::words::Words;
use crate::domain::ids::AccountId;
use crate::domain::policy::shift::hexadecimal;

/// So many rows are read at once.
const PAGE: usize = 250;

/// SHA-256 of one row.
pub(super) type Digested = [u8; 32];

/// Where a row stands: the lower first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The group that it belongs to.
    pub(super) group: u8,
    /// Microseconds; 0 where time does not count.
    pub(super) at: i64,
    /// The name, as Swedes sort.
    pub(super) name: Box<str>,
    /// Between equals.
    pub(super) id: AccountId,
}

/// The rows of a report.
#[derive(Debug)]
pub(super) enum List {
    /// Rows that are accounts, read anew when their turn comes.
    People {
        /// The moment they are read from.
        scene: Box<Scene>,
        /// What is said of each.
        fields: Vec<Field>,
        /// Who, in order.
        order: std::vec::IntoIter<AccountId>,
        /// Whom no account stands for, after them.
        strangers: Strangers,
        /// How many.
        count: usize,
        /// Over all rows.
        hash: String,
    },
    /// Few rows, made already.
    Made {
        /// The rows.
        rows: std::vec::IntoIter<Vec<Cell>>,
        /// How many.
        count: usize,
        /// Over all rows.
        hash: String,
    },
}

impl List {
    /// Accounts that will be read again, each with its rank and what was read of it; and then those without one, with
    /// what was read of each.
    pub(super) fn people(
        scene: Scene,
        fields: &[Field],
        mut found: Vec<(Rank, Digested)>,
        strangers: Strangers,
        digests: &[Digested],
    ) -> Self {
        found.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let found = found.into_iter().map(|(rank, digest)| (rank.id, digest)).collect();
        Self::sorted(scene, fields, found, strangers, digests)
    }

    /// The same, in the order that they come in.
    pub(super) fn sorted(
        scene: Scene,
        fields: &[Field],
        found: Vec<(AccountId, Digested)>,
        strangers: Strangers,
        digests: &[Digested],
    ) -> Self {
        let hash = over(found.iter().map(|(_, digest)| digest).chain(digests));
        let order: Vec<AccountId> = found.into_iter().map(|(id, _)| id).collect();
        let count = order.len() + digests.len();
        let (scene, fields) = (Box::new(scene), fields.to_vec());
        Self::People { scene, fields, count, order: order.into_iter(), strangers, hash }
    }

    /// Rows that are made.
    pub(super) fn made(fields: &[Field], rows: Vec<Vec<Cell>>, words: Words) -> Self {
        let columns: Vec<Column> = fields.iter().map(|field| field.column(words)).collect();
        Self::of_rows(&columns, rows)
    }

    /// Rows that are made, under columns of their own.
    pub(super) fn of_rows(columns: &[Column], rows: Vec<Vec<Cell>>) -> Self {
        let digests: Vec<Digested> = rows.iter().map(|row| digest(columns, row)).collect();
        let hash = over(digests.iter());
        Self::Made { count: rows.len(), rows: rows.into_iter(), hash }
    }

    /// How many rows there are in all.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::People { count, .. } | Self::Made { count, .. } => *count,
        }
    }

    /// Over all rows.
    pub(super) fn hash(&self) -> String {
        match self {
            Self::People { hash, .. } | Self::Made { hash, .. } => hash.clone(),
        }
    }

    /// The next rows.
    pub(super) async fn page(&mut self) -> Result<Vec<Vec<Cell>>, Refusal> {
        match self {
            Self::People { scene, fields, order, strangers, .. } => {
                let ids: Vec<AccountId> = order.by_ref().take(PAGE).collect();
                if ids.is_empty() {
                    return strangers.page(scene, fields).await;
                }
                let people = scene.listed(&ids).await?;
                Ok(people.iter().map(|person| row(scene, person, fields)).collect())
            }
            Self::Made { rows, .. } => Ok(rows.by_ref().take(PAGE).collect()),
        }
    }
}

/// A row about an account.
pub(super) fn row(scene: &Scene, person: &super::person::Person, fields: &[Field]) -> Vec<Cell> {
    fields.iter().map(|field| person.cell(scene, *field)).collect()
}

/// A row as programs read it.
pub(super) fn record(columns: &[Column], row: &[Cell]) -> Value {
    let fields = columns.iter().zip(row);
    Value::Object(fields.map(|(column, cell)| (column.key.to_owned(), cell.value())).collect::<Map<_, _>>())
}

/// SHA-256 of a row as JSON.
pub(super) fn digest(columns: &[Column], row: &[Cell]) -> Digested {
    Sha256::digest(record(columns, row).to_string()).into()
}

fn over<'d>(digests: impl Iterator<Item = &'d Digested>) -> String {
    let mut all = Sha256::new();
    for digest in digests {
        all.update(hexadecimal(digest));
        all.update("\n");
    }
    hexadecimal(&all.finalize())
}
