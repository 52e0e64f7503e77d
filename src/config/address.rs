//! Web addresses, and which of them may be spoken to without encryption.
//!
//! Invariant: an address that was taken has a host, carries no password, and is https unless it
//! stays on this machine or its key allows otherwise.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use reqwest::Url;

use super::mistake::Problem;

/// The address under which browsers and identity providers see Portvakt; without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads an address: https, or http on this machine only.
    ///
    /// # Errors
    ///
    /// A sentence about what is wrong and how to mend it.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|problem| format!("{}: {}", problem.what, problem.fix))
    }

    pub(crate) fn read(text: &str) -> Result<Self, Problem> {
        let url = encrypted(text)?;
        if url.query().is_some() {
            return Err(Problem::new(
                format!("{text:?} has a query"),
                "end the address before the question mark",
            ));
        }
        Ok(Self(url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of `path`, which begins with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The path before every path of ours; empty where Portvakt has a host of its own.
    #[must_use]
    pub fn path(&self) -> &str {
        let after = self.0.split_once("://").map_or("", |(_, after)| after);
        after.find('/').and_then(|at| after.get(at..)).unwrap_or_default()
    }

    /// Scheme, host and port, as a browser writes them in `Origin` (RFC 6454 §6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        self.0.strip_suffix(self.path()).unwrap_or(&self.0)
    }

    /// Whether it names this machine itself, which nobody else can reach.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_loopback(&url))
    }

    /// Whether it names, by number, this machine or one that the internet cannot reach.
    #[must_use]
    pub fn is_private(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| is_private(&url))
    }

    /// Whether it is https, so that cookies can be marked `Secure`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads an http or https address.
pub(crate) fn web(text: &str) -> Result<Url, Problem> {
    const FIX: &str = "write it whole: https://host/path";
    let url =
        Url::parse(text).map_err(|error| Problem::new(format!("{text:?} is no address: {error}"), FIX))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
        return Err(Problem::new(format!("{text:?} is no web address"), FIX));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Problem::new(
            "the address holds a user name or a password",
            "leave them out of the address",
        ));
    }
    if url.fragment().is_some() {
        return Err(Problem::new(format!("{text:?} has a fragment"), "end the address before the #"));
    }
    Ok(url)
}

/// Reads an address that is https, or http on this machine only.
pub(crate) fn encrypted(text: &str) -> Result<Url, Problem> {
    let url = web(text)?;
    if url.scheme() == "https" || is_loopback(&url) {
        return Ok(url);
    }
    let host = url.host_str().unwrap_or_default();
    Err(Problem::new(
        format!("{text:?} is plain http on a host that is not this machine"),
        format!("use https://{host} (plain http is taken only for 127.0.0.1, [::1] and localhost)"),
    ))
}

/// Whether the address names this machine itself.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let named = host == "localhost" || host.ends_with(".localhost");
    named || ip(url).is_some_and(|ip| ip.is_loopback())
}

/// Whether the address names, by number, this machine or one that the internet cannot reach.
pub(crate) fn is_private(url: &Url) -> bool {
    is_loopback(url)
        || ip(url).is_some_and(|ip| match ip {
            IpAddr::V4(ip) => {
                let [first, second, ..] = ip.octets();
                let is_shared = first == 100 && (64..128).contains(&second);
                ip.is_private() || ip.is_link_local() || ip.is_unspecified() || is_shared
            }
            IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified(),
        })
}

fn ip(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    match host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')) {
        Some(inner) => inner.parse::<Ipv6Addr>().ok().map(|ip| IpAddr::V6(ip).to_canonical()),
        None => host.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_loses_its_last_slash_and_keeps_its_path() {
        assert_eq!(
            PublicUrl::parse("https://Portvakt.example/").unwrap().as_str(),
            "https://portvakt.example"
        );
        let below = PublicUrl::parse("https://a.example/gate/").unwrap();
        assert_eq!(below.join("/sso/callback"), "https://a.example/gate/sso/callback");
    }

    #[test]
    fn plain_http_is_taken_on_this_machine_only() {
        for good in ["http://127.0.0.1:8080", "http://[::1]:8080", "http://localhost:1", "http://a.localhost"]
        {
            assert!(PublicUrl::parse(good).is_ok(), "{good} was refused");
        }
        for bad in
            ["http://portvakt.example", "http://10.0.0.1", "http://localhost.example", "ftp://a.example"]
        {
            assert!(PublicUrl::parse(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn every_spelling_of_a_private_address_is_recognised() {
        for private in
            ["http://10.1.2.3", "http://0x7f000001", "http://[::ffff:10.0.0.1]", "http://169.254.169.254"]
        {
            assert!(is_private(&web(private).unwrap()), "{private}");
        }
        assert!(!is_private(&web("https://crm.example").unwrap()));
    }
}
