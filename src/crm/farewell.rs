//! Tells a client that a session has ended (OpenID Connect Back-Channel Logout §2.5).
//!
//! Invariant: as for a webhook: https only, or http to this machine where allowed; no redirect, no proxy, no address
//! that was not checked. Only 2xx is a yes, and nothing of the answer but its status is kept.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::dns::Resolve;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Url, redirect};

use super::address::{is_this_machine, literal, reach};
use super::answer::retry_after;
use super::resolver::{CheckedResolver, NameError, SystemResolver};

/// Whole time of one attempt, connection and answer included.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Why a client's address cannot be used as it is set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FarewellError {
    /// Plain http to another machine.
    #[error("plain http lets others on the way read who signs out; use https")]
    NotEncrypted,
    /// The address is a number that no CRM may have.
    #[error("it leads to {address}, which is {what}; for a private network set allow_private = true")]
    Forbidden {
        /// The address.
        address: std::net::IpAddr,
        /// What is there.
        what: &'static str,
    },
    /// The HTTP client could not be made.
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// What became of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The client has it; with this status.
    Yes(u16),
    /// Try again.
    No {
        /// Not before this has passed, where the client said so.
        after: Option<SignedDuration>,
        /// What went wrong, without the client's own words: they may speak of the person.
        error: String,
    },
}

/// The way to one client's back-channel.
#[derive(Debug, Clone)]
pub struct BackChannel {
    url: Url,
    client: Client,
}

impl BackChannel {
    /// The way to `url`, as the settings name it.
    ///
    /// # Errors
    ///
    /// [`FarewellError`] when the address may not be used.
    pub fn new(url: Url, allow_private: bool) -> Result<Self, FarewellError> {
        Self::resolving_by(url, allow_private, Arc::new(SystemResolver))
    }

    fn resolving_by(url: Url, allow_private: bool, names: Arc<dyn Resolve>) -> Result<Self, FarewellError> {
        if url.scheme() != "https" && !(allow_private && is_this_machine(&url)) {
            return Err(FarewellError::NotEncrypted);
        }
        // A number is never looked up, so the resolver would not see it.
        if let Some(address) = literal(&url)
            && let Some(what) = reach(address).objection(allow_private)
        {
            return Err(FarewellError::Forbidden { address, what });
        }
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(redirect::Policy::none())
            // A proxy would look the name up itself, out of reach of the check.
            .no_proxy()
            .dns_resolver(CheckedResolver::new(names, allow_private))
            .user_agent(concat!("portvakt/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| FarewellError::Client(error.to_string()))?;
        Ok(Self { url, client })
    }

    /// Sends a logout token.
    pub async fn tell(&self, now: Timestamp, token: &str) -> Heard {
        // A compact JWS is plain in a form: base64url and dots (RFC 7515 §3.1).
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let body = format!("logout_token={token}");
        match self.client.post(self.url.clone()).header(CONTENT_TYPE, form).body(body).send().await {
            Ok(response) if response.status().is_success() => Heard::Yes(response.status().as_u16()),
            Ok(response) => Heard::No {
                after: retry_after(response.headers(), now),
                error: format!("it answered {}", response.status()),
            },
            Err(error) => Heard::No { after: None, error: explain(error) },
        }
    }
}

/// Says what went wrong on the way, without the address: it may hold a secret in its path.
fn explain(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} seconds", TIMEOUT.as_secs());
    }
    let error = error.without_url();
    let mut causes = std::iter::successors(error.source(), |cause| (*cause).source());
    let forbidden = causes.find_map(|cause| cause.downcast_ref::<NameError>());
    forbidden.map_or_else(|| format!("it could not be reached: {error}"), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{body_string, header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::super::resolver::tests::Scripted;
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn now() -> Timestamp {
        "2025-10-07T12:00:00Z".parse().unwrap()
    }

    #[tokio::test]
    async fn a_token_goes_out_as_a_form_and_only_2xx_is_a_yes() {
        let server = MockServer::start().await;
        let form = "application/x-www-form-urlencoded";
        let sent = Mock::given(method("POST")).and(path("/out")).and(header("content-type", form));
        sent.and(body_string("logout_token=a.b.c"))
            .respond_with(ResponseTemplate::new(200))
            .mount(&server)
            .await;
        let told = Mock::given(path("/busy"));
        told.respond_with(ResponseTemplate::new(503).insert_header("retry-after", "90")).mount(&server).await;
        let moved = Mock::given(path("/moved"));
        moved.respond_with(ResponseTemplate::new(302).insert_header("location", "/out")).mount(&server).await;
        let tell = async |path: &str| {
            let channel = BackChannel::new(url(&format!("{}{path}", server.uri())), true).unwrap();
            channel.tell(now(), "a.b.c").await
        };
        assert_eq!(tell("/out").await, Heard::Yes(200));
        let after = Some(SignedDuration::from_secs(90));
        assert_eq!(
            tell("/busy").await,
            Heard::No { after, error: "it answered 503 Service Unavailable".to_owned() }
        );
        for refused in ["/moved", "/nowhere"] {
            assert!(matches!(tell(refused).await, Heard::No { .. }), "{refused}");
        }
    }

    #[tokio::test]
    async fn no_address_is_asked_that_may_not_be() {
        for (address, allow_private) in [
            ("http://crm.example/out", true),
            ("https://10.0.0.1/out", false),
            ("https://169.254.169.254/", true),
        ] {
            assert!(BackChannel::new(url(address), allow_private).is_err(), "{address}");
        }
        let names = Scripted::new([&["10.0.0.7:443"]]);
        let channel = BackChannel::resolving_by(url("https://crm.example/out"), false, names).unwrap();
        let Heard::No { error, .. } = channel.tell(now(), "a.b.c").await else { panic!("it was told") };
        assert!(error.contains("10.0.0.7") && error.contains("private"), "{error}");
    }

    #[tokio::test]
    async fn a_client_that_is_not_there_is_told_of_without_its_address() {
        let channel = BackChannel::new(url("http://127.0.0.1:9/a-secret-in-the-path"), true).unwrap();
        let Heard::No { error, .. } = channel.tell(now(), "a.b.c").await else { panic!("it was told") };
        assert!(error.starts_with("it could not be reached") && !error.contains("a-secret"), "{error}");
    }
}
