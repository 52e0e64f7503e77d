//! A daemon as those see it who mean it no good: bytes in, bytes out, and what it holds meanwhile.
//!
//! Invariant: every wait has an end.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::running::{Place, client};

/// No wait is longer than this.
const PATIENCE: Duration = Duration::from_mins(1);
/// A daemon with a directory's token.
pub(super) struct Daemon {
    pub(super) place: Place,
    pub(super) token: String,
}

impl Daemon {
    pub(super) async fn start(environment: &[(&'static str, &'static str)]) -> Self {
        Self::on("sqlite:portvakt.db", environment).await
    }

    pub(super) async fn on(url: &str, environment: &[(&'static str, &'static str)]) -> Self {
        let mut place = Place::new(url, "");
        place.environment = environment.to_vec();
        place.start().await;
        let token = place.done(&["directory", "token", "create", "entra"]);
        Self { place, token }
    }

    pub(super) async fn connect(&self) -> std::io::Result<TcpStream> {
        TcpStream::connect(self.place.base.trim_start_matches("http://")).await
    }

    /// The head of a request with the token; what follows is the caller's.
    pub(super) fn head(&self, line: &str, more: &str) -> Vec<u8> {
        let token = &self.token;
        format!("{line} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n{more}\r\n")
            .into_bytes()
    }

    /// Sends, and reads until the daemon ends the connection.
    pub(super) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await.expect("a connection");
        // The daemon may end it before it has read everything.
        drop(stream.write_all(bytes).await);
        until_the_end(&mut stream).await
    }

    /// Sends, and then a bit more again and again, as long as the daemon listens.
    pub(super) async fn drip(&self, bytes: &[u8], drop_of: &[u8]) -> String {
        let mut stream = self.connect().await.expect("a connection");
        stream.write_all(bytes).await.expect("it can be written");
        let (mut reading, mut writing) = stream.split();
        let dripping = async {
            let mut pace = tokio::time::interval(Duration::from_millis(100));
            while writing.write_all(drop_of).await.is_ok() {
                pace.tick().await;
            }
            std::future::pending::<()>().await;
        };
        let mut answer = Vec::new();
        let read = async {
            drop(tokio::time::timeout(PATIENCE, reading.read_to_end(&mut answer)).await.expect("an end"));
        };
        tokio::select! { () = dripping => {}, () = read => {} }
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(super) async fn get(&self, path: &str) -> reqwest::Result<reqwest::Response> {
        let url = format!("{}/scim/v2/entra{path}", self.place.base);
        client().get(url).bearer_auth(&self.token).send().await
    }

    /// How long one honest request takes after another; each must be answered.
    pub(super) async fn pace(&self) -> Duration {
        let mut took = Vec::new();
        for _ in 0..15 {
            let began = Instant::now();
            let answer = self.get("/Users?count=1").await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 200);
            took.push(began.elapsed());
        }
        took.sort();
        took[took.len() / 2]
    }

    /// What the process holds in memory, in MiB.
    pub(super) fn memory(&self) -> u64 {
        let status =
            std::fs::read_to_string(format!("/proc/{}/status", self.place.process())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("what it holds");
        line.split_whitespace().next().and_then(|number| number.parse::<u64>().ok()).expect("a number") / 1024
    }

    pub(super) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.place.process())).expect("Linux").count()
    }

    /// Waits until it has no more descriptors than `before`, and a few for what it keeps at hand.
    pub(super) async fn gives_back(&self, before: usize) {
        let until = Instant::now() + PATIENCE;
        while self.descriptors() > before + 16 {
            assert!(Instant::now() < until, "{} descriptors, {before} before", self.descriptors());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

pub(super) async fn until_the_end(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    // An end by force is an end.
    drop(ended.expect("the daemon ends the connection"));
    String::from_utf8_lossy(&answer).into_owned()
}

/// As many connections as are wanted, or as this process may open.
pub(super) fn room(wanted: usize) -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap_or_default();
    let possible =
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(wanted + 200);
    wanted.min(possible - 200)
}

pub(super) async fn crowd(daemon: &Daemon, wanted: usize) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for _ in 0..room(wanted) {
        all.push(daemon.connect().await.expect("a connection"));
    }
    all
}

pub(super) fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or("none")
}
