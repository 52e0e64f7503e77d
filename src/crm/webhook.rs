//! Tells a CRM by signed messages (Standard Webhooks 1.0).
//!
//! Invariant: every message is signed with each key in use; at most 20 kB go out and 64 KiB come in, within ten seconds.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::Url;
use reqwest::dns::Resolve;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::domain::ids::TargetId;

use super::answer::judge;
use super::courier::{Courier, CrmError, Place};
use super::resolver::SystemResolver;
use super::signature::{ID_HEADER, SIGNATURE_HEADER, SigningKey, TIMESTAMP_HEADER, sign};
use super::trial::Finding;
use super::{AccountState, Delivery};

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

/// A CRM that is told by signed messages.
#[derive(Debug, Clone)]
pub struct Webhook {
    settings: Arc<WebhookSettings>,
    courier: Courier,
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
        if settings.keys.is_empty() {
            return Err(CrmError::NoKey(settings.target));
        }
        let WebhookSettings { target, url, allow_private, .. } = &settings;
        let place = Place { target: target.clone(), url: url.clone(), allow_private: *allow_private };
        let courier = Courier::resolving_by(&place, names)?;
        Ok(Self { settings: Arc::new(settings), courier })
    }

    pub(super) fn target(&self) -> &TargetId {
        &self.settings.target
    }

    /// What the receiver checks with, for each key that is our own, the new one first.
    #[must_use]
    pub fn public_keys(&self) -> Vec<String> {
        self.settings.keys.iter().filter_map(SigningKey::public).collect()
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
        let id = delivery_id(&self.settings.target, state);
        self.send(now, &id, body).await
    }

    /// Sends a signed message of the type `test`, which changes nothing anywhere.
    pub(super) async fn test(&self, now: Timestamp) -> Vec<Finding> {
        let message = json!({ "type": "test", "at": now });
        let id = format!("pv_test_{}", now.as_microsecond());
        let finding = match self.send(now, &id, message.to_string().into_bytes()).await {
            Delivery::Taken { answer, .. } => Finding::good("a signed test message was taken", answer),
            Delivery::Again { error, .. } | Delivery::Refused { error } | Delivery::SwitchedOff { error } => {
                Finding::bad("a signed test message was not taken", error)
            }
        };
        vec![finding]
    }

    async fn send(&self, now: Timestamp, id: &str, body: Vec<u8>) -> Delivery {
        let headers = self.headers(now, id, &body);
        let request = self.courier.client().post(self.settings.url.clone()).headers(headers).body(body);
        match self.courier.send(request, LARGEST_ANSWER).await {
            Ok(reply) => judge(reply.status, &reply.headers, &reply.body, now),
            Err(error) => Delivery::Again { after: None, error },
        }
    }

    fn headers(&self, now: Timestamp, id: &str, body: &[u8]) -> HeaderMap {
        let signature = sign(&self.settings.keys, id, now, body);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(TIMESTAMP_HEADER, HeaderValue::from(now.as_second()));
        // Both are plain ASCII: base64 in both of its alphabets.
        for (name, value) in [(ID_HEADER, id), (SIGNATURE_HEADER, signature.as_str())] {
            if let Ok(value) = HeaderValue::from_str(value) {
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
