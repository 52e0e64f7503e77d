//! What can go wrong with the database, in its own words.
//!
//! Invariant: no statement text, bound value or connection secret stands in an error.

use std::path::PathBuf;

use rusqlite::ffi;

/// Why the store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique value belongs to another row already.
    #[error("{what} is taken already")]
    Taken {
        /// What was to be unique.
        what: &'static str,
    },
    /// A row holds something that the domain refuses.
    #[error("row {id} of table {table} cannot be read: {reason}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// The row.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// The database cannot be reached, or refused for a reason of its own.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] Fault),
    /// The database file was made by a newer version.
    #[error(
        "the database has schema {found}, newer than the {known} that this version knows; start a newer portvakt"
    )]
    NewerSchema {
        /// Of the database.
        found: i64,
        /// Of this binary.
        known: i64,
    },
    /// A migration failed.
    #[error("the database could not be brought to the present schema: {0}")]
    Migration(String),
    /// The address in the settings is not understood.
    #[error(
        "database.url {0:?} is not understood; write sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE"
    )]
    Address(String),
    /// Another daemon works on the same SQLite file.
    #[error("another portvakt runs on {0}; stop it first, or use PostgreSQL for several nodes")]
    Busy(PathBuf),
    /// The file system refused.
    #[error("{path}: {source}")]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A closure panicked inside a transaction, which was rolled back.
    #[error("a change failed inside its transaction and was rolled back")]
    Panicked,
    /// The store is closed: the daemon is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// What a database said, or we of it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// PostgreSQL, or the way to it.
    #[error(transparent)]
    Postgres(sqlx::Error),
    /// SQLite.
    #[error(transparent)]
    Sqlite(rusqlite::Error),
    /// In our own words.
    #[error("{0}")]
    Said(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::PoolClosed => Self::Closed,
            // Two changes at the same time on PostgreSQL: the later one finds out only here.
            sqlx::Error::Database(told) if told.is_unique_violation() => {
                Self::Taken { what: "a unique value" }
            }
            _ => Self::Unavailable(Fault::Postgres(error)),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let code = error.sqlite_error().map(|told| told.extended_code);
        if let Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) = code {
            return Self::Taken { what: "a unique value" };
        }
        Self::Unavailable(match error {
            // It would show the whole statement.
            rusqlite::Error::SqlInputError { msg, .. } => Fault::Said(msg),
            error => Fault::Sqlite(error),
        })
    }
}

impl StoreError {
    /// Whether the same change may succeed when it is tried again later.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Busy(_) | Self::File { .. } | Self::Closed => true,
            Self::Taken { .. }
            | Self::Corrupt { .. }
            | Self::NewerSchema { .. }
            | Self::Migration(_)
            | Self::Address(_)
            | Self::Panicked => false,
        }
    }

    /// Unavailable, in words that were passed on.
    pub(super) fn refused(why: &str) -> Self {
        Self::Unavailable(Fault::Said(why.to_owned()))
    }

    /// What is wrong, to be passed on to everybody whom it concerns.
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Unavailable(Fault::Postgres(sqlx::Error::Database(told))) => told.message().to_owned(),
            Self::Unavailable(told) => told.to_string(),
            other => other.to_string(),
        }
    }

    /// The same once more, for another whom it concerns.
    pub(super) fn passed_on(&self) -> Self {
        match self {
            Self::Closed => Self::Closed,
            Self::Panicked => Self::Panicked,
            Self::Corrupt { table, id, reason } => {
                Self::Corrupt { table, id: id.clone(), reason: reason.clone() }
            }
            other => Self::refused(&other.reason()),
        }
    }

    /// The same, where a unique value was taken and we know which.
    pub(super) fn or_taken(self, what: &'static str) -> Self {
        match self {
            Self::Taken { .. } => Self::Taken { what },
            other => other,
        }
    }

    /// Whether PostgreSQL gives up the transaction in which this came up.
    pub(super) fn ends_transaction(&self) -> bool {
        matches!(self, Self::Taken { .. } | Self::Unavailable(Fault::Postgres(sqlx::Error::Database(_))))
    }

    /// Shorthand for a row that the domain refuses.
    #[expect(clippy::needless_pass_by_value, reason = "ids and errors are handed over as they are")]
    pub(crate) fn corrupt(table: &'static str, id: impl ToString, reason: impl ToString) -> Self {
        Self::Corrupt { table, id: id.to_string(), reason: reason.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_statement_nor_a_value_stands_in_an_error() {
        let conn = rusqlite::Connection::open_in_memory().unwrap();
        conn.execute_batch(
            "CREATE TABLE t (a TEXT UNIQUE, b INTEGER CHECK (b > 0)); INSERT INTO t VALUES ('secret', 1)",
        )
        .unwrap();
        let error = |sql: &str| StoreError::from(conn.execute(sql, ()).unwrap_err());
        let taken = error("INSERT INTO t VALUES ('secret', 2)");
        assert!(matches!(taken, StoreError::Taken { .. }), "{taken:?}");
        let told =
            [error("SELECT secret FROM nowhere"), error("INSERT INTO t VALUES ('secret2', -77)"), taken];
        for error in told {
            let (shown, debugged, reason) = (error.to_string(), format!("{error:?}"), error.reason());
            for text in [shown, debugged, reason] {
                assert!(
                    !["secret", "-77", "SELECT", "VALUES"].iter().any(|word| text.contains(word)),
                    "{text}"
                );
            }
        }
    }
}
