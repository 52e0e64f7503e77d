//! What all pages share: language, addresses, headers.
//!
//! Invariant: no page may be framed, load anything from elsewhere, or send a form to an address that is not encrypted.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

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
}

/// The language of a page: the account's, else the browser's wish, else that of the settings.
pub(crate) fn language(house: &House, headers: &HeaderMap, account: Option<Language>) -> Language {
    let wish = || headers.get(header::ACCEPT_LANGUAGE)?.to_str().ok().and_then(Language::from_accept);
    account.or_else(wish).unwrap_or(house.ports.settings.language)
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
