//! Reads what the CRM consists of: modules, sectors, components and roles.
//!
//! Invariant: a part whose id or name is wrong is left out, and a mistake says so.

use std::collections::{BTreeMap, BTreeSet};

use super::super::field::Field;
use super::super::mistake::Problem;
use super::super::reading::Section;
use super::super::suggest::suggest;
use super::name;
use super::names::Names;
use crate::domain::ids::{ComponentId, IdError, ModuleId, RoleId, SectorId};
use crate::domain::policy::{Action, Component, Console, LinksOn, Module, Opening, Role, Sector};

/// The id of a part, which must be there.
pub(super) fn id<T>(section: &Section<'_>, parse: fn(&str) -> Result<T, IdError>) -> Option<T> {
    let field = section.required("id", "give it a short name of its own")?;
    field.parse(|text| parse(text).map_err(Problem::from))
}

pub(super) fn modules(root: &Section<'_>) -> BTreeMap<ModuleId, Module> {
    let read = |section: &Section<'_>| {
        let (id, name) = (id(section, ModuleId::parse), name(section));
        Some((id?, Module { name: name? }))
    };
    root.each("module").iter().filter_map(read).collect()
}

pub(super) fn sectors(root: &Section<'_>) -> BTreeMap<SectorId, Sector> {
    let read = |section: &Section<'_>| {
        let (id, name) = (id(section, SectorId::parse), name(section));
        let is_critical = section.flag("critical").unwrap_or(false);
        let owner =
            section.text("owner").map(|owner| owner.trim().to_owned()).filter(|owner| !owner.is_empty());
        Some((id?, Sector { name: name?, is_critical, owner }))
    };
    root.each("sector").iter().filter_map(read).collect()
}

pub(super) fn components(root: &Section<'_>, names: &Names) -> BTreeMap<ComponentId, Component> {
    root.each("component").iter().filter_map(|section| component(section, names)).collect()
}

fn component(section: &Section<'_>, names: &Names) -> Option<(ComponentId, Component)> {
    let (id, name) = (id(section, ComponentId::parse), name(section));
    let module = section
        .required("module", "name the module that opens it")
        .and_then(|field| names.module(&field, field.text()?));
    let sector_field = section.field("sector");
    let sector = sector_field.as_ref().and_then(|field| names.sector(field));
    let supports_items = section.flag("items").unwrap_or(false);
    let is_administration = section.flag("administration").unwrap_or(false);
    let links: Vec<Field<'_>> = section.list("links_on");
    let links_on: BTreeSet<LinksOn> =
        links.iter().filter_map(|item| item.choice(LinksOn::ALL, LinksOn::name)).collect();
    if let (Some(field), false) = (section.field("links_on").filter(|_| !links_on.is_empty()), supports_items)
    {
        field.wrong(
            "links are made, but the component knows no items",
            "set items = true, or leave links_on out",
        );
    }
    match (&sector_field, is_administration) {
        (Some(field), true) => field.doubtful(
            "administration is closed to limited accounts, so this sector opens nothing",
            "leave sector out, or set administration = false",
        ),
        (None, false) => {
            section.doubtful("without a sector no limited account reaches this component", "name a sector");
        }
        (Some(_), false) | (None, true) => {}
    }
    let component =
        Component { name: name?, module: module?, sector, supports_items, links_on, is_administration };
    Some((id?, component))
}

pub(super) fn roles(root: &Section<'_>, names: &Names) -> BTreeMap<RoleId, Role> {
    let read = |section: &Section<'_>| {
        let (id, name) = (id(section, RoleId::parse), name(section));
        let opens = section.list("modules").iter().filter_map(|item| opening(item, names)).collect();
        let is_critical = section.flag("critical").unwrap_or(false);
        let console = section.field("console").and_then(|field| field.choice(Console::ALL, Console::name));
        Some((id?, Role { name: name?, opens, is_critical, console }))
    };
    root.each("role").iter().filter_map(read).collect()
}

/// Reads `*`, `members`, `members:view` or `members:view,edit`.
fn opening(field: &Field<'_>, names: &Names) -> Option<Opening> {
    let text = field.text()?;
    let (module, listed) = match text.split_once(':') {
        Some((module, listed)) => (module.trim(), Some(listed)),
        None => (text.trim(), None),
    };
    let mut actions = BTreeSet::new();
    let mut is_understood = true;
    for name in listed.into_iter().flat_map(|listed| listed.split(',')).map(str::trim) {
        if let Some(action) = Action::from_name(name) {
            actions.insert(action);
        } else {
            is_understood = false;
            let known = Action::ALL.iter().map(|action| action.name());
            field.wrong(format!("there is no action {name:?}"), suggest(name, known));
        }
    }
    let module = if module == "*" { None } else { Some(names.module(field, module)?) };
    is_understood.then_some(Opening { module, actions: listed.map(|_| actions) })
}
