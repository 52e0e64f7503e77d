//! What the clients need to know.
//!
//! Invariant: secrets go only to an https address, or to this machine.

use std::net::IpAddr;

use reqwest::Url;
use secrecy::SecretString;

use super::error::PullError;

/// How to reach Microsoft Graph.
#[derive(Debug, Clone)]
pub struct GraphSettings {
    /// Where tokens are given, `https://login.microsoftonline.com` as a rule.
    pub authority: Url,
    /// Where Graph is, `https://graph.microsoft.com` as a rule.
    pub base: Url,
    /// The tenant's id.
    pub tenant_id: String,
    /// The application's id.
    pub client_id: String,
    /// The application's secret.
    pub client_secret: SecretString,
}

/// How to reach an Okta organisation.
#[derive(Debug, Clone)]
pub struct OktaSettings {
    /// The organisation's own address.
    pub base: Url,
    /// The API token.
    pub token: SecretString,
}

/// Refuses an address that a secret must not be sent to.
pub(crate) fn check(what: &str, url: &Url) -> Result<(), PullError> {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_near = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_encrypted = url.scheme() == "https" || (url.scheme() == "http" && is_near);
    let is_plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if is_encrypted && is_plain && !host.is_empty() {
        return Ok(());
    }
    Err(PullError::Settings(format!(
        "{what}: the address must be https://host, or http on this machine, without user name, password or query"
    )))
}

/// `path` below `base`, whether or not that ends with a slash.
pub(crate) fn below(base: &Url, path: &str) -> Result<Url, PullError> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|error| PullError::Settings(format!("{path}: {error}")))
}
