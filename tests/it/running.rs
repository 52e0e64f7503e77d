//! The daemon as a process of its own: started, asked over HTTP, told to end, killed.
//!
//! Invariant: every wait has an end, and no process outlives its test.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use uuid::Uuid;

const BINARY: &str = env!("CARGO_BIN_EXE_portvakt");
/// No wait is longer than this.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A folder with settings and a policy, and the daemon that may run on them.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) base: String,
    /// What is logged (`PORTVAKT_LOG`).
    pub(crate) level: &'static str,
    /// Settings that stand in the environment of what is run.
    pub(crate) environment: Vec<(&'static str, &'static str)>,
    daemon: Option<Child>,
}

impl Place {
    /// Writes settings for one directory and one CRM on the database at `url`; `more` is added to the settings.
    pub(crate) fn new(url: &str, more: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("portvakt-place-{}", Uuid::now_v7().simple()));
        std::fs::create_dir_all(&folder).expect("a folder of its own");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let base = format!("http://127.0.0.1:{port}");
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"{base}\"\n\
             [database]\nurl = \"{url}\"\n[policy]\nfile = \"policy.toml\"\n\
             [[directory]]\nid = \"entra\"\nkind = \"generic\"\n\
             [[directory]]\nid = \"okta\"\nkind = \"generic\"\n\
             [[target]]\nid = \"crm\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/hook\"\n\
             secret = \"whsec_dGVzdHMtb25seS10ZXN0cy1vbmx5LXRlc3Rz\"\n{more}"
        );
        write_private(&folder.join("portvakt.toml"), &settings);
        write_private(&folder.join("policy.toml"), crate::house::POLICY);
        Self { folder, base, level: "info", environment: Vec::new(), daemon: None }
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("the binary runs")
    }

    /// Runs a command that must succeed, and gives what it printed.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {told}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Begins a command; whoever asked for it waits for it, or kills it.
    pub(crate) fn begin(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.folder.join("portvakt.toml")).args(arguments).stdin(Stdio::null());
        command.env_remove("PORTVAKT_CONFIG").env("PORTVAKT_LOG", self.level);
        command.envs(self.environment.iter().copied());
        command
    }

    /// Starts the daemon and waits until it is ready.
    pub(crate) async fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.folder.join("log"));
        let log = log.expect("the log can be written");
        let daemon = self.command(&["serve"]).stdout(Stdio::null()).stderr(log).spawn();
        self.daemon = Some(daemon.expect("the daemon starts"));
        let client = client();
        let until = Instant::now() + PATIENCE;
        while !is_ready(&client, &self.base).await {
            let status = self.daemon.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(status.is_none(), "the daemon ended: {}", self.log());
            assert!(Instant::now() < until, "the daemon does not become ready: {}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The number of the daemon's process.
    pub(crate) fn process(&self) -> u32 {
        self.daemon.as_ref().expect("a daemon runs").id()
    }

    /// What the daemon said.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Kills the daemon as a power cut would.
    pub(crate) fn kill(&mut self) {
        let mut daemon = self.daemon.take().expect("a daemon runs");
        daemon.kill().expect("it can be killed");
        daemon.wait().expect("it is gone");
    }

    /// Tells the daemon to end (SIGTERM) and waits for it.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let mut daemon = self.daemon.take().expect("a daemon runs");
        let told = Command::new("kill").arg("-TERM").arg(daemon.id().to_string()).status();
        assert!(told.expect("kill runs").success());
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = daemon.try_wait().expect("its state can be asked") {
                return status;
            }
            assert!(Instant::now() < until, "the daemon does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            drop(daemon.kill());
            drop(daemon.wait());
        }
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A client without proxy.
pub(crate) fn client() -> reqwest::Client {
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client")
}

async fn is_ready(client: &reqwest::Client, base: &str) -> bool {
    client.get(format!("{base}/readyz")).send().await.is_ok_and(|answer| answer.status().is_success())
}

/// Writes a file that only its owner reads, for it holds secrets.
pub(crate) fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = std::fs::File::options();
    let mut file =
        options.write(true).create(true).truncate(true).mode(0o600).open(path).expect("a file of its own");
    file.write_all(text.as_bytes()).expect("it can be written");
}
