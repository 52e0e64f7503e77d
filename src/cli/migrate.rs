//! `portvakt migrate`: brings the database to the present schema.
//!
//! Invariant: opening the database is the migration; the daemon does the same at its start.

use std::path::Path;
use std::process::ExitCode;

use super::{exit, setup};

pub(super) async fn run(config: &Path) -> anyhow::Result<ExitCode> {
    let ports = setup::open(config).await?;
    println!("{} has the present schema", ports.settings.database.engine);
    ports.db.close().await;
    Ok(exit::DONE)
}
