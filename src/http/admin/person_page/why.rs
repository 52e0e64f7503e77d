//! `/people/{id}/why`: may this person do that, now or on a past day, and through what.
//!
//! Invariant: the answer is the one that a CRM gets.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::super::pages::Icon;
use super::super::{ConsolePerson, Desk, Fields, Place};
use super::choice::origin_words;
use super::who::{Met, Tab, Who, meet};
use super::words;
use crate::domain::ids::ComponentId;
use crate::domain::name::sort_key;
use crate::domain::policy::{Action, Policy};
use crate::flows::console::person;
use crate::flows::decide::why::Explained;
use crate::flows::decide::{Question, Who as About};
use crate::flows::people::{GrantStory, Names};
use crate::flows::{Refusal, past};

#[derive(Template)]
#[template(path = "admin/person_page/why.html")]
struct WhyPage {
    frame: Desk,
    who: Who,
    address: String,
    actions: Vec<Choice>,
    components: Vec<Choice>,
    item: String,
    day: String,
    today: String,
    /// What is wrong with the question.
    error: Option<String>,
    answer: Option<Told>,
}

/// Something to choose.
struct Choice {
    value: String,
    words: String,
    is_chosen: bool,
}

/// The answer in words.
struct Told {
    tone: &'static str,
    icon: Icon,
    sentence: String,
    /// What the person reads.
    reason: String,
    checks: Vec<String>,
    /// The check that stopped; nothing for a yes.
    stopped: Option<String>,
    because: Vec<(String, String)>,
    /// Where it can be given: address and words.
    ways: Vec<(String, &'static str)>,
    would_give: Vec<String>,
    code: &'static str,
    question: String,
}

/// `GET /people/{id}/why`.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let met = match meet(&console, &id, Some(Tab::Why)).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let fields = &console.query;
    let answer = match fields.one("component") {
        Some(component) => ask(&console, &met, component).await.map(Some),
        None => Ok(None),
    };
    let (answer, error) = match answer {
        Ok(answer) => (answer, None),
        Err(Refusal::Invalid { field, .. }) => (None, Some(misread(&met.desk, &field))),
        Err(refusal) => return console.refuse_to(Place::People, &met.path, refusal).await,
    };
    let policy = &console.person.compiled.policy;
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let said = |name: &str| fields.one(name).unwrap_or_default().to_owned();
    let page = WhyPage {
        address: met.desk.at(&format!("{}/why", met.path)),
        actions: actions(&met.desk, fields.one("action")),
        components: components(&met.desk, policy, fields.one("component")),
        item: said("item"),
        day: said("as-of"),
        today: met.desk.reading().now.to_zoned(met.desk.reading().zone.clone()).date().to_string(),
        error,
        answer,
        frame: met.desk,
        who: met.who,
    };
    console.page(status, &page)
}

fn misread(desk: &Desk, field: &str) -> String {
    let text = match field {
        "as-of" => desk.t(
            "Välj en dag som har varit, tidigast den dag då policyn infördes.",
            "Choose a day that has been, and not before the day when the policy came into force.",
        ),
        _ => desk.t("Skriv föremålets nummer i CRM:et.", "Give the item's number in the CRM."),
    };
    text.to_owned()
}

fn actions(desk: &Desk, chosen: Option<&str>) -> Vec<Choice> {
    let chosen = chosen.unwrap_or(Action::View.name());
    let choice = |action: &Action| Choice {
        value: action.name().to_owned(),
        words: words::action(desk, *action).to_owned(),
        is_chosen: action.name() == chosen,
    };
    Action::ALL.iter().map(choice).collect()
}

fn components(desk: &Desk, policy: &Policy, chosen: Option<&str>) -> Vec<Choice> {
    let mut components: Vec<Choice> = policy
        .components
        .iter()
        .map(|(id, known)| Choice {
            value: id.to_string(),
            words: desk.text(&known.name).to_owned(),
            is_chosen: Some(id.as_str()) == chosen,
        })
        .collect();
    components.sort_by_cached_key(|choice| sort_key(&choice.words));
    components
}

