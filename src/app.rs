//! Builds everything once, opens the doors, and closes them in order.
//!
//! Invariant: at the end no new work is taken, running work finishes, jobs stop, and only then the database closes.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::Settings;
use crate::domain::actor::Actor;
use crate::flows::policies::{self, Outcome};
use crate::flows::{Clock, Ports, directories, people, protection, provider};
use crate::http::health::Readiness;
use crate::http::{self, House};
use crate::jobs;
use crate::store::{Db, ProcessLock};

/// Opens the database and puts together what flows need. Commands use it beside a running daemon.
///
/// # Errors
///
/// When the database cannot be opened, or a directory's sign-in, a target or the mail server cannot be used as set.
pub async fn ports(settings: Settings, clock: Arc<dyn Clock>) -> anyhow::Result<Ports> {
    let db = Db::open(&settings.database.engine.expose_url(), settings.database.max_connections)
        .await
        .with_context(|| format!("database {}", settings.database.engine))?;
    Ok(Ports::new(db, clock, Arc::new(settings))?)
}

/// A daemon that is built and listens, but does not serve yet.
#[derive(Debug)]
pub struct Daemon {
    house: House,
    listener: TcpListener,
    metrics_listener: Option<TcpListener>,
    grace: Duration,
    jobs_from: Option<CancellationToken>,
    _lock: ProcessLock,
}

impl Daemon {
    /// Opens everything: lock, policy of the first start, protected accounts, listeners.
    ///
    /// `policy_text` is the policy file's text; it is applied where the database has no policy yet.
    ///
    /// # Errors
    ///
    /// When another daemon works on the database, the policy has mistakes, or an address cannot be listened on.
    pub async fn build(
        ports: Arc<Ports>,
        metrics: PrometheusHandle,
        policy_text: &str,
    ) -> anyhow::Result<Self> {
        let lock = ports.db.lock_for_daemon()?;
        let act = ports.act(Actor::Job("start".to_owned()), "first start");
        first_policy(&ports, &act, policy_text).await?;
        protection::follow_settings(&ports, &act.because("settings")).await?;
        people::roster::name_everybody(&ports).await?;
        provider::keep_keys(&ports, &act.because("settings")).await?;
        let server = &ports.settings.server;
        let listener = TcpListener::bind(server.listen)
            .await
            .with_context(|| format!("server.listen {}: cannot listen there", server.listen))?;
        let metrics_listener = match server.metrics_listen {
            Some(address) => Some(
                TcpListener::bind(address)
                    .await
                    .with_context(|| format!("server.metrics_listen {address}: cannot listen there"))?,
            ),
            None => None,
        };
        let grace = Duration::try_from(server.shutdown_grace).unwrap_or(Duration::from_secs(20));
        let house = House { ports, metrics, readiness: Arc::new(Readiness::default()) };
        Ok(Self { house, listener, metrics_listener, grace, jobs_from: None, _lock: lock })
    }

    /// Runs no job by itself before `begin` is cancelled. For whoever sets the clock and runs the jobs by hand until
    /// then; everything else is as ever.
    #[must_use]
    pub fn with_jobs_from(mut self, begin: CancellationToken) -> Self {
        self.jobs_from = Some(begin);
        self
    }

    /// Where it listens.
    ///
    /// # Errors
    ///
    /// When the operating system does not tell.
    pub fn address(&self) -> anyhow::Result<std::net::SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// Serves until `end`, then closes everything in order.
    pub async fn run(self, end: CancellationToken) {
        let ports = Arc::clone(&self.house.ports);
        let readiness = Arc::clone(&self.house.readiness);
        let jobs = {
            let (ports, end, begin) = (Arc::clone(&ports), end.clone(), self.jobs_from);
            tokio::spawn(async move {
                if let Some(begin) = begin {
                    end.run_until_cancelled(begin.cancelled()).await;
                }
                jobs::start(&ports, &end)
            })
        };
        let ending = {
            let end = end.clone();
            tokio::spawn(async move {
                end.cancelled().await;
                readiness.end();
            })
        };
        let server = &ports.settings.server;
        let limits = http::serve::Limits {
            head_within: Duration::try_from(server.head_within).unwrap_or(Duration::from_secs(10)),
            connections: server.connections,
            connections_per_source: server.connections_per_source,
        };
        let side = self.metrics_listener.map(|listener| {
            let router = http::health::metrics_only(self.house.metrics.clone(), Arc::clone(&ports));
            tokio::spawn(http::serve::serve(listener, router, limits, end.clone(), Duration::from_secs(1)))
        });
        let listen = self.listener.local_addr().map(|address| address.to_string()).unwrap_or_default();
        tracing::info!(%listen, url = %ports.settings.server.public_url.as_str(),
            "portvakt {} is open", env!("CARGO_PKG_VERSION"));
        let finished =
            http::serve::serve(self.listener, http::router(self.house), limits, end, self.grace).await;
        if !finished {
            tracing::warn!("some requests did not finish within server.shutdown_grace and were broken off");
        }
        for task in [Some(ending), side.map(|task| tokio::spawn(async move { drop(task.await) }))]
            .into_iter()
            .flatten()
        {
            drop(task.await);
        }
        if let Ok(running) = jobs.await {
            running.finish().await;
        }
        if let Err(error) = directories::flush(&ports).await {
            tracing::warn!(%error, "what the directories did last could not be written down: {error}");
        }
        ports.db.close().await;
        tracing::info!("portvakt has closed");
    }
}

async fn first_policy(ports: &Ports, act: &crate::flows::Act, text: &str) -> anyhow::Result<()> {
    let known = {
        let mut c = ports.db.read().await?;
        ports.policies.current(&mut c).await
    };
    match known {
        Ok(compiled) => {
            policies::cases_hold(ports).await.map_err(|refusal| told(&refusal))?;
            if compiled.hash != policies::hash(text) {
                tracing::info!(
                    policy.version = compiled.number,
                    "policy version {} is in force; the policy file differs from it and takes effect by: portvakt policy apply",
                    compiled.number
                );
            }
            Ok(())
        }
        Err(crate::flows::Refusal::NoPolicy) => {
            let file = ports.settings.policy_file.display().to_string();
            let outcome = policies::apply_text(ports, act, text, &file, None).await;
            let Outcome::InForce(applied) = outcome.map_err(|refusal| told(&refusal))? else {
                anyhow::bail!(
                    "the first policy goes beyond the safety limits; put it into force by: portvakt policy apply"
                );
            };
            tracing::info!(policy.version = applied.number, "the first policy is in force");
            Ok(())
        }
        Err(other) => Err(other.into()),
    }
}

/// Every mistake of a policy, or every case that it does not meet; what else refuses, as it is.
fn told(refusal: &crate::flows::Refusal) -> anyhow::Error {
    match refusal {
        crate::flows::Refusal::Policy(mistakes) => {
            let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
            anyhow::anyhow!(
                "the policy may not take effect, and the daemon does not start:\n{}",
                told.join("\n")
            )
        }
        other => anyhow::anyhow!("{other}"),
    }
}
