//! Takes connections and hands them to the router, until it is told to end.
//!
//! Invariant: a head that does not come within its time ends the connection, and so does silence; no source holds more
//! than its share of the connections. At the end running requests finish and no new ones are taken.

mod guests;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, StatusCode, Uri, Version, header};
use axum::response::IntoResponse;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use self::guests::{Guests, Seat};
use super::problem::Problem;

/// Descriptors that are left for everything but connections: the database, files, calls to others.
const DESCRIPTORS_FOR_OTHERS: usize = 128;
/// What a head may be, in bytes.
const HEAD_BYTES: usize = 64 * 1024;

/// What a connection may ask of the daemon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// A request's head must be there within this time.
    pub head_within: Duration,
    /// Connections in all; with more, those give way that have been idle longest.
    pub connections: usize,
    /// Connections from one address.
    pub connections_per_source: usize,
}

/// Serves `router` on `listener` until `end`; then lets running requests finish, at most for `grace`.
///
/// Gives whether all of them finished.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    end: CancellationToken,
    grace: Duration,
) -> bool {
    let builder = Arc::new(builder(limits.head_within));
    let graceful = GracefulShutdown::new();
    let guests = Arc::new(Guests::new(room(limits.connections), limits.connections_per_source));
    while let Some((stream, peer)) = accepted(&listener, &end).await {
        let seat = tokio::select! {
            () = end.cancelled() => break,
            seat = guests.admit(peer.ip()) => seat,
        };
        let Some(seat) = seat.map(Arc::new) else {
            tracing::debug!("a connection was turned away: its source has as many as it may");
            metrics::counter!("portvakt_http_connections_refused_total").increment(1);
            continue;
        };
        let watcher = graceful.watcher();
        let (builder, router) = (Arc::clone(&builder), router.clone());
        tokio::spawn(async move {
            let io = TokioIo::new(with_no_delay(stream));
            let place = Arc::clone(&seat);
            let service = hyper::service::service_fn(move |request| {
                answer(router.clone(), request, peer, Arc::clone(&place))
            });
            let connection = watcher.watch(builder.serve_connection(io, service).into_owned());
            tokio::select! {
                done = connection => {
                    if let Err(error) = done {
                        tracing::debug!(%error, "a connection ended early");
                    }
                }
                () = seat.until_it_must_go(limits.head_within) => {}
            }
        });
    }
    drop(listener);
    tokio::time::timeout(grace, graceful.shutdown()).await.is_ok()
}

fn builder(head_within: Duration) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head_within).max_buf_size(HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .max_concurrent_streams(128)
        .max_header_list_size(64 * 1024);
    builder
}

/// The next connection; nothing once it is time to end.
async fn accepted(listener: &TcpListener, end: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            () = end.cancelled() => return None,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok(accepted) => return Some(accepted),
            Err(error) => {
                // Out of descriptors, most likely: others must end first.
                tracing::warn!(%error, "a connection could not be taken: {error}");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// As many connections as are wanted, or as the descriptors of the process allow.
fn room(wanted: usize) -> usize {
    let Some(descriptors) =
        std::fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(descriptors)
    else {
        return wanted;
    };
    let possible = descriptors.saturating_sub(DESCRIPTORS_FOR_OTHERS).max(1);
    if possible < wanted {
        tracing::warn!(
            "server.connections is {wanted}, but the process may open only {descriptors} files: {possible} connections are taken at a time; raise LimitNOFILE or ulimit -n"
        );
    }
    wanted.min(possible)
}

/// The soft limit of open files in the text of `/proc/self/limits`.
fn descriptors(limits: &str) -> Option<usize> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn with_no_delay(stream: TcpStream) -> TcpStream {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    stream
}

async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
    seat: Arc<Seat>,
) -> Result<axum::response::Response, Infallible> {
    let serving = seat.serve();
    let mut request: Request = request.map(Body::new);
    let response = if let Some(detail) = ambiguity(request.version(), request.headers()) {
        let mut refused = Problem::new(StatusCode::BAD_REQUEST, "ambiguous_request", detail).into_response();
        refused.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        refused
    } else {
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(tidy) = tidied(request.uri()) {
            *request.uri_mut() = tidy;
        }
        match router.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    };
    drop(serving);
    Ok(response)
}

/// Why two readers of one request could take it for different ones (RFC 9112 §3.2). Of two lengths, `hyper` takes the
/// chunks and ends the connection (§6.1).
fn ambiguity(version: Version, headers: &HeaderMap) -> Option<&'static str> {
    if version > Version::HTTP_11 {
        return None;
    }
    let hosts = headers.get_all(header::HOST).iter().count();
    if hosts > 1 || (hosts == 0 && version == Version::HTTP_11) {
        return Some("Send exactly one Host header.");
    }
    None
}

/// The address without the slashes that are too many, where there are any below `/scim`: providers put what
/// administrators typed, often with a slash at its end, before `/Users`.
fn tidied(address: &Uri) -> Option<Uri> {
    let path = address.path();
    let is_untidy = path.contains("//") || path.ends_with('/');
    let steps = || path.split('/').filter(|step| !step.is_empty());
    if !is_untidy || steps().next() != Some("scim") {
        return None;
    }
    let mut text: String = steps().flat_map(|step| ["/", step]).collect();
    if let Some(query) = address.query() {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = address.clone().into_parts();
    parts.path_and_query = Some(text.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_of_open_files_is_found() {
        let text = "Limit                     Soft Limit           Hard Limit           Units\n\
                    Max processes             7823                 7823                 processes\n\
                    Max open files            1024                 524288               files\n";
        assert_eq!(descriptors(text), Some(1024));
        assert_eq!(
            descriptors("Max open files            unlimited            unlimited            files"),
            None
        );
        assert!(room(10) <= 10);
    }

    #[test]
    fn slashes_too_many_are_passed_over_below_scim_and_nowhere_else() {
        let of = |text: &str| tidied(&text.parse().unwrap()).map(|tidy| tidy.to_string());
        assert_eq!(of("/scim/v2/entra//Users/?a=//"), Some("/scim/v2/entra/Users?a=//".to_owned()));
        assert_eq!(of("/scim/v2/entra/"), Some("/scim/v2/entra".to_owned()));
        assert_eq!(of("http://h:1//scim//"), Some("http://h:1/scim".to_owned()));
        assert!(
            of("/scim/v2/entra/Users?a=//").is_none() && of("/sso//login/").is_none() && of("/").is_none()
        );
    }

    #[test]
    fn a_request_that_could_be_read_in_two_ways_is_refused() {
        let of = |pairs: &[(header::HeaderName, &'static str)], version| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name, header::HeaderValue::from_static(value));
            }
            ambiguity(version, &headers).is_some()
        };
        let host = || (header::HOST, "a");
        assert!(!of(&[host()], Version::HTTP_11));
        assert!(of(&[], Version::HTTP_11) && !of(&[], Version::HTTP_10) && !of(&[], Version::HTTP_2));
        assert!(of(&[host(), host()], Version::HTTP_11));
    }
}
