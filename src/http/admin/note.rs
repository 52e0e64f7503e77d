//! The one banner of a page: what was just done, or what stands in the way.
//!
//! Invariant: a note that travels from the act to the next page bears our mark, is told once, and can be made by nobody
//! else.

use axum::http::{HeaderMap, HeaderValue};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};

use super::super::House;
use super::super::sso::cookies::{self, Kind};
use crate::flows::session::mark::{Purpose, is_mark, mark};

/// More is not put into a cookie, in bytes.
const LONGEST: usize = 1_500;

/// What a banner says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Note {
    /// `ok`, `warn`, `bad`, or nothing for what is merely good to know.
    pub(crate) tone: &'static str,
    /// What happened, in one sentence without a full stop.
    pub(crate) title: String,
    /// What it means, or what to do now.
    pub(crate) text: String,
}

impl Note {
    /// It is done.
    pub(crate) fn done(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tone: "ok", title: title.into(), text: text.into() }
    }

    /// It is done, or not, and somebody must look.
    pub(crate) fn warning(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tone: "warn", title: title.into(), text: text.into() }
    }

    /// It was not done.
    pub(crate) fn refused(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tone: "bad", title: title.into(), text: text.into() }
    }

    /// The sign that stands before it.
    pub(crate) fn icon(&self) -> &'static str {
        match self.tone {
            "ok" => "check",
            "warn" => "warn",
            "bad" => "stop",
            _ => "info",
        }
    }

    /// `Set-Cookie` that lets the next page tell it.
    pub(super) fn travel(&self, house: &House, session: &SecretString) -> Option<HeaderValue> {
        let whole = format!("{}\n{}\n{}", self.tone, self.title.replace('\n', " "), self.text);
        let text: String = whole.chars().scan(0, within).collect();
        let mark = mark(session, Purpose::Note, &text);
        let sealed = format!("{}.{mark}", BASE64_URL_SAFE_NO_PAD.encode(text));
        cookies::give(house, Kind::Note, &sealed.into())
    }

    /// The note that the browser brought.
    pub(super) fn arrived(house: &House, headers: &HeaderMap, session: &SecretString) -> Option<Self> {
        let sealed = cookies::read(house, headers, Kind::Note)?;
        let (text, shown) = sealed.expose_secret().split_once('.')?;
        let text = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        if !is_mark(session, Purpose::Note, &text, shown) {
            return None;
        }
        let mut lines = text.splitn(3, '\n');
        let tone = lines.next()?;
        let tone = ["ok", "warn", "bad", ""].into_iter().find(|known| *known == tone)?;
        let (title, text) = (lines.next()?.to_owned(), lines.next()?.to_owned());
        Some(Self { tone, title, text })
    }

    /// `Set-Cookie` once it is told.
    pub(super) fn told(house: &House) -> Option<HeaderValue> {
        cookies::take(house, Kind::Note)
    }
}

/// The sign, as long as there is room for it.
fn within(taken: &mut usize, sign: char) -> Option<char> {
    *taken += sign.len_utf8();
    (*taken <= LONGEST).then_some(sign)
}
