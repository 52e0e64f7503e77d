//! Attends to each request: gives it an id, bounds its time, catches what panics, and tells what became of it.
//!
//! Invariant: a caller's own `X-Request-ID` is kept where it is short and plain; otherwise we issue one. Access
//! questions are answered with the caller's own in any case (`OpenID AuthZEN` 1.0 §10.1.3), and logged under ours. Paths with
//! ids in them are told as route patterns, and methods that nobody defined as one. All of it is one layer, because
//! every layer costs each request a copy of the route.

use std::any::Any;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::extract::{DefaultBodyLimit, FromRequestParts, MatchedPath, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use tokio::time::timeout;
use tower::{Layer, Service};
use tracing::Instrument;

use super::body::Rules;
use super::problem::Problem;
use super::scim;
use super::tally::Tallies;
use crate::flows::Ports;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, as it stands in the log, the audit and the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(pub String);

impl<S: Send + Sync> FromRequestParts<S> for RequestId {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self(String::new())))
    }
}

impl RequestId {
    /// The caller's own, or a new one.
    fn of(request: &Request) -> Self {
        let given = request.headers().get(&HEADER).and_then(|value| value.to_str().ok());
        match given.filter(|id| is_plain(id)) {
            Some(id) => Self(id.to_owned()),
            None => Self(uuid::Builder::from_random_bytes(rand::random()).into_uuid().to_string()),
        }
    }
}

fn is_plain(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':'))
}

/// What an access question is identified by, as the caller wrote it.
fn own_id(request: &Request) -> Option<HeaderValue> {
    let is_question = request.uri().path().starts_with("/access/v1/");
    request.headers().get(&HEADER).filter(|id| is_question && id.len() <= LONGEST).cloned()
}

/// The longest id of a caller that is sent back, in bytes.
const LONGEST: usize = 1024;

/// The layer that attends to every request.
#[derive(Debug, Clone)]
pub(super) struct Attend {
    desk: Arc<Desk>,
}

/// What all requests have in common.
#[derive(Debug)]
struct Desk {
    bodies: Rules,
    answer_within: Duration,
    tallies: Tallies,
}

impl Attend {
    /// As the settings say.
    pub(super) fn new(ports: &Ports) -> Self {
        let server = &ports.settings.server;
        let bodies = Rules {
            bytes: server.request_limit_bytes,
            within: Duration::try_from(server.body_within).unwrap_or(Duration::from_secs(30)),
        };
        let answer_within = Duration::try_from(server.answer_within).unwrap_or(Duration::from_mins(1));
        Self { desk: Arc::new(Desk { bodies, answer_within, tallies: Tallies::default() }) }
    }
}

impl<S> Layer<S> for Attend {
    type Service = Attended<S>;

    fn layer(&self, inner: S) -> Attended<S> {
        Attended { inner, desk: Arc::clone(&self.desk) }
    }
}

/// A service that is attended to.
#[derive(Debug, Clone)]
pub(super) struct Attended<S> {
    inner: S,
    desk: Arc<Desk>,
}

impl<S> Service<Request> for Attended<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let id = RequestId::of(&request);
        let visit = Visit {
            began: Instant::now(),
            method: request.method().clone(),
            path: request.extensions().get::<MatchedPath>().cloned(),
            scim: scim::Guest::meet(&mut request),
            own_id: own_id(&request),
            id: id.0.clone(),
            desk: Arc::clone(&self.desk),
        };
        if let Some(fault) = self.desk.bodies.refuse(request.headers()) {
            return Box::pin(async move { Ok(visit.end(Problem::from(fault).into_response())) });
        }
        DefaultBodyLimit::max(self.desk.bodies.bytes).apply(&mut request);
        request.extensions_mut().insert(self.desk.bodies);
        request.extensions_mut().insert(id);
        let span = tracing::info_span!("request", request.id = %visit.id);
        let answer = self.inner.call(request).instrument(span);
        Box::pin(async move {
            let response = answered(visit.desk.answer_within, answer).await;
            Ok(visit.end(response))
        })
    }
}

/// The answer, or one in its stead where it panics or takes too long.
async fn answered(within: Duration, answer: impl Future<Output = Result<Response, Infallible>>) -> Response {
    let answer = AssertUnwindSafe(answer).catch_unwind();
    match timeout(within, answer).await {
        Ok(Ok(Ok(response))) => response,
        Ok(Err(panic)) => broken(panic.as_ref()),
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too_slow",
            "The answer could not be made in time. Try again, or ask for less.",
        )
        .into_response(),
    }
}

fn broken(panic: &(dyn Any + Send)) -> Response {
    let said =
        panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!("a handler panicked: {}", said.unwrap_or("it did not say why"));
    Problem::internal().into_response()
}

/// A request under way.
struct Visit {
    began: Instant,
    method: Method,
    path: Option<MatchedPath>,
    scim: Option<scim::Guest>,
    id: String,
    own_id: Option<HeaderValue>,
    desk: Arc<Desk>,
}

impl Visit {
    /// Counts and logs the request, and gives the answer what all answers have.
    fn end(self, mut response: Response) -> Response {
        if let Some(guest) = self.scim {
            response = guest.part(response);
        }
        let (status, took) = (response.status(), self.began.elapsed());
        let path = self.path.as_ref().map_or("unmatched", MatchedPath::as_str);
        self.desk.tallies.count(&self.method, path, status, took);
        // JSON has no whole numbers of 128 bits; they would be written as text.
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let (id, method, status) = (&self.id, &self.method, status.as_u16());
        if status >= 500 {
            tracing::warn!(request.id = %id, %method, route = path, status, took_ms, "{method} {path} answered {status}");
        } else {
            tracing::debug!(request.id = %id, %method, route = path, status, took_ms, "{method} {path} answered {status}");
        }
        let headers = response.headers_mut();
        if let Some(value) = self.own_id.or_else(|| HeaderValue::try_from(self.id).ok()) {
            headers.insert(HEADER, value);
        }
        headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    }
}
