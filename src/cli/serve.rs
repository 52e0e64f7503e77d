//! `portvakt serve`: runs the daemon.
//!
//! Invariant: SIGTERM and SIGINT end it in order with exit code 0; a second signal ends it at once.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{exit, setup};
use crate::app::{self, Daemon};
use crate::flows::SystemClock;
use crate::telemetry;

pub(super) async fn run(config: &Path) -> anyhow::Result<ExitCode> {
    let report = setup::read(config);
    let (Some(settings), Some(policy_text), false) =
        (report.settings, report.policy_text, report.policy.is_none())
    else {
        bail!("the daemon does not start before the mistakes are mended");
    };
    let metrics = telemetry::start_metrics().context("the counters cannot be started")?;
    let ports = Arc::new(app::ports(settings, Arc::new(SystemClock)).await?);
    let daemon = Daemon::build(ports, metrics, &policy_text).await?;
    let end = CancellationToken::new();
    end_on_signal(end.clone())?;
    daemon.run(end).await;
    Ok(exit::DONE)
}

/// Cancels `end` on the first SIGTERM or SIGINT; ends the process on the second.
///
/// # Errors
///
/// When signals cannot be listened for.
pub(crate) fn end_on_signal(end: CancellationToken) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if end.is_cancelled() {
                std::process::exit(1);
            }
            tracing::info!("told to end: running requests finish, no new ones are taken");
            end.cancel();
        }
    });
    Ok(())
}
