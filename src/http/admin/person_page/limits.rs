//! `/people/{id}/limits`: limited or not, the sectors, the restriction to own items, and the links.
//!
//! Invariant: marking a box changes nothing; it leads to a preview.

use askama::Template;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::parts::{Decide, Input};
use super::super::{ConsolePerson, Desk, Fields};
use super::choice::{self, Choice};
use super::links::{self, LinkRow};
use super::rights::owned;
use super::who::{Met, Tab, Who, meet};
use crate::domain::grant::GrantKind;
use crate::domain::ids::SectorId;
use crate::domain::name::sort_key;
use crate::domain::policy::{Component, Policy};

#[derive(Template)]
#[template(path = "admin/person_page/limits.html")]
struct LimitsPage {
    frame: Desk,
    who: Who,
    preview: String,
    shown: Vec<(String, String)>,
    here: String,
    may_change: bool,
    limited: Choice,
    sectors: Vec<Choice>,
    restricted: Choice,
    /// Where the restriction to own items holds, and where not.
    holds: String,
    not: String,
    links: Vec<LinkRow>,
    count: String,
    add: Add,
}

/// The form for a new link.
struct Add {
    address: String,
    components: Vec<(String, String, bool)>,
    component_error: Option<String>,
    inputs: Vec<Input>,
    shown: Vec<(String, String)>,
}

/// `GET /people/{id}/limits`.
pub(super) async fn show(console: ConsolePerson, Path(id): Path<String>) -> Response {
    match meet(&console, &id, Some(Tab::Limits)).await {
        Ok(met) => page(&console, met, &console.query, None),
        Err(answer) => answer,
    }
}

/// The page, with what somebody wrote into the form for a new link.
pub(super) fn page(
    console: &ConsolePerson,
    met: Met,
    fields: &Fields,
    mistake: Option<&(&'static str, String)>,
) -> Response {
    let desk = &met.desk;
    let policy = &console.person.compiled.policy;
    let links = links::rows(&met, policy);
    let sectors = policy
        .sectors
        .keys()
        .map(|id| choice::choice(&met, policy, &GrantKind::Sector(id.clone()), reached(desk, policy, id)));
    let status = if mistake.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let (holds, not) = (restriction(desk, policy, true), restriction(desk, policy, false));
    let page = LimitsPage {
        preview: desk.at(&format!("{}/rights/preview", met.path)),
        shown: met.shown().with("of", "limits").pairs().map(owned).collect(),
        here: desk.at(&format!("{}/limits", met.path)),
        may_change: met.may_change,
        limited: choice::choice(&met, policy, &GrantKind::Limited, String::new()),
        sectors: choice::sorted(sectors.collect()),
        restricted: choice::choice(&met, policy, &GrantKind::ItemRestricted, desk.t(
            "Personen ser bara föremål som är kopplade till eller tilldelade personen, eller en roll som personen har.",
            "The person sees only items that are linked or assigned to them, or to a role that they hold.",
        ).to_owned()),
        holds,
        not,
        count: desk.count(links.len(), ["föremål", "föremål"], ["item", "items"]),
        links,
        add: add(&met, policy, fields, mistake),
        frame: met.desk,
        who: met.who,
    };
    console.page(status, &page)
}

/// The components that a sector opens to limited accounts.
fn reached(desk: &Desk, policy: &Policy, sector: &SectorId) -> String {
    named(desk, policy, |component| component.sector.as_ref() == Some(sector))
}

/// The components where items can be linked, or those where they cannot.
fn restriction(desk: &Desk, policy: &Policy, holds: bool) -> String {
    named(desk, policy, |component| component.supports_items == holds)
}

fn named(desk: &Desk, policy: &Policy, picks: impl Fn(&Component) -> bool) -> String {
    let picked = policy.components.values().filter(|component| picks(component));
    let mut names: Vec<&str> = picked.map(|component| desk.text(&component.name)).collect();
    names.sort_by_cached_key(|name| sort_key(name));
    names.join(", ")
}

fn add(met: &Met, policy: &Policy, fields: &Fields, mistake: Option<&(&'static str, String)>) -> Add {
    let desk = &met.desk;
    let wrong = |name: &str| mistake.filter(|(field, _)| *field == name).map(|(_, words)| words.clone());
    let input = |input: Input| {
        let name = input.name;
        input.holding(fields.one(name), wrong(name))
    };
    let chosen = fields.one("component").unwrap_or_default();
    let linkable = policy.components.iter().filter(|(_, component)| component.supports_items);
    let mut components: Vec<(String, String, bool)> = linkable
        .map(|(id, known)| (id.to_string(), desk.text(&known.name).to_owned(), id.as_str() == chosen))
        .collect();
    components.sort_by_cached_key(|(_, name, _)| sort_key(name));
    let usual = match policy.manual_grants_expire_after {
        Some(_) => desk.t("Lämnas det tomt gäller policyns tid.", "Left empty, the policy's time holds."),
        None => desk.t("Lämnas det tomt gäller det tills vidare.", "Left empty, it has no end."),
    };
    let number = desk.t("Föremålets nummer", "The item's number");
    let until = desk.t("Gäller till och med", "Until and including");
    Add {
        address: desk.at(&format!("{}/links", met.path)),
        components,
        component_error: wrong("component"),
        inputs: vec![
            input(Input::new("item", "text", number, desk.t("Som CRM:et har det.", "As the CRM has it."))),
            input(Input::new("until", "date", until, usual).optional()),
            input(Decide::reason(desk)),
        ],
        shown: met.shown().pairs().map(owned).collect(),
    }
}
