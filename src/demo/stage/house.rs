//! Builds what the demo plays on: a real daemon, two practice providers and a practice CRM, all on the loopback.
//!
//! Invariant: the daemon is the one that `serve` runs; only its clock and the start of its own jobs are the demo's.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Options;
use crate::app::{self, Daemon};
use crate::config;
use crate::crm::SigningKey;
use crate::demo::association::Home;
use crate::demo::clock::ShowClock;
use crate::demo::crm::{PracticeCrm, Reporter};
use crate::demo::provider::push::Pusher;
use crate::demo::provider::{PracticeProvider, RegisteredClient};
use crate::demo::settings::{self, Addresses, Folder};
use crate::demo::{DemoError, loopback};
use crate::domain::actor::Actor;
use crate::flows::tokens::{self, TokenKind};
use crate::flows::{Act, Clock, Ports, Refusal};
use crate::telemetry;

/// The id of the CRM in the settings.
pub(super) const CRM: &str = "crm";

/// The tokens outlast the story, whose clock runs through fourteen months.
const TOKENS_LAST: SignedDuration = SignedDuration::from_hours(24 * 800);

/// How long the practice servers may take to end.
const GRACE: Duration = Duration::from_secs(3);

/// One directory: what signs people in, and what pushes them.
#[derive(Debug)]
pub(super) struct Directory {
    pub(super) provider: PracticeProvider,
    pub(super) pusher: Pusher,
}

/// Everything that runs.
#[derive(Debug)]
pub(super) struct House {
    pub(super) clock: Arc<ShowClock>,
    pub(super) ports: Arc<Ports>,
    pub(super) addresses: Addresses,
    pub(super) settings_file: PathBuf,
    pub(super) entra: Directory,
    pub(super) okta: Directory,
    pub(super) crm: PracticeCrm,
    pub(super) reporter: Reporter,
    pub(super) crm_token: SecretString,
    folder: Folder,
    jobs_from: CancellationToken,
    daemon: Running,
    practice: Running,
}

