//! The measure of a machine: an empty axum handler in a process of its own. The CRM of the run is there too, and
//! the identity provider.
//!
//! Invariant: it is served as axum serves by default, and nothing in it depends on Portvakt.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::routing::{get, post};

use crate::sso;

/// Serves until it is killed, and prints the port first.
///
/// `/` is empty; `/oidc` is an identity provider; `/hook` is a CRM that takes what it is told; `/hook/gone` one that says
/// it is switched off, until it is opened; `/hook/told` says how many it took, and the bytes of the last.
///
/// # Errors
///
/// When the port is taken.
pub(crate) async fn serve(port: u16) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let port = listener.local_addr()?.port();
    println!("{port}");
    let router =
        sso::provider(&format!("http://127.0.0.1:{port}/oidc"))?.route("/", get(|| async {})).merge(crm());
    axum::serve(listener, router).await?;
    Ok(())
}

/// The CRM of the run.
fn crm() -> Router {
    #[derive(Default)]
    struct Crm {
        is_open: AtomicBool,
        taken: AtomicU64,
        bytes: AtomicUsize,
    }
    let crm = Arc::new(Crm::default());
    let [gone, open, close, told] = std::array::from_fn(|_| Arc::clone(&crm));
    let gate = async move |body: Bytes| {
        if !gone.is_open.load(Ordering::Relaxed) {
            return StatusCode::GONE;
        }
        gone.bytes.store(body.len(), Ordering::Relaxed);
        gone.taken.fetch_add(1, Ordering::Relaxed);
        StatusCode::NO_CONTENT
    };
    Router::new()
        .route("/hook", post(|_: Bytes| async { StatusCode::NO_CONTENT }))
        .route("/hook/gone", post(gate))
        .route("/hook/open", post(async move || open.is_open.store(true, Ordering::Relaxed)))
        .route("/hook/close", post(async move || close.is_open.store(false, Ordering::Relaxed)))
        .route(
            "/hook/told",
            get(async move || {
                format!("{} {}", told.taken.load(Ordering::Relaxed), told.bytes.load(Ordering::Relaxed))
            }),
        )
}

/// The process that serves it. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Hello {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
}

impl Hello {
    /// Starts this very program again as `--serve-hello 0`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--serve-hello", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the empty handler")?;
        let mut told = String::new();
        if let Some(out) = child.stdout.take() {
            BufReader::new(out).read_line(&mut told)?;
        }
        let mut hello = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
        hello.address.set_port(told.trim().parse().context("the empty handler did not start")?);
        Ok(hello)
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Hello {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
