//! Where a browser may be sent after sign-in or logout: nowhere but here.
//!
//! Invariant: a [`LocalPath`] stays on this host in every browser, also after
//! somebody on the way has decoded it once more.

use std::fmt;

/// Longest address taken, in bytes.
const LONGEST: usize = 2_048;

/// A path on this host, perhaps with a query, safe in a `Location` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    /// The path with its query.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its query, to look up in a list of allowed ones.
    #[must_use]
    pub fn path(&self) -> &str {
        self.0.split_once('?').map_or(&self.0, |(path, _)| path)
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `text` as a local path, or nothing if a browser could be led elsewhere.
///
/// The path is plain: one leading slash, no empty or dotted segments, no
/// backslash, and no encoded slash, backslash, dot, percent or control
/// character. The query may hold encoded addresses, but no control characters.
#[must_use]
pub fn local_path(text: &str) -> Option<LocalPath> {
    if text.len() > LONGEST {
        return None;
    }
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    let is_local = path.starts_with('/')
        && has_plain_segments(path)
        && is_well_encoded(path, is_path_byte, may_be_hidden_in_path);
    let has_safe_query =
        query.is_none_or(|query| is_well_encoded(query, is_query_byte, |byte| !byte.is_ascii_control()));
    (is_local && has_safe_query).then(|| LocalPath(text.to_owned()))
}

/// No `//`, `/./` or `/../`; a single slash at the end is fine.
fn has_plain_segments(path: &str) -> bool {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    path == "/" || inner.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

/// Every byte is `plain`, or encoded as `%XX` and then `hidden` may stand there.
fn is_well_encoded(text: &str, plain: fn(u8) -> bool, hidden: fn(u8) -> bool) -> bool {
    let mut pieces = text.split('%');
    let first = pieces.next().unwrap_or_default();
    first.bytes().all(plain)
        && pieces.all(|piece| {
            let code = piece.get(..2).filter(|code| code.bytes().all(|byte| byte.is_ascii_hexdigit()));
            let byte = code.and_then(|code| u8::from_str_radix(code, 16).ok());
            byte.is_some_and(hidden) && piece.bytes().skip(2).all(plain)
        })
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte)
}

fn is_query_byte(byte: u8) -> bool {
    is_path_byte(byte) || byte == b'?'
}

fn may_be_hidden_in_path(byte: u8) -> bool {
    !byte.is_ascii_control() && !b"/\\.%?#".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_on_this_host_is_taken_as_it_is() {
        for text in [
            "/",
            "/konton",
            "/konton/",
            "/konton/0190-aa?flik=roller&sida=2",
            "/s%C3%B6k?q=%C3%A5%20%C3%A4",
            "/oauth2/authorize?client_id=crm&redirect_uri=https%3A%2F%2Fcrm.example%2Fcallback&scope=openid+email",
            "/oauth2/authorize?redirect_uri=https://crm.example/callback",
            "/a.b/c-d_e~f",
            "/?next=/konton",
        ] {
            assert_eq!(local_path(text).as_ref().map(LocalPath::as_str), Some(text));
        }
    }

    #[test]
    fn nothing_that_could_lead_elsewhere_is_taken() {
        let payloads = [
            "",
            "konton",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/\\/evil.example",
            "https://evil.example",
            "HTTPS:evil.example",
            "https:/evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.example/%2f..",
            "/%2fevil.example",
            "/%2Fevil.example",
            "/%5cevil.example",
            "/%5Cevil.example",
            "/%252fevil.example",
            "%2f%2fevil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/../evil",
            "/a/../../evil",
            "/%2e%2e/evil",
            "/a//evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/%09/evil.example",
            "/%0d%0aLocation:%20https://evil.example",
            "/a\r\nSet-Cookie: x=1",
            "/a?b=%0d%0aSet-Cookie:x",
            "/a?b=\u{0}",
            "/%00",
            "/\u{ff0f}evil.example",
            "/\u{2215}evil.example",
            "/\u{202e}elpmaxe",
            "/a#//evil.example",
            "/a%",
            "/a%2",
            "/a%zz",
            "/a%+1",
            "/a?b=%",
            "/<script>",
            "/a?\"onload=",
            "@evil.example",
            "/a/%2e/b",
            "/a%3f//evil.example",
        ];
        assert!(payloads.len() >= 30);
        for text in payloads {
            assert_eq!(local_path(text), None, "{text:?}");
        }
        assert_eq!(local_path(&format!("/{}", "a".repeat(LONGEST))), None);
    }

    #[test]
    fn the_path_is_told_apart_from_its_query() {
        assert_eq!(local_path("/oauth2/authorize?a=b?c").unwrap().path(), "/oauth2/authorize");
        assert_eq!(local_path("/konton").unwrap().path(), "/konton");
    }
}