/// Tasks, and what ends them.
#[derive(Debug)]
struct Running {
    end: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl House {
    /// Builds everything; the clock shows `start`.
    pub(super) async fn open(options: &Options, start: Timestamp) -> anyhow::Result<Self> {
        let folder = Folder::make(options.data.as_deref())?;
        start_log(options, folder.path())?;
        let listeners = Listeners::bind(options.port).await?;
        let addresses = listeners.addresses.clone();
        let written = settings::write(&folder, &addresses, options.database.as_deref())?;
        let settings_file = std::path::absolute(&written.settings_file)?;
        let clock = Arc::new(ShowClock::new(start));
        let jobs_from = CancellationToken::new();
        let (ports, daemon) =
            start_daemon(&settings_file, Arc::clone(&clock), listeners.portvakt, &jobs_from).await?;
        let shared: Arc<dyn Clock> = clock.clone();
        let key = SigningKey::parse(written.hook_key.expose_secret()).context("the key of the webhooks")?;
        let crm = PracticeCrm::new(key, Arc::clone(&shared));
        let end = CancellationToken::new();
        let mut practice = vec![loopback::serve(listeners.crm, crm.router(), end.clone())];
        let mut directory = async |home, base: &str, secret, listener| {
            let client = client(&addresses, secret);
            let provider = PracticeProvider::new(home, base, client, Arc::clone(&shared))?;
            practice.push(loopback::serve(listener, provider.router(), end.clone()));
            let token = token(&ports, TokenKind::Directory, home.id()).await?;
            let scim = format!("{}/scim/v2/{}", addresses.portvakt, home.id());
            anyhow::Ok(Directory { provider, pusher: Pusher::new(home, &scim, token)? })
        };
        let entra = directory(Home::Entra, &addresses.entra, written.entra_secret, listeners.entra).await?;
        let okta = directory(Home::Okta, &addresses.okta, written.okta_secret, listeners.okta).await?;
        let crm_token = token(&ports, TokenKind::Target, CRM).await?;
        let reporter = Reporter::new(crm.clone(), &addresses.portvakt, crm_token.clone())?;
        let practice = Running { end, tasks: practice };
        Ok(Self {
            clock,
            ports,
            addresses,
            settings_file,
            entra,
            okta,
            crm,
            reporter,
            crm_token,
            folder,
            jobs_from,
            daemon,
            practice,
        })
    }

    /// The directory that a person or a group belongs to.
    pub(super) fn directory(&mut self, home: Home) -> &mut Directory {
        match home {
            Home::Entra => &mut self.entra,
            Home::Okta => &mut self.okta,
        }
    }

    /// Somebody at the demo's shell does something, now.
    pub(super) fn act(&self, cause: &str) -> Act {
        self.ports.act(Actor::Operator("demo".to_owned()), cause)
    }

    /// The story has been told: the clock follows the machine's, and the daemon runs its jobs by itself.
    pub(super) fn live_on(&self) {
        self.clock.follow();
        self.jobs_from.cancel();
    }

    /// The folder with settings, log and database stays.
    pub(super) fn keep_folder(&mut self) -> &Path {
        self.folder.keep();
        self.folder.path()
    }

    /// Whether the folder goes away at the end.
    pub(super) const fn is_temporary(&self) -> bool {
        self.folder.is_temporary()
    }

    /// Ends everything in order: the daemon first, so that it can finish what it has begun with the others.
    pub(super) async fn close(self) {
        self.daemon.finish(None).await;
        self.practice.finish(Some(GRACE)).await;
    }
}

impl Running {
    async fn finish(self, grace: Option<Duration>) {
        self.end.cancel();
        for task in self.tasks {
            match grace {
                // A browser may keep its connection open for as long as it likes.
                Some(grace) => drop(tokio::time::timeout(grace, task).await),
                None => drop(task.await),
            }
        }
    }
}

/// What the practice parts listen on, and where everything is.
struct Listeners {
    entra: TcpListener,
    okta: TcpListener,
    crm: TcpListener,
    portvakt: TcpListener,
    addresses: Addresses,
}

impl Listeners {
    async fn bind(port: u16) -> Result<Self, DemoError> {
        let portvakt = loopback::listen(port).await?;
        let (entra, okta, crm) =
            (loopback::listen(0).await?, loopback::listen(0).await?, loopback::listen(0).await?);
        let addresses = Addresses {
            portvakt: loopback::address(&portvakt)?,
            entra: loopback::address(&entra)?,
            okta: loopback::address(&okta)?,
            crm: loopback::address(&crm)?,
        };
        Ok(Self { entra, okta, crm, portvakt, addresses })
    }
}

/// The daemon's log goes into the folder, so that the screen stays the story's.
fn start_log(options: &Options, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("portvakt.log");
    let file =
        std::fs::File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    telemetry::start_log_into(options.log_format, std::sync::Mutex::new(file), false);
    Ok(())
}

async fn start_daemon(
    settings_file: &Path,
    clock: Arc<ShowClock>,
    held: TcpListener,
    jobs_from: &CancellationToken,
) -> anyhow::Result<(Arc<Ports>, Running)> {
    let report = config::check(settings_file, []);
    let (Some(settings), Some(policy_text)) = (report.settings, report.policy_text) else {
        let mistakes: Vec<String> = report.mistakes.iter().map(ToString::to_string).collect();
        bail!("the demo's own settings have mistakes:\n{}", mistakes.join("\n"));
    };
    let metrics = telemetry::start_metrics().context("the counters cannot be started")?;
    let ports = Arc::new(app::ports(settings, clock).await?);
    refuse_what_was_used(&ports).await?;
    // The daemon binds the address itself, as it always does; until now nobody else could take it.
    drop(held);
    let daemon = Daemon::build(Arc::clone(&ports), metrics, &policy_text).await?;
    let end = CancellationToken::new();
    let running = daemon.with_jobs_from(jobs_from.clone()).run(end.clone());
    Ok((ports, Running { end, tasks: vec![tokio::spawn(running)] }))
}

/// The demo begins from nothing and runs lifecycles: never on somebody's own data.
async fn refuse_what_was_used(ports: &Ports) -> anyhow::Result<()> {
    let known = {
        let mut c = ports.db.read().await?;
        ports.policies.current(&mut c).await
    };
    match known {
        Err(Refusal::NoPolicy) => Ok(()),
        Ok(_) => bail!("the database has been used already; the demo begins from nothing: name an empty one"),
        Err(other) => Err(other.into()),
    }
}

fn client(addresses: &Addresses, secret: SecretString) -> RegisteredClient {
    RegisteredClient {
        id: settings::CLIENT.to_owned(),
        secret,
        redirect_uri: format!("{}/sso/callback", addresses.portvakt),
        post_logout_redirect_uri: format!("{}/sso/signed-out", addresses.portvakt),
    }
}

async fn token(ports: &Ports, kind: TokenKind, owner: &str) -> Result<SecretString, Refusal> {
    let act = ports.act(Actor::Operator("demo".to_owned()), "demo");
    Ok(tokens::create(ports, &act, kind, owner, "demo", TOKENS_LAST).await?.into())
}
