//! What every page of the console has around it: the menu, the languages, who is signed in, the one banner.
//!
//! Invariant: the menu holds only what there is, and numbers only what waits.

use std::ops::Deref;

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::Response;
use jiff::Timestamp;

use super::super::pages::{Frame, instant, page};
use super::menu::{Place, Section};
use super::{ConsolePerson, Note};
use crate::domain::days::Reading;
use crate::domain::language::Language;
use crate::domain::policy::Console;
use crate::flows::console::waiting::{self, Waiting};

/// What a template of the console needs beside its own facts. It is a [`Frame`] too: `frame.t("…", "…")`.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    frame: Frame,
    reading: Reading,
    /// The name of who is signed in.
    pub(crate) name: String,
    /// What they may do here.
    pub(crate) right: &'static str,
    /// Whether they may change anything but what waits for an answer.
    pub(crate) may_change: bool,
    /// The menu, in its parts.
    pub(crate) menu: Vec<Vec<Section>>,
    /// The mark that every form carries: `<input type="hidden" name="token" value="…">`.
    pub(crate) token: String,
    /// The one banner.
    pub(crate) note: Option<Note>,
    /// The way to the same page in the other language.
    pub(crate) switch: String,
}

impl Desk {
    /// The other language's tag.
    pub(crate) fn other_tag(&self) -> &'static str {
        self.other().tag()
    }

    /// The other language, in its own words.
    pub(crate) fn other_name(&self) -> &'static str {
        match self.other() {
            Language::Sv => "Svenska",
            Language::En => "English",
        }
    }

    const fn other(&self) -> Language {
        match self.frame.language {
            Language::Sv => Language::En,
            Language::En => Language::Sv,
        }
    }

    /// The date of an instant: 2025-10-07 in Swedish, 7 Oct 2025 in English.
    pub(crate) fn day(&self, at: Timestamp) -> String {
        self.reading.date(at)
    }

    /// The last day before an end.
    pub(crate) fn last_day(&self, end: Timestamp) -> String {
        self.reading.last_day_before(end)
    }

    /// An instant with its time of day; only the time, where it is today.
    pub(crate) fn when(&self, at: Timestamp) -> String {
        let whole = instant(&self.reading, at);
        let time = whole.rsplit(' ').next().unwrap_or_default();
        let day = |at: Timestamp| at.to_zoned(self.reading.zone.clone()).date();
        let (then, now) = (day(at), day(self.reading.now));
        if then == now {
            format!("{} {time}", self.t("i dag", "today"))
        } else if now.yesterday().ok() == Some(then) {
            format!("{} {time}", self.t("i går", "yesterday"))
        } else if now.tomorrow().ok() == Some(then) {
            format!("{} {time}", self.t("i morgon", "tomorrow"))
        } else {
            whole
        }
    }

    /// How dates are told.
    pub(crate) const fn reading(&self) -> &Reading {
        &self.reading
    }

    /// Microseconds since 1970, for forms that remember when they were made.
    pub(crate) fn now(&self) -> i64 {
        self.reading.now.as_microsecond()
    }
}

impl Deref for Desk {
    type Target = Frame;

    fn deref(&self) -> &Frame {
        &self.frame
    }
}

impl ConsolePerson {
    /// What stands around a page at `place` of the console.
    ///
    /// # Errors
    ///
    /// A page for what failed inside.
    pub(crate) async fn desk(&self, place: Place) -> Result<Desk, Response> {
        let waiting = waiting::count(&self.ports).await.map_err(|refusal| self.trouble(refusal))?;
        Ok(self.desk_with(place, &waiting))
    }

    fn desk_with(&self, place: Place, waiting: &Waiting) -> Desk {
        let account = &self.person.account;
        let name = if account.display_name.is_empty() { &account.user_name } else { &account.display_name };
        let frame = self.frame.clone();
        let back = askama::filters::urlencode_strict(&self.here).map(|text| text.to_string());
        let mut desk = Desk {
            reading: self.reading.clone(),
            name: name.clone(),
            right: right_words(&frame, self.actor.right()),
            may_change: self.actor.right() == Console::Administrator,
            menu: super::menu::menu(&frame, place, waiting),
            token: self.token(),
            note: self.note.clone(),
            switch: String::new(),
            frame,
        };
        let (tag, back) = (desk.other_tag(), back.unwrap_or_default());
        desk.switch = desk.at(&format!("/language/{tag}?back={back}"));
        desk
    }

    /// The page as an answer; what was noted is told now.
    pub(crate) fn page(&self, status: StatusCode, template: &impl Template) -> Response {
        let mut response = page(status, &self.frame, template);
        if self.note.is_some()
            && let Some(cookie) = Note::told(&self.house)
        {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// What somebody may do at the console, in words.
pub(super) fn right_words(frame: &Frame, right: Console) -> &'static str {
    match right {
        Console::Administrator => frame.t("Administratör", "Administrator"),
        Console::Reviewer => frame.t("Granskare", "Reviewer"),
        Console::Auditor => frame.t("Revisor", "Auditor"),
    }
}
