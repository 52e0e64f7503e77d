//! The page for what was not done.
//!
//! Invariant: it says that nothing was changed, why, and what to do, in the reader's language; what failed inside goes to
//! the log.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;

use super::super::Problem;
use super::super::pages::instant;
use super::words::act_words;
use super::{ConsolePerson, Desk, Place};
use crate::domain::policy::Console;
use crate::flows::Refusal;
use crate::flows::refusal::Newer;

#[derive(Template)]
#[template(path = "admin/refused.html")]
struct RefusedPage {
    frame: Desk,
    title: String,
    text: String,
    /// What others did meanwhile.
    newer: Vec<Changed>,
    /// In the words of the program, for whoever helps.
    detail: Option<String>,
    back: String,
}

/// What others did with an account meanwhile.
struct Changed {
    name: String,
    changes: Vec<String>,
}

impl ConsolePerson {
    /// The page for what a flow refused, at `place` of the console.
    pub(crate) async fn refuse(&self, place: Place, refusal: Refusal) -> Response {
        let frame = &self.frame;
        let (title, text) = match &refusal {
            Refusal::Store(_) | Refusal::NoPolicy => return self.trouble(refusal),
            Refusal::NeedsRight { needed } => needs(self, *needed),
            Refusal::Stale(_) => (
                frame.t("Någon annan hann före", "Somebody else was there first"),
                frame.t(
                    "Ingenting har ändrats av dig. Se över det som hänt och gör om ditt val.",
                    "Nothing was changed by you. Look at what happened and choose again.",
                ),
            ),
            Refusal::NotFound { .. } => (
                frame.t("Det finns inte längre", "It is not there any more"),
                frame.t(
                    "Det du sökte finns inte, eller har tagits bort.",
                    "What you looked for is not there, or has been removed.",
                ),
            ),
            Refusal::Protected { .. } => (
                frame.t("Kontot är skyddat", "The account is protected"),
                frame.t(
                    "Ett skyddat konto rörs inte av någon. Skyddet hävs där det sattes.",
                    "Nobody touches a protected account. The protection is lifted where it was set.",
                ),
            ),
            Refusal::Invalid { .. } | Refusal::Scim(_) | Refusal::Policy(_) => (
                frame.t("Det gick inte att förstå", "That could not be understood"),
                frame.t("Ingenting har ändrats.", "Nothing has been changed."),
            ),
            Refusal::NotAllowed(_)
            | Refusal::Taken(_)
            | Refusal::Ambiguous { .. }
            | Refusal::TooOld(_)
            | Refusal::Paused { .. }
            | Refusal::Conflict(_)
            | Refusal::Outside(_) => (
                frame.t("Det gick inte", "That could not be done"),
                frame.t("Ingenting har ändrats.", "Nothing has been changed."),
            ),
        };
        let (title, text) = (title.to_owned(), text.to_owned());
        let newer = match &refusal {
            Refusal::Stale(newer) => newer.iter().map(|one| changed(self, one)).collect(),
            _ => Vec::new(),
        };
        let detail = match &refusal {
            Refusal::Stale(_) | Refusal::NeedsRight { .. } | Refusal::Protected { .. } => None,
            other => Some(other.to_string()),
        };
        let status = Problem::from(refusal).status;
        self.say_no(place, status, RefusedText { title, text, newer, detail }).await
    }

    /// The page for an address that says something that is not understood: what, in both languages.
    pub(crate) async fn misread(&self, place: Place, sv: String, en: String) -> Response {
        let frame = &self.frame;
        let title = frame.t("Adressen går inte att förstå", "The address cannot be understood").to_owned();
        let text = frame.t(&sv, &en).to_owned();
        let said = RefusedText { title, text, newer: Vec::new(), detail: None };
        self.say_no(place, StatusCode::BAD_REQUEST, said).await
    }

    async fn say_no(&self, place: Place, status: StatusCode, said: RefusedText) -> Response {
        let desk = match self.desk(place).await {
            Ok(desk) => desk,
            Err(answer) => return answer,
        };
        let RefusedText { title, text, newer, detail } = said;
        let back = desk.at(place.path());
        self.page(status, &RefusedPage { frame: desk, title, text, newer, detail, back })
    }
}

/// What the page says.
struct RefusedText {
    title: String,
    text: String,
    newer: Vec<Changed>,
    detail: Option<String>,
}

fn needs(console: &ConsolePerson, needed: Console) -> (&'static str, &'static str) {
    let frame = &console.frame;
    let title = frame.t("Du kan läsa men inte ändra", "You may read but not change");
    let text = match needed {
        Console::Administrator => frame.t(
            "Det här kräver en roll som administrerar Portvakt. Ingenting har ändrats.",
            "This takes a role that administers Portvakt. Nothing has been changed.",
        ),
        Console::Reviewer | Console::Auditor => frame.t(
            "Det här kräver en roll som deltar i översyner. Ingenting har ändrats.",
            "This takes a role that takes part in reviews. Nothing has been changed.",
        ),
    };
    (title, text)
}

fn changed(console: &ConsolePerson, newer: &Newer) -> Changed {
    let told = |(at, by, what): &(Timestamp, String, String)| {
        format!("{} · {by} · {}", instant(&console.reading, *at), act_words(&console.frame, what))
    };
    Changed { name: newer.name.clone(), changes: newer.changes.iter().map(told).collect() }
}
