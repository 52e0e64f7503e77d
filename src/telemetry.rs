//! How the daemon tells what it does: log lines and metrics.
//!
//! Invariant: ids are fields; no personal data above debug, and never a token, an address or a body.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Sends log lines to standard error. `PORTVAKT_LOG` chooses what is told (default `info`).
pub fn start_log(format: LogFormat) {
    start_log_into(format, std::io::stderr, std::io::stderr().is_terminal());
}

/// Sends log lines to `writer`, as [`start_log`] does to standard error; in colours where `is_coloured`.
pub fn start_log_into<W>(format: LogFormat, writer: W, is_coloured: bool)
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let (filter, wrong) = filter(std::env::var("PORTVAKT_LOG").ok().as_deref());
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer);
    // A second start (tests, the demo) keeps the first one's log.
    let started = match format {
        LogFormat::Text => builder.with_ansi(is_coloured).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_span_list(false).try_init(),
    };
    drop(started);
    if let Some(wrong) = wrong {
        tracing::warn!(
            "PORTVAKT_LOG is not understood and was left aside: {wrong}; write it as info,portvakt::http=debug"
        );
    }
}

/// What is told, and what is wrong with the wish.
fn filter(wish: Option<&str>) -> (EnvFilter, Option<String>) {
    let usual = || EnvFilter::new("info,sqlx=warn,hyper=warn,reqwest=warn");
    match wish.filter(|wish| !wish.is_empty()).map(EnvFilter::try_new) {
        None => (usual(), None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(problem)) => (usual(), Some(problem.to_string())),
    }
}

/// Starts counting, for the page `/metrics`.
///
/// # Errors
///
/// When the recorder cannot be built, or another one is installed already.
pub fn start_metrics() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Suffix("_seconds".to_owned()),
            &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
        )?
        .install_recorder()?;
    metrics::describe_counter!(
        "portvakt_http_requests_total",
        "Requests answered, by door, method and status"
    );
    metrics::describe_histogram!("portvakt_http_request_duration_seconds", "Time to answer, by door");
    metrics::describe_counter!("portvakt_departures_held_total", "Departures that wait for a plan's release");
    metrics::describe_counter!(
        "portvakt_scim_repairs_total",
        "Repairs of SCIM requests, by directory and kind"
    );
    metrics::describe_counter!("portvakt_sign_ins_total", "Sign-ins, by directory and outcome");
    metrics::describe_counter!("portvakt_decisions_total", "Access decisions, by outcome and code");
    metrics::describe_counter!("portvakt_deliveries_total", "Deliveries to targets, by target and outcome");
    metrics::describe_counter!("portvakt_job_runs_total", "Runs of jobs, by job and outcome");
    metrics::describe_counter!("portvakt_crm_sign_ins_total", "Sign-ins that CRMs reported, by outcome");
    metrics::describe_counter!(
        "portvakt_item_events_total",
        "Events of items that CRMs reported, by outcome"
    );
    metrics::describe_counter!("portvakt_plans_stopped_total", "Lifecycle plans that stopped by themselves");
    metrics::describe_counter!("portvakt_crm_id_conflicts_total", "Ids that a CRM gave to two accounts");
    metrics::describe_counter!("portvakt_provider_logouts_total", "Sign-outs that a provider told of");
    metrics::describe_gauge!(
        "portvakt_link_requests_waiting",
        "Sign-ins that wait to be linked, by directory"
    );
    metrics::describe_counter!("portvakt_invites_total", "One-time links, by what became of them");
    metrics::describe_gauge!("portvakt_invites_open", "One-time links that could be used now");
    describe_targets();
    describe_directories();
    Ok(handle)
}

fn describe_targets() {
    metrics::describe_gauge!("portvakt_outbox_waiting", "Accounts that a target has yet to be told about");
    metrics::describe_gauge!("portvakt_outbox_background", "Those of them that did not change: replays");
    metrics::describe_gauge!("portvakt_outbox_dead", "Dead letters of a target");
    metrics::describe_gauge!(
        "portvakt_outbox_oldest_seconds",
        "For how long the oldest change has waited for a target; 0: none waits"
    );
    metrics::describe_gauge!("portvakt_target_off", "1 while a target is switched off (410)");
    metrics::describe_gauge!("portvakt_target_rests", "1 while a target is left alone because it fails");
    metrics::describe_gauge!(
        "portvakt_target_last_delivery_timestamp_seconds",
        "When a target last took something, in seconds since 1970; 0: never"
    );
}

fn describe_directories() {
    metrics::describe_gauge!("portvakt_directory_paused", "1 while a directory is paused");
    metrics::describe_gauge!(
        "portvakt_directory_pending_members",
        "Members that a directory's groups wait for"
    );
    metrics::describe_gauge!(
        "portvakt_directory_refused_changes",
        "Changes that a directory was refused and that have not succeeded since"
    );
    metrics::describe_gauge!(
        "portvakt_tokens_ending",
        "Tokens and client secrets that end within so many days, by kind and owner"
    );
    metrics::describe_counter!(
        "portvakt_token_warnings_total",
        "Warnings of tokens and client secrets that end, by days before"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_that_is_not_understood_is_told_and_the_usual_is_logged() {
        assert!(filter(None).1.is_none() && filter(Some("")).1.is_none());
        assert!(filter(Some("warn,portvakt::http=debug")).1.is_none());
        let (usual, wrong) = filter(Some("portvakt=loud"));
        assert!(wrong.is_some() && usual.to_string().contains("sqlx=warn"));
    }
}
