//! `/people/{id}/compare`: what the directories say, what we say, and what each CRM said when it was last read.
//!
//! Invariant: what differs says so in words, and so does who is wrong. What a CRM said is as old as its last comparison,
//! and has its date.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::connections::differences::said;
use super::super::parts::Pill;
use super::super::{ConsolePerson, Desk, Place};
use super::who::{Met, Tab, Who, meet};
use crate::domain::comparison::{Attribute, Holding};
use crate::domain::name::fold;
use crate::flows::compare::{CrmSays, ThreeWays, Wrong};
use crate::flows::console::person::sides::{self, Delivery, Sides, Told};

#[derive(Template)]
#[template(path = "admin/person_page/compare.html")]
struct ComparePage {
    frame: Desk,
    who: Who,
    /// What the directories are called, and when each last said something.
    heads: Vec<(String, String)>,
    /// What the CRMs are called, and when each was last read.
    read: Vec<(String, String)>,
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
    crms: Vec<Cell>,
}

/// What one side says.
struct Cell {
    text: String,
    differs: bool,
    /// What it should say, where we say otherwise in every place.
    ought: Option<String>,
}

/// What a CRM was told, and who is wrong.
struct Crm {
    name: String,
    address: String,
    pill: Pill,
    sentence: &'static str,
    facts: Vec<(&'static str, String)>,
}

/// `GET /people/{id}/compare`.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let met = match meet(&console, &id, Some(Tab::Compare)).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let sides = sides::sides(&console.ports, &console.actor, met.id).await;
    let ways = sides::three_ways(&console.ports, &console.actor, met.id).await;
    let (sides, ways) = match (sides, ways) {
        (Ok(sides), Ok(ways)) => (sides, ways),
        (Err(refusal), _) | (_, Err(refusal)) => {
            return console.refuse_to(Place::People, &met.path, refusal).await;
        }
    };
    let desk = &met.desk;
    let read = |crm: &CrmSays| {
        let when = crm.read_at.map_or_else(
            || desk.t("aldrig läst", "never read").to_owned(),
            |at| format!("{} {}", desk.t("läst", "read"), desk.when(at)),
        );
        (crm.target.to_string(), when)
    };
    let page = ComparePage {
        heads: sides.directories.iter().map(|told| (told.directory.clone(), desk.when(told.at))).collect(),
        read: ways.crms.iter().map(read).collect(),
        rows: rows(&met, &sides, &ways),
        groups: sides.groups.iter().map(|group| (group.name.clone(), group.directory.to_string())).collect(),
        crms: ways.crms.iter().map(|crm| of_crm(&met, &sides, crm)).collect(),
        deliveries: desk.at(&format!("{}/deliveries", met.path)),
        frame: met.desk,
        who: met.who,
    };
    console.page(StatusCode::OK, &page)
}

fn rows(met: &Met, sides: &Sides, ways: &ThreeWays) -> Vec<Row> {
    let (desk, portrait) = (&met.desk, &met.look.portrait);
    let none = || "–".to_owned();
    let theirs =
        |attribute| -> Vec<Cell> { ways.crms.iter().map(|crm| held(desk, crm, attribute)).collect() };
    let unsaid = || -> Vec<Cell> { ways.crms.iter().map(|_| Cell::plain(none())).collect() };
    let row = |words, ours: Option<String>, says: fn(&Told) -> Option<String>, crms: Vec<Cell>| {
        let cell = |told: &Told| {
            let said = says(told);
            // A side that says nothing does not differ; names and addresses are compared as they are found.
            let differs =
                said.as_ref().zip(ours.as_ref()).is_some_and(|(said, ours)| fold(said) != fold(ours));
            Cell { text: said.unwrap_or_else(none), differs, ought: None }
        };
        Row {
            words,
            cells: sides.directories.iter().map(cell).collect(),
            ours: ours.clone().unwrap_or_else(none),
            crms,
        }
    };
    let line = &portrait.line;
    let language = portrait.language.map(|language| language.tag().to_owned());
    let roles = Row {
        words: desk.t("Roller i CRM:et", "Roles in the CRM"),
        cells: sides.directories.iter().map(|_| Cell::plain(none())).collect(),
        ours: ought_roles(ways).unwrap_or_else(none),
        crms: theirs(Attribute::Roles),
    };
    let (name, user_name) = (Some(line.display_name.clone()), Some(line.user_name.clone()));
    vec![
        in_use(met, sides, theirs(Attribute::Active)),
        row(desk.t("Namn", "Name"), name, |told| told.display_name.clone(), theirs(Attribute::DisplayName)),
        row(
            desk.t("Användarnamn", "User name"),
            user_name,
            |told| told.user_name.clone(),
            theirs(Attribute::UserName),
        ),
        row(
            desk.t("E-post", "E-mail"),
            portrait.email.clone(),
            |told| told.email.clone(),
            theirs(Attribute::Email),
        ),
        roles,
        row(
            desk.t("Språk", "Language"),
            language,
            |told| {
                let tag = told.language.as_deref()?;
                Some(tag.split(['-', '_']).next().unwrap_or(tag).to_owned())
            },
            unsaid(),
        ),
        row(desk.t("Avdelning", "Department"), None, |told| told.department.clone(), unsaid()),
        row(desk.t("Chef", "Manager"), None, |told| told.manager.clone(), unsaid()),
        row(desk.t("Katalogens id", "The directory's id"), None, |told| told.external_id.clone(), unsaid()),
    ]
}