async fn ask(console: &ConsolePerson, met: &Met, component: &str) -> Result<Told, Refusal> {
    let fields = &console.query;
    let as_of = match fields.one("as-of") {
        Some(day) => Some(past::instant(&console.ports, day).await?),
        None => None,
    };
    let language = console.frame.language;
    let question = Question {
        who: About::Account(met.id.to_string()),
        action: fields.one("action").unwrap_or(Action::View.name()).to_owned(),
        component: component.to_owned(),
        item: fields.one("item").map(str::to_owned),
        language: Some(language),
        as_of,
        min_version: None,
    };
    let (found, names) = person::explained(&console.ports, &console.actor, &question, language).await?;
    Ok(told(met, &console.person.compiled.policy, &question, (found, &names)))
}

fn told(met: &Met, policy: &Policy, question: &Question, (found, names): (Explained, &Names)) -> Told {
    let desk = &met.desk;
    let is_allowed = found.answer.decision;
    let stopped = (!is_allowed).then(|| found.answer.reason_user.clone());
    let origin = |story: &GrantStory| (story.name.clone(), origin_words(desk, names, &met.look.name, story));
    let asked = match &question.item {
        Some(item) => format!("{} {}/{item}", question.action, question.component),
        None => format!("{} {}", question.action, question.component),
    };
    Told {
        tone: if is_allowed { "ok" } else { "bad" },
        icon: desk.icon(if is_allowed { "check" } else { "x" }),
        sentence: sentence(met, policy, question, &found),
        reason: found.answer.reason_user,
        checks: found.checks,
        stopped,
        because: found.because.iter().map(origin).collect(),
        ways: if met.may_change { ways(met, question, found.answer.code) } else { Vec::new() },
        would_give: found.would_give,
        code: found.answer.code,
        question: asked,
    }
}

/// "Nej. Sofia får inte ändra Utskick 88362 i dag."
fn sentence(met: &Met, policy: &Policy, question: &Question, found: &Explained) -> String {
    let (desk, name) = (&met.desk, &met.look.name);
    let component = ComponentId::parse(&question.component).ok().and_then(|id| policy.components.get(&id));
    let component = component.map_or(question.component.as_str(), |known| desk.text(&known.name));
    let item = question.item.as_ref().map(|item| format!(" {item}")).unwrap_or_default();
    let action = Action::from_name(&question.action);
    let action = action.map_or(question.action.as_str(), |action| words::action(desk, action));
    let day = match question.as_of {
        Some(at) => desk.day(at),
        None => desk.t("nu", "now").to_owned(),
    };
    let own = if found.answer.narrowed {
        desk.t(
            " Bara det som är kopplat eller tilldelat visas.",
            " Only what is linked or assigned is shown.",
        )
    } else {
        ""
    };
    let (answer, may) = if found.answer.decision {
        (desk.t("Ja.", "Yes."), desk.t("får", "may"))
    } else {
        (desk.t("Nej.", "No."), desk.t("får inte", "may not"))
    };
    format!("{answer} {name} {may} {action}: {component}{item} ({day}).{own}")
}

/// Where a no can be made a yes.
fn ways(met: &Met, question: &Question, code: &str) -> Vec<(String, &'static str)> {
    let desk = &met.desk;
    let tab = |tab: &str| desk.at(&format!("{}/{tab}", met.path));
    match code {
        "no_role" => vec![(tab("rights"), desk.t("Till rollerna", "To the roles"))],
        "no_sector" | "administration_closed" => {
            vec![(tab("limits"), desk.t("Till begränsningen", "To the limits"))]
        }
        "item_not_linked" => {
            let item = question.item.clone().unwrap_or_default();
            let fields = Fields::default().with("component", &question.component).with("item", item);
            let address = format!("{}#add", fields.at(desk, &format!("{}/limits", met.path)));
            vec![(address, desk.t("Lägg till koppling", "Add a link"))]
        }
        "not_active" => vec![(desk.at(&met.path), desk.t("Till översikten", "To the overview"))],
        "expired" => vec![(tab("change/end-date"), desk.t("Sätt slutdatum …", "Set end date …"))],
        _ => Vec::new(),
    }
}
