//! The stylesheet and the mark.
//!
//! Invariant: the address holds a hash of the content, so that a browser keeps a file for a year and never an old one.

use std::sync::LazyLock;

use axum::extract::RawQuery;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

const STYLESHEET: &str = include_str!("portvakt.css");
const MARK: &str = include_str!("mark.svg");

static STYLESHEET_VERSION: LazyLock<String> = LazyLock::new(|| version(STYLESHEET));
static MARK_VERSION: LazyLock<String> = LazyLock::new(|| version(MARK));

/// The beginning of the content's SHA-256, 12 characters of base64url.
fn version(content: &str) -> String {
    let mut text = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(content));
    text.truncate(12);
    text
}

/// The path of the stylesheet, with its version.
pub(super) fn stylesheet_path() -> String {
    format!("/assets/portvakt.css?v={}", *STYLESHEET_VERSION)
}

/// The path of the mark, with its version.
pub(super) fn mark_path() -> String {
    format!("/assets/mark.svg?v={}", *MARK_VERSION)
}

/// `GET /assets/portvakt.css`.
pub(super) async fn stylesheet(RawQuery(query): RawQuery) -> impl IntoResponse {
    file("text/css; charset=utf-8", STYLESHEET, query.as_deref(), &STYLESHEET_VERSION)
}

/// `GET /assets/mark.svg`.
pub(super) async fn mark(RawQuery(query): RawQuery) -> impl IntoResponse {
    file("image/svg+xml", MARK, query.as_deref(), &MARK_VERSION)
}

fn file(
    kind: &'static str,
    content: &'static str,
    query: Option<&str>,
    version: &str,
) -> ([(HeaderName, &'static str); 2], &'static str) {
    let is_named = query.and_then(|query| query.strip_prefix("v=")) == Some(version);
    let keep = if is_named { "public, max-age=31536000, immutable" } else { "public, max-age=60" };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, keep)], content)
}
