//! Fetches pages from a provider's API.
//!
//! Invariant: no redirect, no proxy from the environment, no page over its limit, and no more repeats than the
//! pace allows; what comes back is a final answer.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};

use super::error::PullError;
use super::pace::Pace;

/// Whole time of one request, connection and answer included.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Largest page, in bytes.
const LARGEST_PAGE: usize = 8 * 1024 * 1024;

/// Most pages of one listing: two million people at 200 a page.
pub(crate) const MOST_PAGES: usize = 10_000;

/// Fetches.
#[derive(Debug, Clone)]
pub(crate) struct Courier {
    pub(crate) client: Client,
    pub(crate) pace: Pace,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Courier {
    pub(crate) fn new() -> Result<Self, PullError> {
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("portvakt/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| PullError::Settings(format!("no HTTP client: {}", chain(&error))))?;
        Ok(Self { client, pace: Pace::default() })
    }

    /// Sends what `request` makes, and again while the provider is busy or out of reach.
    ///
    /// `wish` reads from a busy answer how long to wait; nothing: our own pace.
    pub(crate) async fn fetch(
        &self,
        what: &str,
        request: impl Fn() -> RequestBuilder,
        wish: impl Fn(&HeaderMap) -> Option<Duration>,
    ) -> Result<Answer, PullError> {
        let mut failed = 0;
        loop {
            let (reason, wished) = match exchange(request()).await {
                Ok(answer) if is_busy(answer.status) => {
                    (format!("answered {}", answer.status), wish(&answer.headers))
                }
                Ok(answer) => return Ok(answer),
                Err(Fault::TooLarge) => {
                    let reason = format!("it is larger than {LARGEST_PAGE} bytes");
                    return Err(PullError::Unusable { what: what.to_owned(), reason });
                }
                Err(Fault::Broken(reason)) => (reason, None),
            };
            failed += 1;
            let Some(pause) = self.pace.pause(failed, wished, rand::random()) else {
                let wished =
                    wished.map(|wish| format!(", to come again in {} s", wish.as_secs())).unwrap_or_default();
                let reason = format!("{reason}{wished}; gave up after {failed} tries");
                return Err(PullError::Unreachable { what: what.to_owned(), reason });
            };
            tracing::debug!(
                pull.what = what,
                pull.failed = failed,
                pause_ms = pause.as_millis(),
                "waiting: {reason}"
            );
            tokio::time::sleep(pause).await;
        }
    }
}

impl Answer {
    /// The body as `T`.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, what: &str) -> Result<T, PullError> {
        let unusable = |reason| PullError::Unusable { what: what.to_owned(), reason };
        if !self.status.is_success() {
            return Err(unusable(format!("answered {}", self.status)));
        }
        let mut reader = serde_json::Deserializer::from_slice(&self.body);
        // The path says where; the message of serde_json could repeat a value.
        serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let (path, inner) = (error.path().to_string(), error.inner());
            unusable(format!(
                "{:?} error at {path}, line {}, column {}",
                inner.classify(),
                inner.line(),
                inner.column()
            ))
        })
    }
}

/// The pause of a `Retry-After` header in seconds.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u32 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(u64::from(seconds)))
}

/// When the provider made the answer, by its own clock.
pub(crate) fn provider_time(headers: &HeaderMap) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(headers.get(DATE)?.to_str().ok()?).ok()
}

const fn is_busy(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 500 | 502 | 503 | 504)
}

enum Fault {
    TooLarge,
    Broken(String),
}

impl From<reqwest::Error> for Fault {
    fn from(error: reqwest::Error) -> Self {
        Self::Broken(chain(&error.without_url()))
    }
}

async fn exchange(request: RequestBuilder) -> Result<Answer, Fault> {
    let mut response: Response = request.send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        if body.len() + piece.len() > LARGEST_PAGE {
            return Err(Fault::TooLarge);
        }
        body.extend_from_slice(&piece);
    }
    Ok(Answer { status, headers, body })
}

/// The error and its causes in one line: reqwest itself only says that sending failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        said = format!("{said}: {inner}");
        cause = inner.source();
    }
    said
}
