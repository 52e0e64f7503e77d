//! The demo's own servers and client, on this machine only.
//!
//! Invariant: nothing listens on another address than 127.0.0.1, and the client follows no redirect by itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::error::DemoError;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Listens on `port`, or on any that is free for 0.
///
/// # Errors
///
/// [`DemoError::Listen`] when the port is taken.
pub async fn listen(port: u16) -> Result<TcpListener, DemoError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(DemoError::Listen)
}

/// The address of a listener, as browsers write it, without a slash at its end.
///
/// # Errors
///
/// [`DemoError::Listen`] when the listener has none.
pub fn address(listener: &TcpListener) -> Result<String, DemoError> {
    let address: SocketAddr = listener.local_addr().map_err(DemoError::Listen)?;
    Ok(format!("http://{address}"))
}

/// Serves `router` until `end`.
#[must_use]
pub fn serve(listener: TcpListener, router: Router, end: CancellationToken) -> JoinHandle<()> {
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(end.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::warn!(%error, "a practice server ended: {error}");
        }
    })
}

/// A client towards Portvakt and the practice parts.
///
/// # Errors
///
/// [`DemoError::Client`] when it cannot be built.
pub fn client(user_agent: &str) -> Result<reqwest::Client, DemoError> {
    // The client wants a provider for TLS even where it only speaks plain http. Fails only when there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(TIMEOUT)
        .no_proxy()
        .user_agent(user_agent)
        .build()
        .map_err(|error| DemoError::Client(error.to_string()))
}
