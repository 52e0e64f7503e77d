//! Under which of its addresses a browser sees Portvakt, and where it came from.
//!
//! Invariant: a request only chooses among the addresses of the settings; nothing that it says becomes an address.

use crate::config::PublicUrl;
use crate::flows::Ports;

/// The address whose host the browser names; the public one for any other host.
#[must_use]
pub fn seen_at<'p>(ports: &'p Ports, host: Option<&str>) -> &'p PublicUrl {
    let server = &ports.settings.server;
    let is_meant =
        |address: &&PublicUrl| host.is_some_and(|host| host_of(address).eq_ignore_ascii_case(host));
    server.also_at.iter().find(is_meant).unwrap_or(&server.public_url)
}

/// Whether a browser's `Origin` is that of one of our own pages, seen at this host.
#[must_use]
pub fn is_ours(ports: &Ports, host: Option<&str>, origin: &str) -> bool {
    seen_at(ports, host).origin() == origin
}

/// The path and query of an address that a proxy says somebody came from: whole and of one of our hosts, or a path.
#[must_use]
pub fn came_from<'a>(ports: &Ports, address: &'a str) -> Option<&'a str> {
    if address.starts_with('/') {
        return Some(address);
    }
    let (scheme, rest) = address.split_once("://")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = rest.split_at_checked(end)?;
    let server = &ports.settings.server;
    let is_known = std::iter::once(&server.public_url).chain(&server.also_at).any(|known| {
        known.origin().split_once("://").is_some_and(|(known_scheme, known_host)| {
            known_scheme.eq_ignore_ascii_case(scheme) && known_host.eq_ignore_ascii_case(host)
        })
    });
    is_known.then_some(if path.starts_with('/') { path } else { "/" })
}

fn host_of(address: &PublicUrl) -> &str {
    address.origin().split_once("://").map_or("", |(_, host)| host)
}
