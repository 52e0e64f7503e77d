//! The links between a person and single items: shown, made, taken away.
//!
//! Invariant: what an event or an assignment made is the CRM's to take, and has no button.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::super::pages::Icon;
use super::super::parts::Decide;
use super::super::{ConsolePerson, Fields, Note, Place, Sent};
use super::deed::{DeedPage, Line};
use super::limits;
use super::who::{Met, Tab, meet, seen, unseen};
use super::words;
use crate::domain::grant::ItemRef;
use crate::domain::ids::{ComponentId, RoleId};
use crate::domain::policy::Policy;
use crate::flows::console::person::deeds::{self, Deed};
use crate::flows::past;
use crate::flows::people::{GrantStory, Lasting};

/// A link or an assignment in the list.
#[derive(Debug)]
pub(super) struct LinkRow {
    pub(super) name: String,
    pub(super) item: String,
    pub(super) icon: Icon,
    pub(super) origin: String,
    pub(super) why: String,
    pub(super) by: String,
    pub(super) until: String,
    /// The way to take it, where a person made it.
    pub(super) remove: Option<String>,
}

/// Every link and assignment in force.
pub(super) fn rows(met: &Met, policy: &Policy) -> Vec<LinkRow> {
    let holds = met.look.portrait.holds.iter();
    let shown = holds.filter(|story| matches!(story.kind, "link" | "assignment") && story.in_force);
    shown.map(|story| row(met, policy, story)).collect()
}

fn row(met: &Met, policy: &Policy, story: &GrantStory) -> LinkRow {
    let desk = &met.desk;
    let (icon, origin) = match story.origin {
        "created" => ("plus", desk.t("Skapade själv", "Created it")),
        "participant" => ("people", desk.t("Deltagare", "Takes part")),
        "project" => ("link", desk.t("Skapad i projekt", "Created in a project")),
        "deputy" => ("people", desk.t("Ställföreträdare", "Deputy")),
        "assigned" => ("arrow", desk.t("Tilldelad", "Assigned")),
        _ => ("pen", desk.t("För hand", "By hand")),
    };
    let role = story.by_role.as_ref().map(|id| {
        let known = RoleId::parse(id).ok().and_then(|id| policy.roles.get(&id));
        let name = known.map_or(id.as_str(), |role| desk.text(&role.name));
        format!(" · {} {name}", desk.t("genom rollen", "through the role"))
    });
    let until = match story.ends_at {
        Some(end) => desk.last_day(end),
        None if story.kind == "assignment" => {
            desk.t("så länge den är tilldelad", "as long as it is assigned").to_owned()
        }
        None => desk.t("tills vidare", "no end").to_owned(),
    };
    let is_own = story.kind == "link" && story.origin == "manual" && story.by_role.is_none();
    let remove = (is_own && met.may_change).then(|| {
        let (component, item) = story.value.split_once('/').unwrap_or((&story.value, ""));
        let fields = Fields::default().with("component", component).with("item", item);
        fields.at(desk, &format!("{}/links/end", met.path))
    });
    LinkRow {
        name: story.name.clone(),
        item: story.value.clone(),
        icon: desk.icon(icon),
        origin: format!("{origin}{}", role.unwrap_or_default()),
        why: story.why.clone().unwrap_or_default(),
        by: format!("{} {}", met.look.names.of(&story.by), desk.day(story.since)),
        until,
        remove,
    }
}

/// `POST /people/{id}/links`: links the person to an item.
pub(super) async fn add(Path(id): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let met = match meet(&console, &id, Some(Tab::Limits)).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let Some(seen) = seen(&fields, met.id) else { return unseen(&console).await };
    let said = |name: &str| fields.one(name).unwrap_or_default();
    let deed = Deed { actor: &console.actor, seen, reason: said("reason") };
    let lasting = match fields.one("until") {
        None => Ok(Lasting::AsUsual),
        Some(day) => past::following(&console.ports, "until", day).await.map(Lasting::Until),
    };
    let done = match lasting {
        Ok(lasting) => deeds::link(&console.ports, deed, (said("component"), said("item")), lasting).await,
        Err(refusal) => Err(refusal),
    };
    let back = format!("{}/limits", met.path);
    match done {
        Ok(link) => {
            let frame = &console.frame;
            let what = format!("{}/{}", link.item.component, link.item.item);
            let title = format!("{}: {} {what}", met.look.name, frame.t("kopplad till", "linked to"));
            let text =
                frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
            console.go(&back, &Note::done(title, text))
        }
        Err(refusal) => match words::mistake(&met.desk, &refusal) {
            Some(mistake) => limits::page(&console, met, &fields, Some(&mistake)),
            None => console.refuse_to(Place::People, &back, refusal).await,
        },
    }
}

