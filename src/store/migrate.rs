//! Brings a database to the present schema, and refuses one from the future.
//!
//! Invariant: migrations only go forward, one folder for both engines, each in a transaction of its own.

use std::borrow::Cow;

use sqlx::SqlStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::error::StoreError;

/// One step of the schema: one text for both engines.
struct Step {
    version: i64,
    description: &'static str,
    sql: &'static str,
}

const STEPS: &[Step] = &[
    Step { version: 1, description: "ground", sql: include_str!("../../migrations/0001_ground.sql") },
    Step { version: 2, description: "leave", sql: include_str!("../../migrations/0002_leave.sql") },
];

/// The newest schema that this binary knows.
pub(super) fn known_version() -> i64 {
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

/// Applies what is missing on `connection`.
pub(super) async fn migrate<'a, A>(connection: A) -> Result<(), StoreError>
where
    A: sqlx::Acquire<'a>,
    <A::Connection as std::ops::Deref>::Target: sqlx::migrate::Migrate,
{
    migrator().run(connection).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) | MigrateError::VersionTooNew(found, _) => {
            StoreError::NewerSchema { found, known: known_version() }
        }
        other => StoreError::Migration(other.to_string()),
    })
}
