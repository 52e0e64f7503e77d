//! Brings a database to the present schema, and refuses one from the future.
//!
//! Invariant: migrations only go forward, one folder for both engines, each in a transaction of its own.

use std::borrow::Cow;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{PgConnection, SqlStr};

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
    Step { version: 12, description: "calm", sql: include_str!("../../migrations/0012_calm.sql") },
    Step { version: 13, description: "care", sql: include_str!("../../migrations/0013_care.sql") },
    Step { version: 14, description: "departure", sql: include_str!("../../migrations/0014_departure.sql") },
    Step { version: 15, description: "target", sql: include_str!("../../migrations/0015_target.sql") },
    Step {
        version: 16,
        description: "comparison",
        sql: include_str!("../../migrations/0016_comparison.sql"),
    },
    Step { version: 17, description: "changes", sql: include_str!("../../migrations/0017_changes.sql") },
    Step { version: 18, description: "people", sql: include_str!("../../migrations/0018_people.sql") },
    Step { version: 19, description: "haste", sql: include_str!("../../migrations/0019_haste.sql") },
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

/// Where both engines note what was applied: sqlx does on PostgreSQL.
const NOTES: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
)";

/// Applies what is missing in a SQLite file; whoever opens it at the same moment waits.
pub(super) fn migrate_sqlite(conn: &mut Connection) -> Result<(), StoreError> {
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(NOTES)?;
    let applied = applied(&transaction)?;
    let migrator = migrator();
    if let Some((version, ..)) = applied.iter().find(|(_, is_whole, _)| !is_whole) {
        return Err(refused(MigrateError::Dirty(*version)));
    }
    if let Some((version, ..)) = applied.iter().find(|(version, ..)| !migrator.version_exists(*version)) {
        return Err(refused(MigrateError::VersionMissing(*version)));
    }
    for migration in migrator.iter() {
        match applied.iter().find(|(version, ..)| *version == migration.version) {
            Some((.., checksum)) if *checksum != *migration.checksum => {
                return Err(refused(MigrateError::VersionMismatch(migration.version)));
            }
            Some(_) => {}
            None => apply(&transaction, migration)?,
        }
    }
    Ok(transaction.commit()?)
}

/// The versions that a SQLite file has: whether each was applied whole, and the checksum of its text.
fn applied(conn: &Connection) -> Result<Vec<(i64, bool, Vec<u8>)>, StoreError> {
    let mut statement =
        conn.prepare("SELECT version, success, checksum FROM _sqlx_migrations ORDER BY version")?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn apply(conn: &Connection, migration: &Migration) -> Result<(), StoreError> {
    let begun = Instant::now();
    conn.execute_batch(migration.sql.as_str()).map_err(|error| {
        StoreError::Migration(format!("step {}: {}", migration.version, StoreError::from(error).reason()))
    })?;
    let nanoseconds = i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX);
    conn.execute(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (?1, ?2, TRUE, ?3, ?4)",
        (migration.version, &*migration.description, &*migration.checksum, nanoseconds),
    )?;
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
