//! `/people/{id}/sign-ins`: what each source has seen, and the sessions that are open.
//!
//! Invariant: what a source has never said is shown as unknown, and not as never.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::words::source_words;
use super::super::{ConsolePerson, Desk, Note, Place, Sent};
use super::who::{Tab, Who, meet, named, path};
use crate::domain::ids::SessionId;
use crate::flows::console::person::{deeds, sign_ins};
use crate::flows::session::{Line, Which};

#[derive(Template)]
#[template(path = "admin/person_page/sign_ins.html")]
struct SignInsPage {
    frame: Desk,
    who: Who,
    address: String,
    may_end: bool,
    sources: Vec<(&'static str, String)>,
    sessions: Vec<Open>,
}

/// A session.
struct Open {
    id: String,
    directory: String,
    since: String,
    used: String,
    ends: String,
    proof: String,
}

/// `GET /people/{id}/sign-ins`.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let met = match meet(&console, &id, Some(Tab::SignIns)).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let found = match sign_ins::sign_ins(&console.ports, &console.actor, met.id).await {
        Ok(found) => found,
        Err(refusal) => return console.refuse_to(Place::People, &met.path, refusal).await,
    };
    let desk = &met.desk;
    let unknown = || desk.t("inget känt", "nothing known").to_owned();
    let sources = found
        .sources
        .iter()
        .map(|(source, at)| (source_words(desk, *source), at.map_or_else(unknown, |at| desk.when(at))));
    let page = SignInsPage {
        address: desk.at(&format!("{}/sign-ins", met.path)),
        may_end: desk.may_change,
        sources: sources.collect(),
        sessions: found.sessions.iter().map(|(line, directory)| open(desk, line, directory)).collect(),
        frame: met.desk,
        who: met.who,
    };
    console.page(StatusCode::OK, &page)
}

fn open(desk: &Desk, line: &Line, directory: &str) -> Open {
    let how = [&line.acr, &line.amr].into_iter().flatten().cloned().collect::<Vec<_>>().join(" · ");
    let proof = match line.authenticated_at {
        Some(at) if how.is_empty() => desk.when(at),
        Some(at) => format!("{} · {how}", desk.when(at)),
        None => how,
    };
    Open {
        id: line.session.to_string(),
        directory: directory.to_owned(),
        since: desk.when(line.since),
        used: desk.when(line.last_used),
        ends: desk.when(line.ends),
        proof,
    }
}

/// `POST /people/{id}/sign-ins`: ends one session, or all.
pub(super) async fn end(Path(id): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let id = match named(&console, &id).await {
        Ok(id) => id,
        Err(answer) => return answer,
    };
    let which = match fields.one("session") {
        Some("all") => Some(Which::All),
        Some(text) => SessionId::parse(text).ok().map(Which::One),
        None => None,
    };
    let Some(which) = which else {
        let (sv, en) = ("Formuläret nämner ingen inloggning.", "The form names no session.");
        return console.misread(Place::People, sv.to_owned(), en.to_owned()).await;
    };
    let back = format!("{}/sign-ins", path(id));
    match deeds::end_sessions(&console.ports, &console.actor, id, which).await {
        Ok(ended) => {
            let frame = &console.frame;
            let count = usize::try_from(ended).unwrap_or_default();
            let title = frame.count(
                count,
                ["inloggning är avslutad", "inloggningar är avslutade"],
                ["session is ended", "sessions are ended"],
            );
            let text = frame.t("Nästa sida kräver en ny inloggning.", "The next page demands a new sign-in.");
            console.go(&back, &Note::done(title, text))
        }
        Err(refusal) => console.refuse_to(Place::People, &back, refusal).await,
    }
}
