//! Tells a CRM by signed messages (Standard Webhooks 1.0).
//!
//! Invariant: https only, or http to this machine where allowed; no redirect, no proxy, no address that was not
//! checked; at most 20 kB go out and 64 KiB come in, within ten seconds.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::dns::Resolve;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Response, Url, redirect};
use sha2::{Digest as _, Sha256};

use crate::domain::ids::TargetId;

use super::address::{is_this_machine, literal, reach};
use super::answer::judge;
use super::resolver::{CheckedResolver, NameError, SystemResolver};
use super::signature::{ID_HEADER, SIGNATURE_HEADER, SigningKey, TIMESTAMP_HEADER, sign};
use super::{AccountState, Delivery};

/// Whole time of one delivery, connection and answer included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;
/// Largest body that is sent, in bytes (Standard Webhooks 1.0, "Payload size").
const LARGEST_BODY: usize = 20_000;

/// What a webhook target needs.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// The target's name.
    pub target: TargetId,
    /// Where the CRM takes messages.
    pub url: Url,
    /// The keys that sign; during rotation the new one and the old one.
    pub keys: Vec<SigningKey>,
    /// Whether the address may lead to this machine (then also without encryption) or to a private network.
    pub allow_private: bool,
}

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
        address: std::net::IpAddr,
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
}

/// A CRM that is told by signed messages.
#[derive(Debug, Clone)]
pub struct Webhook {
    settings: Arc<WebhookSettings>,
    client: Client,
}

impl Webhook {
    /// A target as it is set.
    ///
    /// # Errors
    ///
    /// [`CrmError`] when the address may not be used or there is no key.
    pub fn new(settings: WebhookSettings) -> Result<Self, CrmError> {
        Self::resolving_by(settings, Arc::new(SystemResolver))
    }

    pub(super) fn resolving_by(settings: WebhookSettings, names: Arc<dyn Resolve>) -> Result<Self, CrmError> {
        check(&settings)?;
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            // A proxy would look the name up itself, out of reach of the check.
            .no_proxy()
            .dns_resolver(CheckedResolver::new(names, settings.allow_private))
            .user_agent(concat!("portvakt/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| CrmError::Client { target: settings.target.clone(), reason: chain(&error) })?;
        Ok(Self { settings: Arc::new(settings), client })
    }

    pub(super) fn target(&self) -> &TargetId {
        &self.settings.target
    }

    pub(super) async fn deliver(&self, now: Timestamp, state: &AccountState) -> Delivery {
        let body = match serde_json::to_vec(state) {
            Ok(body) if body.len() <= LARGEST_BODY => body,
            Ok(body) => {
                let size = body.len();
                return Delivery::Refused {
                    error: format!(
                        "the message has {size} bytes, more than {LARGEST_BODY}: too many roles or sectors"
                    ),
                };
            }
            Err(error) => {
                return Delivery::Refused { error: format!("the state cannot be written: {error}") };
            }
        };
        match self.send(now, state, body).await {
            Ok(answer) => answer,
            Err(error) => Delivery::Again { after: None, error: explain(error) },
        }
    }

    async fn send(
        &self,
        now: Timestamp,
        state: &AccountState,
        body: Vec<u8>,
    ) -> Result<Delivery, reqwest::Error> {
        let headers = self.headers(now, state, &body);
        let response = self.client.post(self.settings.url.clone()).headers(headers).body(body).send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let answer = match read_capped(response).await {
            Ok(answer) => answer,
            // The status has come, so the CRM has decided; only its words are lost.
            Err(_) if status.is_success() => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(judge(status, &headers, &answer, now))
    }

    fn headers(&self, now: Timestamp, state: &AccountState, body: &[u8]) -> HeaderMap {
        let id = delivery_id(&self.settings.target, state);
        let signature = sign(&self.settings.keys, &id, now, body);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(TIMESTAMP_HEADER, HeaderValue::from(now.as_second()));
        // Both are plain ASCII: base64 in both of its alphabets.
        for (name, value) in [(ID_HEADER, id), (SIGNATURE_HEADER, signature)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        headers
    }
}

/// The id of a delivery: the same for every repeat of one version to one target.
fn delivery_id(target: &TargetId, state: &AccountState) -> String {
    let named = format!("{target}\n{}\n{}", state.account.id, state.version);
    let digest = Sha256::digest(named.as_bytes());
    format!("pv_{}", URL_SAFE_NO_PAD.encode(digest))
}

fn check(settings: &WebhookSettings) -> Result<(), CrmError> {
    let (url, target) = (&settings.url, &settings.target);
    let has_login = !url.username().is_empty() || url.password().is_some();
    if has_login || url.host_str().is_none_or(str::is_empty) || !matches!(url.scheme(), "https" | "http") {
        return Err(CrmError::NotWeb(target.clone()));
    }
    if url.scheme() == "http" && !(settings.allow_private && is_this_machine(url)) {
        return Err(CrmError::NotEncrypted(target.clone()));
    }
    // A number is never looked up, so the resolver would not see it.
    if let Some(address) = literal(url)
        && let Some(what) = reach(address).objection(settings.allow_private)
    {
        return Err(CrmError::Forbidden { target: target.clone(), address, what });
    }
    if settings.keys.is_empty() {
        return Err(CrmError::NoKey(target.clone()));
    }
    Ok(())
}

/// Reads an answer in pieces up to the limit; what comes after is not waited for.
async fn read_capped(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await? {
        body.extend(piece.iter().take(LARGEST_ANSWER - body.len()));
        if body.len() == LARGEST_ANSWER {
            break;
        }
    }
    Ok(body)
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
