//! One transaction in the CRM's database, whichever engine it is.
//!
//! Invariant: a transaction that is not committed leaves nothing behind, however it ends.

use serde_json::{Map, Value};

use super::description::Engine;
use super::postgres::{Ride, Server};
use super::sqlite::{File, Turn};
use super::statement::Statement;
use super::values::Values;
use crate::crm::failed::Failed;

/// One row: the columns by name.
pub(super) type Row = Map<String, Value>;

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Read,
    Write,
}

/// What came of a statement.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The rows that it gave.
    pub(super) rows: Vec<Row>,
    /// How many it changed, or gave.
    pub(super) touched: u64,
}

/// The CRM's database.
#[derive(Debug)]
pub(super) enum Database {
    Postgres(Server),
    Sqlite(File),
}

/// A transaction that goes on.
#[derive(Debug)]
pub(super) enum Lane {
    Postgres(Ride),
    Sqlite(Turn),
}

impl Database {
    pub(super) const fn engine(&self) -> Engine {
        match self {
            Self::Postgres(_) => Engine::Postgres,
            Self::Sqlite(_) => Engine::Sqlite,
        }
    }

    /// Begins a transaction.
    pub(super) async fn begin(&self, purpose: Purpose) -> Result<Lane, Failed> {
        match self {
            Self::Postgres(server) => Ok(Lane::Postgres(server.begin(purpose).await?)),
            Self::Sqlite(file) => Ok(Lane::Sqlite(file.begin(purpose).await?)),
        }
    }
}

impl Lane {
    /// Runs one statement. `at` is how a failure calls it; it gives at most `most` rows.
    pub(super) async fn run(
        &mut self,
        at: &str,
        statement: &Statement,
        values: &Values,
        most: usize,
    ) -> Result<Answer, Failed> {
        let bound = values.in_order(&statement.names);
        match self {
            Self::Postgres(ride) => ride.run(at, statement, bound, most).await,
            Self::Sqlite(turn) => turn.run(at, statement, bound, most).await,
        }
    }

    /// Prepares a statement without running it. Gives the columns of its rows.
    pub(super) async fn prepare(&mut self, at: &str, statement: &Statement) -> Result<Vec<String>, Failed> {
        match self {
            Self::Postgres(ride) => ride.prepare(at, statement).await,
            Self::Sqlite(turn) => turn.prepare(at, statement).await,
        }
    }

    /// Ends the transaction; everything holds.
    pub(super) async fn commit(self) -> Result<(), Failed> {
        match self {
            Self::Postgres(ride) => ride.commit().await,
            Self::Sqlite(turn) => turn.commit().await,
        }
    }

    /// Ends the transaction; nothing of it was.
    pub(super) async fn roll_back(self) {
        match self {
            Self::Postgres(ride) => ride.roll_back().await,
            // It is rolled back when it is let go of.
            Self::Sqlite(turn) => drop(turn),
        }
    }
}

/// Too many rows came.
pub(super) fn too_many(at: &str, most: usize) -> Failed {
    Failed::Refused(format!("{at}: it gives more than {most} rows"))
}
