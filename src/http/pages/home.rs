//! `/` for whoever has no role at the console: who is signed in, and who they are to Portvakt.
//!
//! Invariant: it shows a person only what is about themselves.

use askama::Template;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::super::House;
use super::frame::{Frame, instant, language, page};
use crate::domain::days::Reading;
use crate::domain::policy::Console;
use crate::flows::session::SignedInPerson;

#[derive(Template)]
#[template(path = "pages/home.html")]
struct Home<'p> {
    frame: Frame,
    name: &'p str,
    user_name: &'p str,
    roles: Vec<&'p str>,
    sectors: Vec<&'p str>,
    limited: bool,
    item_restricted: bool,
    console: &'static str,
    directory: &'p str,
    since: String,
    ends: String,
}

/// The page of the person who is signed in.
pub(crate) fn show(house: &House, headers: &HeaderMap, person: &SignedInPerson) -> Response {
    let account = &person.account;
    let policy = &person.compiled.policy;
    let frame = Frame::new(house, language(house, headers, account.language));
    let reading = Reading::of(policy, frame.language, person.act.now);
    let directory = house.ports.settings.directories.iter().find(|d| d.id == person.session.directory);
    let held = &person.effective;
    let home = Home {
        name: account.shown_name(),
        user_name: &account.user_name,
        roles: policy
            .roles
            .iter()
            .filter(|(id, _)| held.roles.contains(id))
            .map(|(_, role)| role.name.get(frame.language))
            .collect(),
        sectors: policy
            .sectors
            .iter()
            .filter(|(id, _)| held.sectors.contains(id))
            .map(|(_, sector)| sector.name.get(frame.language))
            .collect(),
        limited: held.limited,
        item_restricted: held.item_restricted,
        console: standing(&frame, person),
        directory: directory.map_or(person.session.directory.as_str(), |d| d.name.as_str()),
        since: instant(&reading, person.session.created_at),
        ends: instant(&reading, person.session.expires_at),
        frame: frame.clone(),
    };
    page(StatusCode::OK, &frame, &home)
}

/// What the person may do in Portvakt itself, by the strongest of their roles.
fn standing(frame: &Frame, person: &SignedInPerson) -> &'static str {
    let roles = &person.compiled.policy.roles;
    let consoles = person.effective.roles.iter().filter_map(|id| roles.get(id).and_then(|role| role.console));
    match consoles.min() {
        Some(Console::Administrator) => frame.t("Administratör", "Administrator"),
        Some(Console::Reviewer) => frame.t("Granskare", "Reviewer"),
        Some(Console::Auditor) => frame.t("Revisor", "Auditor"),
        None => frame.t("Ingen egen roll, bara inloggningen", "No role of its own, only the sign-in"),
    }
}
