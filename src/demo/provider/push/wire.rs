//! One SCIM connection: where to, with which token, and how many requests.
//!
//! Invariant: an answer with another status than the expected ones is an error that quotes its beginning.

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Method, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::super::super::error::DemoError;
use super::super::super::loopback;

/// The media type of SCIM (RFC 7644 §8.1).
const SCIM: &str = "application/scim+json; charset=utf-8";

#[derive(Debug)]
pub(super) struct Wire {
    client: Client,
    base: String,
    token: SecretString,
    requests: u64,
}

impl Wire {
    pub(super) fn new(base: &str, token: SecretString, user_agent: &str) -> Result<Self, DemoError> {
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { client: loopback::client(user_agent)?, base, token, requests: 0 })
    }

    pub(super) const fn requests(&self) -> u64 {
        self.requests
    }

    /// Sends a request and gives the answer's body, `null` where there is none.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        expected: &[StatusCode],
    ) -> Result<Value, DemoError> {
        self.requests += 1;
        let lost = |reason: String| DemoError::Unreachable {
            method: method.to_string(),
            path: path.to_owned(),
            reason,
        };
        let mut url = Url::parse(&format!("{}{path}", self.base)).map_err(|error| lost(error.to_string()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let bearer = format!("Bearer {}", self.token.expose_secret());
        let mut request =
            self.client.request(method.clone(), url).header(AUTHORIZATION, bearer).header(ACCEPT, SCIM);
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, SCIM).body(body.to_string());
        }
        let broken = |error: reqwest::Error| lost(error.without_url().to_string());
        let response = request.send().await.map_err(broken)?;
        let status = response.status();
        let text = response.text().await.map_err(broken)?;
        if !expected.contains(&status) {
            return Err(DemoError::answer(method.as_str(), path, status.as_u16(), &text));
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text)
            .map_err(|_| DemoError::answer(method.as_str(), path, status.as_u16(), &text))
    }
}
