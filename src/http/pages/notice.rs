//! A page that says one thing: what happened, what to do, where to go.
//!
//! Invariant: what is wrong inside goes to the log and not on the page; the page names the request instead.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::super::{House, Problem, RequestId};
use super::frame::{Frame, language, page};
use crate::domain::policy::Contact;
use crate::flows::Refusal;

/// A way on from a page.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// Where.
    pub(crate) address: String,
    /// In words.
    pub(crate) words: String,
}

/// What a page with one message says.
#[derive(Debug, Clone, Template)]
#[template(path = "pages/notice.html")]
pub(crate) struct Notice {
    /// Language and addresses.
    pub(crate) frame: Frame,
    /// `ok`, `warn` or `bad`.
    pub(crate) tone: &'static str,
    /// The heading.
    pub(crate) title: &'static str,
    /// What happened and what to do, a paragraph each.
    pub(crate) paragraphs: Vec<String>,
    /// Whom to contact.
    pub(crate) contact: Option<Contact>,
    /// What to mention then.
    pub(crate) reference: Option<String>,
    /// The main way on.
    pub(crate) link: Option<Link>,
}

impl Notice {
    /// A page with nothing but its heading.
    pub(crate) fn new(frame: Frame, tone: &'static str, sv: &'static str, en: &'static str) -> Self {
        let title = frame.t(sv, en);
        Self { frame, tone, title, paragraphs: Vec::new(), contact: None, reference: None, link: None }
    }

    /// With one more paragraph.
    pub(crate) fn say(mut self, sv: &str, en: &str) -> Self {
        let text = self.frame.t(sv, en).to_owned();
        self.paragraphs.push(text);
        self
    }

    /// With a way on.
    pub(crate) fn lead(mut self, address: String, sv: &str, en: &str) -> Self {
        let words = self.frame.t(sv, en).to_owned();
        self.link = Some(Link { address, words });
        self
    }

    /// The page as an answer.
    pub(crate) fn answer(&self, status: StatusCode) -> Response {
        page(status, &self.frame, self)
    }
}

/// A page for something that failed inside.
pub(crate) fn trouble(house: &House, headers: &HeaderMap, id: &RequestId, refusal: Refusal) -> Response {
    let problem = Problem::from(refusal);
    let frame = Frame::new(house, language(house, headers, None));
    let mut notice = Notice::new(frame, "warn", "Något gick fel hos oss", "Something went wrong on our side")
        .say(
            "Ingenting har ändrats. Försök igen om en stund.",
            "Nothing has been changed. Try again in a while.",
        );
    notice.reference = Some(id.0.clone()).filter(|id| !id.is_empty());
    let mut response = notice.answer(problem.status);
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
    }
    response
}
