//! The cookies: the session, and those that tie a sign-in under way, or an invitation, to its browser.
//!
//! Invariant: over https both bear the prefix `__Host-` (RFC 6265bis §4.1.3.2), so that no other host can set them;
//! plain http is only for one's own machine.

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::cookie::CookieJar;
use secrecy::{ExposeSecret, SecretString};

use super::super::House;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The session; the browser drops it when it closes.
    Session,
    /// A sign-in under way; ten minutes.
    Login,
    /// An invitation that was opened; fifteen minutes.
    Invite,
}

impl Kind {
    const fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-portvakt",
            (Self::Session, false) => "portvakt",
            (Self::Login, true) => "__Host-portvakt-login",
            (Self::Login, false) => "portvakt-login",
            (Self::Invite, true) => "__Host-portvakt-invite",
            (Self::Invite, false) => "portvakt-invite",
        }
    }

    const fn life(self) -> &'static str {
        match self {
            Self::Session => "",
            Self::Login => "; Max-Age=600",
            Self::Invite => "; Max-Age=900",
        }
    }
}

fn is_https(house: &House) -> bool {
    house.ports.settings.server.public_url.is_https()
}

/// What the browser brought.
pub(super) fn read(house: &House, headers: &HeaderMap, kind: Kind) -> Option<SecretString> {
    let jar = CookieJar::from_headers(headers);
    jar.get(kind.name(is_https(house))).map(|cookie| SecretString::from(cookie.value()))
}

/// `Set-Cookie` that gives the browser a secret.
pub(super) fn give(house: &House, kind: Kind, secret: &SecretString) -> Option<HeaderValue> {
    written(house, kind, secret.expose_secret(), kind.life())
}

/// `Set-Cookie` that takes it back.
pub(super) fn take(house: &House, kind: Kind) -> Option<HeaderValue> {
    written(house, kind, "", "; Max-Age=0")
}

/// Nothing where the value cannot stand in a header; ours always can.
fn written(house: &House, kind: Kind, value: &str, life: &str) -> Option<HeaderValue> {
    let is_https = is_https(house);
    let secure = if is_https { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}", kind.name(is_https));
    let mut header = HeaderValue::try_from(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
