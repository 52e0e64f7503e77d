//! The measure of a machine: an empty axum handler in a process of its own. The CRM of the run is there too, and
//! the identity provider.
//!
//! Invariant: it is served as axum serves by default, and nothing in it depends on Portvakt.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use anyhow::Context;
use axum::http::StatusCode;
use axum::routing::{get, post};

use crate::sso;

/// Serves until it is killed, and prints the port first.
///
/// `/` is empty; `/oidc` is an identity provider; `/hook` is a CRM that takes what it is told; `/hook/gone` one that says it is switched off.
///
/// # Errors
///
/// When the port is taken.
pub(crate) async fn serve(port: u16) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    let port = listener.local_addr()?.port();
    println!("{port}");
    let router = sso::provider(&format!("http://127.0.0.1:{port}/oidc"))?
        .route("/", get(|| async {}))
        .route("/hook", post(|| async { StatusCode::NO_CONTENT }))
        .route("/hook/gone", post(|| async { StatusCode::GONE }));
    axum::serve(listener, router).await?;
    Ok(())
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
