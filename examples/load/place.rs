//! A scratch folder, a scratch database, and the daemon that runs on them.
//!
//! Invariant: everything made here is gone afterwards, whether the run ended well or not.

use std::fs;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use uuid::Uuid;

use crate::client::{Ask, Connection};
use crate::sso;

/// The directory of the settings.
pub(crate) const DIRECTORY: &str = "load";
/// How long the daemon may take to become ready, and to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where the run keeps its data.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// A folder of its own.
    pub(crate) folder: PathBuf,
    /// The daemon's database, as its settings name it.
    pub(crate) database: String,
    server: Option<(String, String)>,
}

impl Scratch {
    /// Makes a folder below `parent` and, where `server` names PostgreSQL, a database there.
    ///
    /// # Errors
    ///
    /// When the folder or the database cannot be made.
    pub(crate) async fn new(parent: &Path, server: Option<&str>) -> anyhow::Result<Self> {
        let run = Uuid::now_v7().simple().to_string();
        let folder = parent.join(format!("portvakt-load-{run}"));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let database = format!("sqlite:{}", folder.join("portvakt.db").display());
        let mut scratch = Self { folder, database, server: None };
        if let Some(server) = server {
            let name = format!("portvakt_load_{run}");
            let mut conn = PgConnection::connect(server).await.context("the PostgreSQL of --database")?;
            sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut conn).await?;
            conn.close().await?;
            let (address, options) = server.split_once('?').map_or((server, ""), |(a, o)| (a, o));
            let (host, _) =
                address.rsplit_once('/').context("--database ends with the name of a database")?;
            let options = if options.is_empty() { String::new() } else { format!("?{options}") };
            scratch.database = format!("{host}/{name}{options}");
            scratch.server = Some((server.to_owned(), name));
        }
        Ok(scratch)
    }

    /// Removes the database on the server; the folder goes with the value.
    ///
    /// # Errors
    ///
    /// When the server refuses.
    pub(crate) async fn remove(self) -> anyhow::Result<()> {
        let Some((server, name)) = &self.server else { return Ok(()) };
        let mut conn = PgConnection::connect(server).await?;
        let mut refused = None;
        // Without FORCE the server ends its own vacuum, which we may not end; with it, connections that linger.
        for force in ["", " WITH (FORCE)", "", " WITH (FORCE)", ""] {
            let drop = AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name}{force}"));
            match sqlx::query(drop).execute(&mut conn).await {
                Ok(_) => return Ok(conn.close().await?),
                Err(error) => refused = Some(error),
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(anyhow::anyhow!("the scratch database {name} stays behind: {refused:?}"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A daemon that runs.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    log: PathBuf,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What every SCIM path begins with.
    pub(crate) scim: String,
    /// A token of the directory.
    pub(crate) token: String,
    /// A token of the CRM.
    pub(crate) crm_token: String,
}

impl Daemon {
    /// Writes settings and policy, makes the tokens by command, and starts `binary` on them. `hook` is where the CRM
    /// listens, `issuer` the provider.
    ///
    /// # Errors
    ///
    /// When a command fails or the daemon does not become ready.
    pub(crate) async fn start(
        binary: &Path,
        scratch: &Scratch,
        hook: &str,
        issuer: &str,
    ) -> anyhow::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let file = scratch.folder.join("portvakt.toml");
        write_private(&file, &settings(address, &scratch.database, hook, issuer))?;
        write_private(&scratch.folder.join("policy.toml"), include_str!("policy.toml"))?;
        let run = |arguments: &[&str]| command(binary, &file, arguments);
        let token = run(&["directory", "token", "create", DIRECTORY])?;
        let crm_token = run(&["target", "token", "create", "crm"])?;
        let log = scratch.folder.join("daemon.log");
        let child = Command::new(binary)
            .arg("--config")
            .arg(&file)
            .arg("serve")
            .env_remove("PORTVAKT_CONFIG")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&log)?)
            .spawn()
            .with_context(|| binary.display().to_string())?;
        let mut daemon =
            Self { child, log, address, scim: format!("/scim/v2/{DIRECTORY}"), token, crm_token };
        daemon.become_ready().await?;
        Ok(daemon)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn become_ready(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + PATIENCE;
        let mut connection = Connection::new(self.address);
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                bail!("the daemon ended ({status}): {}", self.last_words());
            }
            let ask = Ask { method: "GET", path: "/readyz", token: "", body: None, ..Ask::GET };
            if connection.ask(ask).await.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bail!("the daemon does not become ready: {}", self.last_words())
    }

    /// The end of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(8).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }

    /// Tells it to end (SIGTERM), waits, and gives whether it ended in order.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    pub(crate) fn end(mut self) -> anyhow::Result<bool> {
        let told = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status()?;
        ensure!(told.success(), "the daemon could not be told to end");
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.success());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(false)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Runs a command that ends with the name of a policy file, on a policy of that text, and gives what it printed.
///
/// # Errors
///
/// When the file cannot be written or the command fails.
pub(crate) fn with_policy(
    binary: &Path,
    scratch: &Scratch,
    text: &str,
    arguments: &[&str],
) -> anyhow::Result<String> {
    let file = scratch.folder.join(format!("policy-{}.toml", uuid::Uuid::now_v7().simple()));
    write_private(&file, text)?;
    let file = file.to_string_lossy();
    let arguments: Vec<&str> = arguments.iter().copied().chain([&*file]).collect();
    command(binary, &scratch.folder.join("portvakt.toml"), &arguments)
}

/// Runs a command that must succeed, and gives what it printed.
///
/// # Errors
///
/// When it fails.
pub(crate) fn command(binary: &Path, settings: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(binary)
        .arg("--config")
        .arg(settings)
        .args(arguments)
        .env_remove("PORTVAKT_CONFIG")
        .stdin(Stdio::null())
        .output()
        .with_context(|| binary.display().to_string())?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "portvakt {}: {told}", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// The settings that an operator would write, with room for a group of 100,000 in one request.
fn settings(listen: SocketAddr, database: &str, hook: &str, issuer: &str) -> String {
    format!(
        "[server]\nlisten = \"{listen}\"\npublic_url = \"http://{listen}\"\nrequest_limit_bytes = 33554432\n\
         [database]\nurl = \"{database}\"\n[policy]\nfile = \"policy.toml\"\n\
         [[directory]]\nid = \"{DIRECTORY}\"\nkind = \"generic\"\nname = \"Föreningens katalog\"\n\
         [directory.oidc]\nissuer = \"{issuer}\"\nclient_id = \"{}\"\nsubject_is = \"externalId\"\n\
         [[target]]\nid = \"crm\"\nkind = \"webhook\"\nurl = \"{hook}\"\n\
         secret = \"whsec_bG9hZC1kcml2ZXItb25seS1ub3QtYS1zZWNyZXQ=\"\n",
        sso::CLIENT
    )
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
