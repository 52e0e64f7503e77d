//! The parts that pages are put together from, each a small template with what it needs.
//!
//! Invariant: a part escapes what it is given. So a page may write it with `{{ part }}` and nothing else.

mod chart;
mod choices;
mod decide;
mod list;

use askama::Template;
use askama::filters::HtmlSafe;

use super::super::pages::{Frame, Icon};
use crate::domain::account::Status;

pub(crate) use chart::{Bar, Bars, Plot};
pub(crate) use choices::{Choice, Choices, status};
pub(crate) use decide::{Decide, Input};
pub(crate) use list::{Chip, Chips, Export, Head, HeadCell, Pager, Picker, Sort, Tick};

/// A link in the head of a page: a tab, or something to do.
#[derive(Debug)]
pub(crate) struct Way {
    /// Where it leads.
    pub(crate) address: String,
    /// Its sign.
    pub(crate) icon: Icon,
    /// Its name.
    pub(crate) words: &'static str,
    /// Whether the page is that.
    pub(crate) is_here: bool,
}

/// A short word with a sign: how something stands. The ordinary is a dot and a word.
#[derive(Debug, Clone, Template)]
#[template(source = "<span class=\"pill {{ tone }}\">{{ icon }}{{ words }}</span>", ext = "html")]
pub(crate) struct Pill {
    tone: &'static str,
    icon: Icon,
    words: String,
}

impl HtmlSafe for Pill {}

impl Pill {
    /// A pill: `ok`, `warn`, `bad`, `rest`, `cold`, or nothing for what is over or waits.
    pub(crate) fn new(
        frame: &Frame,
        tone: &'static str,
        icon: &'static str,
        words: impl Into<String>,
    ) -> Self {
        Self { tone, icon: frame.icon(icon), words: words.into() }
    }

    /// How an account stands.
    pub(crate) fn status(frame: &Frame, status: Status) -> Self {
        let (tone, icon) = match status {
            Status::Invited => ("rest", "ring"),
            Status::Active => ("active", "dot"),
            Status::Paused => ("rest", "pause"),
            Status::Frozen => ("cold", "snow"),
            Status::Deactivated => ("", "slash"),
            Status::Removed => ("", "x"),
        };
        Self::new(frame, tone, icon, status_words(frame, status))
    }
}

/// The state of an account in words.
pub(crate) fn status_words(frame: &Frame, status: Status) -> &'static str {
    match status {
        Status::Invited => frame.t("Inbjuden", "Invited"),
        Status::Active => frame.t("Aktiv", "Active"),
        Status::Paused => frame.t("Pausad", "On leave"),
        Status::Frozen => frame.t("Fryst", "Frozen"),
        Status::Deactivated => frame.t("Avaktiverad", "Deactivated"),
        Status::Removed => frame.t("Borttagen", "Removed"),
    }
}

/// A list that is empty: why, and what to do.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/empty.html")]
pub(crate) struct Empty {
    /// What there is not.
    pub(crate) title: String,
    /// Why.
    pub(crate) text: String,
    /// What to do: address and words.
    pub(crate) way: Option<(String, &'static str)>,
}

impl HtmlSafe for Empty {}

/// One key figure.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    /// The number.
    pub(crate) number: String,
    /// What it counts.
    pub(crate) words: &'static str,
    /// More about it.
    pub(crate) small: String,
    /// The very list that it counted.
    pub(crate) address: Option<String>,
}

/// Key figures beside each other.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/figures.html")]
pub(crate) struct Figures {
    /// What they are, for those who do not see them.
    pub(crate) label: &'static str,
    /// The figures.
    pub(crate) figures: Vec<Figure>,
}

impl HtmlSafe for Figures {}

/// One event of a time line.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// `ok`, `warn`, `bad`, `rest`, `cold`, or nothing.
    pub(crate) tone: &'static str,
    /// When, as programs read it.
    pub(crate) datetime: String,
    /// When, as people read it.
    pub(crate) when: String,
    /// What.
    pub(crate) what: String,
    /// More about it.
    pub(crate) text: String,
}

/// Events, the newest first.
#[derive(Debug, Clone, Template)]
#[template(path = "admin/parts/timeline.html")]
pub(crate) struct Timeline {
    /// The events.
    pub(crate) events: Vec<Event>,
}

impl HtmlSafe for Timeline {}
