//! The files of the pages: the stylesheet, the mark, the signs, and the script.
//!
//! Invariant: the address holds a hash of the content, so that a browser keeps a file for a year and never an old one.
//! Nothing is fetched from elsewhere.
//!
//! `htmx.min.js` is htmx 2.0.11 as its authors publish it (htmx.org, Zero-Clause BSD: no notice is asked for).

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

static STYLESHEET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("text/css; charset=utf-8", include_str!("portvakt.css")));
static MARK: LazyLock<Asset> = LazyLock::new(|| Asset::new("image/svg+xml", include_str!("mark.svg")));
static ICONS: LazyLock<Asset> = LazyLock::new(|| Asset::new("image/svg+xml", include_str!("icons.svg")));
static SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("text/javascript; charset=utf-8", include_str!("../admin/htmx.min.js")));

/// A file, as it is sent.
struct Asset {
    kind: &'static str,
    content: &'static str,
    /// The same for browsers that take gzip; nothing where that is no shorter.
    packed: Option<Vec<u8>>,
    /// The beginning of the content's SHA-256, 12 characters of base64url.
    version: String,
}

impl Asset {
    fn new(kind: &'static str, content: &'static str) -> Self {
        let mut version = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(content));
        version.truncate(12);
        Self { kind, content, packed: packed(content), version }
    }

    fn answer(&self, headers: &HeaderMap, query: Option<&str>) -> Response {
        let is_named = query.and_then(|query| query.strip_prefix("v=")) == Some(self.version.as_str());
        let keep = if is_named { "public, max-age=31536000, immutable" } else { "public, max-age=60" };
        let takes = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        let packed = self.packed.as_ref().filter(|_| takes.is_some_and(takes_gzip));
        let mut response = match packed {
            Some(packed) => packed.clone().into_response(),
            None => self.content.into_response(),
        };
        let answer = response.headers_mut();
        answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if packed.is_some() {
            answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        response
    }
}

fn packed(content: &str) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content.as_bytes()).ok()?;
    encoder.finish().ok().filter(|packed| packed.len() < content.len())
}

/// Whether an `Accept-Encoding` (RFC 9110 §12.5.3) names gzip and does not refuse it.
fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let is_refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32));
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

/// The path of the stylesheet, with its version.
pub(super) fn stylesheet_path() -> String {
    format!("/assets/portvakt.css?v={}", STYLESHEET.version)
}

/// The path of the mark, with its version.
pub(super) fn mark_path() -> String {
    format!("/assets/mark.svg?v={}", MARK.version)
}

/// The path of the signs, with its version.
pub(super) fn icons_path() -> String {
    format!("/assets/icons.svg?v={}", ICONS.version)
}

/// The path of the script, with its version.
pub(super) fn script_path() -> String {
    format!("/assets/htmx.js?v={}", SCRIPT.version)
}

/// `GET /assets/portvakt.css`.
pub(super) async fn stylesheet(headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    STYLESHEET.answer(&headers, query.as_deref())
}

/// `GET /assets/mark.svg`.
pub(super) async fn mark(headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    MARK.answer(&headers, query.as_deref())
}

/// `GET /assets/icons.svg`.
pub(super) async fn icons(headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    ICONS.answer(&headers, query.as_deref())
}

/// `GET /assets/htmx.js`.
pub(super) async fn script(headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    SCRIPT.answer(&headers, query.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_to_whoever_takes_it() {
        assert!(takes_gzip("gzip, deflate, br") && takes_gzip("br;q=1.0, GZIP;q=0.5"));
        assert!(!takes_gzip("gzip;q=0, br") && !takes_gzip("identity") && !takes_gzip(""));
        assert!(SCRIPT.packed.as_ref().unwrap().len() < 20_000);
    }
}