/// The item that an address or a form names.
fn item(fields: &Fields) -> Option<ItemRef> {
    let component = ComponentId::parse(fields.one("component")?).ok()?;
    ItemRef::parse(component, fields.one("item")?).ok()
}

async fn no_item(console: &ConsolePerson) -> Response {
    let (sv, en) = ("Adressen nämner inget föremål.", "The address names no item.");
    console.misread(Place::People, sv.to_owned(), en.to_owned()).await
}

/// `GET /people/{id}/links/end`: what taking a link would come to.
pub(super) async fn preview(console: ConsolePerson, Path(id): Path<String>) -> Response {
    let met = match meet(&console, &id, None).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let Some(item) = item(&console.query) else { return no_item(&console).await };
    let planned = Deed { actor: &console.actor, seen: met.seen(), reason: "" };
    if let Err(refusal) = deeds::may(&console.ports, planned).await {
        return console.refuse_to(Place::People, &met.path, refusal).await;
    }
    let shown = met.shown();
    confirm(&console, met, &item, &shown, None)
}

fn confirm(
    console: &ConsolePerson,
    met: Met,
    item: &ItemRef,
    fields: &Fields,
    mistake: Option<(&'static str, String)>,
) -> Response {
    let desk = &met.desk;
    let policy = &console.person.compiled.policy;
    let component = policy.components.get(&item.component);
    let component = component.map_or(item.component.as_str(), |known| desk.text(&known.name));
    let name = format!("{component} {}", item.item);
    let lose = if met.look.effective.item_restricted {
        Line::loses(desk, name)
    } else {
        let all = desk.t(
            "personen ser alla föremål som rollerna öppnar, också detta",
            "the person sees every item that the roles open, this one too",
        );
        Line::stays(desk, format!("{name}: {all}"))
    };
    let kept = ["version", "seen"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), fields.one(name)?.to_owned())));
    let mut hidden: Vec<(String, String)> = kept.collect();
    hidden.push(("component".to_owned(), item.component.to_string()));
    hidden.push(("item".to_owned(), item.item.clone()));
    let status = if mistake.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let error = mistake.map(|(_, words)| words);
    let decide = Decide {
        frame: desk.clone(),
        address: desk.at(&format!("{}/links/end", met.path)),
        hidden,
        inputs: vec![Decide::reason(desk).holding(fields.one("reason"), error)],
        button: desk.t("Ta bort kopplingen", "Take the link away").to_owned(),
        takes: true,
        cancel: desk.at(&format!("{}/limits", met.path)),
    };
    let page = DeedPage {
        title: desk.t("Ta bort kopplingen", "Take the link away").to_owned(),
        lead: desk.t("Ingenting är ändrat än.", "Nothing has been changed yet.").to_owned(),
        lines: vec![lose],
        rows: Vec::new(),
        decide: Some(decide),
        frame: met.desk,
        who: met.who,
    };
    console.page(status, &page)
}

/// `POST /people/{id}/links/end`: takes it.
pub(super) async fn end(Path(id): Path<String>, sent: Sent) -> Response {
    let Sent { console, fields } = sent;
    let met = match meet(&console, &id, None).await {
        Ok(met) => met,
        Err(answer) => return answer,
    };
    let Some(seen) = seen(&fields, met.id) else { return unseen(&console).await };
    let Some(item) = item(&fields) else { return no_item(&console).await };
    let deed = Deed { actor: &console.actor, seen, reason: fields.one("reason").unwrap_or_default() };
    let back = format!("{}/limits", met.path);
    match deeds::unlink(&console.ports, deed, &item).await {
        Ok(_) => {
            let frame = &console.frame;
            let title = format!(
                "{}: {}",
                met.look.name,
                frame.t("kopplingen är borttagen", "the link is taken away")
            );
            let text =
                frame.t("Skälet är sparat i granskningsloggen.", "The reason is kept in the audit log.");
            console.go(&back, &Note::done(title, text))
        }
        Err(refusal) => match words::mistake(&met.desk, &refusal) {
            Some(mistake) => confirm(&console, met, &item, &fields, Some(mistake)),
            None => console.refuse_to(Place::People, &back, refusal).await,
        },
    }
}
