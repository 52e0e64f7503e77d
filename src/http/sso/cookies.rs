//! The cookies: the session, those that tie sign-ins under way or an invitation to their browser, the language that was
//! chosen, and the note of what was just done.
//!
//! Invariant: over https both bear the prefix `__Host-` (RFC 6265bis §4.1.3.2), so that no other host can set them;
//! plain http is only for one's own machine.

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::cookie::CookieJar;
use secrecy::{ExposeSecret, SecretString};

use super::super::House;
use crate::flows::sign_in::Ticket;

/// More tickets than this are not looked at.
const MOST_TICKETS: usize = 32;

/// Which cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The session; the browser drops it when it closes.
    Session,
    /// An invitation that was opened; fifteen minutes.
    Invite,
    /// What was just done, marked by us, until the next page has told it.
    Note,
    /// The language that somebody chose in this browser; a year.
    Language,
}

impl Kind {
    const fn name(self, is_https: bool) -> &'static str {
        match (self, is_https) {
            (Self::Session, true) => "__Host-portvakt",
            (Self::Session, false) => "portvakt",
            (Self::Invite, true) => "__Host-portvakt-invite",
            (Self::Invite, false) => "portvakt-invite",
            (Self::Note, true) => "__Host-portvakt-note",
            (Self::Note, false) => "portvakt-note",
            (Self::Language, true) => "__Host-portvakt-language",
            (Self::Language, false) => "portvakt-language",
        }
    }

    const fn life(self) -> &'static str {
        match self {
            Self::Session => "",
            Self::Invite => "; Max-Age=900",
            Self::Note => "; Max-Age=60",
            Self::Language => "; Max-Age=31536000",
        }
    }
}

fn is_https(house: &House) -> bool {
    house.ports.settings.server.public_url.is_https()
}

/// What the browser brought.
pub(crate) fn read(house: &House, headers: &HeaderMap, kind: Kind) -> Option<SecretString> {
    let jar = CookieJar::from_headers(headers);
    jar.get(kind.name(is_https(house))).map(|cookie| SecretString::from(cookie.value()))
}

/// `Set-Cookie` that gives the browser a secret.
pub(crate) fn give(house: &House, kind: Kind, secret: &SecretString) -> Option<HeaderValue> {
    written(house, kind.name(is_https(house)), secret.expose_secret(), kind.life())
}

/// `Set-Cookie` that takes it back.
pub(crate) fn take(house: &House, kind: Kind) -> Option<HeaderValue> {
    written(house, kind.name(is_https(house)), "", "; Max-Age=0")
}

/// What a cookie's name begins with that keeps a sign-in under way; the ticket's own name follows. Each lives ten
/// minutes.
const fn login(is_https: bool) -> &'static str {
    if is_https { "__Host-portvakt-login-" } else { "portvakt-login-" }
}

/// The sign-ins under way that the browser keeps.
pub(super) fn tickets(house: &House, headers: &HeaderMap) -> Vec<Ticket> {
    let prefix = login(is_https(house));
    let is_name =
        |name: &str| !name.is_empty() && name.len() <= 16 && name.bytes().all(|b| b.is_ascii_alphanumeric());
    CookieJar::from_headers(headers)
        .iter()
        .filter_map(|cookie| Some((cookie.name().strip_prefix(prefix)?, cookie.value())))
        .filter(|(name, _)| is_name(name))
        .take(MOST_TICKETS)
        .map(|(name, sealed)| Ticket { name: name.to_owned(), sealed: SecretString::from(sealed) })
        .collect()
}

/// `Set-Cookie` that lets the browser keep a sign-in under way.
pub(super) fn keep(house: &House, ticket: &Ticket) -> Option<HeaderValue> {
    let name = format!("{}{}", login(is_https(house)), ticket.name);
    written(house, &name, ticket.sealed.expose_secret(), "; Max-Age=600")
}

/// `Set-Cookie` that takes the ticket of this name back.
pub(super) fn take_ticket(house: &House, name: &str) -> Option<HeaderValue> {
    written(house, &format!("{}{name}", login(is_https(house))), "", "; Max-Age=0")
}

/// Nothing where the value cannot stand in a header; ours always can.
fn written(house: &House, name: &str, value: &str, life: &str) -> Option<HeaderValue> {
    let secure = if is_https(house) { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{life}");
    let mut header = HeaderValue::try_from(text).ok()?;
    header.set_sensitive(true);
    Some(header)
}
