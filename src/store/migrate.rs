//! Brings a database to the present schema, and refuses one from the future.
//!
//! Invariant: migrations only go forward, one folder for both engines, each in a transaction of its own.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlStr, SqliteConnection};

use super::error::StoreError;

/// One step of the schema: one text for both engines.
struct Step {
    version: i64,
    description: &'static str,
    sql: &'static str,
}

const STEPS: &[Step] = &[
    Step { version: 1, description: "ground", sql: include_str!("../../migrations/0001_ground.sql") },
    Step {
        version: 2,
        description: "logout token",
        sql: include_str!("../../migrations/0002_logout_token.sql"),
    },
    Step { version: 3, description: "leave", sql: include_str!("../../migrations/0003_leave.sql") },
    Step { version: 4, description: "directory", sql: include_str!("../../migrations/0004_directory.sql") },
    Step { version: 5, description: "reading", sql: include_str!("../../migrations/0005_reading.sql") },
    Step { version: 6, description: "provider", sql: include_str!("../../migrations/0006_provider.sql") },
    Step { version: 7, description: "linking", sql: include_str!("../../migrations/0007_linking.sql") },
    Step { version: 8, description: "taken", sql: include_str!("../../migrations/0008_taken.sql") },
    Step { version: 9, description: "policy", sql: include_str!("../../migrations/0009_policy.sql") },
    Step { version: 10, description: "access", sql: include_str!("../../migrations/0010_access.sql") },
    Step { version: 11, description: "sign_in", sql: include_str!("../../migrations/0011_sign_in.sql") },
];

/// The newest schema that this binary knows.
fn known_version() -> i64 {
    STEPS.last().map_or(0, |step| step.version)
}

fn migrator() -> Migrator {
    let migrations = STEPS
        .iter()
        .map(|step| {
            Migration::new(
                step.version,
                Cow::Borrowed(step.description),
                MigrationType::Simple,
                SqlStr::from_static(step.sql),
                false,
            )
        })
        .collect();
    Migrator::with_migrations(migrations)
}

/// Applies what is missing in a SQLite file; whoever opens it at the same moment waits.
pub(super) async fn migrate_sqlite(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    // sqlx locks PostgreSQL while it migrates, but not SQLite.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    migrator().run_direct(None, &mut *transaction, false).await.map_err(refused)?;
    transaction.commit().await?;
    Ok(())
}

/// Applies what is missing in a PostgreSQL database; other nodes that start at the same moment wait.
pub(super) async fn migrate_postgres(connection: &mut PgConnection) -> Result<(), StoreError> {
    migrator().run_direct(None, connection, false).await.map_err(refused)
}

fn refused(error: MigrateError) -> StoreError {
    match error {
        MigrateError::VersionMissing(found) | MigrateError::VersionTooNew(found, _) => {
            StoreError::NewerSchema { found, known: known_version() }
        }
        other => StoreError::Migration(other.to_string()),
    }
}
