//! What all pages share: language, addresses, headers.
//!
//! Invariant: no page may be framed, load anything from elsewhere, or send a form to an address that is not encrypted.

use std::borrow::Borrow;
use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use secrecy::ExposeSecret;

use super::super::sso::cookies::{self, Kind};
use super::super::{House, Problem};
use super::assets;
use crate::domain::days::Reading;
use crate::domain::language::{Language, Text};

/// What a template needs beside its own facts.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// The reader's language.
    pub(crate) language: Language,
    /// What stands before every path of ours; empty where Portvakt has a host of its own.
    base: String,
    is_https: bool,
}

impl Frame {
    /// A frame in `language`.
    pub(crate) fn new(house: &House, language: Language) -> Self {
        let address = &house.ports.settings.server.public_url;
        Self { language, base: address.path().to_owned(), is_https: address.is_https() }
    }

    /// The Swedish or the English text.
    pub(crate) fn t<'t>(&self, sv: &'t str, en: &'t str) -> &'t str {
        match self.language {
            Language::Sv => sv,
            Language::En => en,
        }
    }

    /// A text of the policy in the reader's language.
    pub(crate) fn text<'t>(&self, text: &'t Text) -> &'t str {
        text.get(self.language)
    }

    /// The address of a path of ours.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// `sv` or `en`.
    pub(crate) fn tag(&self) -> &'static str {
        self.language.tag()
    }

    /// The address of the stylesheet.
    pub(crate) fn stylesheet(&self) -> String {
        self.at(&assets::stylesheet_path())
    }

    /// The address of the mark.
    pub(crate) fn mark(&self) -> String {
        self.at(&assets::mark_path())
    }

    /// The address of the script that shortens the way; every page works without it.
    pub(crate) fn script(&self) -> String {
        self.at(&assets::script_path())
    }

    /// A sign of `icons.svg`, by its name without `i-`.
    pub(crate) fn icon(&self, name: &'static str) -> Icon {
        Icon { address: self.at(&assets::icons_path()), name }
    }

    /// What somebody wrote, in the quotes of the reader's language.
    pub(crate) fn quoted(&self, text: impl fmt::Display) -> String {
        match self.language {
            Language::Sv => format!("”{text}”"),
            Language::En => format!("“{text}”"),
        }
    }

    /// A number as the reader writes it: `12 345` in Swedish, `12,345` in English.
    pub(crate) fn number(&self, number: impl Borrow<usize>) -> String {
        let digits = number.borrow().to_string();
        let between = match self.language {
            Language::Sv => '\u{a0}',
            Language::En => ',',
        };
        let mut text = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(between);
            }
            text.push(digit);
        }
        text
    }

    /// A number with what it counts, in the form for one or for several.
    pub(crate) fn count(&self, number: usize, sv: [&str; 2], en: [&str; 2]) -> String {
        let [one, several] = match self.language {
            Language::Sv => sv,
            Language::En => en,
        };
        format!("{} {}", self.number(number), if number == 1 { one } else { several })
    }
}

/// A sign beside words that say the same; no reader is told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Icon {
    address: String,
    name: &'static str,
}

impl fmt::Display for Icon {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, name } = self;
        write!(f, "<svg class=\"i\" aria-hidden=\"true\"><use href=\"{address}#i-{name}\"/></svg>")
    }
}

// The address comes from the settings and the name from the program.
impl HtmlSafe for Icon {}

/// The language of a page: what was chosen in this browser, else the account's, else the browser's wish, else that of
/// the settings.
pub(crate) fn language(house: &House, headers: &HeaderMap, account: Option<Language>) -> Language {
    let chosen = cookies::read(house, headers, Kind::Language);
    let chosen = chosen.and_then(|tag| Language::from_tag(tag.expose_secret()));
    let wish = || headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok().and_then(Language::from_accept);
    chosen.or(account).or_else(wish).unwrap_or(house.ports.settings.language)
}

/// A date with the time of day, in the organisation's time zone.
pub(crate) fn instant(reading: &Reading, at: Timestamp) -> String {
    let zoned = at.to_zoned(reading.zone.clone());
    format!("{} {:02}:{:02}", reading.date(at), zoned.hour(), zoned.minute())
}

/// A page as an answer.
pub(crate) fn page(status: StatusCode, frame: &Frame, template: &impl Template) -> Response {
    let html = match template.render() {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(%error, "a page could not be written: {error}");
            return Problem::internal().into_response();
        }
    };
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(security(frame.is_https)));
    // A form's Origin is only told to ourselves under this policy; `no-referrer` would make it null.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(frame.language.tag()));
    response
}

/// The content security policy. Browsers hold a redirect after a form against `form-action`, and the sign-in and
/// sign-out forms end at the provider, whose further stations nobody knows: so any encrypted address.
const fn security(is_https: bool) -> &'static str {
    if is_https {
        "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self' https:"
    } else {
        "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; form-action 'self' https: http:"
    }
}
