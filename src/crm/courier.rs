//! The way to a CRM over HTTP, the same for every kind of target.
//!
//! Invariant: https only, or http to this machine where allowed; no redirect, no proxy, no address that was not
//! checked in the very look-up that led to the connection; answers are read to a limit and within a time.

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::Resolve;
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url, redirect};

use crate::domain::ids::TargetId;

use super::address::{is_this_machine, literal, reach};
use super::resolver::{CheckedResolver, NameError};

/// Whole time of one request, connection and answer included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a target cannot be used as it is set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CrmError {
    /// Plain http to another machine.
    #[error("target {0}: plain http lets others on the way read names and rights; use https")]
    NotEncrypted(TargetId),
    /// No web address with a host and without a password.
    #[error("target {0}: the url must be https://host/path, without user name or password")]
    NotWeb(TargetId),
    /// The address is a number that no CRM may have.
    #[error(
        "target {target}: the url leads to {address}, which is {what}; for a private network set allow_private = true"
    )]
    Forbidden {
        /// The target.
        target: TargetId,
        /// The address.
        address: IpAddr,
        /// What is there.
        what: &'static str,
    },
    /// Nothing to sign with.
    #[error("target {0}: no signing key is set")]
    NoKey(TargetId),
    /// The HTTP client could not be made.
    #[error("target {target}: no HTTP client: {reason}")]
    Client {
        /// The target.
        target: TargetId,
        /// What was said.
        reason: String,
    },
    /// The description of the CRM's API has mistakes.
    #[error("target {target}: {reason}")]
    Description {
        /// The target.
        target: TargetId,
        /// Where, what is wrong, and what would be right.
        reason: String,
    },
}

/// Where a target is, and whether that may be within the house.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) target: TargetId,
    pub(crate) url: Url,
    pub(crate) allow_private: bool,
}

/// An answer, read to a limit.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// There was more than the limit, or the rest did not come.
    pub(crate) is_cut: bool,
}

/// Carries requests to one target.
#[derive(Debug, Clone)]
pub(crate) struct Courier {
    client: Client,
}

impl Courier {
    pub(crate) fn resolving_by(place: &Place, names: Arc<dyn Resolve>) -> Result<Self, CrmError> {
        check(place)?;
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            // A proxy would look the name up itself, out of reach of the check.
            .no_proxy()
            .dns_resolver(CheckedResolver::new(names, place.allow_private))
            .user_agent(concat!("portvakt/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| CrmError::Client { target: place.target.clone(), reason: chain(&error) })?;
        Ok(Self { client })
    }

    /// A request to begin with.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request and reads at most `limit` bytes of the answer.
    ///
    /// # Errors
    ///
    /// A sentence without the address, which may hold a secret.
    pub(crate) async fn send(&self, request: RequestBuilder, limit: usize) -> Result<Reply, String> {
        let response = request.send().await.map_err(explain)?;
        let (status, headers) = (response.status(), response.headers().clone());
        match read_capped(response, limit).await {
            Ok((body, is_cut)) => Ok(Reply { status, headers, body, is_cut }),
            // The status has come, so the CRM has decided; only its words are lost.
            Err(_) if status.is_success() => Ok(Reply { status, headers, body: Vec::new(), is_cut: true }),
            Err(error) => Err(explain(error)),
        }
    }
}

/// Whether a target may have this address at all.
pub(crate) fn check(place: &Place) -> Result<(), CrmError> {
    let Place { url, target, allow_private } = place;
    let has_login = !url.username().is_empty() || url.password().is_some();
    if has_login || url.host_str().is_none_or(str::is_empty) || !matches!(url.scheme(), "https" | "http") {
        return Err(CrmError::NotWeb(target.clone()));
    }
    if url.scheme() == "http" && !(*allow_private && is_this_machine(url)) {
        return Err(CrmError::NotEncrypted(target.clone()));
    }
    // A number is never looked up, so the resolver would not see it.
    if let Some(address) = literal(url)
        && let Some(what) = reach(address).objection(*allow_private)
    {
        return Err(CrmError::Forbidden { target: target.clone(), address, what });
    }
    Ok(())
}

/// Reads an answer in pieces up to the limit; what comes after is not waited for.
async fn read_capped(mut response: Response, limit: usize) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        let is_cut = piece.len() > limit - body.len();
        body.extend(piece.iter().take(limit - body.len()));
        if is_cut {
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

/// Says what went wrong on the way, without the address: it may hold a secret in its path.
fn explain(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} seconds", TIMEOUT.as_secs());
    }
    let error = error.without_url();
    let forbidden = std::iter::successors(error.source(), |cause| (*cause).source())
        .find_map(|cause| cause.downcast_ref::<NameError>());
    forbidden.map_or_else(|| chain(&error), ToString::to_string)
}

/// The error and its causes in one line: reqwest itself only says that sending failed.
fn chain(error: &dyn Error) -> String {
    let mut said = vec![error.to_string()];
    let causes = std::iter::successors(error.source(), |cause| (*cause).source());
    said.extend(causes.map(ToString::to_string));
    said.join(": ")
}
