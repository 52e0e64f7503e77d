//! What a proxy in front says of the browser's own request: nginx in `X-Original-*`, Traefik and Caddy in
//! `X-Forwarded-*`.
//!
//! Invariant: it decides nothing but which of our hosts is meant and which local path the browser goes back to.

use axum::http::{HeaderMap, HeaderName, header};

use super::super::House;
use crate::flows::sign_in;

/// The host that the browser named.
pub(super) fn host(headers: &HeaderMap) -> Option<&str> {
    let forwarded = text(headers, &HeaderName::from_static("x-forwarded-host"));
    forwarded.or_else(|| text(headers, &header::HOST)).map(str::trim)
}

/// The path and query that the browser asked for and was not let in to; nothing where it sent something there, for it
/// would come back without it.
pub(super) fn wanted(house: &House, headers: &HeaderMap) -> Option<String> {
    let methods = ["x-original-method", "x-forwarded-method"];
    let is_looking = methods
        .iter()
        .filter_map(|name| text(headers, &HeaderName::from_static(name)))
        .all(|method| matches!(method, "GET" | "HEAD"));
    let addresses = ["x-original-url", "x-original-uri", "x-forwarded-uri"];
    let address = addresses.iter().find_map(|name| text(headers, &HeaderName::from_static(name)))?;
    let path = sign_in::came_from(&house.ports, address)?;
    is_looking.then(|| path.to_owned())
}

/// Whether a browser goes somewhere, as opposed to a script that asks for something. One that does not say may be
/// going.
pub(super) fn is_going(headers: &HeaderMap) -> bool {
    text(headers, &HeaderName::from_static("sec-fetch-mode")).is_none_or(|mode| mode == "navigate")
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok().filter(|text| !text.is_empty())
}
