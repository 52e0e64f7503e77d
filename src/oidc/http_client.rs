//! The HTTP client towards identity providers: short, capped and straight.
//!
//! Invariant: no redirect is followed, no proxy is taken from the environment,
//! and no answer is read beyond the body limit or the time limit.

use std::{borrow::Cow, net::IpAddr, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use openidconnect::url::form_urlencoded;
use reqwest::{
    RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue},
    redirect,
};
use secrecy::{ExposeSecret, SecretString};

use super::error::OidcError;

/// How long and how much an answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Whole time of one request, connection and body included.
    pub timeout: Duration,
    /// Largest body, in bytes.
    pub body_bytes: usize,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(5), body_bytes: 512 * 1024 }
    }
}

/// The client; cheap to clone, one connection pool for all directories.
#[derive(Debug, Clone)]
pub struct HttpClient {
    client: reqwest::Client,
    limits: HttpLimits,
}

/// Why an exchange gave no answer to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not reached, too slow, broken off.
    Unreachable(String),
    /// Answered, but not in a way that can be used.
    Unusable(String),
}

/// An answer, read whole.
pub(super) struct Answer {
    /// The status.
    pub(super) status: StatusCode,
    /// The body, at most the limit.
    pub(super) body: Vec<u8>,
}

/// How our client shows itself at the token endpoint.
pub(super) enum ClientProof<'a> {
    /// In the `Authorization` header (RFC 6749 §2.3.1).
    Basic {
        /// The client id.
        id: &'a str,
        /// The client secret.
        secret: &'a SecretString,
    },
    /// In the body, or not at all: the form already holds what is needed.
    InForm,
}

impl HttpClient {
    /// A client with the ring provider of rustls and the system's root certificates.
    ///
    /// # Errors
    ///
    /// [`OidcError::HttpClient`] when no client can be built.
    pub fn new(limits: HttpLimits) -> Result<Self, OidcError> {
        // Fails only when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(limits.timeout)
            .no_proxy()
            .referer(false)
            .user_agent(concat!("portvakt/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| OidcError::HttpClient { reason: chain(&error) })?;
        Ok(Self { client, limits })
    }

    /// The status that `GET url` is answered with, or why it is not answered.
    ///
    /// # Errors
    ///
    /// A sentence, when nothing answers in time.
    pub async fn status_of(&self, url: &str) -> Result<u16, String> {
        match self.client.get(url).send().await {
            Ok(response) => Ok(response.status().as_u16()),
            Err(error) => Err(chain(&error.without_url())),
        }
    }

    /// `GET url`, with `bearer` as access token where one is given.
    pub(super) async fn get(&self, url: &str, bearer: Option<&SecretString>) -> Result<Answer, Fault> {
        let mut request = self.client.get(url);
        if let Some(token) = bearer {
            request =
                request.header(AUTHORIZATION, secret_header(&format!("Bearer {}", token.expose_secret()))?);
        }
        self.send(request).await
    }

    /// `POST url` with a form.
    pub(super) async fn post_form(
        &self,
        url: &str,
        proof: &ClientProof<'_>,
        form: &[(&str, Cow<'_, str>)],
    ) -> Result<Answer, Fault> {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request =
            self.client.post(url).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
        if let ClientProof::Basic { id, secret } = proof {
            let pair = format!("{}:{}", form_encoded(id), form_encoded(secret.expose_secret()));
            let header = secret_header(&format!("Basic {}", BASE64_STANDARD.encode(pair)))?;
            request = request.header(AUTHORIZATION, header);
        }
        self.send(request).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, Fault> {
        let response = request.header(ACCEPT, "application/json").send().await.map_err(out_of_reach)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(Fault::Unusable(format!("answered {status}; redirects are not followed")));
        }
        let body = self.read_capped(response).await?;
        Ok(Answer { status, body })
    }

    /// Reads in pieces and stops at the limit, whatever length was announced.
    async fn read_capped(&self, mut response: Response) -> Result<Vec<u8>, Fault> {
        let limit = self.limits.body_bytes;
        let too_large = || Fault::Unusable(format!("the answer is larger than {limit} bytes"));
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(out_of_reach)? {
            if body.len() + piece.len() > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}

impl Answer {
    /// The JSON object of a good answer.
    ///
    /// 429 and 5xx count as out of reach: the provider may be better later.
    pub(super) fn json_object(&self) -> Result<serde_json::Map<String, serde_json::Value>, Fault> {
        let status = self.status;
        if self.is_overloaded() {
            return Err(Fault::Unreachable(format!("answered {status}")));
        }
        if !status.is_success() {
            return Err(Fault::Unusable(format!("answered {status}; is the issuer's address right?")));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            Fault::Unusable(format!("the answer is not a JSON object ({:?} error)", error.classify()))
        })
    }

    /// Whether the provider says that it is down or busy.
    pub(super) fn is_overloaded(&self) -> bool {
        self.status.is_server_error() || self.status == StatusCode::TOO_MANY_REQUESTS
    }
}

/// Whether an address may be used: https, or http on this machine if `loopback_allowed`.
pub(super) fn is_safe_address(url: &Url, loopback_allowed: bool) -> bool {
    let has_login = !url.username().is_empty() || url.password().is_some();
    let secure = match url.scheme() {
        "https" => url.host_str().is_some(),
        "http" => loopback_allowed && is_this_machine(url),
        _ => false,
    };
    secure && !has_login
}

/// Whether the host is `localhost` or a loopback address.
pub(super) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn secret_header(text: &str) -> Result<HeaderValue, Fault> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        Fault::Unusable("the access token has characters that no header can carry".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn out_of_reach(error: reqwest::Error) -> Fault {
    Fault::Unreachable(chain(&error.without_url()))
}

/// The error and its causes in one line: reqwest itself only says that sending failed.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn safe(text: &str) -> bool {
        is_safe_address(&Url::parse(text).unwrap(), true)
    }

    #[test]
    fn plain_http_is_only_for_this_machine() {
        assert!(safe("https://idp.example/x"));
        assert!(safe("http://127.0.0.1:9501") && safe("http://[::1]/") && safe("http://localhost:1/"));
        assert!(
            !safe("http://idp.example/")
                && !safe("http://10.0.0.1/")
                && !safe("http://localhost.evil.example/")
        );
        assert!(!safe("file:///etc/passwd") && !safe("https://user:pw@idp.example/"));
        assert!(!is_safe_address(&Url::parse("http://127.0.0.1/").unwrap(), false));
    }
}