fn in_use(met: &Met, sides: &Sides, crms: Vec<Cell>) -> Row {
    let (desk, line) = (&met.desk, &met.look.portrait.line);
    let active = |told: &Told| {
        let text = match told.active {
            Some(true) => desk.t("ja", "yes"),
            Some(false) => desk.t("nej", "no"),
            None => desk.t("borttagen", "deleted"),
        };
        let differs = told.active != Some(line.status.is_usable());
        Cell { text: text.to_owned(), differs, ought: None }
    };
    let usable = if line.status.is_usable() { desk.t("ja", "yes") } else { desk.t("nej", "no") };
    Row {
        words: desk.t("I bruk", "In use"),
        cells: sides.directories.iter().map(active).collect(),
        ours: usable.to_owned(),
        crms,
    }
}

/// What the CRMs call the roles that the person should hold there.
fn ought_roles(ways: &ThreeWays) -> Option<String> {
    let roles: std::collections::BTreeSet<&str> =
        ways.crms.iter().flat_map(|crm| crm.ought.roles.iter().map(String::as_str)).collect();
    (!roles.is_empty()).then(|| roles.into_iter().collect::<Vec<_>>().join(", "))
}

impl Cell {
    const fn plain(text: String) -> Self {
        Self { text, differs: false, ought: None }
    }
}

/// What a CRM held when it was last read.
fn held(desk: &Desk, crm: &CrmSays, attribute: Attribute) -> Cell {
    let yes_or_no = |active: bool| if active { "true" } else { "false" }.to_owned();
    let says = |holding: &Holding| match attribute {
        Attribute::Active => holding.active.map(yes_or_no),
        Attribute::Roles => {
            holding.roles.as_ref().map(|roles| roles.iter().cloned().collect::<Vec<_>>().join(", "))
        }
        Attribute::UserName => holding.user_name.clone(),
        Attribute::DisplayName => holding.display_name.clone(),
        Attribute::Email => holding.email.clone(),
    };
    let texts: Vec<String> =
        crm.held.iter().map(|one| said(desk, Some(attribute), says(one).as_deref())).collect();
    let text = if texts.is_empty() { "–".to_owned() } else { texts.join(" / ") };
    let found = crm.differences.iter().find(|one| one.attribute == Some(attribute));
    let ought = found.map(|one| said(desk, Some(attribute), one.ours.as_deref()));
    Cell { text, differs: found.is_some(), ought }
}

fn of_crm(met: &Met, sides: &Sides, says: &CrmSays) -> Crm {
    let desk = &met.desk;
    let version = met.look.portrait.line.version;
    let told: Option<&Delivery> = sides.crms.iter().find(|one| one.target == says.target);
    let unknown = || desk.t("okänt", "unknown").to_owned();
    let mut facts = vec![(
        desk.t("CRM:ets id", "The CRM's id"),
        told.and_then(|told| told.crm_id.clone()).unwrap_or_else(unknown),
    )];
    let proof = match told.and_then(|told| told.proof.as_ref()) {
        Some(proof) => format!("version {} · {}", proof.version, desk.when(proof.at)),
        None => desk.t("ingenting än", "nothing yet").to_owned(),
    };
    facts.push((desk.t("Har tagit emot", "Has taken"), proof));
    facts.push((desk.t("Gäller hos oss", "Holds with us"), format!("version {version}")));
    let is_level = told.is_some_and(|told| told.has(version));
    let (pill, sentence) = verdict(desk, says.wrong, is_level);
    Crm {
        address: desk.at(&format!("/connections/targets/{}/compare", says.target)),
        name: says.target.to_string(),
        pill,
        sentence,
        facts,
    }
}

/// Who is wrong, and what to do about it.
fn verdict(desk: &Desk, wrong: Wrong, is_level: bool) -> (Pill, &'static str) {
    let level = || {
        if is_level {
            Pill::new(desk, "ok", "check", desk.t("samma läge", "the same state"))
        } else {
            Pill::new(desk, "warn", "clock", desk.t("har inte det senaste", "lacks the newest"))
        }
    };
    let wrong_pill = || Pill::new(desk, "warn", "warn", desk.t("skiljer", "differs"));
    match wrong {
        Wrong::Nobody => (level(), desk.t("Alla säger detsamma.", "Everybody says the same.")),
        Wrong::Unknown => (
            level(),
            desk.t(
                "CRM:et har aldrig lästs tillbaka. Det här är vad det har tagit emot.",
                "The CRM was never read back. This is what it has taken.",
            ),
        ),
        Wrong::Waiting => (
            Pill::new(desk, "warn", "clock", desk.t("har inte det senaste", "lacks the newest")),
            desk.t(
                "CRM:et har ännu inte fått veta det senaste. Det väntar på att skickas.",
                "The CRM has yet to be told the latest. It waits to be sent.",
            ),
        ),
        Wrong::Refuses => (
            Pill::new(desk, "bad", "stop", desk.t("tar inte emot", "does not take it")),
            desk.t(
                "CRM:et tar inte emot det. Det står under Att göra.",
                "The CRM will not take it. It stands under To do.",
            ),
        ),
        Wrong::Crm => (
            wrong_pill(),
            desk.t(
                "CRM:et har något annat än det fått veta: någon har ändrat där. Skicka om, eller rätta i jämförelsen.",
                "The CRM holds something else than it was told: somebody changed it there. Tell it again, or put it right in the comparison.",
            ),
        ),
        Wrong::Portvakt => (
            wrong_pill(),
            desk.t(
                "Portvakt följer inte katalogen. Se historiken på översikten.",
                "Portvakt does not follow the directory. See the history in the overview.",
            ),
        ),
        Wrong::Directory => (
            wrong_pill(),
            desk.t(
                "Ingen katalog känner personen, men kontot är i bruk.",
                "No directory knows the person, and the account is in use.",
            ),
        ),
    }
}
