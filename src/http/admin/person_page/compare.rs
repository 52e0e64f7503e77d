//! `/people/{id}/compare`: what the directories say, what we say, and what each CRM was told.
//!
//! Invariant: what differs says so in words. Of a CRM it is told what it took, and nothing is guessed at.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::{ConsolePerson, Desk, Place};
use super::who::{Met, Tab, Who, meet};
use crate::domain::name::fold;
use crate::flows::console::person::sides::{self, Delivery, Sides, Told};

#[derive(Template)]
#[template(path = "admin/person_page/compare.html")]
struct ComparePage {
    frame: Desk,
    who: Who,
    /// What the directories are called, and when each last said something.
    heads: Vec<(String, String)>,
    rows: Vec<Row>,
    groups: Vec<(String, String)>,
    crms: Vec<Crm>,
    deliveries: String,
}

/// One fact, by each side.
struct Row {
    words: &'static str,
    cells: Vec<Cell>,
    ours: String,
}

/// What one directory says.
struct Cell {
    text: String,
    differs: bool,
}

/// What a CRM was told.
struct Crm {
    name: String,
    facts: Vec<(&'static str, String)>,
    is_level: bool,
}

/// `GET /people/{id}/compare`.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let met = match meet(&console, &id, Some(Tab::Compare)).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let sides = match sides::sides(&console.ports, &console.actor, met.id).await {
        Ok(sides) => sides,
        Err(refusal) => return console.refuse_to(Place::People, &met.path, refusal).await,
    };
    let desk = &met.desk;
    let page = ComparePage {
        heads: sides.directories.iter().map(|told| (told.directory.clone(), desk.when(told.at))).collect(),
        rows: rows(&met, &sides),
        groups: sides.groups.iter().map(|group| (group.name.clone(), group.directory.to_string())).collect(),
        crms: sides.crms.iter().map(|crm| of_crm(&met, crm)).collect(),
        deliveries: desk.at(&format!("{}/deliveries", met.path)),
        frame: met.desk,
        who: met.who,
    };
    console.page(StatusCode::OK, &page)
}

fn rows(met: &Met, sides: &Sides) -> Vec<Row> {
    let (desk, portrait) = (&met.desk, &met.look.portrait);
    let none = || desk.t("–", "–").to_owned();
    let row = |words, ours: Option<String>, says: fn(&Told) -> Option<String>| {
        let cell = |told: &Told| {
            let said = says(told);
            // A side that says nothing does not differ; names and addresses are compared as they are found.
            let differs =
                said.as_ref().zip(ours.as_ref()).is_some_and(|(said, ours)| fold(said) != fold(ours));
            Cell { text: said.unwrap_or_else(none), differs }
        };
        Row {
            words,
            cells: sides.directories.iter().map(cell).collect(),
            ours: ours.clone().unwrap_or_else(none),
        }
    };
    let line = &portrait.line;
    let active = |told: &Told| {
        let cell = match told.active {
            Some(true) => desk.t("ja", "yes"),
            Some(false) => desk.t("nej", "no"),
            None => desk.t("borttagen", "deleted"),
        };
        Cell { text: cell.to_owned(), differs: told.active != Some(line.status.is_usable()) }
    };
    let usable = if line.status.is_usable() { desk.t("ja", "yes") } else { desk.t("nej", "no") };
    let language = portrait.language.map(|language| language.tag().to_owned());
    vec![
        Row {
            words: desk.t("I bruk", "In use"),
            cells: sides.directories.iter().map(active).collect(),
            ours: usable.to_owned(),
        },
        row(desk.t("Namn", "Name"), Some(line.display_name.clone()), |told| told.display_name.clone()),
        row(desk.t("Användarnamn", "User name"), Some(line.user_name.clone()), |told| {
            told.user_name.clone()
        }),
        row(desk.t("E-post", "E-mail"), portrait.email.clone(), |told| told.email.clone()),
        row(desk.t("Språk", "Language"), language, |told| {
            let tag = told.language.as_deref()?;
            Some(tag.split(['-', '_']).next().unwrap_or(tag).to_owned())
        }),
        row(desk.t("Avdelning", "Department"), None, |told| told.department.clone()),
        row(desk.t("Chef", "Manager"), None, |told| told.manager.clone()),
        row(desk.t("Katalogens id", "The directory's id"), None, |told| told.external_id.clone()),
    ]
}

fn of_crm(met: &Met, crm: &Delivery) -> Crm {
    let desk = &met.desk;
    let version = met.look.portrait.line.version;
    let mut facts = Vec::new();
    let unknown = || desk.t("okänt", "unknown").to_owned();
    facts.push((desk.t("CRM:ets id", "The CRM's id"), crm.crm_id.clone().unwrap_or_else(unknown)));
    let told = match &crm.proof {
        Some(proof) => format!("version {} · {}", proof.version, desk.when(proof.at)),
        None => desk.t("ingenting än", "nothing yet").to_owned(),
    };
    facts.push((desk.t("Har tagit emot", "Has taken"), told));
    facts.push((desk.t("Gäller hos oss", "Holds with us"), format!("version {version}")));
    Crm { name: crm.target.to_string(), facts, is_level: crm.has(version) }
}
